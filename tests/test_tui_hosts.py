"""Several hosts on one screen, played by keys on fake hubs; and for real, through ssh."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hosts import Hosts
from monitor import MESSAGE
from processes import Sandbox
from rich.style import Style
from sshd import why_not
from terminal import Terminal
from test_hosts import Box
from textual.pilot import Pilot
from tui_fakes import (
    NOON,
    FakeHub,
    demo,
    fifo,
    line,
    observed,
    press,
    screen_lines,
    screen_text,
    settle,
    until,
    write,
)
from updates import update

from pipetui.client import hosts as hosts_module
from pipetui.model import ActorState, BenchReport, ConsumerSpec, Finding, PipeId, Status
from pipetui.protocol import requests
from pipetui.tui.app import PipetuiApp
from pipetui.tui.core.theme import palette_for

Story = Callable[[PipetuiApp, list[Box], Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "SHORTEST", 0.02)
    monkeypatch.setattr(hosts_module, "LONGEST", 0.05)


def never() -> Any:
    raise AssertionError("a hub of this machine was started")


def on_hosts(
    *names: str, width: int = 120, height: int = 40, make: Callable[[], FakeHub] = demo
) -> Callable[[Story], Callable[[], None]]:
    """Make a story of the app on some hosts into a test."""

    def wrap(story: Story) -> Callable[[], None]:
        async def play() -> None:
            boxes = [Box(name, make) for name in names]
            app = PipetuiApp(never, roots=("/tmp",), far=boxes)
            async with app.run_test(size=(width, height)) as pilot:
                await until(pilot, lambda: all(box.hubs and box.hub.view for box in boxes))
                await settle(pilot)
                await story(app, boxes, pilot)

        def test() -> None:
            asyncio.run(play())

        test.__name__ = story.__name__
        return test

    return wrap


def row(app: PipetuiApp, pattern: str) -> str:
    """Return the first line of the screen that matches."""
    return next((each for each in screen_lines(app) if re.search(pattern, each)), "")


def styles_of(app: PipetuiApp, pattern: str) -> set[Style]:
    """Return the colours of the words in the first line that matches."""
    strips = app.screen._compositor.render_strips()
    strip = next(strip for strip in strips if re.search(pattern, strip.text))
    return {Style(color=part.style.color) for part in strip if part.style and part.text.strip(" ▸")}


@on_hosts("box1", "jo@box2")
async def test_each_row_says_which_host_it_is_of(app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]) -> None:
    text = screen_text(app)
    assert "2 hosts   8 FIFOs · 14 processes" in text
    assert re.search(r"HOST +FIFO +FILL", text)
    for name in ("box1", "jo@box2"):
        assert len(re.findall(rf"^ [▸ ] {name} +/", text, re.MULTILINE)) == 4
    assert re.search(r"box1 +/tmp/demo/slow .*\n.*jo@box2 +/run/user/1000/ctl", text)


def many() -> FakeHub:
    """Return a hub with more FIFOs than there is room for."""
    hub = demo()
    hub.pipes = tuple(fifo(100 + n, f"/tmp/{n:02}") for n in range(30))
    hub.findings = observed().findings
    return hub


def searching() -> FakeHub:
    """Return a hub that is looking for FIFOs and has found none yet."""
    hub = FakeHub()
    hub.status = Status(host="box", scanning=True)
    return hub


@on_hosts("box1", "box2", "box3", make=searching)
async def test_the_lists_open_at_the_top_whoever_answers_first(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    def tell(number: int, *, done: bool = False) -> None:
        rows, status = many().pipes, Status(host="box", scanning=not done)
        boxes[number].hub.push(update(status=status, pipes=rows[15:], findings=many().findings))
        boxes[number].hub.push(update(pipes=rows[:15]))

    def first() -> str:
        return next(each for each in screen_lines(app) if re.search(r"box\d +/tmp", each))

    for number in (2, 1, 0):
        tell(number)
        await until(pilot, lambda: f"{30 * (3 - number)} FIFOs" in screen_text(app))  # noqa: B023
        assert first().startswith(f" ▸ box{number + 1}   /tmp/00 ")
        assert f"deadlock        box{number + 1}: " in screen_text(app)
    for number in range(3):
        tell(number, done=True)
    await settle(pilot)
    boxes[0].hub.push(update(pipes=tuple(fifo(n, f"/a/{n:02}") for n in range(30))))
    await until(pilot, lambda: "120 FIFOs" in screen_text(app))
    assert first().startswith(" ▸ box1   /tmp/00 "), "what comes later moves nothing"


@on_hosts("box1", "box2", make=searching)
async def test_a_list_in_which_somebody_has_moved_stays_there(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    boxes[1].hub.push(update(status=Status(host="box", scanning=True), pipes=many().pipes))
    await until(pilot, lambda: "30 FIFOs" in screen_text(app))
    await press(pilot, "j")
    boxes[0].hub.push(update(status=Status(host="box", scanning=True), pipes=many().pipes))
    await until(pilot, lambda: "60 FIFOs" in screen_text(app))
    assert "▸ box2   /tmp/01" in screen_text(app)


@on_hosts("jo@box2")
async def test_one_far_host_is_named_in_the_status_only(app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]) -> None:
    assert "jo@box2   4 FIFOs" in screen_lines(app)[0]
    assert screen_text(app).count("jo@box2") == 1
    assert "HOST" not in screen_text(app)


@on_hosts("box1", "box2")
async def test_the_rows_of_a_host_that_died_go_grey_and_come_back(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "k")
    assert "▸ box2   /tmp/demo/orders" in screen_text(app)
    boxes[1].die("the link to box2 has ended")
    await until(pilot, lambda: "box2 is away: the link" in row(app, "box2 +/tmp/demo/orders"))
    await until(pilot, lambda: boxes[1].tries > 2)
    assert screen_text(app).count("box2   /") == 4
    assert row(app, "box2 +/tmp/demo/orders").startswith(" ▸ ")
    grey = palette_for(app.theme).dim
    assert styles_of(app, "box2 +/tmp/demo/slow") == {grey}
    assert styles_of(app, "box1 +/tmp/demo/slow") != {grey}
    assert styles_of(app, r"● +4121") >= {grey}
    assert "14 processes · box2 is away · 1 stuck" in screen_lines(app)[0]
    assert screen_lines(app)[0].endswith("live ")
    assert "box2 is away: the link to box2 has ended" in row(app, "── FIFOS")
    boxes[1].down = ""
    await until(pilot, lambda: "flowing" in row(app, "box2 +/tmp/demo/orders"))
    assert "away" not in screen_text(app).split("── MESSAGES")[0]
    assert row(app, "box2 +/tmp/demo/orders").startswith(" ▸ ")
    assert styles_of(app, "box2 +/tmp/demo/slow") != {grey}


@on_hosts("box2")
async def test_the_only_host_says_why_it_is_away_and_can_be_tried_at_once(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    hosts_module.SHORTEST = hosts_module.LONGEST = 1000.0
    boxes[0].die("box2 can't be reached: Connection refused")
    await until(pilot, lambda: "box2 is away: can't be reached" in screen_lines(app)[0])
    assert "R retries now" in screen_lines(app)[0]
    assert "box2 is away: can't be reached" in row(app, "/tmp/demo/slow")
    boxes[0].down = ""
    await press(pilot, "R")
    await until(pilot, lambda: "live" in screen_lines(app)[0])
    assert "full: sort (4123) lags" in screen_text(app)
    assert "Number 2408" in screen_text(app)
    await press(pilot, "R")
    assert "is connected" in screen_text(app)


def test_a_host_that_was_never_there_is_said_with_the_reason() -> None:
    async def play() -> None:
        boxes = [Box("box1", FakeHub), Box("box2")]
        boxes[1].down = "box2 can't be reached: No route to host"
        app = PipetuiApp(never, far=boxes)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "box2 is away: can't be reached: No route to host" in row(app, "── FIFOS"))
            await until(pilot, lambda: boxes[1].tries > 2)
            await press(pilot, "i")
            assert re.search("box2\n away +box2 is away: can't be reached", re.sub(" +\n", "\n", screen_text(app)))
            await press(pilot, "escape")
            boxes[1].down = ""
            await until(pilot, lambda: "full: sort" in screen_text(app))

    asyncio.run(play())


@on_hosts("box1", "box2")
async def test_actions_go_to_the_host_of_the_selected_row(app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]) -> None:
    one, two = boxes[0].hub, boxes[1].hub
    await press(pilot, "G", "k")
    await press(pilot, "s")
    assert "Send one message on box2" in screen_text(app)
    await write(pilot, "hello")
    await press(pilot, "enter")
    await until(pilot, lambda: "Sent 6 bytes" in screen_text(app))
    for key in ("w", "r"):
        await press(pilot, key, "enter")
    await press(pilot, "p", "escape")
    await press(pilot, "d", "right", "left", "tab", "enter")
    await press(pilot, "2", "z", "x")
    await until(pilot, lambda: len(two.asked(requests.Control)) == 2)
    for kind in (requests.Send, requests.StartProducer, requests.StartConsumer, requests.Peek, requests.RemoveFifo):
        assert two.asked(kind), kind
        assert not one.asked(kind), kind
    await press(pilot, "1", "g", "j", "j", "2", "K")
    await until(pilot, lambda: bool(one.asked(requests.Control)))
    assert [each.action for each in two.asked(requests.Control)] == ["pause", "stop"]


@on_hosts("box1", "box2")
async def test_a_new_fifo_is_made_on_the_host_that_is_chosen(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "c")
    await write(pilot, "new")
    await press(pilot, "enter")
    await until(pilot, lambda: "on box2" in screen_lines(app)[-1])
    await press(pilot, "c", "up", "up", "up", "left", "enter")
    await until(pilot, lambda: bool(boxes[0].hub.asked(requests.CreateFifo)))
    assert [each.path for each in boxes[1].hub.asked(requests.CreateFifo)] == ["/tmp/demo/new"]


@on_hosts("box1", "box2")
async def test_an_action_on_a_host_that_is_away_is_refused_with_the_reason(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    boxes[1].die("box2 can't be reached: Connection refused")
    await until(pilot, lambda: bool(app.pool.sessions[1].lost))
    await press(pilot, "G", "s")
    await write(pilot, "x")
    await press(pilot, "enter")
    await until(pilot, lambda: "box2 is away: can't be reached: Connection refused" in screen_text(app))
    assert "Send one message" in screen_text(app)


def quiet() -> FakeHub:
    hub = demo()
    hub.lines = []
    return hub


@on_hosts("box1", "box2", make=quiet)
async def test_messages_of_all_hosts_stand_in_the_order_of_time(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    one, two = (box.hub for box in boxes)
    one.flow(line(1, "first", time=NOON + 1), line(2, "third", time=NOON + 3))
    await settle(pilot)
    two.flow(line(1, "second", time=NOON + 2))
    two.flow(line(2, "fourth", time=NOON + 4))
    await until(pilot, lambda: "fourth" in screen_text(app))
    shown = [each.split() for each in screen_lines(app) if "4121→4125" in each]
    assert [(words[1], words[-1]) for words in shown] == [
        ("box1", "first"), ("box2", "second"), ("box1", "third"), ("box2", "fourth")
    ]  # fmt: skip
    await press(pilot, "4", "k", "enter")
    await until(pilot, lambda: "MESSAGE 2  " in screen_text(app))
    assert "box1:/tmp/demo/orders" in screen_lines(app)[0]
    await press(pilot, "p")
    await until(pilot, lambda: "MESSAGE 1  " in screen_text(app))
    assert "box2:/tmp/demo/orders" in screen_lines(app)[0]
    await press(pilot, "escape", "G", "1", "G", "k", "o")
    await until(pilot, lambda: "third" not in screen_text(app))
    assert "only box2:orders" in screen_text(app)
    assert "second" in screen_text(app)


@on_hosts("box1", "box2", make=observed)
async def test_findings_have_their_host_in_front_and_lead_to_it(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    assert "2 problems · 2 warnings · 2 notes" in screen_text(app)
    found = [each for each in screen_lines(app) if "✖ deadlock" in each]
    assert ["box1: python3 (7001)" in found[0], "box2: python3 (7001)" in found[1]] == [True, True]
    await press(pilot, "5", "j", "enter")
    assert "FINDING box2:deadlock" in screen_lines(app)[0]
    await press(pilot, "escape", "j", "j", "enter")
    assert "FIFO box2:/tmp/demo/slow" in screen_lines(app)[0]
    assert "--host box2" in screen_text(app)  # of `pipetui doctor --host box2 --pid 4123`
    await press(pilot, "escape")
    boxes[1].die("the link to box2 has ended")
    await until(pilot, lambda: "FINDINGS 1 problem · 1 warning · 1 note" in screen_text(app))
    assert "box2: " not in screen_text(app).split("── FINDINGS")[1].split("── MESSAGES")[0]


@on_hosts("box1", "box2", make=observed)
async def test_pipelines_stand_under_their_hosts_and_lead_to_them(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    await press(pilot, "a")
    await until(pilot, lambda: screen_text(app).count("grep x (5839)") >= 2)
    text = screen_text(app)
    assert text.index("box1") < text.index("grep x (5839)") < text.index("box2")
    await press(pilot, "shift+tab", "enter")
    await until(pilot, lambda: bool(boxes[1].hub.asked(requests.Examine) or boxes[1].hub.asked(requests.Past)))
    assert " box2:" in screen_lines(app)[0]
    assert not boxes[0].hub.asked(requests.Examine) + boxes[0].hub.asked(requests.Past)


@on_hosts("box1", "box2", make=observed)
async def test_a_closer_look_goes_on_when_its_host_is_back(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "enter")
    assert "FIFO box2:/tmp/demo/slow" in screen_lines(app)[0]
    boxes[1].die("the link to box2 has ended")
    await until(pilot, lambda: "box2 is away" in screen_lines(app)[0])
    boxes[1].down = ""
    await until(pilot, lambda: "full: sort" in screen_lines(app)[0])
    await press(pilot, "p")
    await until(pilot, lambda: "hello world" in screen_text(app))


@on_hosts("box1", "box2", width=80, height=24)
async def test_a_small_screen_has_room_for_the_hosts(app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]) -> None:
    assert re.search(r"HOST +FIFO +FILL .*STATE", screen_text(app))
    assert re.search(r"box2 +/\S+ctl", screen_text(app))
    boxes[1].die("the link to box2 has ended")
    await until(pilot, lambda: "box2 is away" in screen_lines(app)[0])
    assert "box2 is away" in row(app, "box2 +/tmp/demo/slow")
    await press(pilot, "4")
    assert re.search(r"box1 +orders +10  Number 2408|Number 2408", screen_text(app))


@on_hosts("box1", "box2")
async def test_a_filter_finds_the_fifos_of_a_host(app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]) -> None:
    await press(pilot, "slash")
    await write(pilot, "box2:")
    await until(pilot, lambda: "4 of 8" in screen_text(app))


@on_hosts("box1", "box2")
async def test_a_host_that_says_nothing_new_causes_no_drawing(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    boxes[1].die("the link to box2 has ended")
    await until(pilot, lambda: boxes[1].tries > 2)
    await settle(pilot)
    drawn: list[object] = []
    app._display = lambda screen, renderable: drawn.append(renderable)  # type: ignore[method-assign]
    before = boxes[1].tries
    await until(pilot, lambda: boxes[1].tries > before + 2)
    boxes[0].hub.push(update(status=boxes[0].hub.status, pipes=boxes[0].hub.pipes))
    await settle(pilot)
    assert [each for each in drawn if each is not None] == []


EVIL = "x\x1b]52;c;UHduZWQ=\x07\x9b31m\u202egnp\x7f\udcff[bold]\r\n"


@on_hosts(f"a{EVIL}", f"b{EVIL}")
async def test_no_name_of_a_host_and_no_reason_reaches_the_terminal_as_it_is(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    forbidden = re.compile("[\x00-\x1f\x7f-\x9f\u202e\ud800-\udfff]")
    lone = ActorState(9, "consumer", 67, ConsumerSpec(f"/{EVIL}", name=EVIL), "running", EVIL)
    finding = Finding("deadlock", "problem", (), (1, 2), EVIL, EVIL, EVIL)
    boxes[1].hub.push(update(status=Status(EVIL, partial=(EVIL,)), pipes=(fifo(66, f"/{EVIL}", EVIL),), actors=(lone,),
                                  findings=(finding,)))  # fmt: skip
    walk = ("G", "c", "escape", "w", "escape", "r", "escape", "s", "escape", "d", "escape", "y", "o", "E", "escape",
            "2", "enter", "escape", "y", "3", "4", "y", "enter", "escape", "5", "enter", "escape", "y", "a", "escape",
            "i", "escape", "1", "enter", "s", "escape", "o", "R")  # fmt: skip
    for again in (False, True):
        for key in walk:
            await press(pilot, key)
            for each in screen_lines(app):
                assert not forbidden.search(each), (again, key, each)
        boxes[0].die(f"{EVIL} has gone")
        await until(pilot, lambda: bool(app.pool.sessions[0].lost))
    assert "\\e]52" in screen_text(app)


@on_hosts("box1", "box2", make=lambda: replace_pipes(demo(), 5000))
async def test_thousands_of_fifos_on_two_hosts_are_no_hitch(
    app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]
) -> None:
    await press(pilot, "G")
    assert "▸ box2   /srv/04999" in screen_text(app)
    boxes[1].hub.push(update(pipes=(replace(boxes[1].hub.pipes[-1], state="flowing"),)))
    await settle(pilot)
    assert "flowing" in row(app, "box2 +/srv/04999")
    assert app.pool.fifos[app.pool.key(app.pool.sessions[1], PipeId(8, 4999))].row.state == "flowing"


def replace_pipes(hub: FakeHub, count: int) -> FakeHub:
    hub.pipes = tuple(fifo(number, f"/srv/{number:05}") for number in range(count))
    return hub


# --- for real -----------------------------------------------------------------------------------------------------

#: A link is tried again after 1, 2, 4, 8 seconds, and a busy machine is no failure.
LONG = 60.0

KINDS = ["stand-in", pytest.param("sshd", marks=pytest.mark.skipif(bool(why_not()), reason=why_not()))]


def listed(host: str, name: str, state: str) -> re.Pattern[str]:
    return re.compile(rf"^ [▸ ] {host} +\S*/{name} .*  {state}", re.MULTILINE)


def is_grey(terminal: Terminal, host: str, name: str) -> bool:
    """Whether all words of a FIFO's row are drawn in grey."""
    y, shown = next((y, each) for y, each in enumerate(terminal.lines()) if re.match(rf" [▸ ] {host} .*/{name} ", each))
    colours = {terminal.cell(x, y).fg for x, char in enumerate(shown) if x > 2 and char != " "}
    return colours == {palette_for("pipetui-dark").dim.color.name.removeprefix("#")}  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.e2e
