"""The feeds: one entry for each kind of rows that a hub tells its client of.

A feed of rows is a table: what changed travels as whole rows, and as the keys of those that are gone. A feed of one
value (without `key`) tells that value whenever it is another one. Hub, session, quotas and checks go through `FEEDS`:
a new kind of row is a dataclass, an entry here, a service that publishes it, and a widget that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pipetui.model import (
    ActorState,
    BenchReport,
    Finding,
    LabRun,
    Line,
    LogCounts,
    PipeId,
    PipeRow,
    Process,
    Status,
)
from pipetui.protocol.codec import Codec, WireError, codec

K = TypeVar("K")
V = TypeVar("V")

#: How many rows of one table a client keeps, unless the feed says otherwise.
MOST_ROWS = 10_000


@dataclass(frozen=True)
class News(Generic[K, V]):
    """What changed in a feed: rows that are new or others than before, and the keys of those that are gone."""

    rows: tuple[V, ...] = ()
    gone: tuple[K, ...] = ()


@dataclass(frozen=True, eq=False)
class Feed(Generic[K, V]):
    """A kind of rows. `row` and `key_type` are type hints, by which rows and keys travel.

    `key` gives a row's key; without it the feed is one value. `initial` is that value before any was told.
    When the link is lost, all rows stay as they were told last. When another hub answers, rows are dropped, unless the
    feed `survives`: then they are stale until that hub has told of them anew or has searched everywhere. `most` is how
    many rows there may be, and `weight` says how many characters the long texts of a row have, so that rows are divided
    among frames.
    """

    name: str
    row: Any
    key: Callable[[V], K] | None = None
    key_type: Any = int
    initial: V | None = None
    survives: bool = False
    most: int = MOST_ROWS
    weight: Callable[[V], int] = field(default=lambda row: 0)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of the log for the view `view`.

    `append`: the lines follow those sent before; otherwise they replace them. `skipped` counts matching lines
    between what was sent before and these that were left out because more came than fit on the screen.
    `newer` and `older` count the matching lines after the last and before the first of a page that is not followed.
    `trouble` says why the filter can't be used.
    """

    view: int
    lines: tuple[Line, ...] = ()
    append: bool = False
    skipped: int = 0
    newer: int = 0
    older: bool = False
    counts: LogCounts = field(default_factory=LogCounts)
    trouble: str = ""


def _length_of_pipe(row: PipeRow) -> int:
    commands = [end.command for end in row.pipe.ends] + [waiter.command for waiter in row.pipe.waiters]
    return sum(50 + len(command) for command in commands) + sum(len(path) for path in row.pipe.paths)


STATUS: Feed[None, Status] = Feed("status", Status, initial=Status())
PIPES: Feed[PipeId, PipeRow] = Feed(
    "pipes", PipeRow, lambda row: row.pipe.id, PipeId, survives=True, most=150_000, weight=_length_of_pipe
)
ACTORS: Feed[int, ActorState] = Feed("actors", ActorState, lambda actor: actor.id)
PROCESSES: Feed[int, Process] = Feed(
    "processes", Process, lambda process: process.pid, weight=lambda process: len(process.command)
)
#: All there are now, the most severe first.
FINDINGS: Feed[None, tuple[Finding, ...]] = Feed("findings", tuple[Finding, ...], initial=())
#: What the view of the log lacks (see `messages.LogView`); it answers that view and is not kept.
LOG: Feed[None, LogPage] = Feed("log", LogPage)
LABS: Feed[int, LabRun] = Feed("labs", LabRun, lambda run: run.id)
#: The whole report of the comparison.
BENCH: Feed[None, BenchReport] = Feed("bench", BenchReport)

FEEDS: Mapping[str, Feed[Any, Any]] = {
    feed.name: feed for feed in (STATUS, PIPES, ACTORS, PROCESSES, FINDINGS, LOG, LABS, BENCH)
}


def news_codec() -> Codec:
    """Return the codec of news by the names of their feeds."""
    codecs = {name: (_rows(feed.row), _rows(feed.key_type)) for name, feed in FEEDS.items()}

    def encode(told: Mapping[str, News[Any, Any]]) -> Any:
        return {
            name: [codecs[name][0].encode(news.rows), *([codecs[name][1].encode(news.gone)] if news.gone else [])]
            for name, news in told.items()
        }

    def decode(value: Any) -> dict[str, News[Any, Any]]:
        if type(value) is not dict:
            raise WireError(f"expected an object for feeds, got {type(value).__name__}")
        return dict(_decoded(value))

    def _decoded(value: dict[Any, Any]) -> Iterator[tuple[str, News[Any, Any]]]:
        for name, parts in value.items():
            if name not in codecs:
                raise WireError(f"unknown feed {str(name)[:40]!r}")
            if type(parts) is not list or not 1 <= len(parts) <= 2:
                raise WireError(f"expected rows and keys for the feed {name}")
            if FEEDS[name].key is None and (len(parts) > 1 or type(parts[0]) is not list or len(parts[0]) != 1):
                raise WireError(f"expected one value for the feed {name}")
            yield name, News(*(each.decode(part) for each, part in zip(codecs[name], parts, strict=False)))

    return Codec(encode, decode)


def _rows(kind: Any) -> Codec:
    return codec(tuple[kind, ...])
