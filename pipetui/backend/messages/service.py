"""The service of the message log: keeps the messages, shows the client's view of them, looks things up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipetui.backend.messages.reader import LogReader
from pipetui.backend.messages.retrieval import export, find
from pipetui.backend.messages.ring import Ring
from pipetui.backend.publisher import Source
from pipetui.backend.runtime.loop import Loop
from pipetui.backend.service import Handler, Service
from pipetui.model import Line
from pipetui.protocol.feeds import LOG, LogPage, News
from pipetui.protocol.messages import LogView, Ready
from pipetui.protocol.requests import Export, Fetch, Find, Found, Request, Whole

#: How long a filter that takes its time leaves the hub to others between two slices (seconds).
_BREATH = 0.01


class Messages(Service):
    """The log of all messages that our consumers have read and that labs have said."""

    def __init__(self, loop: Loop) -> None:
        self._ring = Ring()
        self._pages = _Pages(loop, self._ring)

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {
            Fetch: lambda request: Whole(self._ring.get(request.number)),
            Find: lambda request: Found(find(self._ring, request)),
            Export: lambda request: export(self._ring, request),
        }

    def feeds(self) -> Sequence[Source]:
        return (self._pages,)

    def ready(self, ready: Ready) -> None:
        self._pages.look(ready.log)

    def advance(self, messages: int, count: int) -> int:
        """Note that `messages` more, of `count` bytes together, were read; return the number before the first."""
        before = self._ring.advance(messages, count)
        self._pages.changed()
        return before

    def add(self, line: Line) -> None:
        """Keep a message; its number must be above all before it."""
        self._ring.add(line)


class _Pages:
    """The feed of what the client's view lacks."""

    feed = LOG
    more = False

    def __init__(self, loop: Loop, ring: Ring) -> None:
        self.wake: Callable[[], None] = lambda: None
        self._loop = loop
        self._reader = LogReader(ring)
        self._view: LogView | None = None
        self._changed = True

    def look(self, view: LogView) -> None:
        """The client looks at this part of the log."""
        if view != self._view:
            self._view = view
            self.changed()

    def changed(self) -> None:
        """There may be something to show."""
        self._changed = True
        self.wake()

    def take(self) -> News[None, LogPage] | None:
        page = None
        if self._view is not None and (self._changed or self._reader.unfinished):
            page = self._reader.page(self._view)
        self._changed = False
        if self._reader.unfinished:
            self._loop.later(_BREATH, self.wake)
        return None if page is None else News((page,))
