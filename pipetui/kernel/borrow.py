"""How full a pipe is that only other processes hold, without opening it: pidfd_getfd(2).

The call duplicates another process's descriptor: no new reader or writer is counted and nobody blocked in open is
released. The copy shares the open file description, so its flags are never changed, and it is closed within
microseconds, or an EOF or SIGPIPE would be late. It takes PTRACE_MODE_ATTACH: root, or the same user where Yama's
`ptrace_scope` is 0.
"""

from __future__ import annotations

import ctypes
import os

from pipetui.kernel.fd import Fd
from pipetui.kernel.ioctl import capacity, queued
from pipetui.kernel.lifetime import pidfd_open

_SYS_PIDFD_GETFD = 438  # the same on every architecture
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def fill(pid: int, fd: int) -> tuple[int, int] | None:
    """Return (queued, capacity) in bytes of the pipe that is `fd` in process `pid`; None where that is refused."""
    if pid == os.getpid():
        return _fill(fd)
    process = pidfd_open(pid)
    if process is None:
        return None
    with process:
        number = _libc.syscall(_SYS_PIDFD_GETFD, process.fileno(), fd, 0)
        if number < 0:
            return None
        with Fd(number) as borrowed:
            return _fill(borrowed.fileno())


def _fill(fd: int) -> tuple[int, int] | None:
    try:
        return queued(fd), capacity(fd)
    except OSError:
        return None
