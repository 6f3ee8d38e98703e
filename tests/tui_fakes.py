"""A hub that is not there: the screen's tests push updates into it and read what the screen asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from updates import update
from waiting import TIMEOUT

from pipetui.backend.actors import validation
from pipetui.backend.messages.patterns import BadPattern
from pipetui.backend.messages.reader import LogReader
from pipetui.backend.messages.retrieval import export, find
from pipetui.backend.messages.ring import Ring
from pipetui.client.link import LinkLost
from pipetui.client.state import HubState
from pipetui.kernel.errors import Missing, NotPermitted, PipeError
from pipetui.model import (
    ActorSpec,
    ActorState,
    ConsumerSpec,
    Counters,
    End,
    Finding,
    LabCard,
    Line,
    LogCounts,
    Pipe,
    PipeId,
    PipeRef,
    PipeRow,
    Process,
    ProcessState,
    ProducerSpec,
    Status,
    TaskState,
    Waiter,
)
from pipetui.protocol import feeds, messages, requests
from pipetui.protocol.requests import Request, answer_type
from pipetui.text import encode
from pipetui.tui.app import PipetuiApp
from pipetui.tui.core.config import Config

R = TypeVar("R")

#: 14:05:33.120 on some day, whatever the timezone is (minutes and seconds are the same nearly everywhere).
NOON = 1_700_000_733.120


class FakeHub:
    """A link whose other end is the test. `test_contract.py` compares it with a hub.

    Its log is a hub's own, of the lines in `lines`. It knows what it has told, and refuses what makes no sense then.
    """

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.closed = False
        self.lines: list[Line] = []
        self.not_kept = 0
        self.refuse: dict[type, str] = {}
        self.view: messages.LogView | None = None
        self.status = Status(host="box1")
        self.pipes: tuple[PipeRow, ...] = ()
        self.actors: tuple[ActorState, ...] = ()
        self.processes: tuple[Process, ...] = ()
        self.findings: tuple[Finding, ...] = ()
        self.anonymous: tuple[PipeRow, ...] = ()
        self.peeked: dict[PipeId, str] = {}
        self.past: dict[PipeId, tuple[int, ...]] = {}
        self.family: tuple[ProcessState, ...] = ()
        self.labs: tuple[LabCard, ...] = ()
        self.lab_actors: tuple[ActorSpec, ...] = ()
        self._shows_anonymous = False
        self._hub_state = HubState()
        self._started = 0
        self._kept: list[Line] = []
        self._ring = Ring()
        self._reader = LogReader(self._ring)
        self._out: asyncio.Queue[messages.FromHub | str] = asyncio.Queue()

    # --- the link -------------------------------------------------------------------------------------------------

    async def attach(self) -> None: ...

    def send(self, message: messages.FromClient) -> None:
        message = messages.unpack_from_client(messages.pack(message)[4:])
        assert message == message, "it does not travel"
        self.requests.append(message.request if isinstance(message, messages.Call) else message)
        if isinstance(message, messages.Hello):
            self.push(messages.Welcome(messages.VERSION, "box1", 1, read_only=message.read_only))
        elif isinstance(message, messages.Call):
            self.push(self._reply(message.number, message.request))
        else:
            self._ready(message)

    def _ready(self, ready: messages.Ready) -> None:
        first, fresh = self.view is None, self.view != ready.log
        self.view = ready.log
        if first:
            tables: dict[str, Any] = {"pipes": self.pipes, "actors": self.actors, "processes": self.processes}
            self.push(update(status=self.status, findings=self.findings, **tables))
        if ready.anonymous != self._shows_anonymous:
            self._shows_anonymous = ready.anonymous
            gone = () if ready.anonymous else tuple(row.pipe.id for row in self.anonymous)
            self.push(update(pipes=() if gone else self.anonymous, pipes_gone=gone))
        if fresh:
            self.push(update(log=self._page()))

    async def replies(self) -> AsyncIterator[messages.FromHub]:
        while True:
            reply = await self._out.get()
            if isinstance(reply, str):
                raise LinkLost(reply)
            yield reply

    async def wait_closed(self) -> None:
        self.closed = True

    # --- what tests do --------------------------------------------------------------------------------------------

    def push(self, message: messages.FromHub) -> None:
        """Say something, by way of the codec, as a hub does."""
        if isinstance(message, messages.Update):
            self._hub_state.apply(message)
        self._out.put_nowait(messages.unpack_from_hub(messages.pack(message)[4:]))

    def lose(self, reason: str) -> None:
        self._out.put_nowait(reason)

    def flow(self, *lines: Line, **others: Any) -> None:
        """Let messages arrive, and perhaps other changes with them."""
        self.lines += lines
        self.push(update(log=self._page(), **others))

    def asked(self, kind: type[R]) -> list[R]:
        """Return the requests of a kind."""
        return [request for request in self.requests if isinstance(request, kind)]

    # --- what a hub does ------------------------------------------------------------------------------------------

    def _log(self) -> Ring:
        """Return the ring of a hub that has kept the lines."""
        if self.lines[: len(self._kept)] != self._kept:
            self._kept, self._ring = [], Ring()
            self._reader = LogReader(self._ring)
        for line in self.lines[len(self._kept) :]:
            self._ring.advance(line.number - self._ring.last, len(line.payload))
            self._ring.add(line)
        self._kept = list(self.lines)
        return self._ring

    @property
    def counts(self) -> LogCounts:
        seen = self.lines[-1].number if self.lines else 0
        return LogCounts(seen, len(self.lines), self.not_kept)

    def _page(self) -> feeds.LogPage | None:
        """Return what the view lacks."""
        assert self.view is not None
        self._log()
        page = self._reader.page(self.view)
        while self._reader.unfinished:
            page = self._reader.page(self.view)
        return page and replace(page, counts=self.counts)

    def _reply(self, number: int, request: Request[Any]) -> messages.FromHub:
        if type(request) in self.refuse:
            return messages.Failed(number, self.refuse[type(request)])
        try:
            self._check(request)
            answer = self._answer(request)
        except (PipeError, BadPattern) as error:
            return messages.Failed(number, str(error))
        assert request.accepts(answer), f"{answer} is no answer to {request}"
        return messages.Answer(number, answer)

    def _check(self, request: Request[Any]) -> None:
        """Refuse what makes no sense, as far as can be known from what was told."""
        told = self._hub_state
        if isinstance(request, (requests.Control, requests.Retune, requests.Scale)):
            if request.actor not in told.actors:
                raise PipeError(f"there is no actor {request.actor}")
            if isinstance(request, requests.Scale):
                validation.check_factor(request.factor)
            if isinstance(request, requests.Retune) and request.delay is not None:
                validation.check_delay(request.delay)
        if isinstance(request, (requests.StopLab, requests.TellLab)) and request.run not in told.labs:
            raise PipeError("that run of a lab is over and forgotten")
        if isinstance(request, (requests.RunLab, requests.PrepareLab)) and request.name not in self._lab_names:
            raise PipeError(f"there is no lab called {request.name!r}")
        if isinstance(request, requests.Peek) and request.id not in told.pipes:
            raise PipeError("the pipe is gone")
        paths = {path: row.pipe.id for row in told.pipes.values() for path in row.pipe.paths}
        if isinstance(request, requests.CreateFifo) and request.path in paths:
            raise PipeError(f"{request.path} already exists")
        if isinstance(request, requests.Send) and request.path not in paths:
            raise PipeError(f"{request.path} does not exist")
        if isinstance(request, requests.RemoveFifo) and paths.get(request.path) != request.id:
            raise PipeError(f"{request.path} is another one now")
        if isinstance(request, requests.Signal) and not self._is_called(request.pid, request.command):
            raise PipeError(f"process {request.pid} is no longer the one that was shown")
        if isinstance(request, (requests.StartProducer, requests.StartConsumer)):
            self._check_spec(request.spec)
        if isinstance(request, requests.RunBench) and (request.seconds < 0 or min(request.sizes, default=1) < 1):
            raise PipeError("a comparison takes from 0 to 600 seconds, a message has from 1 byte on")

    def _is_called(self, pid: int, command: str) -> bool:
        """Whether a process has this command line, or isn't known."""
        known = [each.command for each in self._hub_state.processes.values() if each.pid == pid]
        known += [each.command for each in self.family if each.pid == pid]
        return command in known or not known

    def _check_spec(self, spec: ActorSpec) -> None:
        """Refuse what makes no sense; the FIFOs of the screen's tests don't exist."""
        try:
            validation.check(spec)
        except (Missing, NotPermitted):
            pass

    @property
    def _lab_names(self) -> set[str]:
        return {card.name for card in self.labs}

    def _answer(self, request: Request[Any]) -> Any:
        if isinstance(request, requests.Fetch):
            return requests.Whole(self._log().get(request.number))
        if isinstance(request, requests.Find):
            return requests.Found(find(self._log(), request))
        if isinstance(request, requests.Export):
            return export(self._log(), request)
        if isinstance(request, requests.Peek):
            payload = encode(self.peeked.get(request.id, ""))
            return requests.Peeked(payload, len(payload), 65536, NOON)
        if isinstance(request, requests.Past):
            return requests.Samples(tuple(requests.Sample(queued, 65536) for queued in self.past.get(request.id, ())))
        if isinstance(request, requests.Examine):
            return self._examined(request.pid)
        if isinstance(request, requests.ListLabs):
            return requests.Labs(self.labs)
        if isinstance(request, requests.Scale):
            return self._scaled(request)
        if isinstance(request, requests.RunLab):
            return requests.Started(max(len(self.asked(requests.RunLab)), 1 + max(self._hub_state.labs, default=0)))
        if isinstance(request, requests.PrepareLab):
            return requests.Prepared(self.lab_actors)
        if answer_type(type(request)) is requests.Started:
            self._started = max(self._started, *self._hub_state.actors, 0) + 1
            return requests.Started(self._started)
        assert answer_type(type(request)) is requests.Done, f"nothing here answers {request}"
        return requests.Done()

    def _scaled(self, request: requests.Scale) -> requests.Scaled:
        """Answer as a hub does for modest figures; the rows follow later, or never."""
        spec = next(actor.spec for actor in self.actors if actor.id == request.actor)
        produces = isinstance(spec, ProducerSpec)
        speed = spec.rate if isinstance(spec, ProducerSpec) else 1 / spec.delay if spec.delay else 100 / request.factor
        for asked in self.requests:
            if isinstance(asked, requests.Retune) and asked.actor == request.actor:
                speed = (asked.rate if produces else 1 / asked.delay if asked.delay else None) or speed
            if isinstance(asked, requests.Scale) and asked.actor == request.actor:
                speed *= asked.factor
        return requests.Scaled(speed) if produces else requests.Scaled(None, 1 / speed)

    def _examined(self, pid: int) -> requests.Examined:
        state = next((state for state in self.family if state.pid == pid), None)
        pipes = (row.pipe for row in (*self.pipes, *self.anonymous))
        held = tuple(pipe for pipe in pipes if any(end.pid == pid for end in pipe.ends))
        return requests.Examined(state, tuple(each for each in self.family if each.pid != pid), held)


