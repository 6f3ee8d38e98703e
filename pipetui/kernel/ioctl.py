"""How full a pipe is and how much it holds: FIONREAD and F_GETPIPE_SZ, on either end (pipe(7), fcntl(2)).

A pipe can be full below its capacity: it holds slots of a page each, and writes that can't merge take one each.
"""

from __future__ import annotations

import fcntl
import struct
import termios

from pipetui.kernel.errors import translated

# `fcntl` knows these names only since Python 3.10's builds against newer headers; the numbers are ABI.
_F_SETPIPE_SZ: int = getattr(fcntl, "F_SETPIPE_SZ", 1031)
_F_GETPIPE_SZ: int = getattr(fcntl, "F_GETPIPE_SZ", 1032)

_ZERO = bytes(4)
_INT = struct.Struct("i")


def queued(fd: int) -> int:
    """Return the bytes that are in the pipe now. Raises OSError when `fd` is no pipe."""
    count: int = _INT.unpack(fcntl.ioctl(fd, termios.FIONREAD, _ZERO))[0]
    return count


def capacity(fd: int) -> int:
    """Return the bytes that the pipe holds at most. Raises OSError when `fd` is no pipe."""
    return fcntl.fcntl(fd, _F_GETPIPE_SZ)


def set_capacity(fd: int, size: int) -> int:
    """Make the pipe hold at least `size` bytes and return what it holds now (a power of two pages).

    Raises NotPermitted over `fs.pipe-max-size`, Failed (EBUSY) when more is queued than would fit.
    """
    with translated("the pipe"):
        return fcntl.fcntl(fd, _F_SETPIPE_SZ, size)
