"""The census: which process holds which end of which pipe, from `/proc/PID/fd` alone.

Nothing is opened but those folders. A FIFO's identity is (device, inode) of stat(2) through the link; anonymous
pipes all live on one kernel filesystem, whose device any pipe of ours tells, and their inode is in the link's text.
Links that can't be FIFOs are told apart by their text before any stat; those on filesystems whose server may be dead
are left alone, because a stat there can block for ever.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pipetui.kernel.errors import NotPermitted
from pipetui.kernel.fd import Fd
from pipetui.kernel.procfs import Proc
from pipetui.model import End, Pipe, PipeId
from pipetui.watch.finder import pipe_of

_DELETED = " (deleted)"

#: Device files that every daemon holds, and pseudo filesystems without FIFOs.
NEVER_FIFOS = ("/dev/null", "/dev/pts/", "/dev/urandom", "/dev/random", "/proc/", "/sys/", "/memfd:", "/dmabuf:")


@dataclass(frozen=True, slots=True)
class Census:
    """Who holds what. `pipes` has what stat(2) through a held end says of each pipe, with its path if it has one.

    `threads` are kernel threads: they hold nothing and wait for nothing of ours. `hidden` could not be read.
    """

    ends: dict[PipeId, tuple[End, ...]] = field(default_factory=dict)
    pipes: dict[PipeId, Pipe] = field(default_factory=dict)
    commands: dict[int, str] = field(default_factory=dict)
    readable: int = 0
    unreadable: int = 0
    partial: tuple[str, ...] = ()
    threads: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()


def take(proc: Proc, *, anonymous: bool = False, nonblocking: bool = False, kernel: set[int] | None = None) -> Census:
    """Return all ends of FIFOs (with `anonymous`, of every pipe) that readable processes hold.

    `nonblocking` also reads O_NONBLOCK of each end, one small file each. `kernel` may be a set that the caller keeps
    from one census to the next: kernel threads are remembered in it and not read again.
    """
    with _without_collecting():
        return _take(proc, anonymous, nonblocking, set() if kernel is None else kernel)


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


def _take(proc: Proc, anonymous: bool, nonblocking: bool, threads: set[int]) -> Census:
    far, met = far_away(proc), set[str]()
    pids = proc.pids()
    threads.intersection_update(pids)
    ends: dict[PipeId, list[End]] = {}
    by_text: dict[str, list[End]] = {}  # the ends of anonymous pipes, which their links name alike
    pipes: dict[PipeId, Pipe] = {}
    commands: dict[int, str] = {}
    hidden: set[int] = set()
    readable = 0
    for pid in pids:
        if pid in threads:
            continue
        try:
            holding = proc.held(pid, anonymous=anonymous, never=NEVER_FIFOS, far=far)
        except NotPermitted:
            if _is_thread(proc, pid):
                threads.add(pid)
            else:
                hidden.add(pid)
            continue
        if not holding.descriptors and _is_thread(proc, pid):
            threads.add(pid)
            continue
        readable += 1
        met |= holding.far
        if not holding.ends:
            continue
        commands[pid] = command = proc.command(pid)
        for fd, text, access, status in holding.ends:
            end = End(pid, fd, access, proc.nonblocking(pid, fd) if nonblocking else None, command)
            if status is None and text in by_text:
                by_text[text].append(end)
                continue
            identity = _identity(text, status)
            known = pipes.get(identity)
            if known is None or (known.deleted and not text.endswith(_DELETED)):
                pipes[identity] = _pipe(identity, text, status)
            if status is None:
                by_text[text] = ends[identity] = [end]
            else:
                ends.setdefault(identity, []).append(end)
    partial = tuple(f"{prefix}: what processes have open there was not looked at" for prefix in sorted(met))
    held = {key: tuple(value) for key, value in ends.items()}
    return Census(held, pipes, commands, readable, len(hidden), partial, frozenset(threads), frozenset(hidden))


def _is_thread(proc: Proc, pid: int) -> bool:
    """Whether this is a kernel thread, which has no command line and holds nothing (or a zombie, which is alike)."""
    return proc.command(pid).startswith("[")


def with_flags(proc: Proc, ends: Iterable[End]) -> tuple[End, ...]:
    """Return the ends with O_NONBLOCK looked up: for those that are shown, when the census went without."""
    return tuple(replace(end, nonblocking=proc.nonblocking(end.pid, end.fd)) for end in ends)


@lru_cache(maxsize=1)
def pipefs_device() -> int:
    """Return the device number of all anonymous pipes: there is one pipefs in a kernel."""
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        return os.fstat(reader).st_dev


def _identity(text: str, status: os.stat_result | None) -> PipeId:
    if status is not None:
        return PipeId(status.st_dev, status.st_ino)
    return PipeId(pipefs_device(), int(text[len("pipe:[") : -1]))


def _pipe(identity: PipeId, text: str, status: os.stat_result | None) -> Pipe:
    if status is None:
        return Pipe(identity, "anonymous")
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
