"""Type-ahead: each key is handled where the key before it has moved the focus.

Textual hands a key to whatever has the focus when it arrives, and looks up bindings only when the key has bubbled up
to the app. So of `/abc` typed fast, `abc` would be taken for commands, and one of those might start or end something.
Here a key waits until the one before it has been handled completely.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode

#: How long a key waits for the one before it (seconds).
TIMEOUT = 1.0


class TypeAhead:
    """The waiting keys. `handle` is how the app handles one."""

    def __init__(self, app: App[Any], handle: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[events.Key] = deque()
        self._busy: asyncio.Task[None] | None = None

    async def take(self, event: events.Key) -> None:
        """Handle a key now, or once those before it are done."""
        if self._busy is not None or self._waiting:
            self._waiting.append(event)
        else:
            await self._begin(event)

    async def _begin(self, event: events.Key) -> None:
        target: DOMNode = self._app.focused or self._app.screen
        await self._handle(event)
        self._busy = asyncio.create_task(self._end(target))

    async def _end(self, target: DOMNode) -> None:
        """Wait for a key to bubble up, then handle the next."""
        screen = self._app.screen
        for node in target.ancestors_with_self:
            await _done(node)
        if self._app.screen is not screen:
            await _until(lambda: self._app.focused is not None)
        self._busy = None
        if self._waiting:
            self._app.call_later(self._next)

    async def _next(self) -> None:
        if self._waiting and self._busy is None:
            await self._begin(self._waiting.popleft())


async def _done(node: DOMNode) -> None:
    """Wait until a node has processed its earlier messages."""
    done = asyncio.Event()
    if node.call_later(done.set):
        try:
            await asyncio.wait_for(done.wait(), TIMEOUT)
        except asyncio.TimeoutError:
            pass


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(50):
        if true():
            return
        await asyncio.sleep(TIMEOUT / 50)
