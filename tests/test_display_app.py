"""The thin display under a real app: what the terminal shows is what Textual's compositor says, frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import textual
from emulator import Emulator
from frames import differences
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual.app import ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Header, Input, RichLog, Static

from pipetui.tui.display import hook
from pipetui.tui.display.frame import Frame, fitted, row_of
from pipetui.tui.display.hook import ThinDisplay

Story = Callable[["Sample", Pilot[Any]], Awaitable[None]]


class Screenful(HeadlessDriver):
    """A driver that is a terminal: an emulator takes what is written."""

    emulator: Emulator
    written = 0

    @property
    def is_headless(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        super().start_application_mode()
        self.emulator = Emulator(*self._get_terminal_size())
        self.emulator.feed(b"\x1b[?7l")

    def write(self, data: str) -> None:
        self.written += len(data)
        self.emulator.feed(data.encode("utf-8", "backslashreplace"))


class SampleDialog(ModalScreen[None]):
    """A dialog that leaves the screen beneath visible."""

    CSS = "SampleDialog { align: center middle; } SampleDialog Input { width: 30; }"

    def compose(self) -> ComposeResult:
        yield Input(placeholder="漢字, e\u0301 …")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False


class Sample(ThinDisplay[None]):
    """A table, a log and text that is not easy."""

    CSS = "DataTable { height: 8; } RichLog { height: 1fr; } Static { height: 1; }"
    BINDINGS = [("f2", "ask", "Ask")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Header()
        table: DataTable[Any] = DataTable()
        table.add_columns("one", "two", "three")
        for number in range(20):
            table.add_row(str(number), "漢字" * (number % 3), "word " * (number % 5))
        yield table
        # the combining character stands where no note begins right of it: Strip.crop, which a full render uses there,
        # cuts it off ("e"), and a partial one does not touch it
        yield Static("e\u0301 ☁ [link='https://example.org']a link[/link] and [b]bold[/b]")
        yield RichLog(id="log")
        yield Footer()

    def action_ask(self) -> None:
        self.push_screen(SampleDialog())

    @property
    def emulator(self) -> Emulator:
        assert isinstance(self._driver, Screenful)
        return self._driver.emulator

    def expected(self) -> Frame:
        """Return the whole screen as Textual renders it now."""
        screen = self.screen
        strips = screen._compositor.render_strips()
        table = self._thin_painter.styles
        return Frame(screen.size.width, [fitted(row_of(strip, table), screen.size.width, table) for strip in strips])


async def shows_the_truth(app: Sample, pilot: Pilot[Any]) -> None:
    """Wait until nothing is left to be drawn and compare: our newest frame, and the emulator's characters."""
    await pilot.pause()
    for _ in range(100):
        if not app._thin_painter.dirty and app._thin_painter.wanted.rows == app.expected().rows:
            break
        await asyncio.sleep(0.02)
    assert not app.why_stock
    assert app._thin_painter.wanted.rows == app.expected().rows
    wrong = list(differences(app.expected(), app._thin_painter.styles, app.emulator))
    assert not wrong, wrong[:5]


def play(story: Story, size: tuple[int, int] = (80, 24)) -> None:
    """Run the sample app on an emulator through a story."""

    async def run() -> None:
        app = Sample(driver_class=Screenful)
        failures: list[BaseException] = []

        async def pilot(pilot: Pilot[Any]) -> None:
            try:
                await pilot.pause()
                await story(app, pilot)
            except BaseException as error:
                failures.append(error)
            app.exit()

        await app.run_async(auto_pilot=pilot, size=size)
        if failures:
            raise failures[0]

    asyncio.run(run())


def test_every_step_of_a_story_is_on_the_terminal() -> None:
    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        log = app.query_one(RichLog)
        await shows_the_truth(app, pilot)
        for number in range(60):
            log.write(Text(f"{number} line 漢字 {'x' * (number % 50)}", style="red" if number % 3 else ""))
            if number % 7 == 0:
                await shows_the_truth(app, pilot)
        await pilot.press("down", "down", "pagedown")
        await shows_the_truth(app, pilot)
        await pilot.press("f2")
        await shows_the_truth(app, pilot)
        await pilot.press(*"some 漢")
        await shows_the_truth(app, pilot)
        log.write("beneath the dialog")
        await shows_the_truth(app, pilot)
        app.pop_screen()
        await shows_the_truth(app, pilot)
        app.theme = "textual-light"
        await shows_the_truth(app, pilot)
        log.scroll_to(y=3, animate=False)
        await shows_the_truth(app, pilot)
        log.scroll_to(y=1, animate=False)
        await shows_the_truth(app, pilot)
        app.notify("a note over everything", timeout=60)
        await shows_the_truth(app, pilot)
        await pilot.resize_terminal(60, 20)
        app.emulator.screen.resize(20, 60)
        app.repaint()
        await shows_the_truth(app, pilot)

    play(story)


def test_a_scrolled_log_costs_little() -> None:
    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        log = app.query_one(RichLog)
        for number in range(40):
            log.write(f"{number} {'some words ' * 6}")
        await shows_the_truth(app, pilot)
        assert isinstance(app._driver, Screenful)
        before = app._driver.written
        log.write("41 more")
        await shows_the_truth(app, pilot)
        assert app._driver.written - before < 400

    play(story)


def test_a_repaint_brings_back_what_something_else_has_spoilt() -> None:
    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        await shows_the_truth(app, pilot)
        app.emulator.feed(b"\x1b[H\x1b[2Jbroadcast message")
        app.repaint()
        await shows_the_truth(app, pilot)

    play(story)


