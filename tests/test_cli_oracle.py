"""`pipetui ls --all --json` beside lsof(8) and lsfd(1): the same ends of the same pipes, one by one.

Both tools match the two ends of a pipe on the inode number alone, so they may take two FIFOs of different filesystems
for one. What they print of each descriptor tells the device too, and that is what is compared here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PROCESSES, PIPES = 500, 20

CROWD = """
import os, signal, sys
ready, tell = os.pipe()
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.close(ready)
        for _ in range(int(sys.argv[2])):
            os.pipe()
        os.write(tell, b"x")
        signal.pause()
for _ in range(int(sys.argv[1])):
    os.read(ready, 1)
os.close(tell)
for folder in sys.argv[3:]:
    os.mkfifo(folder + "/pipe")
    os.open(folder + "/pipe", os.O_RDWR)
    os.open(folder + "/pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.dup(os.open(folder + "/pipe", os.O_WRONLY))
os.unlink(folder + "/pipe")
os.write(1, b"ready\\n")
signal.pause()
"""

#: In a mount namespace of its own, so that nobody else sees them: two filesystems whose inodes count from the same.
MOUNTS = 'mount -t tmpfs none "$1" && mount -t tmpfs none "$2" && shift 2 && exec "$@"'


class Held(NamedTuple):
    """One end, as all three tools know it."""

    pid: int
    fd: int
    dev: int
    inode: int
    access: str


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[int]]:
    """Five hundred processes with twenty pipes each, and FIFOs on two filesystems; yields the pids."""
    folders = [str(tmp_path_factory.mktemp(name)) for name in ("one", "two")]
    argv = [sys.executable, "-S", "-c", CROWD, str(PROCESSES), str(PIPES), *folders]
    enter = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() == 0 and shutil.which("unshare") and not subprocess.run([*enter, "true"]).returncode:
        argv = [*enter, "sh", "-c", MOUNTS, "sh", *folders, *argv]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as leader:
        try:
            assert leader.stdout is not None
            assert leader.stdout.readline() == b"ready\n"
            children = Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text().split()
            assert len(children) == PROCESSES
            yield {leader.pid, *map(int, children)}
        finally:
            os.killpg(leader.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def ours(crowd: set[int]) -> set[Held]:
    """What `pipetui ls --all --json` says of the crowd."""
    argv = [sys.executable, "-m", "pipetui", "ls", "--all", "--json", "/dev"]
    answer = json.loads(subprocess.run(argv, capture_output=True, check=True, cwd=ROOT).stdout)
    held = {
        Held(end["pid"], end["fd"], pipe["dev"], pipe["inode"], end["access"])
        for pipe in answer["pipes"]
        for end in pipe["ends"]
        if end["pid"] in crowd
    }
    assert len(held) > 2 * PROCESSES * PIPES
    return held


def differences(ours: set[Held], theirs: set[Held]) -> str:
    """Say what only one of the two has."""
    return f"only we: {sorted(ours - theirs)[:5]}, only they: {sorted(theirs - ours)[:5]}"


def test_lsof_says_the_same(crowd: set[int], ours: set[Held]) -> None:
    if not shutil.which("lsof"):
        pytest.skip("there is no lsof here")
    argv = ["lsof", "-n", "-P", "-w", "-F", "pfatDi"]
    text = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    theirs = set()
    pid, fields = 0, dict[str, str]()
    for line in [*text.splitlines(), "p0"]:
        if line[0] in "pf":
            if fields.get("t") == "FIFO" and fields["f"].isdigit() and pid in crowd:
                access = {"u": "rw"}.get(fields["a"], fields["a"])
                theirs.add(Held(pid, int(fields["f"]), int(fields["D"], 16), int(fields["i"]), access))
            fields = {}
        if line[0] == "p":
            pid = int(line[1:])
        fields[line[0]] = line[1:]
    assert ours == theirs, differences(ours, theirs)


def test_lsfd_says_the_same(crowd: set[int], ours: set[Held]) -> None:
    if not shutil.which("lsfd"):
        pytest.skip("there is no lsfd here (util-linux 2.38)")
    argv = ["lsfd", "--json", "-o", "PID,FD,TYPE,MAJ:MIN,INODE,MODE"]
    (rows,) = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout).values()
    theirs = set()
    for row in rows:
        if row["type"] == "FIFO" and row["fd"] is not None and row["pid"] in crowd:
            major, minor = map(int, row["maj:min"].split(":"))
            access = row["mode"].replace("-", "").replace("x", "")
            theirs.add(Held(row["pid"], row["fd"], os.makedev(major, minor), row["inode"], access))
    assert ours == theirs, differences(ours, theirs)


def test_equal_inodes_on_two_filesystems_are_two_fifos(ours: set[Held]) -> None:
    by_inode: dict[int, set[int]] = {}
    for held in ours:
        by_inode.setdefault(held.inode, set()).add(held.dev)
    if all(len(devices) == 1 for devices in by_inode.values()):
        pytest.skip("needs to be allowed to mount two filesystems")
    shared = [inode for inode, devices in by_inode.items() if len(devices) == 2]
    assert {len([held for held in ours if held.inode == inode]) for inode in shared} == {8}
