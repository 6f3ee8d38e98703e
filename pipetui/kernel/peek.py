"""What is in a pipe now, without consuming it: tee(2).

`tee` copies what is queued into a pipe of ours and leaves it where it was. It takes a read end, so one is borrowed
(pidfd_getfd) or, where that is refused, opened anew only while some process has one open anyway (see `borrow.py`).
Without any reader the bytes can't be looked at: opening a read end would let a writer's blocked open through, or turn
its next SIGPIPE into a success. A second `tee` would copy the same bytes again, so ours must hold all at once: it is
made as large as theirs, as far as `fs.pipe-max-size` lets this user.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipetui.kernel.borrow import Borrower
from pipetui.kernel.errors import NotPermitted, PipeError, WouldDisturb, explain
from pipetui.kernel.fd import Fd
from pipetui.kernel.ioctl import capacity, queued, set_capacity
from pipetui.kernel.procfs import Proc
from pipetui.model import End, PipeId

_SPLICE_F_NONBLOCK = 2
_MOST = 1 << 30
_libc = ctypes.CDLL(None, use_errno=True)
_libc.tee.restype = ctypes.c_ssize_t
_libc.tee.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint]


@dataclass(frozen=True, slots=True)
class Peeked:
    """The first bytes of what is queued (all, unless ours could not be made large enough), and when that was so."""

    data: bytes
    queued: int
    capacity: int
    time: float


def peek(ends: Sequence[End], pipe: PipeId, name: str = "the pipe", proc: Proc | None = None) -> Peeked:
    """Return what is queued in a pipe that processes hold these ends of.

    Raises WouldDisturb where there is no read end, NotPermitted where the kernel lets us have none.
    """
    readers = [end for end in ends if "r" in end.access]
    if not readers:
        raise WouldDisturb(
            f"{name} has no reader: to look inside, one would have to be opened, and that changes what its writers get"
        )
    with Borrower(proc) as borrower:
        for end in readers:
            borrowed = borrower.borrow(end, pipe)
            if borrowed is not None:
                break
        else:
            borrowed = borrower.reopen(readers, pipe)
        if borrowed is None:
            raise NotPermitted(f"{name}: this user may neither borrow nor reopen an end of it")
        with borrowed:
            return _copied(borrowed, name)


def _copied(source: Fd, name: str) -> Peeked:
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with Fd(reader), Fd(writer):
        _enlarge(writer, capacity(source.fileno()))
        now = time.time()
        there = queued(source.fileno())
        copied = _libc.tee(source.fileno(), writer, _MOST, _SPLICE_F_NONBLOCK)
        if copied < 0:
            code = ctypes.get_errno()
            if code != errno.EAGAIN:  # which only says that it is empty
                raise explain(OSError(code, os.strerror(code)), name)
            copied = 0
        size = capacity(source.fileno())
        source.close()  # nothing of theirs is held while we read our copy
        data = b"".join(iter(lambda: _read(reader), b"")) if copied else b""
        return Peeked(data, max(there, len(data)), size, now)


def _enlarge(ours: int, size: int) -> None:
    """Make our pipe as large as theirs; if that is not allowed, as large as it may be."""
    while size > capacity(ours):
        try:
            set_capacity(ours, size)
        except PipeError:
            size //= 2


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 1 << 20)
    except BlockingIOError:
        return b""
