"""Nothing healthy is called sick, and what hides is found: real programs, each of which once got a wrong verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from helper_processes import as_nobody, until, waits_in_open
from programs import all_wait, diagnosed, family, problems, program, settled

from pipetui.kernel.procfs import Proc
from pipetui.model import Finding, ProcessState
from pipetui.watch import diagnosis
from pipetui.watch.diagnosis import Judge, diagnose
from pipetui.watch.findings import Verdict, judge
from pipetui.watch.memory import WaitMemory
from pipetui.watch.snapshot import Surveyor, snapshot
from pipetui.watch.state import describe
from pipetui.watch.story import story
from pipetui.watch.world import World, observe

FULL = 200_000


def rules(found: list[Finding], least: str = "warning") -> list[tuple[str, str]]:
    """Return rule and level of what is at least that grave."""
    severe = ("problem", "warning", "note")[: ("problem", "warning", "note").index(least) + 1]
    return [(one.rule, one.level) for one in found if one.level in severe]


def later(world: World, seconds: float) -> World:
    """Return the same world, seen after some more time has passed."""
    return replace(world, time=world.time + seconds)


# --- processes that come and go ---------------------------------------------------------------------------------------

SHIFTS = """
import os, signal, time
up, down = os.pipe(), os.pipe()
if os.fork() == 0:  # it reads from its parent and never hears of it
    os.close(up[1]); os.close(down[0])
    os.read(up[0], 1)
    os._exit(0)
os.close(up[0]); os.close(down[1])
while True:
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    os.wait()
"""


class Forking(Proc):
    """With this, a child of the program ends, and another comes, right after the processes were listed."""

    def __init__(self, leader: int) -> None:
        super().__init__()
        self._leader = leader
        self.done = False

    def pids(self) -> list[int]:
        listed = super().pids()
        if not self.done:
            self.done = True
            old = {pid for pid in family(self._leader) if "nanosleep" in self.wchan(pid, pid)}
            for pid in old:
                os.kill(pid, signal.SIGTERM)
            until(lambda: set(family(self._leader)) - set(listed) and all_wait(self._leader, 3), "a new child")
        return listed


def test_a_child_that_came_after_the_processes_were_listed_counts_as_alive() -> None:
    with program(SHIFTS) as process:
        until(lambda: all_wait(process.pid, 3))
        assert problems(observe(proc=Forking(process.pid)), process.pid) == []


def test_what_is_said_to_stand_for_ever_has_stood_in_two_looks() -> None:
    with program("import os; r, w = os.pipe(); os.read(r, 1)") as process:
        settled(process.pid, 1)
        memory, judgement = WaitMemory(), Judge()
        ours = [one for one in judgement.judge(observe(memory=memory)).findings if process.pid in one.pids]
        assert ours == []
        assert judgement.judge(observe(memory=memory)).again is None or True
        found = [one for one in judgement.judge(observe(memory=memory)).findings if process.pid in one.pids]
        assert rules(found) == [("never-eof", "problem")]
        os.kill(process.pid, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGCONT)
        until(lambda: Proc().switches(process.pid, process.pid) >= 0)
        assert not [one for one in judgement.judge(observe(memory=memory)).findings if process.pid in one.pids]


# --- signals ----------------------------------------------------------------------------------------------------------

RINGS_ITSELF = """
import os, signal, subprocess, sys
r, w = os.pipe()
signal.signal(signal.{name}, lambda *_: os.write(w, b"x"))
{before}
os.read(r, 1)
"""

RAISES_OUT_OF_WAIT = f"""
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import os; os.write(1, b'x' * {FULL})"], stdout=subprocess.PIPE)
def give_up(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, give_up)
signal.setitimer(signal.ITIMER_REAL, 600)
child.wait()
"""

PRE_FORK = """
import os, signal
r, w = os.pipe()
for _ in range(2):
    if os.fork() == 0:
        while os.read(r, 1): pass
