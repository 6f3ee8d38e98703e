"""What a task polls: poll(2), ppoll(2), select(2), pselect(2) and epoll_wait(2), read from its memory and `fdinfo`.

The sets of poll and select lie in the task's memory, an epoll set in `/proc/PID/fdinfo/EPFD` (`tfd:` lines, proc(5)).
A member of an epoll set is known by its device and inode: the number that it was added by may be another file's by now.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from pipetui.kernel.procfs import Proc
from pipetui.model import Access, PipeId, Polled
from pipetui.watch.calls import CALLS, Call

#: Events that mean "can be read" and "can be written" (poll.h).
_IN, _OUT = 0x01 | 0x02 | 0x40 | 0x80, 0x04 | 0x100 | 0x200
_POLLFD = struct.Struct("=ihh")
#: More descriptors than this are not looked at, and of more members that are no pipes only the number is told.
_MOST = 1024
_NAMED = 16

#: The pipe ends of a process by their descriptors.
Ends = Mapping[int, tuple[PipeId, Access]]


class Set(NamedTuple):
    """What is polled, and whether without a time limit."""

    members: tuple[Polled, ...]
    unlimited: bool

    @property
    def closed(self) -> bool:
        """Whether only what it waits for can end the wait: nothing but pipes and processes, and no time limit."""
        known = all(one.pipe is not None or one.pid is not None for one in self.members)
        return self.unlimited and bool(self.members) and known


def polled(proc: Proc, pid: int, tid: int, call: Call, ends: Ends) -> Set | None:
    """Return what a task of process `pid` polls; None when the call is none of these, or can't be read."""
    if CALLS is None:
        return None
    number, arguments = call
    reader = _Reader(proc, pid, tid, ends)
    if number in (CALLS.poll, CALLS.restart, CALLS.ppoll):
        wanted = reader.poll(arguments[0], arguments[1])
        unlimited = arguments[2] == 0 if number == CALLS.ppoll else _is_minus_one(arguments[2])
    elif number in (CALLS.select, CALLS.pselect):
        wanted, unlimited = reader.select(arguments[0], arguments[1:4]), arguments[4] == 0
    elif number in (CALLS.epoll_wait, CALLS.epoll_pwait, CALLS.epoll_pwait2):
        unlimited = arguments[3] == 0 if number == CALLS.epoll_pwait2 else _is_minus_one(arguments[3])
        return Set(tuple(reader.epoll(arguments[0] & 0xFFFF_FFFF)), unlimited)
    else:
        return None
    if wanted is None:
        return None
    return Set(tuple(reader.member(fd, events) for fd, events in sorted(wanted.items())), unlimited)


def _is_minus_one(argument: int) -> bool:
    return argument & 0xFFFF_FFFF == 0xFFFF_FFFF


class _Reader:
    """Reads the sets of one task."""

    def __init__(self, proc: Proc, pid: int, tid: int, ends: Ends) -> None:
        self._proc = proc
        self._pid = pid
        self._tid = tid
        self._ends = ends

    def poll(self, address: int, count: int) -> dict[int, int] | None:
        """Return the events by descriptor of an array of struct pollfd."""
        if count > _MOST:
            return None
        data = self._proc.memory(self._tid, address, count * _POLLFD.size)
        if len(data) != count * _POLLFD.size:
            return None
        wanted: dict[int, int] = {}
        for fd, events, _ in _POLLFD.iter_unpack(data):
            if fd >= 0:
                wanted[fd] = wanted.get(fd, 0) | events & 0xFFFF
        return wanted

    def select(self, count: int, addresses: tuple[int, ...]) -> dict[int, int] | None:
        """Return the events by descriptor of three bit sets, each of which may be missing."""
        if count > _MOST:
            return None
        wanted: dict[int, int] = {}
        for address, events in zip(addresses, (_IN, _OUT, 0), strict=True):
            size = (count + 7) // 8
            data = self._proc.memory(self._tid, address, size) if address and size else b""
            if address and len(data) != size:
                return None
            bits = int.from_bytes(data, "little")
            for fd in range(count):
                if bits >> fd & 1:
                    wanted[fd] = wanted.get(fd, 0) | events
        return wanted

    def member(self, fd: int, events: int) -> Polled:
        """Return what a descriptor in a set is."""
        if fd in self._ends:
            return Polled(fd, self._ends[fd][0], _events(events))
        process = self._proc.pid_of(self._pid, fd)
        if process > 0:
            return Polled(fd, pid=process)
        try:
            return Polled(fd, what=os.readlink(f"{self._proc.root}/{self._tid}/fd/{fd}"))
        except OSError:
            return Polled(fd, what="a descriptor that is not open")

    def epoll(self, fd: int) -> Iterator[Polled]:
        """Yield the members of an epoll set. Of many that are no pipes only their number is told."""
        pipes = {identity for identity, _ in self._ends.values()}
        others: list[PipeId] = []
        for line in self._proc.fdinfo(self._pid, fd).splitlines():
            if line.startswith(b"tfd:"):
                identity, events = _member(line)
                if identity in pipes:
                    yield Polled(None, identity, _events(events))
                else:
                    others.append(identity)
        if len(others) > _NAMED:
            yield Polled(what=f"{len(others):,} descriptors that are no pipes")
        elif others:
            yield from self._others(others)

    def _others(self, wanted: list[PipeId]) -> Iterator[Polled]:
        """Yield members that are no pipes of this process: a pidfd is known by its inode, if that is its own."""
        processes: dict[PipeId, set[int]] = {}
        texts: dict[int, str] = {}
        for fd, text, _ in self._proc.fds(self._pid):
            if "pidfd" in text and (identity := self._identity(fd)) is not None:
                processes.setdefault(identity, set()).add(self._proc.pid_of(self._pid, fd))
            elif text.endswith("]") and text.rpartition("[")[2][:-1].isdigit():
                texts[int(text.rpartition("[")[2][:-1])] = text
        for identity in wanted:
            pids = processes.get(identity, set())
            if len(pids) == 1 and min(pids) > 0:
                yield Polled(pid=min(pids))
            else:
                yield Polled(what=texts.get(identity.inode, "a descriptor that is no pipe"))

    def _identity(self, fd: int) -> PipeId | None:
        try:
            status = os.stat(f"{self._proc.root}/{self._tid}/fd/{fd}")
        except OSError:
            return None
        return PipeId(status.st_dev, status.st_ino)


def _member(line: bytes) -> tuple[PipeId, int]:
    """Return what a `tfd:` line of an epoll descriptor's `fdinfo` says: which file, and for which events."""
    words = line.replace(b":", b" ").split()
    told = dict(zip(words[::2], words[1::2], strict=False))
    try:
        device, inode, events = (int(told[name], 16) for name in (b"sdev", b"ino", b"events"))
    except (KeyError, ValueError):
        return PipeId(0, 0), 0
    return PipeId(os.makedev(device >> 20, device & 0xF_FFFF), inode), events


def _events(events: int) -> Literal["", "r", "w", "rw"]:
    if events & _IN:
        return "rw" if events & _OUT else "r"
    return "w" if events & _OUT else ""
