"""What a client may rely on, whoever answers: each test is of a hub, and of the fake that the screen's tests use.

Every kind of request in the registry is sent twice, once so that it makes sense and once so that it doesn't, and every
feed is read. A new kind needs an example in `sensible`, and in `nonsense` if it can be refused.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tui_fakes import NOON, FakeHub, fifo, line
from updates import update

from pipetui.client.link import Link, start_hub
from pipetui.client.session import LogView, Refused, Session
from pipetui.labs import all_labs
from pipetui.model import (
    ActorState,
    BenchReport,
    ConsumerSpec,
    Counters,
    Finding,
    LabPart,
    LabRun,
    LogFilter,
    PipeId,
    PipeRef,
    Process,
    ProcessState,
    ProducerSpec,
    Waiter,
)
from pipetui.protocol import feeds, requests
from pipetui.protocol.feeds import FEEDS, Feed
from pipetui.protocol.messages import Ready
from pipetui.protocol.requests import REQUESTS, Request

#: For what a hub does at once on a machine that has other things to do (seconds).
TIMEOUT = 60.0


def identity(path: str) -> PipeId:
    """Return the identity of a FIFO."""
    status = os.stat(path)
    return PipeId(status.st_dev, status.st_ino)


@dataclass
class Setup:
    """A FIFO for which a reader waits, one through which ten messages went, a lab that runs; and who tells of them."""

    session: Session
    folder: Path
    reader: int = 0
    consumer: int = 0
    run: int = 0
    log: feeds.LogPage | None = None

    @property
    def path(self) -> str:
        return str(self.folder / "pipe")

    @property
    def pipe(self) -> PipeId:
        return identity(self.path)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something is true."""
        async with asyncio.timeout(TIMEOUT) if hasattr(asyncio, "timeout") else _nothing():
            while not true():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


