"""The census: which process holds which end of which pipe, from `/proc/PID/fd` alone.

Nothing is opened but those folders. A FIFO's identity is (device, inode) of stat(2) through the link; anonymous
pipes all live on one kernel filesystem, whose device any pipe of ours tells, and their inode is in the link's text.
Links that can't be FIFOs are told apart by their text before any stat; those on filesystems whose server may be dead
are left alone, because a stat there can block for ever.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Any

from pipetui.kernel.errors import NotPermitted
from pipetui.kernel.fd import Fd
from pipetui.kernel.halves import in_halves
from pipetui.kernel.procfs import Proc
from pipetui.model import Access, End, Pipe, PipeId
from pipetui.watch.finder import pipe_of

_DELETED = " (deleted)"

#: Device files that every daemon holds, and pseudo filesystems without FIFOs.
NEVER_FIFOS = ("/dev/null", "/dev/pts/", "/dev/urandom", "/dev/random", "/proc/", "/sys/", "/memfd:", "/dmabuf:")


@dataclass(frozen=True, slots=True)
class Census:
    """Who holds what. `pipes` has what stat(2) through a held end says of each FIFO, with its path if it has one.

    `threads` are kernel threads: they hold nothing and wait for nothing of ours. `hidden` could not be read. `late` are
    processes that came while others were read, again and again, so that in the end they were not.
    """

    ends: dict[PipeId, tuple[End, ...]] = field(default_factory=dict)
    pipes: dict[PipeId, Pipe] = field(default_factory=dict)
    commands: dict[int, str] = field(default_factory=dict)
    readable: int = 0
    unreadable: int = 0
    partial: tuple[str, ...] = ()
    threads: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()


def take(
    proc: Proc,
    *,
    anonymous: bool = False,
    nonblocking: bool = False,
    kernel: set[int] | None = None,
    twofold: bool = False,
) -> Census:
    """Return all ends of FIFOs (with `anonymous`, of every pipe) that readable processes hold.

    `nonblocking` also reads O_NONBLOCK of each end, one small file each. `kernel` may be a set that the caller keeps
    from one census to the next: kernel threads are remembered in it and not read again. `twofold` may fork a child to
    halve the time where there are many processes: for who looks once and has no threads.
    """
    threads = set() if kernel is None else kernel
    pids = proc.pids()
    threads.intersection_update(pids)
    far = far_away(proc)

    def read(part: Sequence[int]) -> list[_Read]:
        return [_read(proc, pid, anonymous, far) for pid in part]

    with _without_collecting():
        wanted = [pid for pid in pids if pid not in threads]
        parts = in_halves(read, wanted) if twofold else iter([read(wanted)])
        newcomers = _Newcomers(proc, pids, read)
        census = _put_together(proc, chain(chain.from_iterable(parts), newcomers), threads, nonblocking)
        return replace(census, late=newcomers.late)


#: What a process told: its pid, whether it is readable, hidden, a thread or dead, its command line, the far filesystems
#: that were left alone, its ends of FIFOs (descriptor, link, access, stat) and of anonymous pipes (descriptor, inode,
#: access).
_Read = tuple[int, str, str, list[str], list[tuple[int, str, Access, Any]], list[tuple[int, int, Access]]]


class _Newcomers:
    """Reads those that were forked while the others were read: an end may have moved on to them, unseen.

    A machine that forks all the time always has more of them, so this ends after some rounds; then `late` has the rest.
    """

    _ROUNDS = 3

    def __init__(self, proc: Proc, seen: Iterable[int], read: Callable[[Sequence[int]], list[_Read]]) -> None:
        self._proc = proc
        self._seen = set(seen)
        self._read = read
        self.late: frozenset[int] = frozenset()

    def __iter__(self) -> Iterator[_Read]:
        for _ in range(self._ROUNDS):
            new = [pid for pid in self._proc.pids() if pid not in self._seen]
            if not new:
                return
            self._seen.update(new)
            yield from self._read(new)
        self.late = frozenset(self._proc.pids()) - self._seen


def _read(proc: Proc, pid: int, anonymous: bool, far: tuple[str, ...]) -> _Read:
    try:
        holding = proc.held(pid, anonymous=anonymous, never=NEVER_FIFOS, far=far)
    except NotPermitted:
        return pid, _empty_kind(proc, pid, "hidden"), "", [], [], []
    if not holding.descriptors and (kind := _empty_kind(proc, pid, "readable")) != "readable":
        return pid, kind, "", [], [], []
    command = proc.command(pid) if holding.fifos or holding.pipes else ""
    fifos = [(fd, text, access, status.__reduce__()[1]) for fd, text, access, status in holding.fifos]  # for marshal
    return pid, "readable", command, list(holding.far), fifos, holding.pipes


def _put_together(proc: Proc, told: Iterable[_Read], threads: set[int], nonblocking: bool) -> Census:
    ends: dict[PipeId, list[End]] = {}
    inodes: dict[int, list[End]] = {}
    pipes: dict[PipeId, Pipe] = {}
    commands: dict[int, str] = {}
    hidden: set[int] = set()
    met: set[str] = set()
    readable = 0
    for pid, kind, command, far, fifos, others in told:
        if kind in ("thread", "dead"):
            threads.update([pid] if kind == "thread" else ())
        elif kind == "hidden":
            hidden.add(pid)
        else:
            readable += 1
            met.update(far)
        if command:
            commands[pid] = command
        for fd, text, access, reduced in fifos:
            status = os.stat_result(*reduced)
            identity = PipeId(status.st_dev, status.st_ino)
            known = pipes.get(identity)
            if known is None or (known.deleted and not text.endswith(_DELETED)):
                pipes[identity] = _pipe(text, status)
            flag = proc.nonblocking(pid, fd) if nonblocking else None
            ends.setdefault(identity, []).append(End(pid, fd, access, flag, command))
        for fd, inode, access in others:
            end = End(pid, fd, access, proc.nonblocking(pid, fd) if nonblocking else None, command)
            if inode in inodes:
                inodes[inode].append(end)
            else:
                inodes[inode] = [end]
    held = {identity: tuple(found) for identity, found in ends.items()}
    if inodes:
        device = pipefs_device()
        held.update((PipeId(device, inode), tuple(found)) for inode, found in inodes.items())
    partial = tuple(f"{prefix}: what processes have open there was not looked at" for prefix in sorted(met))
    return Census(held, pipes, commands, readable, len(hidden), partial, frozenset(threads), frozenset(hidden))


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector from looking, again and again, at many thousand new objects that all stay."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _empty_kind(proc: Proc, pid: int, otherwise: str) -> str:
    """Return what a process without descriptors is: a kernel thread, a dead one that is not reaped yet, or neither."""
    told = proc.stat(pid)
    if told is None:
        return otherwise
    return "thread" if told.kernel else "dead" if told.dead else otherwise


@lru_cache(maxsize=1)
def pipefs_device() -> int:
    """Return the device number of all anonymous pipes: there is one pipefs in a kernel."""
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        return os.fstat(reader).st_dev


def _pipe(text: str, status: os.stat_result) -> Pipe:
    pipe = pipe_of(text, status)
    if not text.endswith(_DELETED):
        return pipe
    if status.st_nlink == 0:
        return replace(pipe, paths=(text.removesuffix(_DELETED),), deleted=True)
    return pipe if _is_named(text, status) else replace(pipe, paths=())


def _is_named(text: str, status: os.stat_result) -> bool:
    """Whether a link that ends in ` (deleted)` is the FIFO's very name: it still exists, maybe under another one."""
    try:
        return os.path.samestat(os.lstat(text), status)
    except OSError:
        return False


def far_away(proc: Proc) -> tuple[str, ...]:
    """Return the mount points, with a slash, on which a stat(2) can block for ever because a server is dead."""
    return tuple(mount.point + "/" for mount in proc.mounts() if mount.remote and mount.point != "/")
