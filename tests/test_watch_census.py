"""Who holds which end, and who waits: on real processes, and on made-up snapshots where it is only about judging."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from helper_processes import as_nobody, blocked_reader, blocked_writer, running, until, waits_in_open

from pipetui.kernel import fifo, ioctl
from pipetui.kernel.fd import Fd
from pipetui.kernel.halves import in_halves
from pipetui.kernel.procfs import Proc
from pipetui.model import End, Pipe, PipeId, Waiter
from pipetui.watch.census import Census, pipefs_device, take
from pipetui.watch.fill import fills, with_flags
from pipetui.watch.finder import find, look
from pipetui.watch.join import join
from pipetui.watch.processes import Processes
from pipetui.watch.snapshot import snapshot
from pipetui.watch.state import describe, name_of
from pipetui.watch.world import observe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    fifo.create(str(path))
    return path


# --- the census -------------------------------------------------------------------------------------------------------


def test_every_end_is_told_with_its_access_and_its_command(path: Path) -> None:
    identity = fifo.identify(str(path))
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        os.set_blocking(writer.fileno(), True)
        census = take(Proc(), nonblocking=True)
        ends = {end.fd: end for end in census.ends[identity]}
        me = Proc().command(os.getpid())
        assert ends == {
            reader.fileno(): End(os.getpid(), reader.fileno(), "r", True, me),
            writer.fileno(): End(os.getpid(), writer.fileno(), "w", False, me),
        }
        assert census.pipes[identity] == look(str(path))
        assert census.readable >= 1
        plain = take(Proc()).ends[identity]
        assert {end.nonblocking for end in plain} == {None}
        assert with_flags(Proc(), {identity: plain})[identity] == census.ends[identity]


def test_an_end_of_another_process_that_is_read_and_write(path: Path) -> None:
    with running("sh", "-c", 'exec 3<>"$0"; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        (end,) = take(Proc()).ends[fifo.identify(str(path))]
        assert (end.pid, end.fd, end.access) == (shell.pid, 3, "rw")
        assert end.command.startswith("sh -c exec")
        assert fills(take(Proc()).ends)[fifo.identify(str(path))] == (0, 65536)


def test_a_deleted_fifo_is_still_told_by_its_last_name(path: Path) -> None:
    identity = fifo.identify(str(path))
    with fifo.open_reader(str(path)):
        path.unlink()
        pipe = take(Proc()).pipes[identity]
        assert (pipe.deleted, pipe.paths) == (True, (str(path),))


def test_a_name_that_looks_deleted_is_not(tmp_path: Path) -> None:
    path = tmp_path / "pipe (deleted)"
    identity = fifo.create(str(path))
    with fifo.open_reader(str(path)):
        pipe = take(Proc()).pipes[identity]
        assert (pipe.deleted, pipe.paths) == (False, (str(path),))
        os.link(path, tmp_path / "other")
        assert take(Proc()).pipes[identity].paths == (str(path),)
        path.unlink()
        assert (take(Proc()).pipes[identity].deleted, take(Proc()).pipes[identity].paths) == (False, ())


def test_anonymous_pipes_are_told_only_when_asked_for() -> None:
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        status = os.fstat(reader)
        identity = PipeId(status.st_dev, status.st_ino)
        assert identity.dev == pipefs_device()
        assert identity not in take(Proc()).pipes
        census = take(Proc(), anonymous=True)
        assert identity not in census.pipes  # there is nothing to say of it but its ends
        assert [pipe.kind for pipe in join([], census) if pipe.id == identity] == ["anonymous"]
        assert {(end.fd, end.access) for end in census.ends[identity] if end.pid == os.getpid()} == {
            (reader, "r"),
            (writer, "w"),
        }


def test_a_census_in_two_halves_is_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.watch.census.in_halves", partial(in_halves, worth_it=2))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with fifo.open_reader(str(path)), running("sh", "-c", 'exec 3<>"$0"; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        whole, halves = take(Proc(), anonymous=True), take(Proc(), anonymous=True, twofold=True)
        for pid in (os.getpid(), shell.pid):
            told = [
                {end for ends in census.ends.values() for end in ends if end.pid == pid} for census in (whole, halves)
            ]
            assert told[0] == told[1] != set()
        identity = fifo.identify(str(path))
        assert whole.pipes[identity] == halves.pipes[identity] == look(str(path))


def test_processes_that_may_not_be_read_are_counted() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    assert as_nobody(lambda: take(Proc())).unreadable >= 1
    assert take(Proc()).unreadable == 0


def test_a_kernel_thread_is_remembered(tmp_path: Path) -> None:
    for pid in (2, 3):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "cmdline").write_bytes(b"" if pid == 2 else b"init\0")
        flags = 0x0020_0000 if pid == 2 else 0  # PF_KTHREAD
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (it) S 0 0 0 0 -1 {flags} " + "0 " * 10 + "1 " + "0 " * 30)
    threads: set[int] = {99}
    census = take(Proc(str(tmp_path)), kernel=threads)
    assert threads == census.threads == {2}
    assert census.readable == 1


# --- waits ------------------------------------------------------------------------------------------------------------


def waiters(path: Path) -> tuple[Waiter, ...]:
    return observe(find(str(path))[0]).by_id[fifo.identify(str(path))].waiters


def test_blocked_openers_are_told_and_stay_blocked(path: Path) -> None:
    with blocked_reader(path) as process:
        (waiter,) = waiters(path)
        assert replace(waiter, since=None) == Waiter(process.pid, process.pid, "open-read", command=f"cat {path}")
        for _ in range(5):
            snapshot([str(path.parent)], anonymous=True)
        assert waits_in_open(process.pid)
    with blocked_writer(path) as process:
        (waiter,) = waiters(path)
        assert (waiter.pid, waiter.kind, waiter.certainty) == (process.pid, "open-write", "exact")
        snapshot([str(path.parent)])
        assert waits_in_open(process.pid)


def test_an_opener_with_a_relative_path_is_told(path: Path) -> None:
    with running("sh", "-c", 'cd "$0"; exec cat < pipe', path.parent) as process:
        until(lambda: waits_in_open(process.pid))
        assert [waiter.kind for waiter in waiters(path)] == ["open-read"]


def test_an_opener_through_a_handle_of_its_own_is_told(path: Path) -> None:
    child = os.fork()
    if child == 0:
        fifo.open_reader(str(path), blocking=True)
        os._exit(0)
    try:
        until(lambda: waits_in_open(child))
        assert [(waiter.pid, waiter.kind) for waiter in waiters(path)] == [(child, "open-read")]
        assert fifo.identify(str(path)) not in take(Proc()).ends  # its O_PATH handle is no end
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_blocked_read_and_a_blocked_write_are_told_with_their_descriptor(path: Path) -> None:
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        os.write(writer.fileno(), b"x")
        with running("dd", f"if={path}", "bs=1", "status=none") as process:
            found = until(lambda: waiters(path))
            assert [(w.pid, w.kind, w.fd, w.certainty) for w in found] == [(process.pid, "read", 0, "exact")]
        with running("dd", "if=/dev/zero", f"of={path}", "bs=4096", "status=none") as process:
            found = until(lambda: waiters(path))
            assert [(w.pid, w.kind, w.fd) for w in found] == [(process.pid, "write", 1)]
            assert ioctl.queued(reader.fileno()) == ioctl.capacity(reader.fileno())


def test_where_the_call_is_hidden_the_wait_is_inferred(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Proc, "syscall", lambda *_: None)
    with blocked_reader(path) as process:
        (waiter,) = waiters(path)
        assert (waiter.pid, waiter.kind, waiter.certainty) == (process.pid, "open-read", "inferred")
    with fifo.open_reader(str(path)), fifo.open_writer(str(path)), running("dd", f"if={path}") as process:
        (waiter,) = until(lambda: waiters(path))
        assert (waiter.pid, waiter.kind, waiter.certainty) == (process.pid, "read", "inferred")


# --- joining ----------------------------------------------------------------------------------------------------------

ID, OTHER = PipeId(1, 10), PipeId(2, 10)


def test_hard_links_are_one_pipe_with_several_paths(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    os.link(tmp_path / "a", tmp_path / "b")
    (pipe,) = join(find(str(tmp_path))[0], Census())
    assert sorted(pipe.paths) == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_the_same_inode_on_two_devices_is_two_pipes() -> None:
    found = [Pipe(ID, paths=("/a",)), Pipe(OTHER, paths=("/b",))]
    assert join(found, Census()) == tuple(found)


def test_found_and_held_become_one_with_the_newer_facts() -> None:
    end, waiter = End(1, 3, "r"), Waiter(2, 2, "open-write")
    held = Pipe(ID, paths=("/elsewhere (deleted)",), deleted=True, mode=0o600, last_write=9.0)
    census = Census(ends={ID: (end,), OTHER: (end,)}, pipes={ID: held, OTHER: Pipe(OTHER, "anonymous")})
    found = [Pipe(ID, paths=("/a",), mode=0o644, last_write=1.0)]
    one, two = join(found, census, {ID: (5, 4096)}, {ID: (waiter,)})
    assert one == Pipe(
        ID, paths=("/a",), mode=0o600, last_write=9.0, queued=5, capacity=4096, ends=(end,), waiters=(waiter,)
    )
    assert two == Pipe(OTHER, "anonymous", ends=(end,))


def test_one_look_at_everything(path: Path) -> None:
    fifo.create(str(path.with_name("quiet")))
    with fifo.open_reader(str(path)), fifo.open_writer(str(path)) as writer:
        os.write(writer.fileno(), b"abc")
        taken = snapshot([str(path.parent)])
        ours = [pipe for pipe in taken.pipes if pipe.id in taken.found]
        assert [(Path(pipe.path or "").name, pipe.queued) for pipe in ours] == [("pipe", 3), ("quiet", None)]


# --- words ------------------------------------------------------------------------------------------------------------

OPENER = Waiter(7, 7, "open-write", command="/bin/dd x")
TWO = (Waiter(7, 7, "open-read"), Waiter(8, 8, "open-read"))
R, W, RW = End(1, 3, "r", command="cat"), End(2, 3, "w", command="sh"), End(3, 3, "rw")


@pytest.mark.parametrize(
    ("pipe", "words", "severity"),
    [
        (Pipe(ID), "nobody has it open", "calm"),
        (Pipe(ID, ends=(W, End(4, 1, "w"))), "no reader: 2 writers", "stuck"),
        (Pipe(ID, ends=(W,), queued=3), "no reader: 1 writer, bytes unread", "stuck"),
        (Pipe(ID, ends=(R,)), "no writer: 1 reader", "waiting"),
        (Pipe(ID, ends=(R, W), queued=4096, capacity=4096), "full: cat (1) lags", "waiting"),
        (Pipe(ID, ends=(R, W), queued=1, capacity=4096), "bytes unread", "active"),
        (Pipe(ID, ends=(R, W), queued=0, capacity=4096), "idle", "calm"),
        (Pipe(ID, ends=(RW,), queued=0), "idle", "calm"),
        (Pipe(ID, ends=(R, W)), "open at both ends", "calm"),
        (Pipe(ID, ends=(R, W), deleted=True), "open at both ends, removed", "calm"),
        (Pipe(ID, waiters=(OPENER,)), "dd (7) waits for a reader", "waiting"),
        (Pipe(ID, waiters=TWO), "2 processes wait for a writer", "waiting"),
        (Pipe(ID, ends=(R, W), waiters=(Waiter(2, 2, "write"),)), "full: cat (1) lags", "waiting"),
        (Pipe(ID, ends=(R, W), waiters=(Waiter(1, 1, "read"),)), "idle", "calm"),
        (Pipe(ID, ends=(RW,), waiters=(Waiter(3, 3, "read"),)), "process 3 waits for its own write end", "stuck"),
    ],
)  # fmt: skip
def test_states_in_words(pipe: Pipe, words: str, severity: str) -> None:
    assert describe(pipe) == (words, severity)


def test_the_short_name_of_a_command() -> None:
    assert [name_of(line) for line in ("/usr/bin/cat f", "cat", "[kworker/0:1]", "")] == [
        "cat",
        "cat",
        "[kworker/0:1]",
        "",
    ]


# --- processes --------------------------------------------------------------------------------------------------------


def test_processes_are_told_with_what_they_use() -> None:
    looks = Processes()
    with running(sys.executable, "-S", "-c", "while True: pass") as process:
        (first,) = looks.look([process.pid, 1 << 22])
        assert (first.pid, first.cpu) == (process.pid, None)
        assert first.user == Path(f"/proc/{process.pid}").owner()
        assert first.rss is None or first.rss % 65536 == 0
        if first.rss is not None:
            started = time.monotonic()
            until(lambda: time.monotonic() - started > 0.3)
            (second,) = looks.look([process.pid])
            assert second.cpu is not None
            assert 0.02 < second.cpu < 1.6
    assert looks.look([process.pid]) == ()


def test_processes_are_told_with_the_nearest_one_above_them_that_is_told_too() -> None:
    with running("sh", "-c", "sleep 100; :") as shell:
        children = Path(f"/proc/{shell.pid}/task/{shell.pid}/children")
        until(lambda: children.read_text().strip())
        sleeper = int(children.read_text())
        me, sh = os.getpid(), shell.pid

        def above(*pids: int, **known: int) -> dict[int, int]:
            parents = {sleeper: known["parent"]} if known else None
            return {one.pid: one.above for one in Processes().look(pids, parents)}

        assert above(me, sh, sleeper) == {me: 0, sh: me, sleeper: sh}
        assert above(me, sleeper) == {me: 0, sleeper: me}
        assert above(me, sleeper, parent=1) == {me: 0, sleeper: 0}
        os.kill(sleeper, signal.SIGKILL)


def test_without_psutil_only_cpu_and_memory_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.watch.processes.psutil", None)
    (me,) = Processes().look([os.getpid()])
    assert (me.cpu, me.rss) == (None, None)
    assert me.command
