"""How little of another process's pipe is borrowed, for how few calls, and in what moments."""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from helper_processes import as_nobody, running

from pipetui.kernel import borrow, ioctl, realtime
from pipetui.kernel.borrow import Borrower, Wanted, quietest
from pipetui.kernel.errors import Gone
from pipetui.kernel.fd import Fd
from pipetui.kernel.peek import peek
from pipetui.kernel.procfs import Proc
from pipetui.kernel.realtime import uninterrupted
from pipetui.model import End, PipeId
from pipetui.watch.fill import Capacities, fills, with_flags

#: What is called to look at a borrowed copy once.
FILL = ["getfd", "ioctl", "close"]
CAPACITY = ["getfd", "fcntl", "close"]
COPY = ["getfd", "tee", "close"]

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to real-time priority")


@contextmanager
def a_pipe(filled: bytes = b"abc") -> Iterator[tuple[PipeId, tuple[End, End]]]:
    """A pipe of this process, with something in it; its read end comes first."""
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        os.write(writer, filled)
        status = os.fstat(reader)
        yield (
            PipeId(status.st_dev, status.st_ino),
            (
                End(os.getpid(), reader, "r"),
                End(os.getpid(), writer, "w"),
            ),
        )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that are made of borrowing an end, asking, and closing it, in their order."""
    made: list[str] = []

    def spied(name: str, real: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: object) -> int:
            made.append(name)
            return real(*arguments)

        return call

    for name in ("getfd", "ioctl", "fcntl", "tee", "close"):
        place = "_syscall" if name == "getfd" else f"_{name}"
        monkeypatch.setattr(borrow, place, spied(name, getattr(borrow, place)))
    monkeypatch.setattr(Borrower, "_rehearse", lambda _: None)
    return made


def test_whether_an_end_blocks_is_known_without_reaching_for_its_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with running("sh", "-c", 'exec 3<>"$0"; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        opened: list[int] = []
        monkeypatch.setattr(os, "pidfd_open", opened.append)
        status = path.stat()
        (end,) = with_flags(Proc(), {PipeId(status.st_dev, status.st_ino): [End(shell.pid, 3, "rw", None, "sh")]})[
            PipeId(status.st_dev, status.st_ino)
        ]
        assert end == End(shell.pid, 3, "rw", False, "sh")
        assert opened == []


def test_a_fill_is_one_borrow_held_for_one_call_once_the_capacity_is_known(calls: list[str]) -> None:
    capacities = Capacities()
    with a_pipe() as (pipe, ends):
        assert fills({pipe: ends}, capacities=capacities) == {pipe: (3, 65536)}
        assert calls == FILL + CAPACITY
        for _ in range(3):
            calls.clear()
            assert fills({pipe: ends}, capacities=capacities) == {pipe: (3, 65536)}
            assert calls == FILL


def test_a_pipe_that_is_known_to_be_empty_is_asked_for_its_capacity_only_and_once(calls: list[str]) -> None:
    capacities = Capacities()
    with a_pipe(b"") as (pipe, ends):
        assert fills({pipe: ends}, capacities=capacities, empty={pipe}) == {pipe: (0, 65536)}
        assert calls == CAPACITY
        calls.clear()
        assert fills({pipe: ends}, capacities=capacities, empty={pipe}) == {pipe: (0, 65536)}
        assert calls == []


def test_peeking_holds_the_read_end_for_the_copy_alone(calls: list[str]) -> None:
    with a_pipe() as (pipe, ends):
        assert peek(ends, pipe).data == b"abc"
        assert calls == CAPACITY + COPY


def test_an_end_that_is_another_pipes_by_now_is_never_borrowed(calls: list[str]) -> None:
    with a_pipe() as (pipe, ends), a_pipe() as (_, others):
        assert fills({pipe: others}, reopen=False) == {}
        assert calls == []
        os.dup2(others[1].fd, ends[1].fd)
        assert fills({pipe: ends[1:]}, reopen=False) == {}
        assert calls == []


def test_nothing_is_opened_where_an_end_could_have_been_borrowed_but_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(place: str, _: object) -> int:
        raise AssertionError(f"{place} was opened")

    monkeypatch.setattr(borrow, "_on_opened", opened)
    monkeypatch.setattr(borrow, "_syscall", refuse(errno.EBADF))
    with a_pipe() as (pipe, ends):
        assert fills({pipe: ends}) == {}
        with pytest.raises(Gone):
            peek(ends, pipe)
        for code in (errno.EPERM, errno.ENOSYS):
            monkeypatch.setattr(borrow, "_syscall", refuse(code))
            with pytest.raises(AssertionError, match="was opened"):
                fills({pipe: ends})


def refuse(code: int) -> Callable[..., int]:
    """Return a system call that fails."""

    def call(*_: object) -> int:
        ctypes.set_errno(code)
        return -1

    return call


def test_what_is_learnt_of_an_end_that_changed_hands_meanwhile_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = borrow._ioctl

    def exchanged(*arguments: object) -> int:
        answer: int = ask(*arguments)
        os.dup2(other[1].fd, ends[1].fd)
        return answer

    monkeypatch.setattr(borrow, "_ioctl", exchanged)
    with a_pipe() as (pipe, ends), a_pipe(b"others") as (_, other), Borrower() as borrower:
        assert borrower.fills([Wanted(pipe, ends[1:], capacity=65536)]) == [None]


def test_no_copy_is_left_when_what_is_asked_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    with a_pipe() as (pipe, ends), Borrower() as borrower:
        borrower.fills([Wanted(pipe, ends)])
        before = os.listdir("/proc/self/fd")
        monkeypatch.setattr(borrow, "_ioctl", interrupted)
        with pytest.raises(KeyboardInterrupt):
            borrower.fills([Wanted(pipe, ends)])
        assert os.listdir("/proc/self/fd") == before


def test_the_first_end_that_is_borrowed_is_of_a_pipe_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs for the first time in a process takes several times longer."""
    getfd, borrowed = borrow._syscall, []

    def spied(*arguments: int) -> int:
        borrowed.append(arguments[2])
        answer: int = getfd(*arguments)
        return answer

    monkeypatch.setattr(borrow, "_syscall", spied)
    before = os.listdir("/proc/self/fd")
    with a_pipe() as (pipe, ends):
        fills({pipe: ends})
        theirs = [fd in (ends[0].fd, ends[1].fd) for fd in borrowed]
    assert len(theirs) > 2
    assert theirs == [False] * (len(theirs) - 2) + [True, True]
    assert os.listdir("/proc/self/fd") == before


