"""When a file was made: `stx_btime` of statx(2), which Python's own stat does not have."""

from __future__ import annotations

import ctypes
import os
import struct

_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800
#: Where struct statx has its mask, and the seconds and nanoseconds of the time of birth.
_SIZE, _MASK, _BTIME = 256, "I", "qI"
_BTIME_OFFSET = 80
_libc = ctypes.CDLL(None, use_errno=True)


def made(fd: int) -> float | None:
    """Return when the file behind a descriptor (O_PATH is enough) was made; None where the filesystem won't say."""
    return _asked(fd, b"", _AT_EMPTY_PATH)


def made_at(path: str) -> float | None:
    """Return when what is at `path` was made, links not followed; None where that is not known."""
    return _asked(-100, os.fsencode(path), _AT_SYMLINK_NOFOLLOW)


def _asked(folder: int, path: bytes, flags: int) -> float | None:
    statx = getattr(_libc, "statx", None)  # glibc has it since 2.28, musl since 1.2
    if statx is None or b"\0" in path:
        return None
    answer = ctypes.create_string_buffer(_SIZE)
    if statx(folder, path, flags, _STATX_BTIME, answer) != 0:
        return None
    (mask,) = struct.unpack_from(_MASK, answer.raw, 0)
    seconds, nanoseconds = struct.unpack_from(_BTIME, answer.raw, _BTIME_OFFSET)
    return seconds + nanoseconds / 1e9 if mask & _STATX_BTIME else None
