"""What happens on FIFOs, told by inotify(7) without opening any: opens and closes always, writes and reads counted.

Watching writes and reads is not free: a writer at full speed lost 15 to 25 % while each of its writes made an event
(seen on Linux 6.18). So they are watched only while they are few: a FIFO whose events come faster than a modest rate
is watched for opens and closes alone, and looked at again for a short moment now and then, less and less often. While
that is so, its mtime and atime still tell whether it was written and read. Counts are lower bounds: equal neighbours
merge in the queue.

A FIFO is known by its identity, not by a name: inotify gives an inode one watch for each instance, however many names
lead to it, and keeps it when a name comes to mean another inode. Each time a watch is made or changed, the inode is
looked at through an O_PATH handle first, which opens nothing (open(2)), and the watch is set through that handle: so
a FIFO that was replaced is never taken for the one before it.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipetui.kernel import inotify
from pipetui.kernel.errors import PipeError
from pipetui.kernel.fd import Fd
from pipetui.model import PipeId

_ENDS = inotify.OPEN | inotify.CLOSE_WRITE | inotify.CLOSE_NOWRITE
_BYTES = inotify.MODIFY | inotify.ACCESS

#: So many events of bytes (writes and reads together) within one window (seconds) are too many.
MOST, WINDOW = 60, 0.25
#: Then writes and reads are left unwatched for so many seconds: the first pause, its growth, and the longest.
PAUSE, GROWTH, LONGEST = 4.0, 2.0, 60.0
#: How much of the queue is looked at at once (bytes, 16 an event): under a flood the rest is only sifted for opens.
PORTION = 8192
#: While events come, they are taken at most this often (seconds), so that a flood is cut off soon but not waited on.
SETTLE = 0.02

#: So many ways to one FIFO (hard links, descriptors) are remembered; the newest counts most.
_WAYS = 4


@dataclass(frozen=True, slots=True)
class Stirred:
    """What happened on one FIFO since the last read. `writes` and `reads` are lower bounds.

    `counted` says whether writes and reads were watched all the while; if not, 0 means unknown.
    """

    id: PipeId
    opens: int = 0
    closes: int = 0
    writes: int = 0
    reads: int = 0
    counted: bool = True


@dataclass(slots=True)
class _Watched:
    """A FIFO that is watched. `ways` are paths that lead, or led, to it; `bytes`: its writes and reads are counted."""

    id: PipeId
    ways: list[str]
    bytes: bool = True
    counted_since: float = 0.0
    since: float = 0.0
    seen: int = 0
    pause: float = PAUSE
    again: float = 0.0
    trial: bool = False


class Activity:
    """Watches FIFOs. `read` when `fileno` polls readable, and when `timeout` has passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._inotify = inotify.Inotify()
        self._clock = clock
        self._by_wd: dict[int, _Watched] = {}
        self._wds: dict[PipeId, int] = {}

    def fileno(self) -> int:
        """Return the descriptor that polls readable when something happened."""
        return self._inotify.fileno()

    def add(self, way: str, *, expected: PipeId | None = None, count: bool = True) -> PipeId | None:
        """Watch the FIFO that a path leads to; `count` also its writes and reads. Return its identity.

        None if that is not possible: the path leads to no FIFO, or not to the `expected` one, or nothing more may be
        watched. `/proc/PID/fd/N` is a way to a FIFO that has no name. A FIFO that is watched already goes on being
        watched as it is, and has one more way that leads to it.
        """
        known = self._of(expected) if expected is not None else None
        mask = _ENDS | (_BYTES if (count if known is None else known.bytes) else 0)
        reached = self._reach([way], mask, expected)
        if reached is None:
            return None
        wd, identity = reached
        if wd in self._by_wd:
            self._learn(self._by_wd[wd], way)
            if known is None:  # it was not known that this one is watched already: leave it as it was
                self._set(self._by_wd[wd])
            return identity
        self._by_wd.pop(self._wds.get(identity, -1), None)  # that one is gone, and its number was given anew
        now = self._clock()
        self._by_wd[wd] = _Watched(identity, [way], count, now, now, again=0.0 if count else float("inf"))
        self._wds[identity] = wd
        if known is not None and known.bytes != count:
            self._set(self._by_wd[wd])
        return identity

    @staticmethod
    def _learn(watched: _Watched, way: str) -> None:
        if way in watched.ways:
            watched.ways.remove(way)
        watched.ways.insert(0, way)
        del watched.ways[_WAYS:]

    def remove(self, identity: PipeId) -> None:
        """Watch a FIFO no more; one that is not watched is fine."""
        wd = self._wds.pop(identity, None)
        if wd is not None:
            del self._by_wd[wd]
            self._inotify.remove(wd)

    def close(self) -> None:
        """End all watches."""
        self._inotify.close()

    def timeout(self) -> float | None:
        """Return after how many seconds `read` wants to be called although nothing happened; None for never."""
        paused = [watched.again for watched in self._by_wd.values() if not watched.bytes]
        soonest = min(paused, default=float("inf"))
        return None if soonest == float("inf") else max(0.0, soonest - self._clock())

    def _of(self, identity: PipeId) -> _Watched | None:
        wd = self._wds.get(identity)
        return None if wd is None else self._by_wd.get(wd)

    def watches(self, identity: PipeId) -> bool:
        """Whether opens and closes of a FIFO are told."""
        return identity in self._wds

    def counted_for(self, identity: PipeId) -> float | None:
        """Return for how many seconds writes and reads have been counted without a gap; None if they are not now."""
        watched = self._of(identity)
        return self._clock() - watched.counted_since if watched is not None and watched.bytes else None

    def paused(self, identity: PipeId) -> bool:
        """Whether writes and reads of a FIFO are uncounted now, because there were too many.

        That also holds for the first moment in which they are watched again: the flood may well go on.
        """
        watched = self._of(identity)
        if watched is None:
            return False
        if watched.bytes:
            return watched.trial and self._clock() - watched.since <= WINDOW
        return watched.again != float("inf")

    def hasten(self, identity: PipeId) -> None:
        """Watch writes and reads of a FIFO again soon: its times say that there are no more of them."""
        watched = self._of(identity)
        if watched is not None and not watched.bytes and self.paused(identity):
            watched.again = min(watched.again, self._clock())

    def read(self) -> list[Stirred]:
        """Take what happened and return it by FIFO; events that made no difference are left out."""
        now = self._clock()
        told: dict[int, Stirred] = {}
        flooded = self._take(self._inotify.read(PORTION), now, told)
        if flooded:  # the rest of the flood is of no interest, but an open among it is
            self._take(self._inotify.sift(_ENDS | inotify.IGNORED), now, told)
        self._resume(now)
        return list(told.values())

    def _take(self, events: list[inotify.Event], now: float, told: dict[int, Stirred]) -> bool:
        """Count events by FIFO, add them to what is `told`, and say whether one has turned out to be flooded."""
        counts: dict[int, list[int]] = {}
        for event in events:
            if event.mask & inotify.IGNORED:
                self._forget(event.wd)
                continue
            row = counts.setdefault(event.wd, [0, 0, 0, 0])
            for index, mask in enumerate((inotify.OPEN, _ENDS & ~inotify.OPEN, inotify.MODIFY, inotify.ACCESS)):
                row[index] += bool(event.mask & mask)
        flooded = False
        for wd, row in counts.items():
            watched = self._by_wd.get(wd)
            if watched is None:
                continue
            counted = watched.bytes
            self._weigh(watched, row[2] + row[3], now)
            flooded |= counted and not watched.bytes
            before = told.get(wd, Stirred(watched.id))
            opens, closes, writes, reads = row
            told[wd] = Stirred(
                watched.id,
                before.opens + opens,
                before.closes + closes,
                before.writes + writes,
                before.reads + reads,
                counted and watched.bytes,
            )
        return flooded

    def _weigh(self, watched: _Watched, events: int, now: float) -> None:
        """Stop watching bytes when there were too many in one window; be patient again when there are few."""
        if not watched.bytes:
            return
        if now - watched.since > WINDOW:
            if watched.seen < MOST / 4:
                watched.pause = PAUSE
            watched.since, watched.seen, watched.trial = now, 0, False
        watched.seen += events
        if watched.seen > MOST:
            watched.bytes, watched.again = False, now + watched.pause
            watched.pause = min(LONGEST, watched.pause * GROWTH)
            self._set(watched)

    def _resume(self, now: float) -> None:
        """Watch bytes again where the pause is over."""
        for watched in list(self._by_wd.values()):
            if not watched.bytes and now >= watched.again:
                watched.bytes, watched.since, watched.seen, watched.trial = True, now, 0, True
                watched.counted_since = now
                self._set(watched)

    def _set(self, watched: _Watched) -> None:
        """Have the kernel tell of a FIFO what is wanted now. One that can't be reached any more is left unwatched."""
        if self._reach(watched.ways, _ENDS | (_BYTES if watched.bytes else 0), watched.id) is None:
            self.remove(watched.id)

    def _reach(self, ways: list[str], mask: int, expected: PipeId | None) -> tuple[int, PipeId] | None:
        """Watch the FIFO that any of these ways leads to; return its watch and its identity."""
        for way in ways:
            # a name is not followed anywhere else, the link of a descriptor has to be
            follow = 0 if way.startswith("/proc/") else os.O_NOFOLLOW
            try:
                with Fd(os.open(way, os.O_PATH | os.O_CLOEXEC | follow)) as handle:
                    status = os.fstat(handle.fileno())
                    identity = PipeId(status.st_dev, status.st_ino)
                    if stat.S_ISFIFO(status.st_mode) and expected in (None, identity):
                        return self._inotify.add(f"/proc/self/fd/{handle.fileno()}", mask), identity
            except (OSError, ValueError, PipeError):
                continue
        return None

    def _forget(self, wd: int) -> None:
        watched = self._by_wd.pop(wd, None)
        if watched is not None and self._wds.get(watched.id) == wd:
            del self._wds[watched.id]


def times(path: str) -> tuple[float, float] | None:
    """Return when a FIFO was last written and last read (mtime, atime), as far as its mount keeps them."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime, status.st_atime