def test_the_end_that_is_borrowed_is_the_one_that_is_least_missed() -> None:
    reader, writer, both = End(1, 3, "r"), End(2, 3, "w"), End(3, 3, "rw")
    assert quietest([reader, writer])[0] == writer  # a reader only waits a little longer for its EOF
    assert quietest([reader, End(4, 3, "r"), writer])[0] == reader  # another process reads on
    assert quietest([reader, End(1, 4, "r"), writer])[0] == writer  # the same process may close both, as at its end
    assert quietest([both, writer])[0] == writer
    assert quietest([reader]) == [reader]
    assert quietest([]) == []


def test_the_capacity_is_asked_again_when_more_is_queued_or_nobody_is_left_who_held_the_pipe(calls: list[str]) -> None:
    capacities = Capacities()
    with a_pipe() as (pipe, ends):
        assert fills({pipe: ends}, capacities=capacities) == {pipe: (3, 65536)}
        ioctl.set_capacity(ends[1].fd, 1 << 17)
        os.write(ends[1].fd, bytes(70_000))
        assert fills({pipe: ends}, capacities=capacities) == {pipe: (70_003, 1 << 17)}
        ioctl.set_capacity(ends[1].fd, 1 << 18)
        with Fd(os.dup(ends[0].fd)) as reader, Fd(os.dup(ends[1].fd)) as writer:
            overlapping = (ends[0], End(os.getpid(), writer.fileno(), "w"))
            assert fills({pipe: overlapping}, capacities=capacities)[pipe][1] == 1 << 17
            moved = (End(os.getpid(), reader.fileno(), "r"), overlapping[1])
            assert fills({pipe: moved}, capacities=capacities)[pipe][1] == 1 << 17
            calls.clear()
            assert fills({pipe: ends}, capacities=capacities)[pipe][1] == 1 << 18
            assert calls == FILL + CAPACITY


def test_a_capacity_that_somebody_changes_is_shown_before_long(monkeypatch: pytest.MonkeyPatch) -> None:
    capacities = Capacities()
    with a_pipe() as (pipe, ends):
        fills({pipe: ends}, capacities=capacities)
        ioctl.set_capacity(ends[1].fd, 4096)
        monkeypatch.setattr("pipetui.watch.fill._KNOWN_FOR", 0.0)
        assert fills({pipe: ends}, capacities=capacities) == {pipe: (3, 4096)}


