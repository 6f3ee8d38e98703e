"""What moves through pipes: rates, from our own actors and counted by the watcher, and what moved a moment ago."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.model import PipeId
from pipetui.watch.report import Rate

#: Bytes moved within this time (seconds) make a pipe "flowing".
RECENT = 2.0

#: Writes and reads a second; None where that is not known.
Rates = tuple[float | None, float | None]


class Movement:
    """Rates of all pipes. `changed` is called with each pipe that may be said to flow, or no longer."""

    def __init__(self, loop: Loop, changed: Callable[[PipeId], None]) -> None:
        self._loop = loop
        self._changed = changed
        self._ours: dict[PipeId, Rates] = {}
        self._counted: dict[PipeId, Rates] = {}
        self._moved: dict[PipeId, float] = {}
        self._calm: dict[PipeId, Timer] = {}

    def note_ours(self, identity: PipeId, written: float | None, read: float | None) -> None:
        """Take over the rates of our own actors (messages/s)."""
        if self._ours.get(identity, (None, None)) != (written, read):
            self._ours[identity] = (written, read)
            self._changed(identity)

    def note_counted(self, rate: Rate) -> None:
        """Take over what the watcher has counted."""
        if rate.writes is None and rate.reads is None:
            self._counted.pop(rate.id, None)
        else:
            self._counted[rate.id] = (rate.writes, rate.reads)
        if rate.writes or rate.reads:
            self.note_moved(rate.id)
        self._changed(rate.id)

    def forget_counted(self) -> None:
        """Nobody counts any more."""
        counted = list(self._counted)
        self._counted.clear()
        for identity in counted:
            self._changed(identity)

    def note_moved(self, identity: PipeId) -> None:
        """Bytes have moved; the row is looked at once more when they no longer have for a while."""
        self._moved[identity] = time.monotonic()
        timer = self._calm.pop(identity, None)
        if timer is not None:
            timer.cancel()
        self._calm[identity] = self._loop.later(RECENT + 0.05, partial(self._calm_down, identity))

    def _calm_down(self, identity: PipeId) -> None:
        self._calm.pop(identity, None)
        self._moved.pop(identity, None)
        self._changed(identity)

    def rates(self, identity: PipeId) -> Rates:
        """Return writes and reads a second: our own actors' where they are all there are, else what was counted."""
        ours, counted = (rates.get(identity, (None, None)) for rates in (self._ours, self._counted))
        return (
            ours[0] if ours[0] is not None else counted[0],
            ours[1] if ours[1] is not None else counted[1],
        )

    def flows(self, identity: PipeId) -> bool:
        """Whether bytes move, or have just moved where rates are not known."""
        written, read = self.rates(identity)
        if written or read or any(self._counted.get(identity, ())):
            return True
        recently = time.monotonic() - self._moved.get(identity, -RECENT) < RECENT
        return recently and (written is None or read is None)


class Floods:
    """FIFOs that are written to so often that watching their folders would slow them down.

    `rest` is called with a folder that is to be left unwatched, `wake` with one that may be watched again.
    """

    def __init__(self, rest: Callable[[str], None], wake: Callable[[str], None]) -> None:
        self._rest = rest
        self._wake = wake
        self._flooded: set[PipeId] = set()
        self._resting: dict[str, set[PipeId]] = {}

    def __contains__(self, identity: PipeId) -> bool:
        return identity in self._flooded

    def begin(self, identity: PipeId, folders: set[str]) -> None:
        """A FIFO in these folders is flooded; it may have been already, and more of its folders are known now."""
        self._flooded.add(identity)
        for folder in folders:
            if folder not in self._resting:
                self._rest(folder)  # an event for each write costs a flood a fifth of its speed
            self._resting.setdefault(folder, set()).add(identity)

    def end(self, identity: PipeId) -> None:
        """It is flooded no more."""
        self._flooded.discard(identity)
        for folder, floods in list(self._resting.items()):
            floods.discard(identity)
            if not floods:
                del self._resting[folder]
                self._wake(folder)

    def end_all(self) -> list[PipeId]:
        """Nobody knows any more; return those that were flooded."""
        flooded = list(self._flooded)
        for identity in flooded:
            self.end(identity)
        return flooded
