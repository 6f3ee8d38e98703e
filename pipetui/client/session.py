"""The state that a hub's updates build up, and the requests that go back: all that a screen needs to know.

A `Session` is fed by a link and never touches a pipe. Whoever draws subscribes with `on_change` and reads the
tables; `Change` says which of them moved. Requests are coroutines that return their answer or raise `Refused`
with one sentence for a person.

A session outlives its links: after one is lost it can be given another (`over`). What the old hub told of pipes stays
until the new one has told it anew or has looked everywhere (`former`); its actors and its log are gone for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from pipetui.client.advice import LOCAL, from_here
from pipetui.client.link import LinkLost
from pipetui.model import (
    ActorSpec,
    ActorState,
    BenchReport,
    Finding,
    LabCard,
    LabRun,
    Line,
    LogFilter,
    Pace,
    PipeId,
    PipeRow,
    Process,
    ProducerSpec,
    Status,
)
from pipetui.protocol import messages as wire
from pipetui.protocol.messages import Action, Examined, LogPage, LogView, Peeked, Sample

__all__ = ["Action", "Change", "Examined", "LogPage", "LogView", "Peeked", "Refused", "Sample", "Session"]


class Refused(Exception):
    """A request could not be carried out; the message says why, in one sentence."""


class Stream(Protocol):
    """What a session needs of a link (a test's fake has it too)."""

    def send(self, request: wire.Request) -> None: ...
    def replies(self) -> AsyncIterator[wire.Reply]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """What an update changed. `log` is the page that came, `lost` the reason when the link has ended.

    `rows` are the pipes that came, went or changed. `renewed` tells of a hub that is another one than before.
    """

    status: bool = False
    pipes: bool = False
    actors: bool = False
    processes: bool = False
    findings: bool = False
    labs: bool = False
    bench: bool = False
    log: LogPage | None = None
    lost: str = ""
    rows: tuple[PipeId, ...] = ()
    renewed: bool = False


class Session:
    """One hub as its client knows it. `name` is what its host is called where that has to be said."""

    def __init__(
        self,
        stream: Stream | None = None,
        roots: tuple[str, ...] = (),
        demo: bool = False,
        interval: float = 0.1,
        name: str = "",
        watch: bool = True,
    ) -> None:
        self.name = name
        self.host = ""
        self.status = Status()
        self.pipes: dict[PipeId, PipeRow] = {}
        self.actors: dict[int, ActorState] = {}
        self.processes: dict[int, Process] = {}
        self.findings: tuple[Finding, ...] = ()
        self.labs: dict[int, LabRun] = {}
        self.bench: BenchReport | None = None
        self.former: set[PipeId] = set()
        self.more = False
        self.lost = ""
        self._stream = stream
        self._hello = wire.Hello(wire.VERSION, roots, demo, watch)
        self._interval = interval
        self._view = LogView()
        self._anonymous = False
        self._welcomed = False
        self._goodbye = ""
        self._listeners: list[Callable[[Change], None]] = []
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[wire.Answer]] = {}

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` after every update, in the event loop."""
        self._listeners.append(listener)

    def _tell(self, change: Change) -> None:
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
            self._tell(Change(lost=self.away))
        return answered

    def fail(self, reason: str) -> None:
        """Take that there is no link to be had."""
        if self._end(reason):
            self._tell(Change(lost=self.away))

    def _end(self, reason: str) -> bool:
        """Note that there is no link; return whether that is news."""
        news = self._welcomed or reason != self.lost
        self.lost, self._welcomed = reason, False
        self.former = set(self.pipes)
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if not future.done():
                future.set_exception(Refused(self.away))
        return news

    def forget(self) -> None:
        """Forget what a lost hub has told, and that it was lost: another one is asked for."""
        self.host, self.lost, self.status, self.former = "", "", Status(), set()
        rows = tuple(self.pipes)
        self.pipes.clear()
        self._drop_the_mortal()
        self._tell(Change(True, True, True, True, True, labs=True, bench=True, rows=rows, renewed=True))

    def _drop_the_mortal(self) -> None:
        """Forget what has ended with its hub or is told anew at once."""
        self.actors.clear()
        self.processes.clear()
        self.labs.clear()
        self.bench = None
        self.findings = ()

    def _take(self, reply: wire.Reply) -> None:
        if isinstance(reply, wire.Update):
            self._apply(reply)
        elif isinstance(reply, wire.Welcome):
            self._greet(reply)
        elif isinstance(reply, wire.Goodbye):
            self._goodbye = reply.reason
        else:
            future = self._asked.pop(reply.request, None)
            if future is not None and not future.done():
                future.set_result(reply)

    def _greet(self, welcome: wire.Welcome) -> None:
        again = bool(self.lost)
        self.host, self.lost, self._welcomed = welcome.host, "", True
        if again:
            self._drop_the_mortal()
            self.status = Status(welcome.host, scanning=True)
            rows = tuple(self.pipes)
            self._tell(Change(True, True, True, True, True, labs=True, bench=True, rows=rows, renewed=True))
        self._ready()

    def _apply(self, update: wire.Update) -> None:
        self.more = update.more
        if update.status is not None:
            self.status = update.status
        for row in update.pipes:
            self.pipes[row.pipe.id] = row
        for pipe in update.pipes_gone:
            self.pipes.pop(pipe, None)
        rows = (*(row.pipe.id for row in update.pipes), *update.pipes_gone)
        if self.former:
            rows += self._settle_former(rows, update.more)
        for actor in update.actors:
            self.actors[actor.id] = actor
        for number in update.actors_gone:
            self.actors.pop(number, None)
        for process in update.processes:
            self.processes[process.pid] = process
        for pid in update.processes_gone:
            self.processes.pop(pid, None)
        if update.findings is not None:
            self.findings = from_here(update.findings, self.name) if self.is_far else update.findings
        for run in update.labs:
            self.labs[run.id] = run
        for number in update.labs_gone:
            self.labs.pop(number, None)
        if update.bench is not None:
            self.bench = update.bench
        self._tell(
            Change(
                status=update.status is not None,
                pipes=bool(rows),
                actors=bool(update.actors or update.actors_gone),
                processes=bool(update.processes or update.processes_gone),
                findings=update.findings is not None,
                labs=bool(update.labs or update.labs_gone),
                bench=update.bench is not None,
                log=update.log,
                rows=rows,
            )
        )
        self._ready()

    def _settle_former(self, told: tuple[PipeId, ...], more: bool) -> tuple[PipeId, ...]:
        """Note what the new hub has told of; return what goes because it has looked everywhere and not found it."""
        self.former.difference_update(told)
        if more or self.status.scanning:
            return ()
        gone, self.former = tuple(self.former), set()
        for pipe in gone:
            del self.pipes[pipe]
        return gone

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
        self._stream.send(wire.Ready(self._view, self._interval, self._anonymous))

    # --- requests -------------------------------------------------------------------------------------------------

    async def _ask(self, request: wire.Request) -> wire.Answer:
        if self.lost or self._stream is None:
            raise Refused(self.away)
        assert not isinstance(request, (wire.Hello, wire.Ready))
        future: asyncio.Future[wire.Answer] = asyncio.get_running_loop().create_future()
        self._asked[request.request] = future
        self._stream.send(request)
        answer = await future
        if isinstance(answer, wire.Failed):
            raise Refused(answer.message)
        return answer

    def _number(self) -> int:
        return next(self._numbers)

    async def start(self, spec: ActorSpec) -> int:
        """Fork a producer or consumer; return its actor number."""
        kind = wire.StartProducer if isinstance(spec, ProducerSpec) else wire.StartConsumer
        answer = await self._ask(kind(self._number(), spec))  # type: ignore[arg-type]
        assert isinstance(answer, wire.Done)
        assert answer.actor is not None
        return answer.actor

    async def control(self, actor: int, action: Action) -> None:
        """Pause, resume, stop, kill or dismiss one of our actors."""
        await self._ask(wire.Control(self._number(), actor, action))

    async def retune(self, actor: int, *, rate: float | None = None, delay: float | None = None) -> None:
        """Change a producer's rate (messages/s; 0 is as fast as possible) or a consumer's delay (seconds)."""
        await self._ask(wire.Retune(self._number(), actor, rate, delay))

    async def scale(self, actor: int, factor: float) -> tuple[float | None, float | None]:
        """Make one of our actors this many times as fast; return its rate or its delay, as it is now."""
        answer = await self._ask(wire.Scale(self._number(), actor, factor))
        assert isinstance(answer, wire.Scaled)
        return answer.rate, answer.delay

    async def create_fifo(self, path: str, mode: int = 0o600) -> None:
        """Make a FIFO."""
        await self._ask(wire.CreateFifo(self._number(), path, mode))

    async def remove_fifo(self, path: str, pipe: PipeId) -> None:
        """Remove a FIFO, only if it still is the one that was listed."""
        await self._ask(wire.RemoveFifo(self._number(), path, pipe))

    async def send_message(self, path: str, payload: str, timeout: float = 2.0) -> None:
        """Write `payload` once; refused when no reader comes in time."""
        await self._ask(wire.Send(self._number(), path, payload, timeout))

    async def fetch(self, number: int) -> Line | None:
        """Return a whole message, or None when the hub no longer has it."""
        answer = await self._ask(wire.Fetch(self._number(), number))
        assert isinstance(answer, wire.Whole)
        return answer.line

    async def find(self, within: LogFilter, find: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        """Return the number of the nearest match after (before) message `start`, or None."""
        answer = await self._ask(wire.Find(self._number(), within, find, start, backwards))
        assert isinstance(answer, wire.Found)
        return answer.number

    async def export(self, within: LogFilter) -> AsyncIterator[tuple[Line, ...]]:
        """Yield the whole messages that pass `within`, oldest first, in pages."""
        start: int | None = 1
        while start is not None:
            answer = await self._ask(wire.Export(self._number(), within, start))
            assert isinstance(answer, wire.Page)
            yield answer.lines
            start = answer.next

    async def peek(self, pipe: PipeId) -> Peeked:
        """Return the bytes queued in a pipe now, not consumed; refused where that can't be done without disturbing."""
        answer = await self._ask(wire.Peek(self._number(), pipe))
        assert isinstance(answer, wire.Peeked)
        return answer

    async def past(self, pipe: PipeId) -> tuple[Sample, ...]:
        """Return how full a pipe was, a sample a second, the newest last; empty if it was empty all the while."""
        answer = await self._ask(wire.Past(self._number(), pipe))
        assert isinstance(answer, wire.Samples)
        return answer.samples

    async def examine(self, pid: int) -> Examined:
        """Return what a process and its family do now."""
        answer = await self._ask(wire.Examine(self._number(), pid))
        assert isinstance(answer, wire.Examined)
        return answer

    async def signal(self, pid: int, command: str, number: int) -> None:
        """Send a signal to any process, only if it still has this command line."""
        await self._ask(wire.Signal(self._number(), pid, command, number))

    async def list_labs(self) -> tuple[LabCard, ...]:
        """Return the experiments that the hub can run, in the order in which they are best done."""
        answer = await self._ask(wire.ListLabs(self._number()))
        assert isinstance(answer, wire.Labs)
        return answer.labs

    async def run_lab(self, name: str, pace: Pace = "normal") -> int:
        """Run an experiment; return the number of its run, which is a key of `labs` from now on."""
        answer = await self._ask(wire.RunLab(self._number(), name, pace))
        assert isinstance(answer, wire.Done)
        assert answer.actor is not None
        return answer.actor

    async def stop_lab(self, run: int) -> None:
        """End a run with all its processes; one that has ended is forgotten."""
        await self._ask(wire.StopLab(self._number(), run))

    async def tell_lab(self, run: int, text: str) -> None:
        """Give a line to the process of a run that listens."""
        await self._ask(wire.TellLab(self._number(), run, text))

    async def make_mine(self, name: str) -> tuple[ActorSpec, ...]:
        """Have FIFOs made for an experiment's producers and consumers; return those, to be changed and started."""
        answer = await self._ask(wire.MakeMine(self._number(), name))
        assert isinstance(answer, wire.Mine)
        return answer.specs

    async def run_bench(
        self, seconds: float = 25.0, mechanisms: tuple[str, ...] = (), sizes: tuple[int, ...] = ()
    ) -> None:
        """Compare mechanisms for about `seconds`; the report is `bench` and grows until it is over.

        No names or no sizes (bytes) are all of them.
        """
        await self._ask(wire.RunBench(self._number(), seconds, mechanisms, sizes))

    async def stop_bench(self) -> None:
        """End the comparison with all its processes; its report stays."""
        await self._ask(wire.StopBench(self._number()))
