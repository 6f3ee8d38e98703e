"""Several hosts as one: the log woven of theirs, held against the whole truth; links that come and go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tui_fakes import FakeHub, demo, line
from updates import update

from pipetui.backend.messages.reader import LogReader
from pipetui.backend.messages.retrieval import find
from pipetui.backend.messages.ring import Ring
from pipetui.client import hosts as hosts_module
from pipetui.client.advice import from_here
from pipetui.client.hosts import FifoKey, Here, HostPool, far_hosts
from pipetui.client.link import LinkLost
from pipetui.client.mergedlog import MergedLog
from pipetui.client.session import LogPage, LogView, Refused
from pipetui.model import Finding, Line, LogFilter, PipeId, Status
from pipetui.protocol import messages, requests
from pipetui.text import decode
from pipetui.tui.state.log_window import LogWindow

# --- the log, against the truth -----------------------------------------------------------------------------------


class LogOfOne:
    """What a merged log needs of a session, on a real ring."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.there = True
        self.ring = Ring()
        self.reader = LogReader(self.ring)
        self.view: LogView | None = None

    def add(self, when: float) -> None:
        """Let a message arrive, whose payload is its name."""
        number = self.ring.advance(1, 10) + 1
        payload = f"{self.name} number {number};".encode()
        self.ring.add(Line(number, when, f"/tmp/{self.name}", 1, None, len(payload), payload))

    def look(self, view: LogView) -> None:
        self.view = view

    async def find(self, within: LogFilter, wanted: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        return find(self.ring, requests.Find(within, wanted, start, backwards))

    async def fetch(self, number: int) -> Line | None:
        return self.ring.get(number)

    async def export(self, within: LogFilter) -> AsyncIterator[tuple[Line, ...]]:
        lines = tuple(self.ring.forwards(1))
        for start in range(0, len(lines), 3):
            yield lines[start : start + 3]


class Screen:
    """A log's window over a merged log of hosts. `news` lets the hubs answer."""

    def __init__(self, hosts: int, height: int = 4) -> None:
        self.logs = [LogOfOne(f"box{index}") for index in range(hosts)]
        self.merged = MergedLog(self.logs, lambda _, page: self._take(page))  # type: ignore[arg-type]
        self.window = LogWindow(self.merged.look)
        self.window.resize(80, height)
        self.window.reset()

    def _take(self, page: LogPage | None) -> None:
        if page is not None:
            self.window.take(page)

    async def news(self, *hosts: int) -> None:
        """Let hubs (all, if none are named) tell what the screen lacks, and what it asks for then."""
        for _ in range(4):
            for _ in range(200):
                await asyncio.sleep(0)
            for index in hosts or range(len(self.logs)):
                log = self.logs[index]
                if log.view is not None and (page := log.reader.page(log.view)) is not None:
                    self._take(self.merged.take(log, page))  # type: ignore[arg-type]

    def shown(self) -> list[str]:
        """Return the payloads of all lines that are held, in their order."""
        numbers = [item.number for item in self.window.items]
        assert numbers == sorted(set(numbers)), "twice, or out of order"
        return [decode(item.payload) for item in self.window.items if isinstance(item, Line)]

    def truth(self) -> list[str]:
        """Return all payloads in the order in which they should stand."""
        told = []
        for index, log in enumerate(self.logs):
            latest = 0.0
            for each in log.ring.forwards(1):
                latest = max(latest, each.time)
                told.append((round(latest * 1e6), index, each.number, decode(each.payload)))
        return [payload for *_, payload in sorted(told)]


def played(story: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(story(), 60))


#: Messages: of which host, and how much later than the one before. A little earlier is one of a host's own consumers
#: that reports after another.
MESSAGES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([-0.03, 0.0, 0.001, 0.2, 7.0, 400.0])), min_size=1, max_size=120
)


def fill(screen: Screen, messages: list[tuple[int, float]]) -> None:
    latest = [each.time for log in screen.logs for each in log.ring.backwards(1 << 40)]
    now = max(latest, default=1000.0)
    for host, later in messages:
        screen.logs[host].add(now + later)
        now += max(0.0, later)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.integers(1, 30))
