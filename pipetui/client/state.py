"""What a hub has told so far: the rows of all feeds, kept current by its updates. Pure; knows of no link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pipetui.model import ActorState, BenchReport, Finding, LabRun, PipeId, PipeRow, Process, Status
from pipetui.protocol.feeds import (
    ACTORS,
    BENCH,
    FEEDS,
    FINDINGS,
    LABS,
    LOG,
    PIPES,
    PROCESSES,
    STATUS,
    Feed,
    LogPage,
    News,
)
from pipetui.protocol.messages import Update

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Change:
    """What an update changed: the names of `feeds`, and the keys of the pipes among them (`rows`).

    `log` is the page that came, `lost` the reason when the link has ended. `renewed` tells of a hub that is another one
    than before.
    """

    feeds: frozenset[str] = frozenset()
    log: LogPage | None = None
    lost: str = ""
    rows: tuple[PipeId, ...] = ()
    renewed: bool = False

    def has(self, *feeds: Feed[Any, Any]) -> bool:
        """Whether something in one of these feeds has changed."""
        return any(feed.name in self.feeds for feed in feeds)


#: All that can change.
EVERYTHING = frozenset(FEEDS) - {LOG.name}


class HubState:
    """The tables and values of all feeds."""

    def __init__(self) -> None:
        self.more = False
        self._tables: dict[str, dict[Any, Any]] = {feed.name: {} for feed in FEEDS.values() if feed.key is not None}
        self._values: dict[str, Any] = {feed.name: feed.initial for feed in FEEDS.values() if feed.key is None}
        self._stale: dict[str, set[Any]] = {feed.name: set() for feed in FEEDS.values() if feed.survives}

    def table(self, feed: Feed[K, V]) -> dict[K, V]:
        """Return the rows of a feed by their keys; the same mapping each time, kept current."""
        return cast("dict[K, V]", self._tables[feed.name])

    def value(self, feed: Feed[None, V]) -> V | None:
        """Return the value of a feed of one value; None until one was told, if the feed has no initial one."""
        return cast("V | None", self._values[feed.name])

    def is_stale(self, feed: Feed[K, Any], key: K) -> bool:
        """Whether a row is as a lost hub told it, and not told anew."""
        return key in self._stale[feed.name]

    @property
    def pipes(self) -> dict[PipeId, PipeRow]:
        return self.table(PIPES)

    @property
    def actors(self) -> dict[int, ActorState]:
        return self.table(ACTORS)

    @property
    def processes(self) -> dict[int, Process]:
        return self.table(PROCESSES)

    @property
    def labs(self) -> dict[int, LabRun]:
        return self.table(LABS)

    @property
    def status(self) -> Status:
        return self.value(STATUS) or Status()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.value(FINDINGS) or ()

    @property
    def bench(self) -> BenchReport | None:
        return self.value(BENCH)

    def apply(self, update: Update) -> Change:
        """Take over an update; return what it changed."""
        self.more = update.more
        changed = set(update.feeds)
        for name, news in update.feeds.items():
            if name in self._tables:
                self._change_table(name, news)
            elif name != LOG.name:
                self._values[name] = news.rows[0]
        pipes = update.news(PIPES) or News()
        rows = (*(row.pipe.id for row in pipes.rows), *pipes.gone)
        for name in self._stale:
            if gone := self._drop_stale(name):
                changed.add(name)
                rows += gone if name == PIPES.name else ()
        return Change(frozenset(changed), update.value(LOG), rows=rows)

    def _change_table(self, name: str, news: News[Any, Any]) -> None:
        table, key = self._tables[name], FEEDS[name].key
        assert key is not None
        for row in news.rows:
            table[key(row)] = row
        for gone in news.gone:
            table.pop(gone, None)
        if stale := self._stale.get(name):
            stale.difference_update(map(key, news.rows), news.gone)
            for old in list(stale)[: max(0, len(table) - FEEDS[name].most)]:
                del table[old]
                stale.discard(old)

    def _drop_stale(self, name: str) -> tuple[Any, ...]:
        """Drop what the new hub has not told anew, once it has looked everywhere; return the keys."""
        if self.more or self.status.scanning or not self._stale[name]:
            return ()
        gone, self._stale[name] = tuple(self._stale[name]), set()
        for key in gone:
            del self._tables[name][key]
        return gone

    def lose(self) -> None:
        """The hub is gone: what survives is stale from now on."""
        for name in self._stale:
            self._stale[name] = set(self._tables[name])

    def renew(self, host: str) -> Change:
        """Another hub has answered: forget what has ended with the one before it, or is told anew at once."""
        for name, table in self._tables.items():
            if name not in self._stale:
                table.clear()
        for name in self._values:
            self._values[name] = FEEDS[name].initial
        self._values[STATUS.name] = Status(host, scanning=True)
        return Change(EVERYTHING, rows=tuple(self.pipes), renewed=True)

    def forget(self) -> Change:
        """Forget everything."""
        rows = tuple(self.pipes)
        for table in self._tables.values():
            table.clear()
        self.lose()
        self._values = {name: FEEDS[name].initial for name in self._values}
        return Change(EVERYTHING, rows=rows, renewed=True)
