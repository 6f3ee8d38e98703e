"""Tells the client what changed, at the client's pace: at most one update for each credit.

An update goes out as soon as there is something to say and not sooner than the client's frame interval after the last,
so that a slow client gets fewer updates and the hub's memory does not grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.backend.runtime.writer import Writer
from pipetui.protocol.feeds import Feed, News
from pipetui.protocol.messages import Ready, Update, pack

K = TypeVar("K")
V = TypeVar("V")

#: How many rows of a feed travel in one update, and how long their texts may be in all (characters, each up to 6 bytes
#: of JSON; a frame has 16 MiB). The rest follow in the next. Each feed has its share, so that none holds up another.
MOST_ROWS, MOST_TEXT = 1000, 1 << 19

#: When more keys than this have changed and were not told, those that have come and gone meanwhile are forgotten.
MOST_CHANGED = 10_000

#: Bounds of the frame interval that a client may ask for (seconds).
FASTEST, SLOWEST = 0.02, 10.0


class Source(Protocol):
    """One feed as a service publishes it. The publisher sets `wake`, to be called when there may be news."""

    feed: Feed[Any, Any]
    wake: Callable[[], None]

    def take(self) -> News[Any, Any] | None:
        """Return what the client does not know yet, as much as fits; None if that is nothing."""

    @property
    def more(self) -> bool:
        """Whether there are rows that did not fit."""


def _nobody() -> None:
    """Stand in for a publisher that is still to come."""


class Rows(Generic[K, V]):
    """A feed of rows. `row` returns the row of a key, None if there is none any more."""

    def __init__(self, feed: Feed[K, V], row: Callable[[K], V | None]) -> None:
        self.feed = feed
        self.wake: Callable[[], None] = _nobody
        self._row = row
        self._changed: dict[K, None] = {}
        self._bound = MOST_CHANGED
        self._sent: set[K] = set()

    def changed(self, key: K) -> None:
        """A row may be new, another, or gone."""
        self._changed[key] = None
        if len(self._changed) > self._bound:
            self._forget_untold()
        self.wake()

    def _forget_untold(self) -> None:
        """Forget keys of which the client knows no row, and there is none: nobody may have asked for long."""
        self._changed = {key: None for key in self._changed if key in self._sent or self._row(key) is not None}
        self._bound = max(MOST_CHANGED, 2 * len(self._changed))

    @property
    def more(self) -> bool:
        return bool(self._changed)

    def take(self) -> News[K, V] | None:
        rows: list[V] = []
        gone: list[K] = []
        room = MOST_TEXT
        for key in list(self._changed)[:MOST_ROWS]:
            if room < 0:
                break
            del self._changed[key]
            row = self._row(key)
            if row is not None:
                room -= self.feed.weight(row)
                rows.append(row)
                self._sent.add(key)
            elif key in self._sent:
                gone.append(key)
                self._sent.discard(key)
        return News(tuple(rows), tuple(gone)) if rows or gone else None


class Value(Generic[V]):
    """A feed of one value, told whenever it is another one; None is not told."""

    more = False

    def __init__(self, feed: Feed[None, V], value: Callable[[], V | None]) -> None:
        self.feed = feed
        self.wake: Callable[[], None] = _nobody
        self._value = value
        self._changed = True
        self._sent: V | None = None

    def changed(self) -> None:
        """The value may be another one."""
        self._changed = True
        self.wake()

    def take(self) -> News[None, V] | None:
        value = self._value() if self._changed else None
        self._changed = False
        if value is None or value == self._sent:
            return None
        self._sent = value
        return News((value,))


class Publisher:
    """Puts what all sources have to tell into updates."""

    def __init__(self, loop: Loop, writer: Writer, sources: Iterable[Source], ended: Callable[[], None]) -> None:
        """`ended` is called when nobody listens any more."""
        self._loop = loop
        self._writer = writer
        self._sources = tuple(sources)
        self._ended = ended
        self._credit = False
        self._interval = 0.1
        self._last = 0.0
        self._timer: Timer | None = None
        for source in self._sources:
            source.wake = self.wake

    def ready(self, ready: Ready) -> None:
        """There is credit for one update."""
        self._credit = True
        self._interval = min(max(ready.interval, FASTEST), SLOWEST)
        self.wake()

    def wake(self) -> None:
        """There may be something to say: say it when the frame interval allows."""
        if self._credit and not (self._timer is not None and self._timer.pending):
            wait = self._last + self._interval - time.monotonic()
            self._timer = self._loop.later(wait, self._tell)

    def _tell(self) -> None:
        if self._writer.backlog:
            self._timer = self._loop.later(self._interval, self._tell)
            return
        self._timer = None
        update = self._update()
        if update is None:
            if any(source.more for source in self._sources):  # so far only of what has come and gone untold
                self._timer = self._loop.later(0, self._tell)
            return
        self._credit = False
        self._last = time.monotonic()
        self._writer.write(pack(update))
        if self._writer.broken:
            self._ended()

    def _update(self) -> Update | None:
        """Return what the client does not know yet, or None."""
        feeds: dict[str, News[Any, Any]] = {}
        for source in self._sources:
            news = source.take()
            if news is not None:
                feeds[source.feed.name] = news
        return Update(feeds, any(source.more for source in self._sources)) if feeds else None