def test_scrolling_to_the_oldest_and_back_meets_every_message_once_in_the_order_of_time(
    messages: list[tuple[int, float]], height: int
) -> None:
    async def story() -> None:
        screen = Screen(3, height)
        fill(screen, messages)
        await screen.news()
        assert screen.shown() == screen.truth()[-max(height, 20) :]
        screen.window.freeze()
        for _ in range(len(messages) // height + 3):
            await screen.news()
            screen.window.move(-height)
        await screen.news()
        assert screen.shown() == screen.truth()
        assert not screen.window.older
        fill(screen, [(host, 500.0) for host in (0, 1, 2, 1)])
        await screen.news()
        assert screen.window.newer == 4
        for _ in range(len(messages) // height + 5):
            screen.window.move(height)
            await screen.news()
        assert screen.shown() == screen.truth()
        assert screen.window.newer == 0

    played(story)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.integers(0, 10_000))
def test_any_message_can_be_found_from_anywhere(messages: list[tuple[int, float]], at: int) -> None:
    async def story() -> None:
        screen = Screen(3)
        fill(screen, messages)
        await screen.news()
        truth = screen.truth()
        screen.window.oldest()
        await screen.news()
        wanted = truth[at % len(truth)]
        first = screen.window.items[0].number
        key = await screen.merged.find(LogFilter(), LogFilter(wanted), max(0, first - 1))
        assert key is not None
        whole = await screen.merged.fetch(key)
        assert whole is not None
        assert decode(whole.payload) == wanted
        position = truth.index(wanted)
        after = await screen.merged.find(LogFilter(), LogFilter(), key)
        before = await screen.merged.find(LogFilter(), LogFilter(), key, backwards=True)
        for found, there in ((after, position + 1), (before, position - 1)):
            line = await screen.merged.fetch(found) if found is not None else None
            assert (decode(line.payload) if line else None) == (truth[there] if 0 <= there < len(truth) else None)

    played(story)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 30)),
        st.tuples(st.sampled_from(["move", "scroll"]), st.sampled_from([-40, -7, -1, 1, 7, 40])),
        st.tuples(st.sampled_from(["follow", "freeze", "oldest", "news", "filter", "all"]), st.just(0)),
        st.tuples(st.sampled_from(["next", "previous"]), st.integers(0, 9)),
        st.tuples(st.just("resize"), st.integers(1, 30)),
        st.tuples(st.just("some"), st.integers(0, 2)),
    ),
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(MESSAGES, STEPS)
def test_whatever_a_person_does_no_message_stands_twice_or_in_a_wrong_place(
    messages: list[tuple[int, float]], steps: list[tuple[str, int]]
) -> None:
    async def story() -> None:
        screen = Screen(3, 10)
        fill(screen, messages)
        await screen.news()
        window = screen.window
        for what, amount in steps:
            await _step(screen, what, amount)
            shown = screen.shown()
            assert len(shown) == len(set(shown))
            rank = {payload: place for place, payload in enumerate(screen.truth())}
            assert shown == sorted(shown, key=lambda payload: rank[payload])
        window.set_filter(LogFilter())
        window.follow()
        await screen.news()
        assert screen.shown()[-window.height :] == screen.truth()[-window.height :]

    played(story)


async def _step(screen: Screen, what: str, amount: int) -> None:
    window = screen.window
    if what == "add":
        size = len(screen.truth())
        fill(screen, [((size + each) % 3, 0.1) for each in range(amount)])
    elif what == "move":
        window.move(amount)
    elif what == "scroll":
        window.scroll(amount)
    elif what in ("follow", "freeze", "oldest"):
        getattr(window, what)()
    elif what == "resize":
        window.resize(80, amount)
    elif what in ("next", "previous") and window.current is not None:
        found = await screen.merged.find(
            window.filter, LogFilter(str(amount)), window.current.number, backwards=what == "previous"
        )
        if found is not None:
            window.jump(found)
    elif what in ("filter", "all"):
        window.set_filter(LogFilter("1" if what == "filter" else ""))
    await (screen.news(amount) if what == "some" else screen.news())


def test_an_export_is_in_the_order_of_time_and_names_the_hosts() -> None:
    async def story() -> None:
        screen = Screen(3)
        fill(screen, [(each * each % 3, 0.1) for each in range(40)])
        told = [each async for page in screen.merged.export(LogFilter()) for each in page]
        assert [decode(line.payload) for _, line in told] == screen.truth()
        assert all(decode(line.payload).startswith(name) for name, line in told)

    played(story)


def test_a_host_that_does_not_answer_holds_up_no_page_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.client.mergedlog._TIMEOUT", 0.05)

    async def story() -> None:
        screen = Screen(2)
        fill(screen, [(each % 2, 0.1) for each in range(60)])
        await screen.news()
        screen.window.oldest()
        await screen.news(0)
        assert screen.window.items[-1].number != screen.window.items[0].number
        await asyncio.sleep(0.2)
        assert {payload.split()[0] for payload in screen.shown()} == {"box0"}
        await screen.news(1)
        assert screen.shown() == screen.truth()

    played(story)


# --- links that come and go ---------------------------------------------------------------------------------------