def test_nothing_is_kept_of_pipes_that_nobody_asks_about_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    capacities = Capacities()
    with a_pipe() as (pipe, ends):
        fills({pipe: ends}, capacities=capacities)
        fills({}, capacities=capacities)
        assert capacities.get(pipe, ends) == 65536  # it may be asked about less often than others
        monkeypatch.setattr("pipetui.watch.fill._KNOWN_FOR", -1.0)
        fills({}, capacities=capacities)
        monkeypatch.undo()
        assert capacities.get(pipe, ends) is None


# --- moments that nothing interrupts -------------------------------------------------------------------------------


@ROOT
def test_an_end_is_held_in_real_time_priority_and_nothing_else_is_done_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, held = borrow._ioctl, []

    def asked(*arguments: object) -> int:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        held.append((os.sched_getscheduler(0), gc.isenabled(), signal.SIGTSTP in blocked))
        answer: int = ask(*arguments)
        return answer

    monkeypatch.setattr(borrow, "_ioctl", asked)
    with a_pipe() as (pipe, ends):
        assert fills({pipe: ends}) == {pipe: (3, 65536)}
    assert held[-1] == (os.SCHED_FIFO, False, True)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert gc.isenabled()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


@ROOT
def test_it_is_as_before_afterwards_whatever_happened() -> None:
    with pytest.raises(KeyError), uninterrupted() as raised:
        assert raised
        raise KeyError
    assert (os.sched_getscheduler(0), gc.isenabled()) == (os.SCHED_OTHER, True)
    for policy in (os.SCHED_BATCH, os.SCHED_IDLE):
        assert in_child(partial(scheduled, policy, 0)) == (os.SCHED_FIFO, policy)
    assert in_child(partial(scheduled, os.SCHED_RR, 7)) == (os.SCHED_RR, os.SCHED_RR)  # it is real-time already


def scheduled(policy: int, priority: int) -> tuple[int, int]:
    """Return how this process is scheduled in an uninterrupted moment, and after it."""
    os.sched_setscheduler(0, policy, os.sched_param(priority))
    gc.disable()
    with uninterrupted():
        within = os.sched_getscheduler(0)
    assert not gc.isenabled()
    return within, os.sched_getscheduler(0)


def in_child(act: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """Return two small numbers that `act` returns in a forked child."""
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, bytes(act()))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.set_blocking(reader, False)
        first, second = os.read(reader, 2)
        return first, second


@ROOT
def test_other_threads_stay_as_they_are() -> None:
    main, seen = threading.get_native_id(), []

    def other() -> None:
        with uninterrupted():
            seen.append((os.sched_getscheduler(0), os.sched_getscheduler(main)))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [(os.SCHED_FIFO, os.SCHED_OTHER)]


def test_a_signal_that_comes_meanwhile_is_handled_afterwards() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: came.append(number))
    try:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert came == []
        assert came == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_many_pipes_are_looked_at_in_several_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[None] = []

    @contextmanager
    def counted() -> Iterator[bool]:
        moments.append(None)
        yield False

    monkeypatch.setattr(borrow, "uninterrupted", counted)
    monkeypatch.setattr(borrow, "LONGEST", 0.0)
    with a_pipe() as (one, its), a_pipe(b"others") as (other, theirs):
        assert fills({one: its, other: theirs}) == {one: (3, 65536), other: (6, 65536)}
    assert len(moments) == 2
    assert realtime.LONGEST <= 0.001


def test_all_of_it_works_without_the_right_to_real_time_priority() -> None:
    def look() -> tuple[bool, int, dict[PipeId, tuple[int, int]], bytes]:
        with a_pipe() as (pipe, ends):
            with uninterrupted() as raised:
                policy = os.sched_getscheduler(0)
            return raised, policy, fills({pipe: ends}), peek(ends, pipe).data

    raised, policy, filled, data = as_nobody(look)
    assert (raised, policy) == (False, os.SCHED_OTHER)
    assert list(filled.values()) == [(3, 65536)]
    assert data == b"abc"


def test_an_end_of_a_pipe_is_known_by_more_than_its_number() -> None:
    """Inode numbers are unique in their filesystem only."""
    with a_pipe() as (pipe, ends):
        assert fills({PipeId(pipe.dev + 1, pipe.inode): ends}, reopen=False) == {}
