"""What a hub on another host may say. A hub here is our own child; nobody checks that one.

`check_message` looks at the values, `Quota` bounds what a client keeps of a hub, and `ReplyValidation` sees to it that
a hub speaks only when asked, and to the question.
"""

from __future__ import annotations

from typing import Any

from pipetui.client.checks import check, check_as
from pipetui.protocol.codec import WireError
from pipetui.protocol.feeds import FEEDS
from pipetui.protocol.messages import (
    VERSION,
    Answer,
    Call,
    Failed,
    FromClient,
    FromHub,
    Goodbye,
    Ready,
    Update,
    Welcome,
)
from pipetui.protocol.requests import Request

#: How many bytes of rows, as JSON, are kept of one host.
_MOST_BYTES = 256 << 20


def check_message(message: FromHub) -> None:
    """Raise WireError when what a hub says can't be true, see `checks`."""
    if isinstance(message, Update):
        for name, news in message.feeds.items():
            check_as(tuple[FEEDS[name].row, ...], news.rows, name)  # type: ignore[misc]
            check_as(tuple[FEEDS[name].key_type, ...], news.gone, name)  # type: ignore[misc]
    else:
        check(message.answer if isinstance(message, Answer) else message)


class Quota:
    """How much a host has made its client keep. Raises WireError when that is more than any host has."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: dict[str, dict[Any, int]] = {name: {} for name, feed in FEEDS.items() if feed.key is not None}
        self._bytes = 0
        self._most_bytes = most_bytes

    def note(self, message: FromHub, size: int) -> None:
        """Take note of what came as `size` bytes: each of its rows replaces the one of the same key."""
        if not isinstance(message, Update):
            return
        tables = [(name, news) for name, news in message.feeds.items() if name in self._kept]
        rows = sum(len(news.rows) for _, news in tables)
        share = size // rows if rows else 0
        for name, news in tables:
            kept, key = self._kept[name], FEEDS[name].key
            assert key is not None
            for row in news.rows:
                self._bytes += share - kept.get(key(row), 0)
                kept[key(row)] = share
            for gone in news.gone:
                self._bytes -= kept.pop(gone, 0)
            # twice as many: a hub may tell of new rows before it tells which old ones made room for them
            if len(kept) > 2 * FEEDS[name].most:
                raise WireError(f"{len(kept):,} {name}")
        if self._bytes > self._most_bytes:
            raise WireError(f"{self._bytes >> 20:,} MiB of rows")


class ReplyValidation:
    """What has been asked, and whether what comes is an answer to it."""

    def __init__(self) -> None:
        self._asked: dict[int, Request[Any]] = {}
        self._credit = 0
        self._welcomed = False

    def sent(self, message: FromClient) -> None:
        """Take note of what is sent to the hub."""
        if isinstance(message, Ready):
            self._credit += 1
        elif isinstance(message, Call):
            self._asked[message.number] = message.request

    def received(self, message: FromHub) -> None:
        """Raise WireError when nobody asked for this."""
        if isinstance(message, Goodbye):
            return
        if isinstance(message, Welcome) == self._welcomed:
            raise WireError("a welcome out of place" if self._welcomed else "no welcome")
        if isinstance(message, Welcome):
            if message.version != VERSION:
                raise WireError(f"version {message.version}")
            self._welcomed = True
        elif isinstance(message, Update):
            self._credit -= 1
            if self._credit < 0:
                raise WireError("an update that nobody asked for")
        elif not self._fits(message):
            raise WireError("an answer that nobody asked for")

    def _fits(self, message: Answer | Failed) -> bool:
        request = self._asked.pop(message.number, None)
        return request is not None and (isinstance(message, Failed) or request.accepts(message.answer))