class Box:
    """A host whose hubs are fakes: `hubs` are its lives so far. While it is `down`, there is no link to it."""

    def __init__(self, name: str, make: Callable[[], FakeHub] = demo) -> None:
        self.name = name
        self.make = make
        self.down = ""
        self.tries = 0
        self.hubs: list[FakeHub] = []

    @property
    def hub(self) -> FakeHub:
        return self.hubs[-1]

    def open(self) -> FakeHub:
        self.tries += 1
        if self.down:
            raise LinkLost(self.down)
        self.hubs.append(self.make())
        return self.hub

    def die(self, why: str) -> None:
        self.down = why
        self.hub.lose(why)


async def until(true: Callable[[], object], what: str = "") -> None:
    for _ in range(1500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(what or "it did not come true")


Story = Callable[[HostPool, Box, Box], Any]


def kept(story: Story) -> Callable[[], None]:
    """Make a story of a pool of two into a test."""

    async def play() -> None:
        one, two = Box("box1"), Box("box2")
        await keeping(far_hosts([one, two]), lambda pool: story(pool, one, two))

    def test() -> None:
        asyncio.run(play())

    test.__name__ = story.__name__
    return test


async def keeping(pool: HostPool, story: Callable[[HostPool], Any]) -> None:
    """Keep a pool during a story."""
    run = asyncio.create_task(pool.run())
    try:
        await asyncio.wait_for(story(pool), 30)
    finally:
        await pool.close()
        await asyncio.gather(run, return_exceptions=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "SHORTEST", 0.02)
    monkeypatch.setattr(hosts_module, "LONGEST", 0.05)


def away(pool: HostPool, host: int) -> set[str]:
    return {listed.away for key, listed in pool.fifos.items() if key.host == host}


@kept
async def test_the_same_fifos_on_two_hosts_are_told_apart(pool: HostPool, one: Box, two: Box) -> None:
    await until(lambda: len(pool.fifos) == 8)
    assert pool.fifos[FifoKey(0, PipeId(8, 1))].session is pool.sessions[0]
    assert pool.fifos[FifoKey(1, PipeId(8, 1))].session is pool.sessions[1]
    assert away(pool, 0) == away(pool, 1) == {""}


@kept
async def test_what_a_lost_host_told_stays_until_it_is_told_anew(pool: HostPool, one: Box, two: Box) -> None:
    await until(lambda: len(pool.fifos) == 8)
    two.die("the link to box2 has ended")
    await until(lambda: pool.sessions[1].lost)
    assert away(pool, 0) == {""}
    assert away(pool, 1) == {"box2 is away: the link to box2 has ended"}
    assert len(pool.fifos) == 8

    def scanning() -> FakeHub:
        hub = demo()
        hub.status = Status("box1", scanning=True)
        hub.pipes = hub.pipes[:1]
        return hub

    two.make, two.down = scanning, ""
    await until(lambda: pool.sessions[1].there and two.hub.view)
    await until(lambda: "" in away(pool, 1))
    assert away(pool, 1) == {"", "box2 is back: looking…"}
    assert len(pool.fifos) == 8
    two.hub.push(update(status=Status("box1")))
    await until(lambda: len(pool.fifos) == 5)
    assert away(pool, 1) == {""}


@kept
async def test_a_host_that_is_down_is_tried_again_and_costs_the_others_nothing(
    pool: HostPool, one: Box, two: Box
) -> None:
    two.down = "box2 can't be reached: Connection refused"
    await until(lambda: two.tries > 3)
    assert pool.sessions[0].there
    assert pool.sessions[1].away == "box2 is away: can't be reached: Connection refused"
    with pytest.raises(Refused, match="box2 is away"):
        await pool.sessions[1].ask(requests.CreateFifo("/tmp/x"))
    two.down = ""
    await until(lambda: pool.sessions[1].there)
    assert len(one.hubs) == 1


def test_pauses_grow_and_a_wish_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "SHORTEST", 1.0)
    monkeypatch.setattr(hosts_module, "LONGEST", 60.0)
    pauses: list[float | None] = []
    wait_for = asyncio.wait_for

    async def waited(awaitable: Any, timeout: float | None) -> Any:
        pauses.append(timeout)
        return await wait_for(awaitable, 30.0 if len(pauses) == 9 else 0.0)

    async def story() -> None:
        box = Box("box2")
        box.down = "gone"
        pool = far_hosts([box])
        monkeypatch.setattr(asyncio, "wait_for", waited)
        run = asyncio.create_task(pool.run())
        await until(lambda: len(pauses) == 9)
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        box.down = ""
        assert pool.reconnect()
        await until(lambda: pool.sessions[0].there)
        assert not pool.reconnect()
        await pool.close()
        await asyncio.gather(run, return_exceptions=True)

    asyncio.run(story())