Scenario = Callable[[Setup], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fifos"
    folder.mkdir()
    for name in ("pipe", "flow"):
        os.mkfifo(folder / name, 0o600)
    return folder


@asynccontextmanager
async def hub(folder: Path) -> AsyncIterator[Setup]:
    """A real hub."""
    with subprocess.Popen(["cat", folder / "pipe"], stdout=subprocess.DEVNULL) as cat:
        link = Link(start_hub())
        await link.attach()
        try:
            async with talk(Setup(Session(link, (str(folder),), interval=0.02), folder, cat.pid)) as setup:
                session, flow = setup.session, str(folder / "flow")
                setup.consumer = await session.start(ConsumerSpec(flow, name="lines"))
                await session.start(ProducerSpec(flow, rate=0, count=10, name="numbers"))
                await setup.until(lambda: setup.log and setup.log.counts.kept == 10)  # a lab says something, too
                setup.run = (await session.ask(requests.RunLab("coprocess", "slow"))).number
                await setup.until(lambda: (row := session.pipes.get(setup.pipe)) and row.pipe.waiters)
                await setup.until(lambda: session.labs.get(setup.run) and session.labs[setup.run].listening)
                yield setup
        finally:
            await link.wait_closed()
            cat.kill()


@asynccontextmanager
async def fake(folder: Path) -> AsyncIterator[Setup]:
    """The same, by the fake."""
    link, reader, flow = FakeHub(), 8812, str(folder / "flow")
    command = f"cat {folder / 'pipe'}"
    setup = Setup(Session(link, (str(folder),)), folder, reader, 1, 1)
    row = fifo(1, setup.path, waiters=(Waiter(reader, reader, "open-read", command=command),))
    other = fifo(2, flow)
    link.pipes = (
        replace(row, pipe=replace(row.pipe, id=setup.pipe)),
        replace(other, pipe=replace(other.pipe, id=identity(flow))),
    )
    link.processes = (Process(reader, command, "jo", 0.0, 1 << 20),)
    link.family = (ProcessState(reader, 1, reader, command),)
    link.actors = (
        ActorState(1, "consumer", 4125, ConsumerSpec(flow, name="lines"), "running", "reading"),
        ActorState(2, "producer", 4121, ProducerSpec(flow, count=10), "ended", "", counters=Counters(10, 110)),
    )
    link.labs = tuple(lab.card() for lab in all_labs().values())
    link.lines = [line(number, f"Number {number - 1:03d}", flow) for number in range(1, 11)]
    link.findings = (Finding("no-writer", "note", (PipeRef(*setup.pipe, setup.path),), (reader,), "", "", ""),)
    async with talk(setup):
        link.push(update(labs=(LabRun(1, "coprocess", "slow", (LabPart(71, "parent"),), listening=True),)))
        link.push(update(bench=BenchReport()))
        await setup.until(lambda: 1 in setup.session.labs)
        yield setup


@asynccontextmanager
async def talk(setup: Setup) -> AsyncIterator[Setup]:
    """Let the session run."""

    def note(change: Any) -> None:
        setup.log = change.log or setup.log

    setup.session.on_change(note)
    running = asyncio.create_task(setup.session.run())
    try:
        await setup.until(lambda: setup.session.there and setup.session.status.host)
        yield setup
    finally:
        running.cancel()
        await asyncio.wait([running])


EITHER = pytest.mark.parametrize(
    "setup", [pytest.param(hub, marks=pytest.mark.system), pytest.param(fake)], ids=lambda setup: setup.__name__
)
Make = Callable[[Path], Any]


def play(make: Make, folder: Path, scenario: Scenario) -> None:
    """Play a scenario with a hub or the fake."""

    async def played() -> None:
        async with make(folder) as setup:
            await scenario(setup)

    asyncio.run(played())


# --- requests ---------------------------------------------------------------------------------------------------------


def sensible(setup: Setup) -> dict[type[Request[Any]], Request[Any]]:
    """Return a request of each kind that has an answer. They may be made one after the other."""
    flow = str(setup.folder / "flow")
    command = setup.session.processes[setup.reader].command
    made: list[Request[Any]] = [
        requests.Peek(identity(flow)),
        requests.Past(setup.pipe),
        requests.Examine(setup.reader),
        requests.Fetch(3),
        requests.Find(LogFilter(), LogFilter("Number 004"), 0),
        requests.Export(LogFilter("005", fifo=flow)),
        requests.ListLabs(),
        requests.TellLab(setup.run, "hello"),
        requests.StopLab(setup.run),
        requests.RunLab("rendezvous"),
        requests.PrepareLab("rendezvous"),
        requests.RunBench(0.1, ("pipe",), (16,)),
        requests.StopBench(),
        requests.Retune(setup.consumer, delay=0.5),
        requests.Scale(setup.consumer, 2.0),
        requests.Control(setup.consumer, "pause"),
        requests.Signal(setup.reader, command, signal.SIGCONT),
        requests.Send(setup.path, "hello\n"),
        requests.CreateFifo(str(setup.folder / "new")),
        requests.RemoveFifo(setup.path, setup.pipe),
        requests.StartProducer(ProducerSpec(flow, rate=1)),
        requests.StartConsumer(ConsumerSpec(flow)),
    ]
    return {type(request): request for request in made}


def nonsense(setup: Setup) -> dict[type[Request[Any]], list[Request[Any]]]:
    """Return requests that nobody can carry out as things are, of each kind that can be refused."""
    flow, nowhere = str(setup.folder / "flow"), str(setup.folder / "nowhere")
    broken = LogFilter("(", regex=True)
    return {
        requests.Peek: [requests.Peek(PipeId(1, 1))],
        requests.Find: [requests.Find(broken, LogFilter(), 0), requests.Find(LogFilter(), broken, 0)],
        requests.Export: [requests.Export(broken)],
        requests.TellLab: [requests.TellLab(99, "hello")],
        requests.StopLab: [requests.StopLab(99)],
        requests.RunLab: [requests.RunLab("nonsense")],
        requests.PrepareLab: [requests.PrepareLab("../rendezvous")],
        requests.RunBench: [requests.RunBench(-1.0), requests.RunBench(sizes=(0,))],
        requests.Retune: [requests.Retune(99, delay=1.0), requests.Retune(setup.consumer, delay=-1.0)],
        requests.Scale: [requests.Scale(99, 2.0), requests.Scale(setup.consumer, 0.0)],
        requests.Control: [requests.Control(99, "pause")],
        requests.Send: [requests.Send(nowhere, "hello\n")],
        requests.Signal: [requests.Signal(setup.reader, "another command", signal.SIGTERM)],
        requests.CreateFifo: [requests.CreateFifo(setup.path)],
        requests.RemoveFifo: [requests.RemoveFifo(nowhere, setup.pipe), requests.RemoveFifo(setup.path, PipeId(1, 1))],
        requests.StartProducer: [requests.StartProducer(ProducerSpec(flow, rate=-1.0))],
        requests.StartConsumer: [requests.StartConsumer(ConsumerSpec(flow, delay=-1.0))],
    }


#: What is always answered, if only by saying that there is nothing.
NEVER_REFUSED = {requests.Past, requests.Examine, requests.Fetch, requests.ListLabs, requests.StopBench}


@EITHER
def test_every_request_that_makes_sense_is_answered(setup: Make, folder: Path) -> None:
    async def scenario(setup: Setup) -> None:
        made = sensible(setup)
        assert made.keys() == set(REQUESTS)
        answers = {kind: await setup.session.ask(request) for kind, request in made.items()}
        for kind, answer in answers.items():
            assert made[kind].accepts(answer)
        assert (answers[requests.Peek].payload, answers[requests.Peek].queued) == (b"", 0)
        assert answers[requests.Examine].process.pid == setup.reader
        assert answers[requests.Fetch].line.payload == b"Number 002"
        assert answers[requests.Find].number == 5
        assert [line.number for line in answers[requests.Export].lines] == [6]
        assert answers[requests.Export].next is None
        assert "rendezvous" in [card.name for card in answers[requests.ListLabs].labs]
        assert answers[requests.RunLab].number != setup.run
        started = {answers[requests.StartProducer].number, answers[requests.StartConsumer].number}
        assert len(started) == 2
        assert setup.consumer not in started
        assert answers[requests.Scale].rate is None
        assert answers[requests.Scale].delay == 0.25, "a half of what it was set to before"

    play(setup, folder, scenario)


@EITHER
def test_every_request_that_makes_no_sense_is_refused_in_a_sentence(setup: Make, folder: Path) -> None:
    async def scenario(setup: Setup) -> None:
        wrong = nonsense(setup)
        assert wrong.keys() == set(REQUESTS) - NEVER_REFUSED
        for request in (request for each in wrong.values() for request in each):
            with pytest.raises(Refused) as refused:
                await setup.session.ask(request)
                pytest.fail(f"{request} was answered")
            assert " " in str(refused.value), request
            assert "\n" not in str(refused.value), request

    play(setup, folder, scenario)


@EITHER
def test_what_is_not_there_is_an_answer_too(setup: Make, folder: Path) -> None:
    async def scenario(setup: Setup) -> None:
        ask = setup.session.ask
        assert await ask(requests.Past(PipeId(1, 1))) == requests.Samples(())
        assert (await ask(requests.Examine(2**22 + 1))).process is None
        assert await ask(requests.Fetch(99_999)) == requests.Whole(None)
        assert await ask(requests.StopBench()) == requests.Done()
        assert await ask(requests.Find(LogFilter(), LogFilter("nothing has this"), 0)) == requests.Found(None)

    play(setup, folder, scenario)


# --- feeds ------------------------------------------------------------------------------------------------------------


@EITHER
def test_every_feed_tells_of_what_is_there(setup: Make, folder: Path) -> None:
    async def scenario(setup: Setup) -> None:
        session = setup.session
        await session.ask(requests.RunBench(0.1, ("pipe",), (16,)))
        session.look(LogView(1, after=4))

        def told(feed: Feed[Any, Any]) -> object:
            if feed is feeds.LOG:
                return setup.log and setup.log.view == 1
            return session.table(feed) if feed.key else session.value(feed) not in (None, feed.initial)

        for feed in FEEDS.values():
            await setup.until(lambda: told(feed))  # noqa: B023 (called at once)
        assert not session.status.scanning
        row = session.pipes[setup.pipe]
        assert row.pipe.path == setup.path
        assert [(waiter.pid, waiter.kind) for waiter in row.pipe.waiters] == [(setup.reader, "open-read")]
        assert setup.path in session.processes[setup.reader].command
        assert session.actors[setup.consumer].role == "consumer"
        assert session.labs[setup.run].lab == "coprocess"
        for name in (feed.name for feed in FEEDS.values() if feed.key):
            key = FEEDS[name].key
            assert key
            assert all(key(row) == at for at, row in session.table(FEEDS[name]).items())

    play(setup, folder, scenario)


@EITHER
def test_a_view_of_the_log_is_answered_by_its_page(setup: Make, folder: Path) -> None:
    async def scenario(setup: Setup) -> None:
        flow = str(setup.folder / "flow")

        async def page(view: LogView) -> feeds.LogPage:
            setup.session.look(view)
            await setup.until(lambda: setup.log and setup.log.view == view.id)
            assert setup.log
            return setup.log

        def numbers(page: feeds.LogPage) -> list[int]:
            return [line.number for line in page.lines]

        only = LogFilter("number 0", fifo=flow)  # in lower case: whatever the case
        newest = await page(LogView(1, only, after=3))
        assert (numbers(newest), newest.append, newest.skipped) == ([8, 9, 10], False, 0)
        middle = await page(LogView(2, only, follow=False, anchor=5, before=2, after=3))
        assert (numbers(middle), middle.newer, middle.older) == ([3, 4, 5, 6, 7], 3, True)
        first = await page(LogView(3, only, follow=False, anchor=1, before=2, after=2))
        assert (numbers(first), first.newer, first.older) == ([1, 2], 8, False)
        narrow = await page(LogView(4, LogFilter("00[27]$", regex=True, fifo=flow), width=6))
        assert [(line.payload, line.length) for line in narrow.lines] == [(b"Number", 10), (b"Number", 10)]
        nothing = await page(LogView(5, LogFilter("NUMBER", fifo=flow)))
        assert numbers(nothing) == [], "with capitals the case counts"
        broken = await page(LogView(6, LogFilter("(", regex=True, fifo=flow)))
        assert "regular expression" in broken.trouble

    play(setup, folder, scenario)


# --- the fake's log -----------------------------------------------------------------------------------------------


def pages(fake: FakeHub) -> Iterator[feeds.LogPage]:
    """Yield the pages that the fake has sent."""
    while not fake._out.empty():
        update = fake._out.get_nowait()
        page = update.value(feeds.LOG)  # type: ignore[union-attr]
        if page:
            yield page


@given(st.lists(st.integers(1, 8), min_size=1, max_size=8), st.integers(1, 6))
def test_a_screen_that_follows_the_fake_sees_each_line_once_or_is_told_how_many_not(
    amounts: list[int], rows: int
) -> None:
    hub = FakeHub()
    hub.send(Ready(LogView(1, after=rows)))
    shown: list[int] = []
    skipped = 0
    for amount in amounts:
        first = len(hub.lines) + 1
        hub.flow(*(line(number, time=NOON) for number in range(first, first + amount)))
        for page in pages(hub):
            new = [each.number for each in page.lines]
            assert len(new) <= rows
            shown = shown + new if page.append else new
            skipped += page.skipped
    total = sum(amounts)
    assert shown[-1] == total
    assert len(set(shown)) == len(shown)
    assert skipped + len(shown) <= total
    assert [number for number in shown if number > total - amounts[-1]] == list(
        range(max(total - amounts[-1], total - rows) + 1, total + 1)
    )
