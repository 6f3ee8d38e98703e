"""Real programs that hang on their pipes, in the classic ways: each is found, and each near miss is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from helper_processes import as_nobody, until, waits_in_open
from programs import family, problems, program, settled

from pipetui.kernel import fifo
from pipetui.kernel.procfs import Proc
from pipetui.model import Finding, TaskState
from pipetui.watch.findings import judge
from pipetui.watch.memory import WaitMemory
from pipetui.watch.snapshot import Surveyor
from pipetui.watch.world import World, observe

FULL = 200_000


# --- deadlocks --------------------------------------------------------------------------------------------------------

CROSSED = f"""
import os
r1, w1 = os.pipe(); r2, w2 = os.pipe()
if os.fork() == 0:
    os.close(r1); os.close(w2)
    os.write(w1, b"x" * {FULL})
    os.read(r2, {FULL})
    os._exit(0)
os.close(w1); os.close(r2)
{{extra}}
os.write(w2, b"x" * {FULL})
os.read(r1, {FULL})
"""

WAITING_PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import os; os.write(1, b'x' * {FULL})"], stdout=subprocess.PIPE)
child.wait()
"""

THREADED_PARENT = f"""
import subprocess, sys, threading
code = "import os; os.write(1, b'x' * {FULL})"
child = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
threading.Thread(target=child.stderr.read).start()
child.wait()
"""

RING = """
import os
count = 4
pipes = [os.pipe() for _ in range(count)]
for number in range(count):
    if os.fork() == 0:
        mine = pipes[number][0], pipes[(number + 1) % count][1]
        for pipe in pipes:
            for end in pipe:
                if end not in mine:
                    os.close(end)
        os.write(mine[1], os.read(mine[0], 1))
        os._exit(0)
for pipe in pipes:
    for end in pipe:
        os.close(end)
for _ in range(count):
    os.wait()
"""

COPROC = f"""
coproc cat
printf '%0{FULL}d' 1 >&"${{COPROC[1]}}"
"""


@pytest.mark.parametrize(
    ("code", "shell", "members"),
    [
        pytest.param(CROSSED.format(extra=""), False, 2, id="two that write to each other"),
        pytest.param(WAITING_PARENT, False, 2, id="wait() with a full stdout pipe"),
        pytest.param(THREADED_PARENT, False, 2, id="the same, with a thread that reads stderr"),
        pytest.param(RING, False, 5, id="a ring of four, and their parent that waits for them"),
        pytest.param(COPROC, True, 2, id="a bash coprocess"),
    ],
)
def test_each_classic_deadlock_is_found_with_exactly_its_members(code: str, shell: bool, members: int) -> None:
    with program(code, shell=shell) as process:
        world = settled(process.pid, members)
        (found,) = problems(world, process.pid)
        assert found.rule == "deadlock"
        assert sorted((*found.pids, *found.behind)) == sorted([process.pid, *family(process.pid)])
        assert found.behind == ((process.pid,) if code == RING else ())
        assert found.certainty == "exact"
        assert all(str(pid) in found.headline + found.why for pid in found.pids)
        assert found.pipes