signal.signal(signal.SIGTERM, lambda *_: os.write(w, b"x"))
signal.signal(signal.SIGHUP, lambda *_: os.write(w, b"x"))
os.wait()
"""


@pytest.mark.parametrize(
    ("code", "count"),
    [
        pytest.param(RINGS_ITSELF.format(name="SIGALRM", before="signal.alarm(600)"), 1, id="an alarm"),
        pytest.param(
            RINGS_ITSELF.format(name="SIGCHLD", before="subprocess.Popen(['sleep', '600'])"), 2, id="the end of a child"
        ),
        pytest.param(RAISES_OUT_OF_WAIT, 2, id="a timer that raises out of wait()"),
        pytest.param(PRE_FORK, 3, id="a pre-fork server at rest"),
    ],
)
def test_whom_a_handler_may_free_is_not_deadlocked(code: str, count: int) -> None:
    with program(code) as process:
        world = settled(process.pid, count)
        assert [one for one in judge(world) if process.pid in one.pids and one.level != "note"] == []
        if "sleep" not in code:  # a living child may always end
            found = [one for one in judge(later(world, 300)) if process.pid in one.pids and one.level != "note"]
            assert [(one.level, one.certainty) for one in found] == [("warning", "inferred")]


def test_a_parent_with_a_term_handler_is_as_deadlocked_as_one_without() -> None:
    code = RAISES_OUT_OF_WAIT.replace("SIGALRM", "SIGTERM").replace("signal.setitimer(signal.ITIMER_REAL, 600)", "")
    with program(code) as process:
        (found,) = problems(settled(process.pid, 2), process.pid)
        assert (found.rule, found.certainty) == ("deadlock", "exact")
        assert found.pids == tuple(sorted([process.pid, *family(process.pid)]))


# --- threads ----------------------------------------------------------------------------------------------------------

MAIN_HAS_LEFT = """
import ctypes, os, sys, threading, time
r, w = os.pipe()
if os.fork() == 0:
    os.close(r)
    while True:
        os.write(w, b"x"); time.sleep(0.1)
os.close(w)
def read():
    while os.read(r, 1): pass
threading.Thread(target=read).start()
time.sleep(0.2)
ctypes.CDLL(None).pthread_exit(None)
"""


def test_the_ends_of_a_process_whose_main_thread_has_ended_are_seen() -> None:
    with program(MAIN_HAS_LEFT) as process:
        until(lambda: Proc().status(process.pid, process.pid).state == "Z", "the main thread has ended")
        (child,) = family(process.pid)
        world = observe()
        held = [pipe for pipe in world.pipes if child in pipe.holders("w") and process.pid in pipe.holders("r")]
        assert len(held) == 1
        assert diagnosed(process.pid) == []
        assert all(task.tid != process.pid for task in world.processes[process.pid].tasks)
        assert "python" in world.command(process.pid)


# --- namespaces -------------------------------------------------------------------------------------------------------

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

NUMBERED = f"""
import os, sys
r, w = os.pipe()
child = os.fork()
if child == 0:
    os.close(r)
    os.write(w, b"x" * {FULL})
    os._exit(0)
