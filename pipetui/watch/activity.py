"""What happens on FIFOs, told by inotify(7) without opening any: opens and closes always, writes and reads counted.

Watching writes and reads is not free: a writer at full speed lost 15 to 25 % while each of its writes made an event
(seen on Linux 6.18). So they are watched only while they are few: a FIFO whose events come faster than a modest rate
is watched for opens and closes alone, and looked at again for a short moment now and then, less and less often. While
that is so, its mtime and atime still tell whether it was written and read. Counts are lower bounds: equal neighbours
merge in the queue.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipetui.kernel import inotify
from pipetui.kernel.errors import PipeError

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


@dataclass(frozen=True, slots=True)
class Stirred:
    """What happened on one FIFO since the last read. `writes` and `reads` are lower bounds.

    `counted` says whether writes and reads were watched all the while; if not, 0 means unknown.
    """

    path: str
    opens: int = 0
    closes: int = 0
    writes: int = 0
    reads: int = 0
    counted: bool = True


@dataclass(slots=True)
class _Watched:
    path: str
    bytes: bool = True
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
        self._wds: dict[str, int] = {}

    def fileno(self) -> int:
        """Return the descriptor that polls readable when something happened."""
        return self._inotify.fileno()

    def add(self, path: str, *, count: bool = True) -> bool:
        """Watch a FIFO; `count` also its writes and reads. Return whether that was possible.

        Two paths of one FIFO share a watch, and its events are told under the path that came last.
        """
        known = self._by_wd.get(self._wds.get(path, -1))
        try:
            if known is not None and not known.bytes and self._watch(known, _ENDS) == self._wds[path]:
                return True  # the same FIFO as before, and flooded: leave it at that
            wd = self._inotify.add(path, _ENDS | inotify.DONT_FOLLOW | (_BYTES if count else 0))
        except PipeError:
            return False
        self._by_wd[wd] = _Watched(path, count, self._clock(), again=0.0 if count else float("inf"))
        self._wds[path] = wd
        return True

    def remove(self, path: str) -> None:
        """Watch a FIFO no more; one that is not watched is fine."""
        wd = self._wds.pop(path, None)
        if wd is not None and self._by_wd.get(wd, _Watched("")).path == path:
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

    def paused(self, path: str) -> bool:
        """Whether writes and reads of a FIFO are uncounted now, because there were too many.

        That also holds for the first moment in which they are watched again: the flood may well go on.
        """
        wd = self._wds.get(path)
        watched = None if wd is None else self._by_wd.get(wd)
        if watched is None:
            return False
        if watched.bytes:
            return watched.trial and self._clock() - watched.since <= WINDOW
        return watched.again != float("inf")

    def hasten(self, path: str) -> None:
        """Watch writes and reads of a FIFO again soon: its times say that there are no more of them."""
        wd = self._wds.get(path)
        if wd is not None and self.paused(path):
            self._by_wd[wd].again = min(self._by_wd[wd].again, self._clock())

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
            before = told.get(wd, Stirred(watched.path))
            opens, closes, writes, reads = row
            told[wd] = Stirred(
                watched.path,
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
            self._watch(watched, _ENDS)

    def _resume(self, now: float) -> None:
        """Watch bytes again where the pause is over."""
        for watched in list(self._by_wd.values()):
            if not watched.bytes and now >= watched.again:
                watched.bytes, watched.since, watched.seen, watched.trial = True, now, 0, True
                self._watch(watched, _ENDS | _BYTES)

    def _watch(self, watched: _Watched, mask: int) -> int | None:
        try:
            return self._inotify.add(watched.path, mask | inotify.DONT_FOLLOW)
        except PipeError:
            return None  # it has gone; the kernel will say so

    def _forget(self, wd: int) -> None:
        watched = self._by_wd.pop(wd, None)
        if watched is not None and self._wds.get(watched.path) == wd:
            del self._wds[watched.path]


def times(path: str) -> tuple[float, float] | None:
    """Return when a FIFO was last written and last read (mtime, atime), as far as its mount keeps them."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime, status.st_atime