def everything(hub: FakeHub, **others: Any) -> messages.Update:
    """Return an update with all tables of a hub, as if each row had changed."""
    told: dict[str, Any] = {
        "status": hub.status, "pipes": hub.pipes, "actors": hub.actors, "processes": hub.processes,
        "findings": hub.findings,
    }  # fmt: skip
    return update(**{**told, **others})


def line(number: int, payload: str = "", fifo: str = "/tmp/demo/orders", **more: Any) -> Line:
    """Return a message."""
    data = encode(payload or f"Number {number:03d}")
    return Line(number, NOON + number * 0.012, fifo, 4125, 4121, len(data), data)._replace(**more)


def fifo(inode: int, path: str, state: str = "idle", **more: Any) -> PipeRow:
    """Return a FIFO as the screen lists it; `more` goes to the row or to its pipe."""
    row = {key: more.pop(key) for key in ("severity", "write_rate", "read_rate", "history") if key in more}
    return PipeRow(Pipe(PipeId(8, inode), paths=(path,), mode=0o600, **more), state, **row)


def demo() -> FakeHub:
    """Return a hub with the example of a small host: four FIFOs, ours and others, a log."""
    hub = FakeHub()
    hub.pipes = (
        fifo(1, "/tmp/demo/orders", "flowing", severity="active", queued=1229, capacity=65536, write_rate=1440.0,
             read_rate=1440.0, ends=(End(4121, 3, "w"), End(4122, 3, "w"), End(4125, 3, "r"),
                                     End(9010, 7, "r", True, "/usr/bin/snapserver -s pipe"))),
        fifo(2, "/tmp/demo/slow", "full: sort (4123) lags", severity="stuck", queued=65536, capacity=65536,
             write_rate=48.0, read_rate=48.0, ends=(End(4123, 3, "r"), End(4126, 3, "w"))),
        fifo(3, "/tmp/demo/bursts", "idle 3 s", queued=0, capacity=65536, write_rate=0.0, read_rate=0.0,
             ends=(End(4127, 3, "r"), End(4128, 3, "w"))),
        fifo(4, "/run/user/1000/ctl", "printf (8812) waits for a reader", severity="waiting",
             waiters=(Waiter(8812, 8812, "open-write", command="printf hello"),)),
    )  # fmt: skip
    numbers = ProducerSpec("/tmp/demo/orders", rate=60.0, name="numbers")
    hub.actors = (
        ActorState(1, "producer", 4121, numbers, "running", "writing", "active", PipeId(8, 1),
                   Counters(1204, 13244), 60.0, 720.0),
        ActorState(2, "producer", 4122, numbers, "paused", "paused", "waiting", PipeId(8, 1), Counters(1204, 13244)),
        ActorState(3, "consumer", 4125, ConsumerSpec("/tmp/demo/orders", name="lines"), "running", "reading",
                   "active", PipeId(8, 1), Counters(2408, 26488), 120.0, 1440.0),
    )  # fmt: skip
    hub.processes = (
        Process(4121, "numbers", "jo", 0.01, 9 << 20),
        Process(4122, "numbers", "jo", 0.0, 9 << 20),
        Process(4125, "lines", "jo", 0.02, 10 << 20),
        Process(9010, "/usr/bin/snapserver -s pipe", "snap", 0.04, 31 << 20),
        Process(4123, "sort", "jo", 0.9, 12 << 20),
        Process(4126, "yes", "jo", 0.1, 1 << 20),
        Process(8812, "printf hello", "jo", 0.0, 1 << 20),
    )
    names = ("orders", "slow", "bursts")
    for number in range(2300, 2409):
        payload = "" if number % 3 else f'{{"id": {number}, "sum": 12.5, "items": ["tea", "milk"]}}'
        name = names[number % 7 % 3]
        hub.lines.append(line(number, payload, f"/tmp/demo/{name}", writer=None if name == "slow" else 4121))
    return hub