os.close(w)
os.waitpid(child, 0)
"""


def may_unshare() -> bool:
    return os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


def test_numbers_of_another_pid_namespace_are_translated() -> None:
    if not may_unshare():
        pytest.skip("needs to be allowed to make a pid namespace")
    argv = [*UNSHARE, sys.executable, "-S", "-c", NUMBERED]
    with subprocess.Popen(argv, start_new_session=True) as process:
        try:
            until(lambda: all_wait(process.pid, 3), "all wait")
            found = [one for one in diagnosed(process.pid) if one.level == "problem"]
            parent, child = sorted(set(family(process.pid)))
            assert [(one.rule, one.certainty) for one in found] == [("deadlock", "exact")]
            assert (set(found[0].pids), found[0].behind) == ({parent, child}, (process.pid,))
            assert f"waits for python3 ({child}) to end" in found[0].why.replace("python3.11", "python3") or (
                f"({child}) to end" in found[0].why
            )
        finally:
            process.kill()


INSIDE = """
import sys
sys.path[:0] = {path!r}
from pipetui.watch.diagnosis import diagnose
from pipetui.watch.snapshot import Surveyor, snapshot
from pipetui.watch.state import describe
_, found = diagnose(Surveyor([{folder!r}]).look)
taken = snapshot([{folder!r}])
print([(one.rule, one.level, one.certainty) for one in found if any({folder!r} in str(ref.path) for ref in one.pipes)])
print([describe(pipe, None, taken.unseen)[0] for pipe in taken.pipes if pipe.id in taken.found])
"""


def test_from_inside_of_a_pid_namespace_nobody_is_said_to_be_missing(tmp_path: Path) -> None:
    if not may_unshare():
        pytest.skip("needs to be allowed to make a pid namespace")
    os.mkfifo(tmp_path / "f")
    os.mkfifo(tmp_path / "held")
    writer = f"exec 3>{tmp_path}/f; exec 4>{tmp_path}/f"
    code = INSIDE.format(path=sys.path, folder=str(tmp_path))
    script = 'eval "$1"; exec "$2" -c "$3"'
    with (
        program('cat "$1" & exec cat "$2"', tmp_path / "f", tmp_path / "held", shell=True),
        program('exec 3>"$1"; exec sleep 600', tmp_path / "held", shell=True),
    ):
        argv = [*UNSHARE, "bash", "-c", script, "bash", writer, sys.executable, code]
        told = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert told[0] == "[('lost-reader', 'note', 'inferred')]"
    assert told[1] == (
        "['1 writer; readers unknown: processes outside this container can\'t be seen', "
        "'unknown: processes outside this container can\'t be seen']"
    ).replace("\'", "'").replace("['1", '["1').replace("seen', 'u", 'seen", "u').replace("seen']", 'seen"]')


# --- moments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loops",
    [
        ('while :; do cat "$1"; done > /dev/null', 'while :; do echo x > "$1"; done'),
        (
            'while read x < "$1"; do echo "$x" > "$2"; done',
            'while :; do echo x > "$1"; read y < "$2"; sleep 0.2; done',
        ),
    ],
)
def test_loops_that_meet_at_fifos_are_well(tmp_path: Path, loops: tuple[str, str]) -> None:
    for name in ("a", "b"):
        os.mkfifo(tmp_path / name)
    paths = tmp_path / "a", tmp_path / "b"
    with program(loops[0], *paths, shell=True) as one, program(loops[1], *paths, shell=True) as other:
        until(lambda: os.stat(paths[0]).st_mtime != os.stat(paths[1]).st_ctime, "bytes flow")
        for _ in range(20):
            assert rules(diagnosed(one.pid, tmp_path, also=other.pid)) == []


def test_a_loop_that_writes_ten_times_a_second_flows(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with (
        program('cat "$1" > /dev/null', tmp_path / "f", shell=True) as reader,
        program('while :; do echo x; sleep 0.1; done > "$1"', tmp_path / "f", shell=True),
    ):
        until(lambda: any(os.stat(tmp_path / "f").st_mtime > time.time() - 1 for _ in range(1)))
        until(lambda: all_wait(reader.pid, len(family(reader.pid)) + 1))

        def state() -> str:
            taken = snapshot([str(tmp_path)])
            (pipe,) = [pipe for pipe in taken.pipes if pipe.id in taken.found]
            return describe(pipe, time.time())[0]

        until(lambda: state() == "flowing")  # on a busy machine a look may take longer than what counts as recent
        assert diagnosed(reader.pid) == []


# --- idle by design ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "sleep 600 | grep x",
        "(while :; do sleep 600; date; done) | cat",
        "yes | while read x; do sleep 600; done",
        'mkfifo "$1"; while read x; do :; done < "$1"',
        'mkfifo "$1"; exec 3<>"$1"; cat <&3',
        'mkfifo "$1"; exec 3<>"$1"; for i in 1 2 3; do (while read x <&3; do :; done) & done; wait',
        "exec 3> >(cat); sleep 600",
        "coproc cat; while :; do sleep 0.1; done",
    ],
)
def test_what_idles_by_design_is_not_called_sick_however_long_it_does(script: str, tmp_path: Path) -> None:
    with program(script, tmp_path / "f", shell=True) as process:
        until(lambda: len(family(process.pid)) + script.startswith("mkfifo"), "it has started")
        looked = Surveyor([str(tmp_path)])
        for _ in range(3):
            world, found = diagnose(looked.look)
            members = {process.pid, *family(process.pid)}
            assert rules([one for one in found if members & set(one.pids)]) == []
        aged = [one for one in judge(later(world, 5000)) if members & set(one.pids)]
        assert rules(aged) == []


def test_a_fifo_held_open_for_its_clients_waits_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jobs")
    with program('exec 3<>"$1"; cat <&3', tmp_path / "jobs", shell=True) as process:
        until(lambda: all_wait(process.pid, 2))
        (cat,) = family(process.pid)
        taken = snapshot([str(tmp_path)])
        (pipe,) = [pipe for pipe in taken.pipes if pipe.id in taken.found]
        assert describe(pipe, time.time() + 60) == (f"cat ({cat}) waits for a writer", "calm")
        found = until(lambda: diagnosed(process.pid, tmp_path))
        assert rules(found, "note") == [("never-eof", "note")]


# --- who can't be seen ------------------------------------------------------------------------------------------------


def test_nobody_is_said_to_have_a_fifo_open_only_if_all_could_be_looked_at(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    path = Path("/tmp") / f"pipetui-test-{os.getpid()}"
    os.mkfifo(path, 0o666)
    os.chmod(path, 0o666)
    try:
        with program('exec 3<>"$1"; exec sleep 600', path, shell=True) as process:
            until(lambda: b"sleep" in Path(f"/proc/{process.pid}/cmdline").read_bytes())

            def look() -> tuple[str, int]:
                taken = snapshot([str(path)])
                (pipe,) = [pipe for pipe in taken.pipes if pipe.id in taken.found]
                return describe(pipe, None, taken.unseen)[0], taken.unreadable

            words, unreadable = as_nobody(look)
            assert unreadable > 0
            assert words == f"unknown: {unreadable:,} processes can't be read"
            assert not [one for one in as_nobody(partial(asked, str(path))) if one.rule == "stale"]
    finally:
        path.unlink()


def asked(path: str) -> list[Finding]:
    return list(judge(Surveyor([path], asked=True).look()))


def test_an_empty_proc_is_no_proof_of_anything(tmp_path: Path) -> None:
    proc = Proc(str(tmp_path))
    assert proc.blind() == f"no process can be seen: {tmp_path} is not there"
    (tmp_path / "self").symlink_to("5")
    assert "hidepid" in proc.blind()
    (tmp_path / "1").mkdir()
    assert proc.blind() == ""


# --- what was missed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"), [("exec 3<{x} 4>{y}", "exec 3<{y} 4>{x}"), ("exec 4>{y} 3<{x}", "exec 4>{x} 3<{y}")]
)
def test_opens_in_the_wrong_order_are_found_as_one(first: str, second: str, tmp_path: Path) -> None:
    names = {"x": str(tmp_path / "x"), "y": str(tmp_path / "y")}
    for path in names.values():
        os.mkfifo(path)
    with (
        program(first.format(**names), shell=True) as one,
        program(second.format(**names), shell=True) as other,
    ):
        until(lambda: waits_in_open(one.pid) and waits_in_open(other.pid))
        found = until(lambda: diagnosed(one.pid))
        assert rules(found, "note") == [("open-order", "warning")]
        assert (found[0].pids, found[0].certainty) == (tuple(sorted((one.pid, other.pid))), "inferred")
        assert found[0].since is not None
        aged = [each for each in judge(later(observe(), 70)) if one.pid in each.pids]
        assert rules(aged, "note") == [("open-order", "problem")]


def test_scripts_that_name_each_others_fifos_count_as_well(tmp_path: Path) -> None:
    """Also where they are copies of others that are stuck in the same way, beside other FIFOs."""
    with ExitStack() as running:
        pairs = [crossed_scripts(tmp_path / copy, running) for copy in ("here", "there")]
        until(lambda: all(waits_in_open(pid) for pair in pairs for pid in pair))
        for one, other in pairs:
            found = until(partial(diagnosed, other))
            assert rules(found, "note") == [("open-order", "warning")]
            assert found[0].pids == tuple(sorted((one, other)))


def crossed_scripts(folder: Path, running: ExitStack) -> tuple[int, int]:
    """Start two scripts that open two FIFOs of a folder in the wrong order; return their pids."""
    folder.mkdir()
    for name in ("x", "y"):
        os.mkfifo(folder / name)
    (folder / "one.py").write_text("import os; os.chdir(os.path.dirname(__file__)); open('x'); open('y', 'w')")
    (folder / "other.py").write_text("import os; os.chdir(os.path.dirname(__file__)); open('y'); open('x', 'w')")
    one, other = (
        running.enter_context(program('exec "$1" "$2"', sys.executable, folder / name, shell=True)).pid
        for name in ("one.py", "other.py")
    )
    return one, other


def test_opens_in_the_wrong_order_are_found_among_many_that_wait(tmp_path: Path) -> None:
    crossed, others = [str(tmp_path / name) for name in ("x", "y")], [str(tmp_path / f"no. {n}") for n in range(70)]
    for path in (*crossed, *others):
        os.mkfifo(path)
    with (
        program('exec 3<"{}" 4>"{}"'.format(*crossed), shell=True) as one,
        program('exec 3<"{1}" 4>"{0}"'.format(*crossed), shell=True) as other,
        program('for name; do cat "$name" & done; exec cat', *others, shell=True),
    ):
        until(lambda: sum(path.startswith(str(tmp_path)) for path in waited()) == len(crossed) + len(others))
        found = until(lambda: [each for each in diagnosed(one.pid) if each.rule == "open-order"])
        assert [set(each.pids) for each in found] == [{one.pid, other.pid}]


def waited() -> list[str]:
    """Return the FIFOs whose openers wait for a writer."""
    return [pipe.path or "" for pipe in observe().waited_on("open-read")]


@pytest.mark.parametrize("daemon", ["sleep 600 &", "setsid sleep 600 &", "nohup sleep 600 2>/dev/null &"])
def test_a_daemon_that_inherited_the_output_of_a_substitution_is_named(daemon: str) -> None:
    with program(f"x=$({daemon} echo hi)", shell=True) as process:
        until(lambda: all_wait(process.pid, 2) or "setsid" in daemon)
        found = until(lambda: [one for one in diagnosed(process.pid) if one.rule == "held-open"])
        (left,) = set(found[0].pids) - {process.pid}
        try:
            assert (found[0].level, found[0].certainty) == ("warning", "inferred")
            assert f"fd 1 of sleep ({left})" in found[0].why
        finally:
            os.kill(left, signal.SIGKILL)


POLLS = {
    "poll": "p = select.poll(); p.register(r, select.POLLIN); p.poll()",
    "select": "select.select([r], [], [])",
    "epoll": "p = select.epoll(); p.register(r, select.EPOLLIN); p.poll()",
    "epoll with a pidfd": (
        "p = select.epoll(); p.register(r, select.EPOLLIN); p.register(os.pidfd_open(child), select.EPOLLIN); p.poll()"
    ),
}

POLLING = """
import os, select
r, w = os.pipe(); r2, w2 = os.pipe()
child = os.fork()
if child == 0:
    os.close(r); os.close(w2)
    os.read(r2, 1)
    os._exit(0)
