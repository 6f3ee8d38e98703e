"""How full a pipe is that only other processes hold, without disturbing it: borrowed ends, or a harmless reopen.

`pidfd_getfd(2)` duplicates another process's descriptor: no new reader or writer is counted and nobody blocked in open
is released. The copy shares the open file description: its flags are never changed, and while it is there, the end is
not closed for the kernel even if its owner closes it. EOF or SIGPIPE then come as if it had been closed a little later.
So a copy is kept for one call, with nothing between that, the borrowing and the closing, in a moment that nothing
interrupts (`realtime.py`); what can be known without it is asked before or after. Of several ends the one is taken that
is least missed. It needs PTRACE_MODE_ATTACH: root, or the same user where Yama's `ptrace_scope` is 0.

Where that is refused, opening `/proc/PID/fd/N` for reading is harmless as long as some process has a read end open
anyway: then nobody can be waiting for a reader, and one more that leaves at once changes nothing for a writer. It
needs only PTRACE_MODE_READ, the same user. Without a reader it is never done. Nothing is ever opened for writing.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import termios
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from pipetui.kernel.fd import Fd
from pipetui.kernel.ioctl import capacity, queued
from pipetui.kernel.lifetime import pidfd_open
from pipetui.kernel.procfs import Proc
from pipetui.kernel.realtime import LONGEST, uninterrupted
from pipetui.model import End, PipeId

Answer = TypeVar("Answer")

_SYS_PIDFD_GETFD = 438  # the same on every architecture
_F_GETPIPE_SZ: int = getattr(fcntl, "F_GETPIPE_SZ", 1032)
_SPLICE_F_NONBLOCK = 2
_MOST = 1 << 30

# PyDLL keeps the GIL: another thread that got it while a copy is held could keep it for milliseconds.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.tee.restype = ctypes.c_ssize_t
_libc.tee.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint]
_syscall, _ioctl, _fcntl, _tee, _close = _libc.syscall, _libc.ioctl, _libc.fcntl, _libc.tee, os.close

#: What is said of an end that was closed since it was read, and of a process that has ended.
_CLOSED = (errno.EBADF, errno.ENOENT, errno.ESRCH)

#: So many processes are kept at hand at once, of those that ends were borrowed from: few, so that a low limit of open
#: files suffices.
_AT_HAND = 8

#: So many ends of one pipe are tried before it counts as unknown.
_TRIES = 4


class Fill(NamedTuple):
    """How much is in a pipe and how much it holds at most, in bytes."""

    queued: int
    capacity: int


class Wanted(NamedTuple):
    """A pipe whose fill is asked for, who holds it, and what of it is known already."""

    pipe: PipeId
    ends: Sequence[End]
    queued: int | None = None
    capacity: int | None = None


class Borrower:
    """Borrows ends of many pipes; a context manager, because it keeps handles of the processes it borrows from."""

    def __init__(self, proc: Proc | None = None) -> None:
        self._proc = proc or Proc()
        self._processes: dict[int, Fd | None] = {}
        self._count = ctypes.c_int()
        self._at_count = ctypes.byref(self._count)
        self._rehearsed = False
        self.refused: set[int] = set()

    def fills(self, wanted: Sequence[Wanted], *, reopen: bool = False) -> list[Fill | None]:
        """Return the fill of each pipe, None where it can't be known; `reopen` allows what the heading says of it."""
        if wanted:
            self._rehearse()
        answers: list[Fill | None] = []
        rest = iter(wanted)
        while len(answers) < len(wanted):
            with uninterrupted():
                until = time.monotonic() + LONGEST
                for one in rest:
                    answers.append(self._fill(one, reopen))
                    if time.monotonic() > until:
                        break
        return answers

    def tee(self, ends: Iterable[End], pipe: PipeId, into: int) -> int | None:
        """Copy what is queued into a pipe of ours, through one of these ends; return how many bytes there were.

        None where none of them can be had.
        """

        def borrowed(process: int, fd: int) -> int:
            return _done(_on_copy(process, fd, _tee, into, _MOST, _SPLICE_F_NONBLOCK))

        def opened(number: int) -> int:
            return _done(_tee(number, into, _MOST, _SPLICE_F_NONBLOCK))

        self._rehearse()
        readers = quietest(end for end in ends if "r" in end.access)
        for end in readers:
            with uninterrupted():
                copied = self._ask(end, pipe, borrowed)
            if copied is not None:
                return copied
        with uninterrupted():
            return self.reopen(self._refusing(readers), pipe, opened)

    def reopen(self, ends: Iterable[End], pipe: PipeId, ask: Callable[[int], Answer]) -> Answer | None:
        """Return what `ask` says of a new read end of a pipe of which some process has a read end now, else None.

        The pipe is known by a handle that is no end (O_PATH), so that nothing else can be opened in its place.
        """
        for end in ends:
            if "r" not in end.access:
                continue
            place = self._place(end)
            try:
                with Fd(os.open(place, os.O_PATH | os.O_CLOEXEC)) as handle:
                    if not _is(os.fstat(handle.fileno()), pipe) or not os.lstat(place).st_mode & stat.S_IRUSR:
                        continue
                    return _on_opened(f"/proc/self/fd/{handle.fileno()}", ask)
            except OSError:
                continue
        return None

    def _rehearse(self) -> None:
        """Borrow from ourselves first: what runs first in a process, or after a fork, meets page faults on its way.

        It takes four times as long as the second time (4 µs and 1 µs seen).
        """
        if self._rehearsed:
            return
        self._rehearsed = True
        process = self._process(os.getpid())
        if process is None:
            return
        try:
            ours = os.pipe2(os.O_CLOEXEC)
        except OSError:  # no descriptor is left: then so be it
            return
        with Fd(ours[0]) as reader, Fd(ours[1]) as writer, suppress(OSError):
            for _ in range(2):
                self._queued(process.fileno(), reader.fileno())
                self._capacity(process.fileno(), reader.fileno())
                _done(_on_copy(process.fileno(), reader.fileno(), _tee, writer.fileno(), 0, _SPLICE_F_NONBLOCK))

    def _fill(self, wanted: Wanted, reopen: bool) -> Fill | None:
        def asked(process: int, fd: int) -> Fill:
            there = self._queued(process, fd) if wanted.queued is None else wanted.queued
            size = wanted.capacity
            if size is None or there > size:  # more than it held at most: somebody has changed that
                size = self._capacity(process, fd)
            return Fill(there, size)

        if wanted.queued is not None and wanted.capacity is not None:
            return Fill(wanted.queued, wanted.capacity)
        for end in quietest(wanted.ends)[:_TRIES]:
            answer = self._ask(end, wanted.pipe, asked)
            if answer is not None:
                return answer
        return self.reopen(self._refusing(wanted.ends), wanted.pipe, measure) if reopen else None

    def _ask(self, end: End, pipe: PipeId, ask: Callable[[int, int], Answer]) -> Answer | None:
        """Return what `ask` says of a descriptor of a process; None where that is refused, or it is another pipe.

        Which pipe it is, is read before and after, while nothing is borrowed. A process that refuses one end refuses
        all; `refused` remembers it.
        """
        if not self._proc.attach and end.pid != os.getpid():
            self.refused.add(end.pid)
        process = None if end.pid in self.refused else self._process(end.pid)
        if process is None:
            self.refused.add(end.pid)
            return None
        place = self._place(end)
        try:
            if not _is(os.stat(place), pipe):
                return None
            answer = ask(process.fileno(), end.fd)
            return answer if _is(os.stat(place), pipe) else None
        except OSError as error:
            if error.errno not in _CLOSED:
                self.refused.add(end.pid)
            return None

    def _refusing(self, ends: Iterable[End]) -> list[End]:
        """Return the ends that may not be borrowed; another one is closed by now, or of another pipe."""
        return [end for end in ends if end.pid in self.refused]

    def _queued(self, process: int, fd: int) -> int:
        _done(_on_copy(process, fd, _ioctl, termios.FIONREAD, self._at_count, 0))
        return self._count.value

    def _capacity(self, process: int, fd: int) -> int:
        return _done(_on_copy(process, fd, _fcntl, _F_GETPIPE_SZ, 0, 0))

    def _place(self, end: End) -> str:
        return f"{self._proc.root}/{end.pid}/fd/{end.fd}"

    def __enter__(self) -> Borrower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all processes."""
        for process in self._processes.values():
            if process is not None:
                process.close()
        self._processes.clear()

    def _process(self, pid: int) -> Fd | None:
        if pid not in self._processes:
            if len(self._processes) >= _AT_HAND:
                self.close()
            self._processes[pid] = pidfd_open(pid)
        return self._processes[pid]


def quietest(ends: Iterable[End]) -> list[End]:
    """Return the ends, first those that nobody misses if they are closed a little later than their owner thinks.

    Those are ends of which another process has one more; then write ends, because a reader that waits for EOF only
    waits a little longer, whereas a writer that should get EPIPE would write what nobody reads.
    """
    ends = list(ends)
    if len(ends) < 2:
        return ends
    if len(ends) == 2 and ends[0].access != ends[1].access and "rw" not in (ends[0].access, ends[1].access):
        return ends if ends[0].access == "w" else ends[::-1]  # what most pipes are, without counting
    holders = {access: {end.pid for end in ends if access in end.access} for access in "rw"}
    return sorted(ends, key=lambda end: (any(len(holders[way]) < 2 for way in end.access), "r" in end.access))


def measure(end: int) -> Fill | None:
    """Return the fill of the pipe that one of our descriptors is; None when it is no pipe."""
    try:
        return Fill(queued(end), capacity(end))
    except OSError:
        return None


def _on_copy(process: int, fd: int, call: Callable[..., int], a: int, b: Any, c: int) -> int:
    """Return what `call(copy, a, b, c)` says of a copy of a descriptor of a process (a pidfd). Raises OSError.

    While the copy is there, every microsecond counts: nothing is made, looked up or checked here that could be outside.
    """
    close, copy = _close, _syscall(_SYS_PIDFD_GETFD, process, fd, 0)
    if copy < 0:
        raise _error()
    try:
        return call(copy, a, b, c)
    finally:
        close(copy)


def _done(answer: int) -> int:
    """Return the answer of a call. Raises OSError if it failed, but an empty pipe is no failure (tee(2), EAGAIN)."""
    if answer >= 0:
        return answer
    if ctypes.get_errno() == errno.EAGAIN:
        return 0
    raise _error()


def _on_opened(place: str, ask: Callable[[int], Answer]) -> Answer:
    number = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return ask(number)
    finally:
        os.close(number)


def _error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


def _is(status: os.stat_result, pipe: PipeId) -> bool:
    return status.st_ino == pipe.inode and status.st_dev == pipe.dev
