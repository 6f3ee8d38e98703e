"""The labs on the screen, played by keys on a fake hub: predict, run, read what came of it, make it mine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_fakes import NOON, FakeHub, anonymous, demo, fifo, on_screen, press, screen_text, settle, until, write
from updates import update

from pipetui.model import (
    Choice,
    Code,
    ConsumerSpec,
    End,
    Finding,
    LabCard,
    LabLine,
    LabPart,
    LabRun,
    Observation,
    PipeRef,
    ProducerSpec,
    Question,
    Seen,
    Waiter,
)
from pipetui.protocol import messages, requests
from pipetui.tui.app import PipetuiApp
from pipetui.tui.core.theme import palette_for
from pipetui.tui.state.lab_progress import LabProgress
from pipetui.tui.views.labs.code import code_lines, side_by_side

WRITER = """def writer(path: str) -> None:
    fd = os.open(path, os.O_WRONLY)  # waits
    os.write(fd, b"Hello, World!\\n")"""
READER = """def reader(path: str) -> None:
    with open(path) as fifo:
        print(fifo.read())"""

MEET = LabCard(
    "meet", "003", "Whoever opens first waits", "My writer hangs: on what?", "A FIFO is a meeting point.",
    (Code("writer", WRITER), Code("reader", READER)),
    (
        Question("first", "Nobody is reading yet. What does os.open do?",
                 (Choice("waits", "wait for a reader"), Choice("goes on", "succeed"),
                  Choice("fails", "fail with ENXIO")),
                 "A blocking open waits for the other end."),
        Question("rest", "And how many bytes arrive?", (Choice(14, "14"), Choice(0, "none")), "A pipe keeps all."),
    ),
    (Observation("first", "the writer sleeps in open(2)", "waits"), Observation("rest", "all arrives", 14),
     Observation("status", "the writer ends well", 0), Observation("root", "root may not either")),
    "Opening a FIFO is a rendezvous.", ("fifo(7)",), ("Which writer hangs?",),
)  # fmt: skip
TALK = LabCard(
    "talk", "beyond", "Talk to a program", "Where is the answer?", "It listens.",
    (Code("parent", "def parent(): ..."),), (), (), "It lay in a buffer.", (), (), True,
)  # fmt: skip
SEEN = (
    Seen("first", "waits", True),
    Seen("rest", 14, True),
    Seen("status", 0, True),
    Seen("root", "you are root", None),
)
LINES = (LabLine(NOON, 71, "writer", "I open the FIFO …"), LabLine(NOON + 2, 72, "reader", "it is open"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what was done in a folder of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "pipetui" / "labs.json"


def school() -> FakeHub:
    """Return a hub with two labs."""
    hub = demo()
    hub.labs = (MEET, TALK)
    hub.lab_actors = (ProducerSpec("/tmp/demo/slow", name="writer"), ConsumerSpec("/tmp/demo/slow", name="reader"))
    return hub


def running(number: int = 1, lab: str = "meet", **more: Any) -> LabRun:
    """Return a run of two processes."""
    return replace(LabRun(number, lab, "normal", (LabPart(71, "writer"), LabPart(72, "reader")), LINES), **more)


def over(number: int = 1, lab: str = "meet", **more: Any) -> LabRun:
    """Return a run that has come to its end."""
    return replace(running(number, lab), **{"parts": (), "seen": SEEN, "passed": True, **more})


async def run(hub: FakeHub, pilot: Pilot[Any], *runs: LabRun) -> None:
    """Let the hub tell of runs."""
    hub.push(update(labs=runs))
    await settle(pilot)


# --- the way through a lab ------------------------------------------------------------------------------------------


@on_screen(hub=school)
async def test_predict_run_and_compare(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "l labs" in screen_text(app)
    await press(pilot, "l")
    text = screen_text(app)
    assert "0 of 2 done" in text
    assert "003  named pipes" in text
    assert "▸   Whoever opens first waits" in text
    assert "A FIFO is a meeting point." in text
    assert re.search(r"def writer\(path: str\) -> None: +│ def reader\(path: str\) -> None:", text), "side by side"
    assert "( )  1  wait for a reader" in text
    await press(pilot, "enter", "enter")
    assert "Choose with" in screen_text(app), "what was not chosen is not predicted"
    await press(pilot, "down", "down", "up")
    assert "(•)  1  wait for a reader" in screen_text(app)
    await press(pilot, "enter", "2")
    assert "2 of 2" in screen_text(app)
    assert "(•)  2  none" in screen_text(app)
    assert "enter run it" in screen_text(app)
    await press(pilot, "enter")
    assert hub.asked(requests.RunLab)[-1].name == "meet"
    await run(hub, pilot, running())
    text = screen_text(app)
    assert "RUNNING" in text
    assert "Predicted: wait for a reader" in text
    assert "2.00 s  reader         it is open" in text
    assert "» Whoever opens" in text
    await run(hub, pilot, over())
    text = screen_text(app)
    assert "1 of 2 predicted correctly" in text
    assert re.search(r"✓ predicted +wait for a reader.*\n.*actual +wait for a reader.*\n.*because +A blocking", text)
    assert re.search(r"✗ predicted +none.*\n.*actual +14", text)
    assert "✓ the writer ends well" in text
    assert "– root may not either (not tried here: you are root)" in text
    assert "Opening a FIFO is a rendezvous." in text
    assert "See fifo(7)" in text
    assert "“Which writer hangs?”" in text
    assert "1 of 2 done" in text
    assert "✓ Whoever opens" in text
    assert "n next lab" in text
    await press(pilot, "a", "1", "enter", "1", "enter")
    await run(hub, pilot, over(2))
    assert "★ Whoever opens" in screen_text(app), "all was predicted right"


@on_screen(hub=school)
async def test_without_predicting_it_only_says_what_was(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "enter", "r")
    await run(hub, pilot, over())
    text = screen_text(app)
    assert "predicted " not in text
    assert re.search(r"actual +wait for a reader", text)
    assert "predicted correctly" not in text


@on_screen(hub=school)
async def test_an_answer_that_nobody_offered_is_shown_raw(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "enter", "r")
    await run(hub, pilot, over(seen=(Seen("first", "\x1b[31mexplodes", False),), passed=False))
    text = screen_text(app)
    assert r"actual    \e[31mexplodes" in text
    assert r"✗ the writer sleeps in open(2) (actual: \e[31mexplodes)" in text
    assert "✗ the writer ends well (not seen)" in text


@on_screen(hub=school)
async def test_backspace_goes_back_to_a_question_and_its_answer(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "l", "enter", "3", "enter", "backspace")
    assert "1 of 2" in screen_text(app)
    assert "(•)  3  fail with ENXIO" in screen_text(app)


# --- the run ----------------------------------------------------------------------------------------------------------


def busy() -> FakeHub:
    """Return a school whose lab has a FIFO and an anonymous pipe, and something wrong."""
    hub = school()
    waits = (Waiter(71, 71, "open-write", command="writer"),)
    hub.pipes = (
        *hub.pipes,
        fifo(9, "/tmp/labs/greetings", "writer (71) waits for a reader", severity="waiting", waiters=waits),
    )
    hub.anonymous = (
        anonymous(601, End(71, 5, "w"), End(72, 6, "r"), state="idle"),
        anonymous(602, End(71, 9, "w"), End(72, 9, "w"), End(1, 3, "r"), End(2, 3, "r"), state="inherited"),
    )
    hub.findings = (
        Finding("no-reader", "problem", (PipeRef(8, 9, "/tmp/labs/greetings"),), (71,), "writer (71) waits", "", ""),
        Finding("stalled-reader", "warning", (PipeRef(8, 2, "/tmp/demo/slow"),), (4126,), "yes waits", "", ""),
    )
    return hub


def anonymous_wanted(hub: FakeHub) -> bool:
    """Tell whether the newest credit asks for anonymous pipes."""
    return hub.asked(messages.Ready)[-1].anonymous


@on_screen(hub=busy)
async def test_during_a_run_its_pipes_processes_and_findings_are_there(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "l", "enter", "r")
    await run(hub, pilot, running())
    await until(pilot, lambda: "pipe:[601]" in screen_text(app))
    text = screen_text(app)
    assert re.search(r"writer +71 +waits to open greetings: no reader", text)
    assert re.search(r"reader +72 +has the read end of pipe:\[601\]", text)
    assert "no reader: writer (71) waits." in text
    assert "pipe:[602]" not in text, "what all processes inherit is no pipe of the lab"
    assert "/tmp/demo/slow" not in text
    assert "yes waits" not in text
    await press(pilot, "enter")
    assert "PROCESS 71" in screen_text(app)
    await press(pilot, "escape", "tab", "tab", "enter")
    assert "FIFO /tmp/labs/greetings" in screen_text(app)
    await press(pilot, "escape", "l")
    assert "MESSAGES" in screen_text(app)
    assert not anonymous_wanted(hub)
    await run(hub, pilot, over())
    await press(pilot, "l")
    assert "WHAT HAPPENED" in screen_text(app), "it went on meanwhile"


@on_screen(hub=school)
async def test_a_run_is_stopped_and_says_so(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "enter", "r")
    await run(hub, pilot, running())
    await press(pilot, "x")
    assert hub.asked(requests.StopLab)[-1].run == 1
    await run(hub, pilot, over(seen=(), passed=False, trouble="it was stopped"))
    text = screen_text(app)
    assert "The run did not finish: it was stopped." in text
    assert "0 of 2 done" in text


@on_screen(hub=busy)
async def test_leaving_during_a_run_is_no_error(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    """Its screen asks for anonymous pipes no longer when it closes, and the hub tells then that they are gone."""
    await press(pilot, "l", "enter", "r")
    await run(hub, pilot, running())
    await until(pilot, lambda: "pipe:[601]" in screen_text(app))


@on_screen(hub=school)
async def test_the_pace_is_what_the_person_wants(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "s")
    assert "slow motion" in screen_text(app)
    await press(pilot, "enter", "r")
    assert hub.asked(requests.RunLab)[-1].pace == "slow"


@on_screen(hub=school)
async def test_a_lab_that_listens_is_told_a_line(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "j", "enter")
    assert "This lab has no questions" in screen_text(app)
    await press(pilot, "enter")
    await run(hub, pilot, running(lab="talk", listening=True))
    await until(pilot, lambda: "Your input" in screen_text(app))
    await write(pilot, "spam and x")
    await press(pilot, "enter")
    assert hub.asked(requests.TellLab)[-1].text == "spam and x"
    assert hub.asked(requests.StopLab) == []
    await run(hub, pilot, running(lab="talk", listening=False))
    assert "Your input" not in screen_text(app)
    await press(pilot, "x")
    assert hub.asked(requests.StopLab)[-1].run == 1


@on_screen(hub=school)
async def test_a_lost_hub_ends_the_run(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "enter", "r")
    await run(hub, pilot, running())
    hub.lose("the hub has died")
    await until(pilot, lambda: "The run did not finish: the hub has died." in screen_text(app))


@on_screen(hub=school)
async def test_a_refused_run_says_why(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.refuse[requests.RunLab] = "8 labs are running; wait until one has ended"
    await press(pilot, "l", "enter", "r")
    assert "8 labs are running" in screen_text(app)
    assert "WHAT WILL HAPPEN?" in screen_text(app)


# --- make it mine -----------------------------------------------------------------------------------------------------


@on_screen(hub=school)
async def test_make_it_mine_asks_about_each_actor_and_lands_on_its_fifo(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "l", "m")
    await until(pilot, lambda: "Consumer, 1 of 2" in screen_text(app))
    assert "esc skips it" in screen_text(app)
    await press(pilot, "escape")
    await until(pilot, lambda: "Producer, 2 of 2" in screen_text(app))
    await press(pilot, "enter")
    await until(pilot, lambda: "MESSAGES" in screen_text(app))
    assert hub.asked(requests.StartConsumer) == []
    assert hub.asked(requests.StartProducer)[-1].spec.name == "writer"
    await until(pilot, lambda: bool(re.search(r"▸ /tmp/demo/slow", screen_text(app))))


@on_screen(hub=school)
async def test_what_can_not_be_mine_says_why(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.refuse[requests.PrepareLab] = "there is nothing to play on with after meet"
    await press(pilot, "l", "m")
    await until(pilot, lambda: "there is nothing to play on with" in screen_text(app))


# --- sizes ------------------------------------------------------------------------------------------------------------


@on_screen(80, 24, hub=school)
async def test_on_a_small_screen_the_list_and_the_lab_are_two_pages(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    assert "l labs" in screen_text(app)
    await press(pilot, "l")
    assert "Talk to a program" in screen_text(app)
    assert "meeting point" not in screen_text(app)
    await press(pilot, "enter")
    assert "Talk to a program" not in screen_text(app)
    assert "meeting point" in screen_text(app)
    assert "(•)" not in screen_text(app)
    await press(pilot, "pagedown", "1", "enter", "1", "enter")
    await run(hub, pilot, over())
    assert "2 of 2 predicted correctly" in screen_text(app)
    await press(pilot, "c")
    assert "def writer" in screen_text(app)
    await press(pilot, "c", "escape")
    assert "▸ ★ Whoever opens first waits" in screen_text(app)
    await press(pilot, "escape")
    assert "FIFOs 4" in screen_text(app)


@on_screen(200, 50, hub=school)
async def test_on_a_very_wide_screen_the_code_stays_beside_the_run(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "l", "enter", "1", "enter", "1", "enter")
    await run(hub, pilot, running())
    text = screen_text(app)
    assert "def writer" in text
    assert "OUTPUT" in text


# --- what was done ----------------------------------------------------------------------------------------------------


@on_screen(hub=school)
async def test_what_was_done_is_kept(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "l", "enter", "r", "l")
    await run(hub, pilot, over())
    assert LabProgress().done == {"meet"}, "also when another screen is in front"
    assert LabProgress().right == set()


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"done": 3}', b'{"done": [1, null]}', b"[" * 100_000], ids=repr
)
def test_whatever_the_file_holds_is_tolerated(state: Path, content: bytes) -> None:
    state.parent.mkdir(parents=True)
    state.write_bytes(content)
    progress = LabProgress()
    assert progress.done == set()
    progress.note("meet", right=True)
    assert LabProgress().right == {"meet"}
    assert [path.name for path in state.parent.iterdir()] == ["labs.json"]


def test_what_can_not_be_written_is_known_all_the_same(state: Path) -> None:
    state.parent.parent.joinpath("pipetui").write_text("a file is in the way")
    progress = LabProgress()
    progress.note("meet", right=False)
    assert progress.done == {"meet"}


def test_right_once_stays_right(state: Path) -> None:
    progress = LabProgress()
    progress.note("meet", right=True)
    progress.note("meet", right=False)
    assert LabProgress().right == {"meet"}


# --- the code ---------------------------------------------------------------------------------------------------------


def words_of(parts: Any) -> str:
    return "".join(words for words, _ in parts)


@pytest.mark.parametrize("theme", ["pipetui-dark", "pipetui-light", "pipetui-ansi-dark", "pipetui-ansi-light"])
def test_code_is_in_the_colours_of_the_theme(theme: str) -> None:
    palette = palette_for(theme)
    styles = {words.strip(): style for line in code_lines(WRITER, palette, 80) for words, style in line}
    assert styles["def"] == palette.accent
    assert styles["writer"] == palette.title
    assert styles["# waits"] == palette.dim
    assert styles['b"Hello, World!\\n"'] == palette.active


@pytest.mark.parametrize(
    "source", ["def f(:\n  'x", "\x1b[2J\nprint(1)", '"""open', "  indented\nnot", "x = f'{y!r} z'"]
)
def test_what_is_no_python_is_shown_all_the_same_and_safe(source: str) -> None:
    text = "\n".join(words_of(line) for line in code_lines(source, palette_for("pipetui-dark"), 60))
    assert "\x1b" not in text
    assert text.replace(r"\e", "\x1b") == source


@pytest.mark.parametrize("width", [12, 24, 40])
def test_long_lines_are_wrapped_not_cut(width: int) -> None:
    lines = [words_of(line) for line in code_lines(WRITER, palette_for("pipetui-dark"), width)]
    assert max(map(len, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(WRITER.split())


def test_functions_stand_side_by_side_only_if_they_fit() -> None:
    palette = palette_for("pipetui-dark")
    beside: Callable[[int], int] = lambda width: len(side_by_side([WRITER, READER], palette, width))  # noqa: E731
    assert beside(100) == 3
    assert beside(50) == 7
