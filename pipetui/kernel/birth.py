"""When a file was made: `stx_btime` of statx(2), which Python's own stat does not have."""

from __future__ import annotations

import ctypes
import struct

_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800
#: Where struct statx has its mask, and the seconds and nanoseconds of the time of birth.
_SIZE, _MASK, _BTIME = 256, "I", "qI"
_BTIME_OFFSET = 80
_libc = ctypes.CDLL(None, use_errno=True)


def made(fd: int) -> float | None:
    """Return when the file behind a descriptor (O_PATH is enough) was made; None where the filesystem won't say."""
    statx = getattr(_libc, "statx", None)  # glibc has it since 2.28, musl since 1.2
    answer = ctypes.create_string_buffer(_SIZE)
    if statx is None or statx(fd, b"", _AT_EMPTY_PATH, _STATX_BTIME, answer) != 0:
        return None
    (mask,) = struct.unpack_from(_MASK, answer.raw, 0)
    seconds, nanoseconds = struct.unpack_from(_BTIME, answer.raw, _BTIME_OFFSET)
    return seconds + nanoseconds / 1e9 if mask & _STATX_BTIME else None
