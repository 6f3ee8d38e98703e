"""How full a pipe is that only other processes hold, without disturbing it: borrowed ends, or a harmless reopen.

`pidfd_getfd(2)` duplicates another process's descriptor: no new reader or writer is counted and nobody blocked in open
is released. The copy shares the open file description, so its flags are never changed, and it is closed within
microseconds, or an EOF or SIGPIPE would be late. It takes PTRACE_MODE_ATTACH: root, or the same user where Yama's
`ptrace_scope` is 0.

Where that is refused, opening `/proc/PID/fd/N` for reading is harmless as long as some process has a read end open
anyway: then nobody can be waiting for a reader, and one more that leaves at once changes nothing for a writer. It
takes only PTRACE_MODE_READ, the same user. Without a reader it is never done. Nothing is ever opened for writing.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Iterable
from types import TracebackType

from pipetui.kernel.fd import Fd
from pipetui.kernel.ioctl import capacity, queued
from pipetui.kernel.lifetime import pidfd_open
from pipetui.kernel.procfs import Proc
from pipetui.model import End, PipeId

_SYS_PIDFD_GETFD = 438  # the same on every architecture
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

#: So many processes are kept at hand at once, of those that ends were borrowed from.
_AT_HAND = 64


class Borrower:
    """Borrows ends of many pipes; a context manager, because it keeps handles of the processes it borrows from."""

    def __init__(self, proc: Proc | None = None) -> None:
        self._proc = proc or Proc()
        self._processes: dict[int, Fd | None] = {}
        self.refused: set[int] = set()

    def borrow(self, end: End, pipe: PipeId | None = None) -> Fd | None:
        """Return a copy of an end, to be closed at once; None where that is refused, or it is another pipe by now.

        A process that refuses one end refuses all; `refused` remembers it.
        """
        if not self._proc.attach and end.pid != os.getpid():
            self.refused.add(end.pid)
        process = None if end.pid in self.refused else self._process(end.pid)
        if process is None:
            return None
        number = _libc.syscall(_SYS_PIDFD_GETFD, process.fileno(), end.fd, 0)
        if number >= 0:
            return _checked(number, pipe)
        if ctypes.get_errno() != errno.EBADF:
            self.refused.add(end.pid)
        return None

    def inspect(self, end: End, pipe: PipeId, full: bool) -> tuple[bool, tuple[int, int] | None] | None:
        """Return whether an end is nonblocking and, if asked for, (queued, capacity); None as `borrow` does.

        It does what `borrow` and a close do, without an object for each of many thousand ends.
        """
        process = None if end.pid in self.refused else self._process(end.pid)
        if process is None or not (self._proc.attach or end.pid == os.getpid()):
            return None
        number = _libc.syscall(_SYS_PIDFD_GETFD, process.fileno(), end.fd, 0)
        if number < 0:
            if ctypes.get_errno() != errno.EBADF:
                self.refused.add(end.pid)
            return None
        try:
            status = os.fstat(number)
            if status.st_ino != pipe.inode or status.st_dev != pipe.dev:
                return None
            flags = fcntl.fcntl(number, fcntl.F_GETFL)
            return bool(flags & os.O_NONBLOCK), (queued(number), capacity(number)) if full else None
        finally:
            os.close(number)

    def reopen(self, ends: Iterable[End], pipe: PipeId) -> Fd | None:
        """Return a new read end of a pipe of which some process has a read end now; None where there is none."""
        for end in ends:
            if "r" not in end.access:
                continue
            place = f"{self._proc.root}/{end.pid}/fd/{end.fd}"
            try:
                if not os.lstat(place).st_mode & stat.S_IRUSR:
                    continue  # it is no read end any more
                status = os.stat(place)
                if PipeId(status.st_dev, status.st_ino) != pipe:
                    continue
                return _checked(os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), pipe)
            except OSError:
                continue
        return None

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


def fill(pid: int, fd: int) -> tuple[int, int] | None:
    """Return (queued, capacity) in bytes of the pipe that is `fd` in process `pid`; None where that is refused."""
    with Borrower() as borrower:
        borrowed = borrower.borrow(End(pid, fd, "r"))
        if borrowed is None:
            return None
        with borrowed:
            return measure(borrowed)


def measure(end: Fd) -> tuple[int, int] | None:
    """Return (queued, capacity) in bytes; None when it is no pipe."""
    try:
        return queued(end.fileno()), capacity(end.fileno())
    except OSError:
        return None


def _checked(number: int, pipe: PipeId | None) -> Fd | None:
    """Return the owner of a descriptor if it is of that pipe; the number may have changed hands since the census."""
    taken = Fd(number)
    if pipe is not None:
        status = os.fstat(number)
        if PipeId(status.st_dev, status.st_ino) != pipe:
            taken.close()
            return None
    return taken