def test_one_of_two_hosts_dies_and_its_rows_go_grey_and_come_back_by_themselves(tmp_path: Path, kind: str) -> None:
    with (
        Sandbox(tmp_path / "here") as sandbox,
        Hosts(tmp_path, "box1", "box2", real=kind == "sshd", env=sandbox.env) as hosts,
    ):
        one, two = sandbox.name("one"), sandbox.name("two")
        hosts.fifo("box1", one)
        hosts.fifo("box2", two)
        terminal = sandbox.terminal("--host", "box1", "--host", "box2", ".", env=hosts.env)
        terminal.wait_for(listed("box1", one, "nobody has it open"), LONG)
        terminal.wait_for(listed("box2", two, "nobody has it open"), LONG)
        assert not is_grey(terminal, "box2", two)

        hosts.cut("box2")
        terminal.wait_for(listed("box2", two, "box2 is away"), LONG)
        terminal.wait_for("2 FIFOs · 0 processes · box2 is away", LONG)
        terminal.wait_for(re.compile("── FIFOS ─+ box2 is away: .*Connection refused"), LONG)
        assert is_grey(terminal, "box2", two)
        assert not is_grey(terminal, "box1", one)
        later = sandbox.name("later")
        hosts.fifo("box1", later)
        terminal.wait_for(listed("box1", later, "nobody has it open"))
        assert "box2 is away" in terminal.text()

        hosts.mend("box2")
        terminal.wait_for(listed("box2", two, "nobody has it open"), LONG)
        terminal.wait_for(lambda screen: "away" not in screen.split("── PRODUCERS")[0], LONG)
        assert not is_grey(terminal, "box2", two)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        hosts.assert_left_nothing()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.e2e
