"""How full each pipe was lately: a sample a second, for the bar in the table and the chart of one pipe.

Pipes that are empty and were empty all the while have no history, so on a quiet machine nothing is sampled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.model import PipeId

#: Seconds between samples, how many are kept, and how many of the newest a row shows.
INTERVAL = 1.0
KEPT = 600
SHOWN = 10

#: (queued, capacity) in bytes, or None where it is not known.
Fill = tuple[int, int] | None


def eighths(queued: int, capacity: int) -> int:
    """Return how full that is from 0 to 8; only an empty pipe is 0."""
    if queued <= 0 or capacity <= 0:
        return 0
    return min(8, max(1, round(queued * 8 / capacity)))


class Histories:
    """The samples of all pipes. `moved` is called with each pipe whose shown history has changed."""

    def __init__(self, loop: Loop, fill: Callable[[PipeId], Fill], moved: Callable[[PipeId], None]) -> None:
        self._loop = loop
        self._fill = fill
        self._moved = moved
        self._samples: dict[PipeId, deque[tuple[int, int]]] = {}
        self._timer: Timer | None = None

    def notice(self, identity: PipeId) -> None:
        """A pipe's fill has changed: sample it from now on, until it has been empty for long."""
        fill = self._fill(identity)
        if fill is None or (identity not in self._samples and not fill[0]):
            return
        self._samples.setdefault(identity, deque(maxlen=KEPT))
        if self._timer is None or not self._timer.pending:
            self._timer = self._loop.later(0, self._sample)

    def _sample(self) -> None:
        for identity in list(self._samples):
            fill = self._fill(identity)
            samples = self._samples[identity]
            before = self.shown(identity)
            if fill is None:
                del self._samples[identity]
            else:
                samples.append(fill)
                if len(samples) == KEPT and not any(queued for queued, _ in samples):
                    del self._samples[identity]
            if self.shown(identity) != before:
                self._moved(identity)
        if self._samples:
            self._timer = self._loop.later(INTERVAL, self._sample)

    def shown(self, identity: PipeId) -> tuple[int, ...]:
        """Return the newest samples in eighths, oldest first; empty for a pipe that was empty all the while."""
        samples = self._samples.get(identity)
        if not samples:
            return ()
        levels = [eighths(*fill) for fill in _newest(samples, SHOWN)]
        return tuple([0] * (SHOWN - len(levels)) + levels) if any(levels) else ()

    def whole(self, identity: PipeId) -> tuple[tuple[int, int], ...]:
        """Return all samples, (queued, capacity) a second, oldest first."""
        return tuple(self._samples.get(identity, ()))


def _newest(samples: deque[tuple[int, int]], count: int) -> Iterable[tuple[int, int]]:
    return list(samples)[-count:]