os.close(w); os.close(r2)
{poll}
"""


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_without_a_time_limit_takes_part_in_a_deadlock(name: str) -> None:
    with program(POLLING.format(poll=POLLS[name])) as process:
        for stopped in (False, True):  # after that poll(2) shows as restart_syscall(2)
            if stopped:
                os.kill(process.pid, signal.SIGSTOP)
                until(lambda: Proc().status(process.pid, process.pid).state == "T")
                os.kill(process.pid, signal.SIGCONT)
            until(lambda: all_wait(process.pid, 2))
            found = until(lambda: [one for one in diagnosed(process.pid) if one.level == "problem"])
            assert [(one.rule, one.certainty) for one in found] == [("deadlock", "exact")]
            assert found[0].pids == tuple(sorted([process.pid, *family(process.pid)]))


def test_a_poll_with_a_time_limit_or_of_something_else_is_explained_and_silent() -> None:
    limited = "p = select.poll(); p.register(r, select.POLLIN); p.poll(600_000)"
    other = "import socket; s = socket.socketpair(); select.select([r, s[0]], [], [])"
    for poll, word in ((limited, "until a time limit"), (other, "socket:[")):
        with program(POLLING.format(poll=poll)) as process:
            world = settled(process.pid, 2)
            assert rules(list(judge(world)), "problem") == [] or not problems(world, process.pid)
            told = "\n".join(story(world, process.pid))
            assert "bytes or EOF from pipe:[" in told
            assert word in told
            assert "no pipe" not in told


def test_a_thread_that_waits_for_another_is_explained() -> None:
    code = "import threading; t = threading.Thread(target=threading.Event().wait); t.start(); t.join()"
    with program(code) as process:
        world = settled(process.pid, 1)
        assert "the end of another thread (futex)" in "\n".join(story(world, process.pid))


LEADERS = {
    "waitid": "os.waitid(os.P_PID, child, os.WEXITED)",
    "waitid of a pidfd": "os.waitid(os.P_PIDFD, os.pidfd_open(child), os.WEXITED)",
    "poll of a pidfd": "p = select.poll(); p.register(os.pidfd_open(child), select.POLLIN); p.poll()",
}


@pytest.mark.parametrize("name", LEADERS)
def test_a_leader_that_waits_for_a_child_at_a_full_pipe_is_deadlocked(name: str) -> None:
    code = NUMBERED.replace("os.waitpid(child, 0)", LEADERS[name]).replace("import os, sys", "import os, select, sys")
    with program(code) as process:
        (found,) = problems(settled(process.pid, 2), process.pid)
        assert (found.rule, found.certainty) == ("deadlock", "exact")
        assert found.pids == tuple(sorted([process.pid, *family(process.pid)]))


def test_who_waits_at_a_fifo_that_was_made_anew_does_not_wait_at_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "u"
    os.mkfifo(path)
    with program('exec cat "$1"', path, shell=True) as process:
        until(lambda: waits_in_open(process.pid))
        time.sleep(0.2)  # a wait is dated to some milliseconds
        path.unlink()
        os.mkfifo(path)
        world = observe()
        (task,) = world.processes[process.pid].tasks
        assert (task.doing, task.pipe, task.path) == ("open-read", None, str(path))
        (found,) = until(lambda: [one for one in diagnosed(process.pid, tmp_path) if process.pid in one.pids])
        assert (found.rule, found.pipes) == ("no-writer", ())
        assert "not even by making a new one of that name" in found.fix


def test_the_age_of_a_wait_is_known_from_one_look() -> None:
    with program("import os; r, w = os.pipe(); os.read(r, 1)") as process:
        until(lambda: all_wait(process.pid, 1))
        began = time.time()
        time.sleep(0.5)
        state: ProcessState = observe().processes[process.pid]
        (task,) = state.tasks
        assert task.since is not None
        assert began - 0.3 < task.since < began + 0.05


@pytest.mark.parametrize(("took", "looks"), [(0.0, 6), (1.0, 1)])
def test_where_a_look_takes_long_nothing_young_is_worth_another(
    took: float, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    def look() -> World:
        time.sleep(took)
        taken.append(World(time=time.time()))
        return taken[-1]

    monkeypatch.setattr(diagnosis, "verdict", lambda _: Verdict((), time.time() + 0.05))
    diagnose(look)
    assert len(taken) == looks
