"""inotify(7) by ctypes: what happens in folders and on FIFOs, told by the kernel without opening any of them.

A watch on a folder tells of names that appear and vanish in it; a watch on a FIFO tells of opens, reads, writes and
closes by anyone. Equal neighbours merge in the queue, so counts are lower bounds. When the queue overflows, the
kernel says so (`Q_OVERFLOW`) and what was lost must be looked up again.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

from pipetui.kernel.errors import Failed, WatchLimit, explain
from pipetui.kernel.fd import Fd

ACCESS = 0x1
MODIFY = 0x2
ATTRIB = 0x4
CLOSE_WRITE = 0x8
CLOSE_NOWRITE = 0x10
OPEN = 0x20
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
Q_OVERFLOW = 0x4000
IGNORED = 0x8000
ONLYDIR = 0x0100_0000
DONT_FOLLOW = 0x0200_0000
ISDIR = 0x4000_0000

__all__ = ["Event", "Inotify", "WatchLimit"]

_HEADER = struct.Struct("iIII")
_BUFFER = 1 << 16
#: One `read` returns at most this many bytes of events, so that a busy folder can't hold its caller for ever.
_MOST = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


class Event(NamedTuple):
    """One event: the watch it belongs to, what happened (mask bits), a cookie that pairs moves, and the name."""

    wd: int
    mask: int
    cookie: int
    name: bytes


class Inotify:
    """An inotify instance. Its descriptor is nonblocking and polls readable when there are events."""

    def __init__(self) -> None:
        number = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if number < 0:
            code = ctypes.get_errno()
            if code == errno.EMFILE:
                raise WatchLimit("no inotify instance is left; raise fs.inotify.max_user_instances")
            raise Failed(f"inotify can't be used here: {os.strerror(code).lower()}")
        self._fd = Fd(number)

    def fileno(self) -> int:
        """Return the descriptor to poll; raises ValueError once closed."""
        return self._fd.fileno()

    def add(self, path: str | bytes, mask: int) -> int:
        """Watch `path` and return the watch's number; a path watched before keeps its number and changes its mask.

        Raises WatchLimit when no more watches are allowed, else the domain's error (Missing, NotPermitted, …).
        """
        wd: int = _libc.inotify_add_watch(self.fileno(), os.fsencode(path), ctypes.c_uint32(mask))
        if wd < 0:
            code = ctypes.get_errno()
            if code == errno.ENOSPC:
                raise WatchLimit("no inotify watch is left; raise fs.inotify.max_user_watches")
            raise explain(OSError(code, os.strerror(code)), os.fsdecode(path))
        return wd

    def remove(self, wd: int) -> None:
        """End a watch; one that the kernel has ended by itself (the file is gone) is fine."""
        _libc.inotify_rm_watch(self.fileno(), wd)

    def read(self, most: int = _MOST) -> list[Event]:
        """Return the events that are queued now, oldest first; empty when there are none. Never blocks.

        About `most` bytes of events are taken (16 and the name's length each), the rest stays queued.
        """
        events: list[Event] = []
        taken = 0
        while taken < most:
            try:
                data = os.read(self.fileno(), min(most, _BUFFER))
            except BlockingIOError:
                break
            taken += len(data)
            events += _parse(data)
        return events

    def sift(self, mask: int) -> list[Event]:
        """Take all that is queued, and return only events that match `mask`; the others cost next to nothing.

        For watches on files, not folders: their events carry no names, so they all have one size.
        """
        kept: list[Event] = []
        while True:
            try:
                data = os.read(self.fileno(), _BUFFER)
            except BlockingIOError:
                return kept
            if any(kind & mask for kind in set(memoryview(data).cast("I")[1::4].tolist())):
                kept += [event for event in _parse(data) if event.mask & mask]

    def close(self) -> None:
        """End all watches."""
        self._fd.close()


def _parse(data: bytes) -> list[Event]:
    events = []
    offset = 0
    while offset < len(data):
        wd, mask, cookie, length = _HEADER.unpack_from(data, offset)
        offset += _HEADER.size
        events.append(Event(wd, mask, cookie, data[offset : offset + length].rstrip(b"\0")))
        offset += length
    return events
