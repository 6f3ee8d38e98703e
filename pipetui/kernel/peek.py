"""What is in a pipe now, without consuming it: tee(2).

`tee` copies what is queued into a pipe of ours and leaves it where it was. It takes a read end, so one is borrowed
(pidfd_getfd) or, where that is refused, opened anew only while some process has one open anyway (see `borrow.py`).
Without any reader the bytes can't be looked at: opening a read end would let a writer's blocked open through, or turn
its next SIGPIPE into a success. A second `tee` would copy the same bytes again, so ours must hold all at once: it is
made as large as theirs, as far as `fs.pipe-max-size` lets this user, and before the read end is borrowed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipetui.kernel.borrow import Borrower, Wanted
from pipetui.kernel.errors import Gone, NotPermitted, PipeError, WouldDisturb
from pipetui.kernel.fd import Fd
from pipetui.kernel.ioctl import capacity, set_capacity
from pipetui.kernel.procfs import Proc
from pipetui.model import End, PipeId


@dataclass(frozen=True, slots=True)
class Peeked:
    """The first bytes of what is queued (all, unless ours could not be made large enough), and when that was so."""

    data: bytes
    queued: int
    capacity: int
    time: float


def peek(ends: Sequence[End], pipe: PipeId, name: str = "the pipe", proc: Proc | None = None) -> Peeked:
    """Return what is queued in a pipe that processes hold these ends of.

    Raises WouldDisturb where there is no read end, NotPermitted where the kernel lets us have none, Gone where the
    ends have been closed since they were read.
    """
    if not any("r" in end.access for end in ends):
        raise WouldDisturb(
            f"{name} has no reader: to look inside, one would have to be opened, and that changes what its writers get"
        )
    with Borrower(proc) as borrower:
        peeked = _peeked(borrower, ends, pipe)
    if peeked is not None:
        return peeked
    if borrower.refused:
        raise NotPermitted(f"{name}: this user may neither borrow nor reopen an end of it")
    raise Gone(f"{name}: those who had it open have just closed it")


def _peeked(borrower: Borrower, ends: Sequence[End], pipe: PipeId) -> Peeked | None:
    """Ask for the size, then copy: an end is borrowed for one call each time."""
    (theirs,) = borrower.fills([Wanted(pipe, ends, queued=0)], reopen=True)
    if theirs is None:
        return None
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with Fd(reader), Fd(writer):
        _enlarge(writer, theirs.capacity)
        now = time.time()
        copied = borrower.tee(ends, pipe, writer)
        if copied is None:
            return None
        if capacity(writer) < theirs.capacity:
            (filled,) = borrower.fills([Wanted(pipe, ends, capacity=theirs.capacity)], reopen=True)
            theirs = filled or theirs
        data = b"".join(iter(lambda: _read(reader), b"")) if copied else b""
        return Peeked(data, max(copied, theirs.queued), theirs.capacity, now)


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
