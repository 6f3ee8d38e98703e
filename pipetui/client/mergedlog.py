"""The logs of several hosts as one, in the order of time: what a screen asks of one hub, asked of several.

Messages are numbered anew: by their moment, then by their host and their number there, all in one integer. So the
numbers are in order, each tells where its message comes from, and nothing has to be remembered to find it again.
Within one host the order is that of its own numbers, also where its consumers' clocks say otherwise (they report in
turns), so a message counts as no earlier than the one before it.

Following, each host's lines are passed on as they come; the screen puts late ones in their place. A page of the past
is asked of each host around the same moment, and what lies beyond the reach of one of the answers is left for the next
page. A host that is away, or does not answer in time, is left out of the page.
"""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pipetui.client.session import LogPage, LogView, Refused, Session
from pipetui.model import Line, LogCounts, LogFilter

T = TypeVar("T")

#: How many hubs and how many messages of each can be told apart.
_HOSTS, _LIVES, _NUMBERS = 1 << 10, 1 << 20, 1 << 44

#: So long a page of the past waits for a host, and a search (seconds).
_TIMEOUT, _LONG_TIMEOUT = 2.0, 10.0

#: How many messages of a host are known by their place when following, and at most.
_KNOWN, _MOST_KNOWN = 2000, 50_000

#: No FIFO has this path.
_NOWHERE = "/\0"

_EVERYTHING = LogFilter()