def test_what_flows_on_two_hosts_is_read_in_one_log(tmp_path: Path, kind: str) -> None:
    with (
        Sandbox(tmp_path / "here") as sandbox,
        Hosts(tmp_path, "box1", "box2", real=kind == "sshd", env=sandbox.env) as hosts,
    ):
        name = sandbox.name("orders")
        for host in ("box1", "box2"):
            hosts.fifo(host, name)
        terminal = sandbox.terminal("--host", "box1", "--host", "box2", ".", env=hosts.env)
        for host, way in (("box1", "g"), ("box2", "G")):
            terminal.wait_for(listed(host, name, "nobody has it open"), LONG)
            terminal.send("1", way)
            terminal.wait_for(re.compile(rf"^ ▸ {host} ", re.MULTILINE))
            for key, heading in (("r", "Consumer"), ("w", "Producer")):
                terminal.send(key)
                terminal.wait_for(f"{heading} on {host}")
                terminal.send("enter")
                terminal.wait_gone(f"{heading} on {host}")
        both = re.compile(r"^ \d\d:\d\d:\d\d\.\d{3}  (box\d)  .*  Number \d+", re.MULTILINE)
        terminal.wait_for(lambda screen: {"box1", "box2"} <= set(both.findall(screen)), LONG, "messages of both")
        assert not MESSAGE.search(terminal.text())  # the host stands in each line
        times = re.findall(r"^ (\d\d:\d\d:\d\d\.\d{3})  box", terminal.text(), re.MULTILINE)
        assert times == sorted(times) or "00:00:0" in terminal.text()  # midnight
        terminal.send("q")
        assert terminal.wait_exit() == 0
        hosts.assert_left_nothing()


@on_hosts("jo@box2")
async def test_labs_and_the_comparison_say_where_they_run(app: PipetuiApp, boxes: list[Box], pilot: Pilot[Any]) -> None:
    await press(pilot, "l")
    assert "LABS on jo@box2" in screen_lines(app)[0]
    await press(pilot, "b")
    assert "COMPARISON on jo@box2" in screen_lines(app)[0]
    report = BenchReport(advice="On this machine, now: pipe.", over=True)
    boxes[0].hub.push(update(bench=report))
    await until(pilot, lambda: "On jo@box2, now: pipe." in screen_text(app))