def anonymous(inode: int, *ends: End, queued: int = 0, waiters: tuple[Waiter, ...] = (), **row: Any) -> PipeRow:
    """Return an anonymous pipe as the screen lists it."""
    return PipeRow(
        Pipe(PipeId(13, inode), "anonymous", queued=queued, capacity=65536, ends=ends, waiters=waiters), **row
    )


def observed() -> FakeHub:
    """Return the hub of `demo` with findings, a deadlock of two, a pipeline under pressure, and a family."""
    hub = demo()
    slow, ctl = hub.pipes[1], hub.pipes[3]
    slow = replace(slow, severity="waiting", history=(5, 6, 6, 7, 7, 8, 8, 8, 8, 8), pipe=replace(
        slow.pipe, owner="jo", waiters=(Waiter(4126, 4126, "write", 3, NOON, command="yes hello"),)))  # fmt: skip
    hub.pipes = (hub.pipes[0], slow, hub.pipes[2], ctl)
    yes, grep, wc, calc, bc = "yes", "grep x", "wc -l", "python3 calc.py", "bc -l"
    hub.anonymous = (
        anonymous(101, End(5838, 1, "w", False, yes), End(5839, 0, "r", False, grep), queued=65536,
                  waiters=(Waiter(5838, 5838, "write", 1, command=yes),), state="full: grep lags", severity="waiting"),
        anonymous(102, End(5839, 1, "w", False, grep), End(5840, 0, "r", False, wc),
                  waiters=(Waiter(5840, 5840, "read", 0, command=wc),), state="idle"),
        anonymous(501, End(7001, 5, "w", False, calc), End(7002, 0, "r", False, bc), queued=65536,
                  waiters=(Waiter(7001, 7001, "write", 5, command=calc),), state="deadlocked", severity="stuck"),
        anonymous(502, End(7002, 1, "w", False, bc), End(7001, 6, "r", False, calc), queued=65536,
                  waiters=(Waiter(7002, 7002, "write", 1, command=bc),), state="deadlocked", severity="stuck"),
    )  # fmt: skip
    hub.processes = (*hub.processes, Process(5839, grep, "jo", 0.98, 2 << 20), Process(5838, yes, "jo", 0.4, 1 << 20))
    hub.findings = (
        Finding("deadlock", "problem", (PipeRef(13, 501), PipeRef(13, 502)), (7001, 7002),
                "python3 (7001) and bc (7002) wait for each other; neither can continue",
                "python3 (7001) waits to write to pipe:[501], which is full, and only bc (7002) can read it.",
                "python3 (7001) should read its fd 6 before or while it writes."),
        Finding("stalled-reader", "warning", (PipeRef(8, 2, "/tmp/demo/slow"),), (4126, 4123),
                "yes (4126) waits to write to /tmp/demo/slow: it is full, and sort (4123) does not read",
                "A pipe holds 64.0 KiB; when it is full, a write blocks until somebody reads (pipe(7)).",
                "Look at the reader: `pipetui doctor --pid 4123` tells what it does.", "inferred"),
        Finding("split-readers", "note", (PipeRef(8, 1, "/tmp/demo/orders"),), (4125, 9010),
                "lines (4125) and snapserver (9010) read /tmp/demo/orders side by side", "Each byte goes to one.",
                "Give each reader a FIFO of its own."),
    )  # fmt: skip
    hub.peeked = {PipeId(8, 2): "hello world\n" * 40}
    hub.past = {PipeId(8, 2): tuple(range(0, 65536, 800))}
    hub.family = (
        ProcessState(1, 0, 1, "/sbin/init", (TaskState(1, "waiting"),)),
        ProcessState(3000, 1, 3000, "-bash", (TaskState(3000, "child", children=(4126,)),)),
        ProcessState(4126, 3000, 3000, "yes hello", (TaskState(4126, "write", PipeId(8, 2), 3, since=NOON),)),
        ProcessState(4130, 4126, 3000, "cat", (TaskState(4130, "sleeping"), TaskState(4131, "sleeping"))),
    )
    return hub