@dataclass
class HostLog:
    """One host's part: which of its messages are known and when they were, and its answer to the present view.

    `life` tells its hubs apart: with each the numbers begin anew.
    """

    session: Session
    index: int
    life: int = 0
    numbers: list[int] = field(default_factory=list)
    stamps: dict[int, int] = field(default_factory=dict)
    counts: LogCounts = field(default_factory=LogCounts)
    page: list[Line] = field(default_factory=list)
    newer: int = 0
    older: bool = True
    to_end: bool = False
    trouble: str = ""
    wanted: int = -1

    def key(self, stamp: int, number: int) -> int:
        """Return the number of a message in the merged log."""
        return ((stamp * _LIVES + self.life) * _HOSTS + self.index) * _NUMBERS + number

    def has(self, key: int) -> bool:
        """Whether a message is one of its present hub."""
        life, index = divmod(key // _NUMBERS % (_HOSTS * _LIVES), _HOSTS)
        return (life, index) == (self.life, self.index)

    def restart(self) -> None:
        """Begin with another hub."""
        self.life += 1
        self.numbers, self.stamps, self.page = [], {}, []
        self.counts, self.newer, self.older, self.to_end, self.wanted = LogCounts(), 0, True, False, -1

    def learn(self, lines: Sequence[Line]) -> list[Line]:
        """Return consecutive lines with their numbers in the merged log, and remember when they were."""
        if not lines:
            return []
        at = bisect_left(self.numbers, lines[0].number)
        stamp = self.stamps[self.numbers[at - 1]] if at else 0
        stamps = []
        for line in lines:
            stamp = self.stamps.get(line.number, max(stamp, int(line.time * 1e6)))
            stamps.append(stamp)
        after = bisect_left(self.numbers, lines[-1].number + 1)
        if after < len(self.numbers):  # a page before known messages: none of it is later than they are
            ceiling = self.stamps[self.numbers[after]]
            stamps = [min(stamp, ceiling) for stamp in stamps]
        self.stamps.update(zip((line.number for line in lines), stamps, strict=True))
        self.numbers[at:after] = sorted({*self.numbers[at:after], *(line.number for line in lines)})
        return [line._replace(number=self.key(s, line.number)) for line, s in zip(lines, stamps, strict=True)]

    def trim(self, most: int) -> None:
        """Forget the oldest of many."""
        if len(self.numbers) > 2 * most:
            for number in self.numbers[:-most]:
                del self.stamps[number]
            del self.numbers[:-most]

    def place(self, key: int) -> tuple[int, int]:
        """Return between which numbers the first message lies that comes not before `key` (both included)."""
        if key < _NUMBERS:
            return key, key  # no moment: a place in each log
        if self.has(key):
            return key % _NUMBERS, key % _NUMBERS
        known, end = self.numbers, self.counts.seen + 1
        at = bisect_left(known, key, key=lambda number: self.key(self.stamps[number], number))
        if at == len(known):
            low = known[-1] + 1 if known else 1
            return (low, low) if self.to_end and known else (low, max(low, end))
        if at == 0:
            return (known[0], known[0]) if not self.older else (1, known[0])
        return known[at - 1] + 1, known[at]


class MergedLog:
    """The logs of several hosts. `tell` is called with a page that comes without an update of its own."""

    def __init__(self, sessions: Sequence[Session], tell: Callable[[Session, LogPage], None]) -> None:
        self._logs = [HostLog(session, index) for index, session in enumerate(sessions)]
        self._tell = tell
        self._view = LogView()
        self._waiting: set[int] = set()
        self._hidden = 0  # newer messages that were in an answer and not in the page
        self._task: asyncio.Task[None] | None = None

    # --- what the screen asks -------------------------------------------------------------------------------------

    def look(self, view: LogView) -> None:
        """Say what the screen shows from now on."""
        self._view, self._hidden = view, 0
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if view.follow:
            self._waiting = set()
            for log in self._logs:
                log.page = []
                log.session.look(replace(view, filter=self._own(log, view.filter)))
        else:
            self._waiting = {log.index for log in self._logs if log.session.there}
            self._task = asyncio.create_task(self._ask_all(view))

    async def _ask_all(self, view: LogView) -> None:
        """Ask each host for its page around the same moment, and do not wait too long for one of them."""
        asking = [self._ask(log, view) for log in self._logs if log.session.there]
        await asyncio.gather(*asking, self._give_up(view))

    async def _ask(self, log: HostLog, view: LogView) -> None:
        log.page, log.wanted = [], -1
        try:
            anchor = await self._place(log, view.anchor)
        except Refused:
            anchor = 0
        if not log.has(view.anchor):
            anchor = max(0, anchor - 1)  # a page from there on may be empty now, and would not count its first as newer
        if view is self._view:
            log.wanted = view.id
            log.session.look(replace(view, filter=self._own(log, view.filter), anchor=anchor))

    async def _give_up(self, view: LogView) -> None:
        await asyncio.sleep(_TIMEOUT)
        if view is self._view and self._waiting:
            late = self._logs[min(self._waiting)]
            self._waiting = set()
            self._tell(late.session, self._merged_page())

    def _own(self, log: HostLog, wanted: LogFilter) -> LogFilter:
        """Return a filter for one host: a FIFO has the name of its host in front."""
        if not wanted.fifo:
            return wanted
        prefix = f"{log.session.name}:/"
        path = wanted.fifo[len(prefix) - 1 :] if wanted.fifo.startswith(prefix) else _NOWHERE
        return replace(wanted, fifo=path)

    async def _place(self, log: HostLog, key: int) -> int:
        """Return the number of a host's first message that comes not before `key`; the hub is asked if need be."""
        low, high = log.place(key)
        while low < high:
            middle = (low + high) // 2
            number = await log.session.find(_EVERYTHING, _EVERYTHING, middle - 1)
            line = await log.session.fetch(number) if number is not None and number < high else None
            if line is None or log.key(int(line.time * 1e6), line.number) >= key:
                high = middle
            else:
                low = line.number + 1
        return low

    # --- what the hubs tell ---------------------------------------------------------------------------------------

    def restart(self, session: Session) -> None:
        """A hub is lost, or another one is there."""
        log = self._log_of(session)
        log.restart()
        if log.index in self._waiting:
            self._waiting.discard(log.index)
            if not self._waiting:
                self._tell(session, self._merged_page())

    def take(self, session: Session, page: LogPage) -> LogPage | None:
        """Take a host's page; return what the screen lacks now."""
        log = self._log_of(session)
        log.counts = page.counts
        if page.view != self._view.id:
            return None
        return self._followed(log, page) if self._view.follow else self._stood(log, page)

    def _followed(self, log: HostLog, page: LogPage) -> LogPage:
        lines = log.learn(page.lines)
        log.trim(_KNOWN)
        fresh = not page.append and not page.skipped
        if fresh:
            log.older, log.to_end = len(lines) >= self._view.after, True
        log.page = lines if fresh else (log.page + lines)[-self._view.after :]
        if fresh:
            merged = heapq.merge(*(each.page for each in self._logs), key=_number)
            lines = list(merged)[-self._view.after :]
        log.trouble = page.trouble
        return replace(page, lines=tuple(lines), counts=self._counts(), trouble=self._trouble())

    def _stood(self, log: HostLog, page: LogPage) -> LogPage | None:
        if log.wanted != page.view:  # a hub that came back does not know the place it is asked for
            return replace(page, lines=(), append=True, newer=self._newer(), counts=self._counts())
        log.newer, log.trouble = page.newer, page.trouble
        if page.append:
            return None if self._waiting else replace(page, newer=self._newer(), counts=self._counts())
        log.trim(_MOST_KNOWN)
        log.page, log.older, log.to_end = log.learn(page.lines), page.older, not page.newer
        self._waiting.discard(log.index)
        return None if self._waiting else self._merged_page()

    def _merged_page(self) -> LogPage:
        """Return the page that the answers make: as far as all of them reach."""
        view = self._view
        answered = [log for log in self._logs if log.wanted == view.id]
        lines = list(heapq.merge(*(log.page for log in answered), key=_number))
        at = bisect_left(lines, view.anchor, key=_number)
        floor = max((log.page[0].number for log in answered if log.page and log.older), default=0)
        reach = [log.page[-1].number for log in answered if log.page and log.newer]
        ceiling = min(reach, default=lines[-1].number if lines else 0)
        before = [line for line in lines[:at] if line.number >= floor][-view.before :] if view.before else []
        after = [line for line in lines[at:] if line.number <= ceiling][: max(1, view.after)]
        self._hidden = len(lines) - at - len(after)
        older = len(before) < at or any(log.older for log in answered)
        shown, newer = (*before, *after), self._newer()
        return LogPage(view.id, shown, False, 0, newer, older, self._counts(), self._trouble())

    def _newer(self) -> int:
        return self._hidden + sum(log.newer for log in self._logs)

    def _counts(self) -> LogCounts:
        told = [log.counts for log in self._logs]
        return LogCounts(*(sum(getattr(each, name) for each in told) for name in LogCounts.__dataclass_fields__))

    def _trouble(self) -> str:
        return next((log.trouble for log in self._logs if log.trouble), "")

    def _log_of(self, session: Session) -> HostLog:
        return next(log for log in self._logs if log.session is session)

    # --- one message, and all -------------------------------------------------------------------------------------

    def _origin(self, number: int) -> HostLog:
        return self._logs[number // _NUMBERS % _HOSTS]

    def origin(self, number: int) -> tuple[Session, int]:
        """Return where a message comes from, and its number there."""
        return self._origin(number).session, number % _NUMBERS

    async def fetch(self, number: int) -> Line | None:
        """Return a whole message, or None when its hub no longer has it."""
        log = self._origin(number)
        if not log.has(number):
            return None
        line = await log.session.fetch(number % _NUMBERS)
        return None if line is None else line._replace(number=number)

    async def find(self, within: LogFilter, find: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        """Return the number of the nearest match after (before) message `start`, or None."""

        async def nearest(log: HostLog) -> int | None:
            place = await self._place(log, start)
            if not backwards and self._origin(start) is not log:
                place -= 1  # the first that is not before it may be a match
            found = await log.session.find(self._own(log, within), find, place, backwards=backwards)
            if found is None or found in log.stamps:
                return None if found is None else log.key(log.stamps[found], found)
            line = await log.session.fetch(found)
            return None if line is None else log.learn([line])[0].number

        found = [key for key in await self._of_all(nearest) if key is not None]
        return (max if backwards else min)(found, default=None)

    async def _of_all(self, ask: Callable[[HostLog], Coroutine[Any, Any, T]]) -> list[T]:
        """Return the answers of all hosts that give one in time; refuse if none does."""
        logs = [log for log in self._logs if log.session.there]
        asked = (asyncio.wait_for(ask(log), _LONG_TIMEOUT) for log in logs)
        told = await asyncio.gather(*asked, return_exceptions=True)
        answers: list[T] = []
        refused: Refused | None = None
        for each in told:
            if isinstance(each, Refused):
                refused = each
            elif isinstance(each, asyncio.TimeoutError):
                refused = Refused("no host answers in time")
            elif isinstance(each, BaseException):
                raise each
            else:
                answers.append(each)
        if not answers:
            raise refused or Refused("every host is away")
        return answers

    async def export(self, within: LogFilter) -> AsyncIterator[tuple[tuple[str, Line], ...]]:
        """Yield the whole messages that pass `within`, each with its host's name, oldest first, in pages."""
        ways = [_Way(log.session, self._own(log, within)) for log in self._logs if log.session.there]
        if not ways:
            raise Refused("every host is away")
        while True:
            await asyncio.gather(*(way.fill() for way in ways))
            if not any(way.lines for way in ways):
                return
            # what comes next of a host is not before the end of its page at hand: so far all is known
            end = min((way.lines[-1][0] for way in ways if not way.over), default=float("inf"))
            page = heapq.merge(*(way.take(end) for way in ways), key=lambda told: told[0])
            yield tuple((name, line) for _, name, line in page)


class _Way:
    """One host's messages on their way into an export: when each was (never before the one before it), and whose."""

    def __init__(self, session: Session, within: LogFilter) -> None:
        self.lines: list[tuple[float, str, Line]] = []
        self.over = False
        self._name = session.name
        self._pages = session.export(within)
        self._last = 0.0

    async def fill(self) -> None:
        """Have lines at hand, or be at the end."""
        while not self.lines and not self.over:
            try:
                page = await anext(self._pages)
            except StopAsyncIteration:
                self.over = True
                return
            for line in page:
                self._last = max(self._last, line.time)
                self.lines.append((self._last, self._name, line))

    def take(self, end: float) -> list[tuple[float, str, Line]]:
        """Give away the lines up to a moment."""
        at = bisect_right(self.lines, end, key=lambda told: told[0])
        taken, self.lines = self.lines[:at], self.lines[at:]
        return taken


def _number(line: Line) -> int:
    return line.number
