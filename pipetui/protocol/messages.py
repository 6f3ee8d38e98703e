"""The conversation between a hub and its client, framed on one byte stream each way.

A frame is a 4-byte big-endian length and that many bytes of JSON in ASCII: an object whose field `t` names its
class below. The first frame each way is `Hello` and `Welcome`; a version that differs ends the link with a
`Goodbye` that says so. After that the client is in charge of the pace: each `Ready` is answered by at most one
`Update`, when there is something to say. A call carries a number that its answer, or its refusal, repeats.

Bytes (payloads, paths) travel as strings with surrogate escapes (PEP 383); see `text.encode`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pipetui.model import LogFilter
from pipetui.protocol.codec import WireError, codec, record, tagged
from pipetui.protocol.feeds import Feed, News, news_codec
from pipetui.protocol.frames import frame
from pipetui.protocol.requests import ANSWERS, REQUESTS, Request

#: Raised whenever what is said changes its meaning. Both ends must agree.
VERSION = 3

K = TypeVar("K")
V = TypeVar("V")

# --- what a client says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first frame: the version of this protocol it speaks, which roots to search, and whether to demo.

    With roots only the FIFOs below them are listed. Without, those in the usual places of the hub's host (see
    `watch/roots.py`) and all that any process holds. A demo lists its own. A client that only wants things done says
    that nothing is to be watched. A hub that was told to be `read_only` carries out passive requests alone.
    """

    version: int
    roots: tuple[str, ...] = ()
    demo: bool = False
    watch: bool = True
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class LogView:
    """What a screen shows of the log.

    `follow`: the newest `after` matching lines, then only what came since. Otherwise the page around the message
    number `anchor`: `before` matching lines before it and `after` from it on. `id` comes back in the page, so that
    a page of a view left behind is told apart; a new `id` makes the hub send the page anew. `width` is how many
    bytes of each payload are wanted.
    """

    id: int = 0
    filter: LogFilter = field(default_factory=LogFilter)
    follow: bool = True
    anchor: int = 0
    before: int = 0
    after: int = 50
    width: int = 400


@dataclass(frozen=True, slots=True)
class Ready:
    """Credit for one update, and what is on the screen. A newer `Ready` replaces one that waits.

    `anonymous` asks for anonymous pipes too, as long as they are on the screen: they cost the watcher more.
    """

    log: LogView = field(default_factory=LogView)
    interval: float = 0.1
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request with the number that its answer will have."""

    number: int
    request: Request[Any]


FromClient = Hello | Ready | Call

# --- what a hub says ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """The hub's first frame. A `read_only` one carries out passive requests alone, whoever has decided that."""

    version: int
    host: str
    pid: int
    program: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The hub's last frame: why it ends the link."""

    reason: str


@dataclass(frozen=True, slots=True)
class Update:
    """What changed since the last update, by feed. `more` is there to be told at once, when there is credit for it."""

    feeds: Mapping[str, News[Any, Any]] = field(default_factory=dict)
    more: bool = False

    def news(self, feed: Feed[K, V]) -> News[K, V] | None:
        """Return what changed in one feed; None when that is nothing."""
        return cast("News[K, V] | None", self.feeds.get(feed.name))

    def value(self, feed: Feed[None, V]) -> V | None:
        """Return the value that a feed of one value has now; None when that is as before."""
        news = self.news(feed)
        return news.rows[0] if news else None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the call of this number."""

    number: int
    answer: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The call of this number could not be carried out; `message` is one sentence for a person."""

    number: int
    message: str


FromHub = Welcome | Goodbye | Update | Answer | Failed

_FROM_CLIENT = tagged({Hello: codec(Hello), Ready: codec(Ready), Call: record(Call, request=tagged(REQUESTS))})
_FROM_HUB = tagged(
    {
        Welcome: codec(Welcome),
        Goodbye: codec(Goodbye),
        Update: record(Update, feeds=news_codec()),
        Answer: record(Answer, answer=tagged(ANSWERS)),
        Failed: codec(Failed),
    }
)

# --- framing ------------------------------------------------------------------------------------------------------


def pack(message: FromClient | FromHub) -> bytes:
    """Return what either end says as one frame."""
    value = (_FROM_CLIENT if isinstance(message, FromClient) else _FROM_HUB).encode(message)
    return frame(json.dumps(value, separators=(",", ":")).encode("ascii"))


def unpack_from_client(body: bytes) -> FromClient:
    """Return what the body of a client's frame says. Raises `WireError`."""
    return cast(FromClient, _FROM_CLIENT.decode(_load(body)))


def unpack_from_hub(body: bytes) -> FromHub:
    """Return what the body of a hub's frame says. Raises `WireError`."""
    return cast(FromHub, _FROM_HUB.decode(_load(body)))


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {str(error)[:80]}") from None