def make_app(hub: FakeHub, config: Config | None = None, roots: tuple[str, ...] = ("/tmp", "/run")) -> PipetuiApp:
    """Return the app on a fake hub."""
    return PipetuiApp(lambda: hub, roots=roots, config=config)


def screen_lines(app: PipetuiApp) -> list[str]:
    """Return the screen as lines of text, as Textual would draw it."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def screen_text(app: PipetuiApp) -> str:
    """Return the screen as one text."""
    return "\n".join(screen_lines(app))


async def settle(pilot: Pilot[Any]) -> None:
    """Let what was pushed arrive on the screen."""
    for _ in range(2):
        await pilot.pause()


async def until(pilot: Pilot[Any], true: Callable[[], bool], within: float = TIMEOUT) -> None:
    """Wait until something is true."""
    deadline = asyncio.get_running_loop().time() + within
    while not true():
        assert asyncio.get_running_loop().time() < deadline, screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.01)


Story = Callable[[PipetuiApp, FakeHub, Pilot[Any]], Awaitable[None]]


def on_screen(
    width: int = 120, height: int = 40, hub: Callable[[], FakeHub] = demo, config: Config | None = None
) -> Callable[[Story], Callable[[], None]]:
    """Make a story of the app on a screen of this size into a test."""

    def wrap(story: Story) -> Callable[[], None]:
        async def play() -> None:
            fake = hub()
            app = make_app(fake, config)
            async with app.run_test(size=(width, height)) as pilot:
                await until(pilot, lambda: fake.view is not None)
                await settle(pilot)
                await story(app, fake, pilot)

        def test() -> None:
            asyncio.run(play())

        test.__name__ = story.__name__
        test.__doc__ = story.__doc__
        return test

    return wrap


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each with its effect."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def write(pilot: Pilot[Any], text: str) -> None:
    """Type a text, as fast as a paste."""
    for char in text:
        pilot.app.post_message(events.Key(_character_to_key(char), char))
    await settle(pilot)