@kept
async def test_the_same_reason_again_is_no_news(pool: HostPool, one: Box, two: Box) -> None:
    told: list[str] = []
    pool.on_change(lambda session, change: told.append(change.lost) if change.lost else None)
    two.down = "box2 can't be reached: Connection refused"
    await until(lambda: two.tries > 3)
    assert told == ["box2 is away: can't be reached: Connection refused"]
    two.down = "box2 can't be reached: No route to host"
    await until(lambda: len(told) == 2)


@kept
async def test_actors_and_requests_end_with_their_hub(pool: HostPool, one: Box, two: Box) -> None:
    await until(lambda: len(pool.sessions[1].actors) == 3)
    two.make = FakeHub
    two.hub._reply = lambda number, request: messages.Goodbye("")  # type: ignore[method-assign]
    asking = asyncio.create_task(pool.sessions[1].fetch(1))
    await asyncio.sleep(0)
    two.hub.lose("the link to box2 has ended")
    with pytest.raises(Refused, match="box2 is away: the link to box2 has ended"):
        await asking
    await until(lambda: len(two.hubs) == 2 and not pool.sessions[1].actors)


@kept
async def test_findings_of_all_hosts_stand_the_most_severe_first(pool: HostPool, one: Box, two: Box) -> None:
    await until(lambda: all(session.there for session in pool.sessions))
    levels: tuple[Any, ...] = ("problem", "warning", "note")
    found = tuple(Finding(level, level, (), (), level, "", "") for level in levels)
    one.hub.push(update(findings=found[1:]))
    two.hub.push(update(findings=found))
    await until(lambda: len(pool.findings) == 5)
    told = [(judged.finding.level, judged.session.name) for judged in pool.findings]
    assert told == [("problem", "box2"), ("warning", "box1"), ("warning", "box2"), ("note", "box1"), ("note", "box2")]
    two.die("gone")
    await until(lambda: len(pool.findings) == 2)


@kept
async def test_a_host_that_has_come_back_is_not_asked_for_what_the_one_before_it_knew(
    pool: HostPool, one: Box, two: Box
) -> None:
    pages: list[LogPage] = []
    pool.on_change(lambda session, change: pages.append(change.log) if change.log else None)
    pool.look(LogView(1, after=50))
    await until(lambda: len(pages) > 1 and len({pool.origin(each.number)[0] for each in pages[-1].lines}) == 2)
    old = [each for each in pages[-1].lines if pool.origin(each.number)[0] is pool.sessions[1]]
    whole = await pool.fetch(old[0].number)
    assert whole is not None
    assert whole.number == old[0].number
    two.hub.lose("the link to box2 has ended")
    await until(lambda: len(two.hubs) == 2 and pool.sessions[1].there)
    assert await pool.fetch(old[0].number) is None


def test_this_machine_can_be_one_of_the_hosts() -> None:
    async def story(pool: HostPool) -> None:
        await until(lambda: len(pool.fifos) == 8)
        assert [session.name for session in pool.sessions] == ["local", "box2"]
        assert pool.address(pool.sessions[0], "/tmp/x") == "local:/tmp/x"

    asyncio.run(keeping(far_hosts([Here(demo), Box("box2")]), story))


def test_exported_lines_name_their_host_where_there_are_several() -> None:
    from pipetui.tui.state.export import as_json

    assert json.loads(as_json(line(3), "box1"))["host"] == "box1"
    assert "host" not in json.loads(as_json(line(3)))


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        ("Start one: `pipetui tail /srv/x` is one.", "Start one: `pipetui tail --host jo@box /srv/x` is one."),
        ("`pipetui doctor --pid 7`", "`pipetui doctor --host jo@box --pid 7`"),
        ("`pipetui rm /srv/x /srv/y`", "`ssh jo@box rm /srv/x /srv/y`"),
        ("`pipetui rm '/srv/a b'`", "`ssh jo@box 'rm '\"'\"'/srv/a b'\"'\"''`"),
        ("end it: `kill 7 8`; or `kill -CONT 9`", "end it: `ssh jo@box kill 7 8`; or `ssh jo@box kill -CONT 9`"),
        ("`cat /srv/x > /dev/null` (lost)", "`ssh jo@box 'cat /srv/x > /dev/null'` (lost)"),
        ("`chmod 600 /srv/x`", "`ssh jo@box chmod 600 /srv/x`"),
        ("close it with `N>&-`, make it with `mkfifo -m 600`", "close it with `N>&-`, make it with `mkfifo -m 600`"),
    ],
)
def test_what_to_do_about_another_host_can_be_typed_here(fix: str, expected: str) -> None:
    finding = Finding("rule", "problem", (), (), "headline", "why", fix)
    assert from_here([finding], "jo@box") == (replace(finding, fix=expected),)
