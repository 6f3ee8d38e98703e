"""The state that a hub's updates build up, and the requests that go back: all that a screen needs to know.

A `Session` is fed by a link and never touches a pipe. Whoever draws subscribes with `on_change` and reads the
tables; `Change` says which of them changed. Requests are coroutines that return their answer or raise `Refused`
with one sentence for a person.

A session outlives its links: after one is lost it can be given another (`over`). Rows of feeds that survive stay until
the new hub has told of them anew or has searched everywhere (`stale`); all else has ended with the old hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from pipetui.client import LOCAL
from pipetui.client.actionlog import ActionLog
from pipetui.client.advice import from_here
from pipetui.client.link import LinkLost
from pipetui.client.state import EVERYTHING, Change, HubState
from pipetui.model import (
    ActorSpec,
    Line,
    LogFilter,
    ProducerSpec,
)
from pipetui.protocol.feeds import (
    FINDINGS,
    LogPage,
    News,
)
from pipetui.protocol.messages import (
    VERSION,
    Call,
    Failed,
    FromClient,
    FromHub,
    Goodbye,
    Hello,
    LogView,
    Ready,
    Update,
    Welcome,
)
from pipetui.protocol.requests import (
    Export,
    Fetch,
    Find,
    Request,
    StartConsumer,
    StartProducer,
)

__all__ = [
    "EVERYTHING",
    "Change",
    "LogPage",
    "LogView",
    "Refused",
    "Session",
]

A = TypeVar("A")


class Refused(Exception):
    """A request could not be carried out; the message says why, in one sentence."""


class Stream(Protocol):
    """What a session needs of a link (a test's fake has it too)."""

    def send(self, message: FromClient) -> None: ...
    def replies(self) -> AsyncIterator[FromHub]: ...


class Session(HubState):
    """One hub as its client knows it. `name` is what its host is called where that has to be said."""

    def __init__(
        self,
        stream: Stream | None = None,
        roots: tuple[str, ...] = (),
        demo: bool = False,
        interval: float = 0.1,
        name: str = "",
        watch: bool = True,
        read_only: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self.host = ""
        self.lost = ""
        self.read_only = read_only
        self._stream = stream
        self._hello = Hello(VERSION, roots, demo, watch, read_only)
        self._interval = interval
        self._view = LogView()
        self._anonymous = False
        self._welcomed = False
        self._goodbye = ""
        self._listeners: list[Callable[[Change], None]] = []
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self.action_log = ActionLog(self.actors)

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` after every update, in the event loop."""
        self._listeners.append(listener)

    def _notify(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)

    # --- the link -------------------------------------------------------------------------------------------------

    @property
    def is_far(self) -> bool:
        """Whether its hub runs on another host."""
        return self.name not in ("", LOCAL)

    @property
    def there(self) -> bool:
        """Whether a hub has answered on a link that still holds."""
        return self._welcomed

    @property
    def opening(self) -> bool:
        """Whether its first rows are still to come: it is being reached, or searches, or has more to tell at once."""
        if self.lost:
            return False
        return not self._welcomed or not self.status.host or self.status.scanning or self.more

    @property
    def away(self) -> str:
        """Why nothing can be asked of it now, in a sentence that names it; empty when it is there."""
        if self._welcomed:
            return ""
        if not self.lost:
            return f"{self.name or 'the hub'}: connecting…"
        return f"{self.name} is away: {self.lost.removeprefix(self.name + ' ')}" if self.name else self.lost

    def over(self, stream: Stream) -> None:
        """Use another link from now on, which `run` will greet."""
        self._stream = stream

    async def run(self) -> bool:
        """Greet the hub and take its updates until the link is lost; that too is told as a `Change`.

        Return whether there was a hub that answered.
        """
        assert self._stream is not None
        self._goodbye = ""
        self._stream.send(self._hello)
        reason = "the link has ended"
        try:
            async with contextlib.aclosing(self._stream.replies()) as replies:  # type: ignore[type-var]
                async for reply in replies:
                    self._take(reply)
        except LinkLost as error:
            reason = str(error)
        finally:
            answered = self._welcomed
            news = self._end(self._goodbye or reason)
        if news:
            self._notify(Change(lost=self.away))
        return answered

    def fail(self, reason: str) -> None:
        """Take that there is no link to be had."""
        if self._end(reason):
            self._notify(Change(lost=self.away))

    def _end(self, reason: str) -> bool:
        """Note that there is no link; return whether that is news."""
        news = self._welcomed or reason != self.lost
        self.lost, self._welcomed = reason, False
        self.lose()
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if not future.done():
                future.set_exception(Refused(self.away))
        return news

    def start_over(self) -> None:
        """Forget what a lost hub has told, and that it was lost: another one is asked for."""
        self.host, self.lost = "", ""
        self._notify(self.forget())

    def _take(self, message: FromHub) -> None:
        if isinstance(message, Update):
            self._notify(self.apply(message))
            self._ready()
        elif isinstance(message, Welcome):
            self._greet(message)
        elif isinstance(message, Goodbye):
            self._goodbye = message.reason
        else:
            future = self._asked.pop(message.number, None)
            if future is not None and not future.done():
                if isinstance(message, Failed):
                    future.set_exception(Refused(message.message))
                else:
                    future.set_result(message.answer)

    def _greet(self, welcome: Welcome) -> None:
        again = bool(self.lost)
        self.host, self.lost, self._welcomed = welcome.host, "", True
        self.read_only = welcome.read_only or self._hello.read_only
        if again:
            self._notify(self.renew(welcome.host))
        self._ready()

    def apply(self, update: Update) -> Change:
        if self.is_far and (findings := update.value(FINDINGS)):
            there = {**update.feeds, FINDINGS.name: News((from_here(findings, self.name),))}
            update = replace(update, feeds=there)
        return super().apply(update)

    def look(self, view: LogView) -> None:
        """Say what the screen shows of the log from now on."""
        self._view = view
        if self._welcomed:
            self._ready()

    def show_anonymous(self, shown: bool) -> None:
        """Ask for anonymous pipes among `pipes`, as long as they are on the screen."""
        news, self._anonymous = shown != self._anonymous, shown
        if self._welcomed and news:
            self._ready()

    def _ready(self) -> None:
        assert self._stream is not None
        self._stream.send(Ready(self._view, self._interval, self._anonymous))

    # --- requests -------------------------------------------------------------------------------------------------

    async def ask(self, request: Request[A]) -> A:
        """Ask the hub, and return its answer. Raises `Refused`."""
        if self.lost or self._stream is None:
            raise Refused(self.away)
        number = next(self._numbers)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self._stream.send(Call(number, request))
        refused = "unknown whether it was done"  # no answer: the link was lost, or nobody waits for it any more
        try:
            answer = await future
            refused = ""
            return answer
        except Refused as error:
            refused = f"not done: {error}" if self._welcomed else refused
            raise
        finally:
            self.action_log.note(request, self.name or self.host, self.name if self.is_far else "", refused)

    async def start(self, spec: ActorSpec) -> int:
        """Fork a producer or consumer; return its actor number."""
        request = StartProducer(spec) if isinstance(spec, ProducerSpec) else StartConsumer(spec)
        return (await self.ask(request)).number

    async def export(self, within: LogFilter) -> AsyncIterator[tuple[Line, ...]]:
        """Yield the whole messages that pass `within`, oldest first, in pages."""
        start: int | None = 1
        while start is not None:
            page = await self.ask(Export(within, start))
            yield page.lines
            start = page.next

    async def fetch(self, number: int) -> Line | None:
        """Return a whole message, or None when the hub no longer has it."""
        return (await self.ask(Fetch(number))).line

    async def find(self, within: LogFilter, find: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        """Return the number of the nearest match after (before) message `start`, or None."""
        return (await self.ask(Find(within, find, start, backwards))).number