WORDS = st.text("abc 漢字é🙂─", max_size=90)
STEPS = st.one_of(
    st.tuples(st.just("write"), st.lists(WORDS, min_size=1, max_size=8)),
    st.tuples(st.just("scroll"), st.integers(0, 30)),
    st.tuples(st.just("press"), st.sampled_from(["down", "pagedown", "up", "f2", "escape", "tab"])),
    st.tuples(st.just("resize"), st.tuples(st.integers(30, 90), st.integers(14, 30))),
    st.tuples(st.just("theme"), st.sampled_from(["textual-dark", "textual-light"])),
    st.tuples(st.just("notify"), WORDS),
    st.tuples(st.just("repaint"), st.none()),
)


async def take(step: tuple[str, Any], app: Sample, pilot: Pilot[Any]) -> None:
    """Do one random thing to the app."""
    name, value = step
    log = app.screen_stack[0].query_one(RichLog)
    if name == "write":
        for line in value:
            log.write(line)
    elif name == "scroll":
        log.scroll_to(y=value, animate=False)
    elif name == "press" and value == "escape":
        if len(app.screen_stack) > 1:
            app.pop_screen()
    elif name == "press":
        await pilot.press(value)
    elif name == "resize":
        app.emulator.screen.resize(value[1], value[0])
        await pilot.resize_terminal(*value)
    elif name == "theme":
        app.theme = value
    elif name == "notify":
        app.notify(value, timeout=60)
    else:
        app.repaint()


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # a failure is not made smaller: each try takes a second
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=1, max_size=8))
def test_whatever_happens_the_terminal_shows_textuals_own_screen(steps: list[tuple[str, Any]]) -> None:
    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        for step in steps:
            await take(step, app, pilot)
            await shows_the_truth(app, pilot)

    play(story)


def test_what_changes_while_a_frame_waits_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another widget becomes dirty after the screen has wanted to render, and before it does."""

    async def until(condition: Callable[[], object]) -> bool:
        for _ in range(300):
            if condition():
                return True
            await asyncio.sleep(0.001)
        return False

    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        await shows_the_truth(app, pilot)
        text, log = app.query_one(Static), app.query_one(RichLog)
        met = 0
        for number in range(10):
            monkeypatch.setattr(app, "_thin_is_full", lambda: True)
            log.write(f"line {number}")
            waits = await until(lambda: app._thin_waiting)
            text.update(f"number {number}")
            met += waits and await until(lambda: text in app.screen._dirty_widgets)  # missed, if it is drawn at once
            monkeypatch.setattr(app, "_thin_is_full", lambda: False)
            app._thin_urgent_until = asyncio.get_running_loop().time() + 1.0
            app._thin_try()
            await shows_the_truth(app, pilot)
        assert met

    play(story)


def test_frames_that_may_not_be_written_are_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        await shows_the_truth(app, pilot)
        rendered: list[object] = []
        take = app._thin_take

        def count(update: Any) -> None:
            rendered.append(update)
            take(update)

        monkeypatch.setattr(app, "_thin_take", count)
        monkeypatch.setattr(app, "_thin_is_full", lambda: True)
        log = app.query_one(RichLog)
        for number in range(10):
            log.write(f"line {number}")
            await asyncio.sleep(0.03)
        assert not rendered
        monkeypatch.setattr(app, "_thin_is_full", lambda: False)
        await shows_the_truth(app, pilot)
        assert len(rendered) < 5

    play(story)


@pytest.mark.parametrize(
    ("environment", "display", "words"),
    [
        ({}, "thin", ""),
        ({"PIPETUI_DISPLAY": "stock"}, "thin", "PIPETUI_DISPLAY=stock is set"),
        ({}, "stock", 'display = "stock" is set'),
        ({"PIPETUI_DISPLAY": "thin"}, "stock", ""),
        ({"PIPETUI_DISPLAY": "nonsense"}, "stock", 'display = "stock" is set'),
    ],
)
def test_the_stock_display_can_be_chosen(environment: dict[str, str], display: str, words: str) -> None:
    assert hook.declined(environment, display) == words


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("9.0.0", "not tested with this Textual (9.0.0)"),
        ("8.99.0", "not tested with this Textual (8.99.0)"),
        ("nonsense", "not tested with"),
        ("8.2.8", ""),
    ],
)
def test_another_textual_is_not_trusted(monkeypatch: pytest.MonkeyPatch, version: str, words: str) -> None:
    monkeypatch.setattr(textual, "__version__", version)
    why = hook.why_not()
    assert words in why
    assert bool(words) == bool(why)


def test_only_what_was_not_chosen_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Sample(display="stock")
    assert chosen.why_stock
    assert not chosen.display_note
    monkeypatch.setattr(textual, "__version__", "9.0.0")
    assert "9.0.0" in Sample().display_note


def test_a_failure_falls_back_to_the_stock_display(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(app: Sample, pilot: Pilot[Any]) -> None:
        await shows_the_truth(app, pilot)

        def fail(*_: object) -> None:
            raise RuntimeError("not as expected")

        monkeypatch.setattr(app, "_thin_take", fail)
        app.query_one(RichLog).write("after the failure")
        for _ in range(50):
            await pilot.pause(0.02)
            if any("after the failure" in line for line in app.emulator.screen.display):
                break
        assert "not as expected" in app.why_stock
        assert any("after the failure" in line for line in app.emulator.screen.display)

    play(story)