def test_a_deadlock_over_fifos_says_what_could_help(tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    for path in (there, back):
        fifo.create(str(path))
    code = f"""
import os, sys
there, back = (os.open(path, os.O_RDWR) for path in sys.argv[1:])
child = os.fork() == 0
mine, other = (os.open(path, os.O_WRONLY) for path in sys.argv[1:])
sides = [os.open(path, os.O_RDONLY | os.O_NONBLOCK) for path in sys.argv[1:]]
os.close(there); os.close(back)
os.close(other if child else mine); os.close(sides[0] if child else sides[1])
os.write(mine if child else other, b"x" * {FULL})
"""
    with program(code, there, back) as process:
        world = settled(process.pid, 2)
        (found,) = problems(world, process.pid)
        assert found.rule == "deadlock"
        assert "unless a new process opens" in found.headline
        assert {ref.path for ref in found.pipes} == {str(there), str(back)}


NEAR_MISSES = {
    "one more holder outside": (
        CROSSED.format(extra="if os.fork() == 0:\n    os.close(w2)\n    import time; time.sleep(600)"),
        3,
    ),
    "a timeout in poll": (
        CROSSED.replace(
            f'os.write(w2, b"x" * {FULL})',
            "import select; poll = select.poll(); poll.register(r1, 0); poll.poll(600_000)",
        ).format(extra=""),
        2,
    ),
    "a second thread that sleeps": (
        CROSSED.format(extra="import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"),
        2,
    ),
    "a second thread that waits for a lock": (
        CROSSED.format(extra="import threading; threading.Thread(target=threading.Event().wait).start()"),
        2,
    ),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_are_not_found(name: str) -> None:
    code, count = NEAR_MISSES[name]
    with program(code) as process:
        world = settled(process.pid, count)
        assert problems(world, process.pid) == []


def test_a_thread_that_computes_may_yet_release_the_others() -> None:
    busy = CROSSED.format(
        extra="import threading\ndef work():\n    while True: pass\nthreading.Thread(target=work).start()"
    )
    with program(busy) as process:

        def both_write() -> World | None:
            world = observe()
            doing = [task.doing for pid in (process.pid, *family(process.pid)) for task in _tasks(world, pid)]
            return world if doing.count("write") == 2 else None

        world = until(both_write, "both wait to write")
        assert world is not None
        assert problems(world, process.pid) == []


def _tasks(world: World, pid: int) -> tuple[TaskState, ...]:
    return world.processes[pid].tasks if pid in world.processes else ()


def test_two_that_throw_a_ball_never_look_deadlocked() -> None:
    ball = """
import os
r1, w1 = os.pipe(); r2, w2 = os.pipe()
child = os.fork() == 0
os.close(r1 if child else r2); os.close(w2 if child else w1)
mine, other = (r2, w1) if child else (r1, w2)
if child:
    os.write(other, b"x")
while True:
    os.write(other, os.read(mine, 1))
"""
    with program(ball) as process:
        until(lambda: len(family(process.pid)) == 1)
        started = time.monotonic()
        while time.monotonic() - started < 1.0:
            assert problems(observe(), process.pid) == []


UNPRIVILEGED = f"""
import os, sys, time
r1, w1 = os.pipe(); r2, w2 = os.pipe()
for end in (r1, w1, r2, w2):
    os.set_inheritable(end, True)
if sys.argv[1:] and os.fork() == 0:
    time.sleep(600)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
child = os.fork() == 0
for end in (r1, w2) if child else (w1, r2):
    os.close(end)
os.execv("/bin/bash", ["bash", "-c", "printf '%0{FULL}d' 1 >&$0", str(w1 if child else w2)])
"""


def test_a_holder_that_may_not_be_read_silences_the_rule() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    for outside in (False, True):
        with program(UNPRIVILEGED, *["root holds it too"] * outside) as process:
            settled(process.pid, 3 if outside else 2)
            found = as_nobody(partial(seen_problems, process.pid))
            assert [one.rule for one in found] == ([] if outside else ["deadlock"])


def seen_problems(pid: int) -> list[Finding]:
    """Look, and return the problems of a session."""
    return problems(observe(), pid)


# --- never-eof --------------------------------------------------------------------------------------------------------

FORGETFUL = """
import os, sys
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, b"some bytes")
    os._exit(0)
os.wait()
os.write(1, str(writer).encode() + b"\\n")
while os.read(reader, 100):  # and the write end is still open here
    pass
os.write(1, b"EOF\\n")
"""


def test_a_forgotten_write_end_is_found_and_closing_it_gives_eof() -> None:
    argv = [sys.executable, "-S", "-c", FORGETFUL]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            fd = int(process.stdout.readline())

            def found() -> list[Finding]:
                return [one for one in judge(observe()) if one.pids == (process.pid,) and one.level == "problem"]

            (finding,) = until(found, "it is found")
            assert (finding.rule, finding.certainty) == ("never-eof", "exact")
            assert f"Close fd {fd} of" in finding.fix
            _close_in(process.pid, fd)
            assert process.stdout.readline() == b"EOF\n"
        finally:
            process.kill()


def _close_in(pid: int, fd: int) -> None:
    """Apply the fix from outside: make a running process close one of its descriptors."""
    gdb = ["gdb", "-p", str(pid), "-batch", "-nx", "-ex", f"call (int)close({fd})"]
    try:
        subprocess.run(gdb, capture_output=True, timeout=60, check=True)
    except FileNotFoundError:
        pytest.skip("needs gdb to close a descriptor of another process")


def test_the_advice_works_when_the_program_follows_it() -> None:
    mended = FORGETFUL.replace("os.wait()", "os.wait(); os.close(writer)")
    done = subprocess.run([sys.executable, "-S", "-c", mended], capture_output=True, timeout=30)
    assert done.stdout.endswith(b"EOF\n")


# --- blocked in open --------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    fifo.create(str(path))
    return path


def opening(process: subprocess.Popen[bytes]) -> Finding:
    """Return the finding on a process that is blocked in open."""
    until(lambda: any(waits_in_open(pid) for pid in (process.pid, *family(process.pid))), "it waits in open")
    (found,) = until(lambda: [one for one in judge(observe()) if process.pid in one.pids], "it is found")
    assert found.certainty == "exact"
    assert found.rule in ("no-reader", "no-writer")
    return found


def test_a_shell_that_writes_where_nobody_reads(path: Path) -> None:
    with program('exec printf x > "$1"', path, shell=True) as process:
        found = opening(process)
        assert (found.rule, found.level, found.pids) == ("no-reader", "warning", (process.pid,))
        assert [ref.path for ref in found.pipes] == [str(path)]
        assert f"({process.pid})" in found.headline


def test_a_cat_that_reads_where_nobody_writes(path: Path) -> None:
    with program('exec cat "$1"', path, shell=True) as process:
        found = opening(process)
        assert (found.rule, found.level) == ("no-writer", "note")
        assert [ref.path for ref in found.pipes] == [str(path)]


def test_relative_linked_and_long_paths_lead_to_the_same_fifo(path: Path) -> None:
    os.symlink(path, path.with_name("link"))
    os.symlink("link", path.with_name("link to link"))
    deep = path.parent
    for _ in range(5):
        deep = deep / ("d" * 100)
        deep.mkdir()
    os.link(path, deep / "pipe")
    assert len(os.fsencode(deep / "pipe")) > 256
    for folder, name in (
        (path.parent, "pipe"),
        (path.parent, "./../" + path.parent.name + "/link to link"),
        (Path("/"), str(path.with_name("link"))),
        (Path("/"), str(deep / "pipe")),
        (deep, "../" * 5 + "pipe"),
        (deep, f"{deep}/./pipe"),
    ):
        with program('cd "$1" && exec cat < "$2"', folder, name, shell=True) as process:
            found = opening(process)
            identity = fifo.identify(str(path))
            assert [(ref.dev, ref.inode) for ref in found.pipes] == [identity], name


def test_a_thread_that_is_not_the_main_one_is_told(path: Path) -> None:
    code = "import sys, threading; threading.Thread(target=open, args=(sys.argv[1], 'w')).start()"
    with program(code, path) as process:
        until(lambda: any("wait_for" in Proc().wchan(process.pid, tid) for tid in Proc().tasks(process.pid)))
        (found,) = until(lambda: [one for one in judge(observe()) if process.pid in one.pids])
        assert (found.rule, found.level, found.certainty) == ("no-reader", "note", "exact")
        assert [ref.path for ref in found.pipes] == [str(path)]


def test_a_path_by_a_folder_descriptor_and_by_dev_fd(path: Path) -> None:
    by_folder = "import os, sys; os.open('pipe', os.O_WRONLY, dir_fd=os.open(sys.argv[1], os.O_RDONLY))"
    with program(by_folder, path.parent) as process:
        assert [ref.path for ref in opening(process).pipes] == [str(path)]
    by_handle = "import os, sys; fd = os.open(sys.argv[1], os.O_PATH); os.open(f'/dev/fd/{fd}', os.O_WRONLY)"
    with program(by_handle, path) as process:
        assert [ref.path for ref in opening(process).pipes] == [str(path)]


def test_a_chroot_is_respected(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for chroot(2)")
    os.symlink("/pipe", path.with_name("link"))
    code = "import os, sys; os.chroot(sys.argv[1]); os.chdir('/'); os.open(sys.argv[2], os.O_WRONLY)"
    for name in ("/pipe", "/link", "pipe", "/../../pipe"):
        with program(code, path.parent, name) as process:
            assert [(ref.dev, ref.inode) for ref in opening(process).pipes] == [fifo.identify(str(path))], name


def test_another_mount_namespace_is_respected(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "none", sys.argv[1]], check=True)
os.mkfifo(sys.argv[1] + "/pipe")
os.open(sys.argv[1] + "/pipe", os.O_WRONLY)
"""
    argv = ["unshare", "--mount", "--propagation", "private", sys.executable, "-S", "-c", code, str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run([*argv[:4], "true"], capture_output=True).returncode != 0:
        pytest.skip("needs to be allowed to make a mount namespace")
    with subprocess.Popen(argv) as process:
        try:
            found = opening(process)
            assert [ref.path for ref in found.pipes] == [str(tmp_path / "pipe")]
            assert not (tmp_path / "pipe").exists()  # it is there only for that process
        finally:
            process.kill()


def test_a_fifo_that_was_removed_while_somebody_waits(path: Path) -> None:
    with program('exec printf x > "$1"', path, shell=True) as process:
        until(lambda: waits_in_open(process.pid))
        path.unlink()
        (found,) = until(lambda: [one for one in judge(observe()) if process.pid in one.pids])
        assert (found.rule, found.certainty, found.pipes) == ("no-reader", "inferred", ())
        assert str(path) in found.headline
        assert "lost its name" in found.fix


def test_a_fifo_outside_of_the_roots_is_listed_when_somebody_waits(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with program('exec printf x > "$1"', path, shell=True) as process:
        until(lambda: waits_in_open(process.pid))
        world = Surveyor([str(tmp_path / "elsewhere")]).look()
        pipe = world.by_id[fifo.identify(str(path))]
        assert pipe.paths == (str(path),)
        assert [waiter.pid for waiter in pipe.waiters] == [process.pid]
        assert pipe.id not in world.found


def test_since_when_somebody_waits_is_told_and_stays(path: Path) -> None:
    before = time.time()
    with program('exec printf x > "$1"', path, shell=True) as process:
        until(lambda: waits_in_open(process.pid))
        memory = WaitMemory()
        seen = []
        for _ in range(3):
            world = observe(memory=memory)
            seen.append(world.by_id[fifo.identify(str(path))].waiters[0].since)
        assert seen[0] is not None
        assert before - 1.0 <= seen[0] <= time.time()  # a scheduler's clock is only near enough
        assert seen == [seen[0]] * 3


# --- without privilege ------------------------------------------------------------------------------------------------


def test_where_attaching_is_refused_a_deadlock_is_inferred() -> None:
    with program(CROSSED.format(extra="")) as process:
        settled(process.pid, 2)
        world = observe(proc=Proc(attach=False), measured="all")
        (found,) = problems(world, process.pid)
        assert (found.rule, found.certainty) == ("deadlock", "inferred")
        assert any(pipe.queued for pipe in world.pipes if process.pid in pipe.holders("w"))  # by a reopened read end


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ('exec tee "$1"', "no-reader"),
        ('exec cat "$1"', "no-writer"),
        ('exec dd of="$1" status=none', "no-reader"),
        ('exec dd if="$1" status=none', "no-writer"),
    ],
)
def test_where_attaching_is_refused_an_opener_is_inferred_from_its_command_line(
    path: Path, code: str, rule: str
) -> None:
    with program(code, path, shell=True) as process:
        until(lambda: waits_in_open(process.pid))
        surveyor = Surveyor([str(path.parent)], proc=Proc(attach=False))
        (found,) = until(lambda: [one for one in judge(surveyor.look()) if process.pid in one.pids])
        assert (found.rule, found.certainty) == (rule, "inferred")
        assert [ref.path for ref in found.pipes] == [str(path)]


def test_an_unprivileged_user_sees_what_hangs_among_its_own(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")

    def story() -> tuple[list[Finding], int]:
        os.setsid()
        with program(COPROC, shell=True) as process:
            world = settled(process.pid, 2)
            return problems(world, process.pid), world.unreadable

    found, unreadable = as_nobody(story)
    assert [one.rule for one in found] == ["deadlock"]
    assert unreadable > 0
    assert found[0].certainty == "inferred"  # somebody who can't be seen may hold an end too
