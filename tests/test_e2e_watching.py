"""Watching changes nothing: who is blocked stays blocked, and what is queued stays queued."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import PIPETUI, Sandbox

OPENER = "import os, sys; pipe = os.open(sys.argv[1], int(sys.argv[2])); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


def opener(sandbox: Sandbox, path: Path, flags: int) -> subprocess.Popen[bytes]:
    """Start a process that opens a FIFO, blocking, and then says so."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", OPENER, str(path), str(flags)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=sandbox.env,
    )


def blocked(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process waits in open for the other side (see fifo(7))."""
    try:
        return Path(f"/proc/{process.pid}/wchan").read_text() in ("wait_for_partner", "fifo_open")
    except OSError:
        return False


def listing(sandbox: Sandbox, *arguments: str) -> str:
    """Return what `pipetui ls` prints."""
    return subprocess.run(
        [*PIPETUI, "ls", *arguments, str(sandbox.work)],
        env=sandbox.env,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout


def queued(fd: int) -> int:
    """Return the bytes in a pipe (FIONREAD)."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0])


def test_blocked_openers_stay_blocked_and_queued_bytes_stay_queued(sandbox: Sandbox) -> None:
    lonely_reader, lonely_writer, full = (sandbox.fifo(name) for name in ("to-read", "to-write", "queued"))
    ends = os.open(full, os.O_RDWR)
    os.write(ends, b"x" * 1234)
    reader, writer = opener(sandbox, lonely_reader, os.O_RDONLY), opener(sandbox, lonely_writer, os.O_WRONLY)
    with reader, writer, sandbox.terminal(sandbox.work) as terminal:
        terminal.wait_until(lambda: blocked(reader) and blocked(writer), what="both are blocked")
        names = [path.name for path in (lonely_reader, lonely_writer, full)]
        terminal.wait_for(lambda screen: all(name in screen for name in names))
        for _ in range(3):
            assert lonely_reader.name in listing(sandbox)
            pipes = {
                Path(pipe["path"]).name: pipe
                for pipe in json.loads(listing(sandbox, "--json"))["pipes"]
                if pipe["path"]
            }
        assert pipes[full.name]["queued"] == 1234
        for key in ("j", "j", "j", "enter", "escape", "tab", "tab"):
            terminal.send(key)
            terminal.settle(0.2)
        terminal.resize(80, 24)
        terminal.settle(0.5)
        assert blocked(reader)
        assert blocked(writer)
        assert queued(ends) == 1234
        reader.kill()
        writer.kill()
    os.close(ends)


def test_a_new_fifo_is_on_the_screen_and_a_removed_one_goes(sandbox: Sandbox) -> None:
    first = sandbox.fifo("first")
    terminal = sandbox.terminal(sandbox.work)
    terminal.wait_for(first.name)
    second = sandbox.fifo("second")
    terminal.wait_for(second.name)
    second.unlink()
    terminal.wait_gone(second.name)
    folder = sandbox.work / "later"
    folder.mkdir()
    os.mkfifo(folder / sandbox.name("third"))
    terminal.wait_for(sandbox.name("third"))


def test_an_empty_machine_gets_a_hint(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal(sandbox.work)
    terminal.wait_for("No FIFOs found under")
    terminal.wait_for("Press c to create one, or quit and run `pipetui demo`.")
