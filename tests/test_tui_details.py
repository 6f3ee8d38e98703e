"""Details: findings, pipelines, a pipe, a process, played by keys on a fake hub."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot
from tui_fakes import (
    FakeHub,
    demo,
    everything,
    line,
    observed,
    on_screen,
    press,
    screen_lines,
    screen_text,
    settle,
    until,
)
from updates import update

from pipetui.model import End, Finding, PipeId, PipeRef, ProcessState, TaskState
from pipetui.protocol import messages, requests
from pipetui.tui.app import PipetuiApp
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.screens.detail.pipe import PipeScreen
from pipetui.tui.screens.detail.process import ProcessScreen

SLOW = PipeId(8, 2)


def anonymous_wanted(hub: FakeHub) -> bool:
    """Tell whether the newest credit asks for anonymous pipes."""
    return hub.asked(messages.Ready)[-1].anonymous


@on_screen(hub=observed)
async def test_the_table_shows_how_full_each_pipe_was_lately(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    text = screen_text(app)
    assert "▏▆▆▇▇██████▏ 100%" in text
    assert "▏▁▁▁▁▁▁▁▁▁▁▏   2%" in text
    assert re.search(r"/run/user/1000/ctl +· ", text), "what is not known is not drawn"


# --- findings -----------------------------------------------------------------------------------------------------


@on_screen(hub=observed)
async def test_what_is_wrong_is_on_the_main_screen_the_most_severe_first(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    lines = screen_lines(app)
    assert "1 problem · 1 warning" in lines[0]
    at = next(index for index, line in enumerate(lines) if "FINDINGS" in line)
    assert "1 problem · 1 warning · 1 note" in lines[at]
    assert re.search(r"✖ deadlock +python3 \(7001\) and bc \(7002\) wait for each other", lines[at + 1])
    assert "python3 (7001) should read its fd 6" in lines[at + 2]
    assert "▲ stalled reader" in lines[at + 3]
    assert "+ 1 note" in lines[at + 5]
    assert "MESSAGES" in lines[at + 6]


@on_screen(hub=observed)
async def test_notes_are_folded_until_somebody_unfolds_them(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "5", "G")
    assert "▸ + 1 note  enter shows them" in screen_text(app)
    await press(pilot, "enter")
    assert "− 1 note  enter hides them" in screen_text(app)
    assert "· split readers" in screen_text(app)
    await press(pilot, "enter")
    assert "split readers" not in screen_text(app)


@on_screen()
async def test_without_findings_there_is_no_pane(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "FINDINGS" not in screen_text(app)
    await press(pilot, "5")
    assert "No findings" in screen_text(app)
    hub.push(update(findings=observed().findings))
    await settle(pilot)
    await press(pilot, "5")
    assert "▸ ✖ deadlock" in screen_text(app)
    hub.push(update(findings=()))
    await settle(pilot)
    assert "FINDINGS" not in screen_text(app)
    await press(pilot, "j")
    assert app.main.pane == "fifos"


def speechless() -> FakeHub:
    """Return the hub of `observed` before any message, with a long word on what to do."""
    hub = observed()
    first, *rest = hub.findings
    hub.findings = (replace(first, fix="read before you write, and then do it again " * 6 + "to the end"), *rest)
    hub.lines = []
    return hub


@on_screen(hub=speechless)
async def test_findings_have_the_room_of_messages_that_are_not_there_for_all_their_words(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    assert "to the end" in screen_text(app)
    pane = app.main.query_one("#pane-findings")
    tall = pane.size.height
    hub.flow(line(1))
    await until(pilot, lambda: pane.size.height < tall)
    assert "to the end" not in screen_text(app)
    assert "read before you write" in screen_text(app)


@on_screen(80, 24, hub=observed)
async def test_on_a_small_screen_findings_are_a_tab_with_their_whole_words(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    assert "FIFOs 4 · Processes 9 · Findings 3 · Messages" in screen_text(app)
    await press(pilot, "5")
    text = " ".join(screen_text(app).split())
    assert "python3 (7001) and bc (7002) wait for each other; neither can continue." in text
    assert "tells what it does." in text
    await press(pilot, "j", "enter")
    assert "FIFO /tmp/demo/slow" in screen_text(app)


@on_screen(hub=observed)
async def test_the_cursor_stays_on_its_finding_while_words_change(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "5", "j")
    assert "▸ ▲ stalled reader" in screen_text(app)
    first, second, third = hub.findings
    severe = Finding(
        "no-reader", "problem", (PipeRef(8, 4, "/run/user/1000/ctl"),), (8812,), "printf (8812) waits", "", ""
    )
    hub.push(update(findings=(severe, first, replace(second, headline="yes (4126) waits for 9 s"), third)))
    await settle(pilot)
    assert "▸ ▲ stalled reader" in screen_text(app)
    assert "yes (4126) waits for 9 s." in screen_text(app)
    assert "2 problems" in screen_lines(app)[0]


@on_screen(hub=observed)
async def test_a_finding_about_several_pipes_shows_how_they_hang_together(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "5", "enter")
    await until(pilot, lambda: "↺" in screen_text(app))
    text = screen_text(app)
    assert "python3 calc.py (7001) ━━64.0 KiB full━━▶ bc -l (7002) ━━64.0 KiB full━━▶ ↺ python3 calc.py (7001)" in text
    assert "Why" in text
    assert "Fix" in text
    hub.push(update(findings=()))
    await until(pilot, lambda: "resolved: no longer found" in screen_text(app))
    await press(pilot, "tab", "enter")
    assert "PIPE pipe:[501]" in screen_text(app)
    await press(pilot, "escape", "escape")
    assert "MESSAGES" in screen_text(app)


# --- pipelines ----------------------------------------------------------------------------------------------------


@on_screen(hub=observed)
async def test_pipelines_show_the_pressure_and_name_the_bottleneck(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    assert not anonymous_wanted(hub)
    await press(pilot, "a")
    await until(pilot, lambda: "grep" in screen_text(app))
    assert anonymous_wanted(hub)
    lines = screen_lines(app)
    at = next(index for index, line in enumerate(lines) if "grep" in line)
    assert lines[at].strip() == "yes (5838) ━━64.0 KiB full━━▶ grep x (5839) ──0 B──▶ wc -l (5840)"
    assert lines[at + 1].rstrip() == " waits to write                computes               waits to read"
    assert "The bottleneck is grep x: everything before it is full, everything after it is empty." in lines[at + 2]
    assert "✖ deadlock: python3 (7001)" in screen_text(app)
    assert "━slow 64.0 KiB full━" in screen_text(app)
    await press(pilot, "a")
    assert "MESSAGES" in screen_text(app)
    assert not anonymous_wanted(hub)
    await settle(pilot)
    assert "4 FIFOs" in screen_lines(app)[0]
    assert "pipe:[" not in screen_text(app)


@on_screen(80, 24, hub=observed)
async def test_on_a_small_screen_a_long_chain_has_a_stage_on_each_line(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    long = "a-command-of-many-words --with --many --arguments"
    hub.anonymous = tuple(
        replace(row, pipe=replace(row.pipe, ends=tuple(replace(end, command=long) for end in row.pipe.ends)))
        for row in hub.anonymous
    )
    await press(pilot, "a")
    await until(pilot, lambda: "a-command" in screen_text(app))
    text = screen_text(app)
    assert re.search(r"a-command-.*… \(7001\) +deadlocked", text)
    assert re.search(r"\n   ┃ 64.0 KiB full", text)
    assert all(len(line) == 80 for line in screen_lines(app))


@on_screen(hub=observed)
async def test_names_in_pipelines_lead_to_pipes_and_processes(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "a")
    await until(pilot, lambda: "grep" in screen_text(app))
    await press(pilot, "y")
    assert "Copied “7001”" in screen_text(app)
    await press(pilot, "l", "enter")
    assert "PIPE pipe:[501]" in screen_text(app)
    await press(pilot, "escape", "j", "enter")
    assert isinstance(app.screen, (PipeScreen, ProcessScreen))
    await press(pilot, "escape", "escape")
    assert "MESSAGES" in screen_text(app)


@on_screen(hub=observed)
async def test_chains_keep_their_places_while_pipes_fill(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "a")
    await until(pilot, lambda: "grep" in screen_text(app))

    def order() -> list[str]:
        return re.findall(r"^ \S.*?\((\d+)\).*▶", screen_text(app), re.MULTILINE)

    before = order()
    full, empty = hub.anonymous[0], hub.anonymous[1]
    hub.push(update(pipes=(replace(full, pipe=replace(full.pipe, queued=0, waiters=())),
                                replace(empty, pipe=replace(empty.pipe, queued=65536, waiters=())))))  # fmt: skip
    await until(pilot, lambda: "The bottleneck is wc -l: the pipe before it is full." in screen_text(app))
    assert order() == before


# --- a pipe -------------------------------------------------------------------------------------------------------


@on_screen(hub=observed)
async def test_enter_looks_closer_at_a_pipe(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "G", "enter")
    await until(pilot, lambda: "ago" in screen_text(app))
    text = screen_text(app)
    for wanted in (
        "FIFO /tmp/demo/slow",
        "1 WRITER ━━━",
        "64.0 KiB full",
        "1 READER",
        "yes (4126)",
        "fd 3",
        "waits: pipe is full",
        "64.0 KiB of 64.0 KiB",
        "1 min ago, peak 99%",
        "▲ stalled reader · inferred",
        "Why  A pipe holds 64.0 KiB",
        "0600, rw------- (owner only)",
        "device 8, inode 2",
        "p shows the queued bytes without consuming them.",
    ):
        assert wanted in text, wanted
    assert not hub.asked(requests.Peek), "nobody asked to look inside"
    assert not anonymous_wanted(hub)


@on_screen(hub=observed)
async def test_peek_shows_what_is_queued_and_says_that_it_stays(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "p")
    await until(pilot, lambda: "hello world" in screen_text(app))
    assert re.search(r"480 of 65,536 bytes queued at \d\d:\d\d:33, not consumed", screen_text(app))
    await press(pilot, "2")
    assert "68 65 6c 6c 6f" in screen_text(app)
    hub.peeked[SLOW] = ""
    await press(pilot, "p")
    await until(pilot, lambda: "The pipe is empty." in screen_text(app))
    hub.refuse[requests.Peek] = "Nobody reads it: to look inside would end a writer's wait."
    await press(pilot, "p")
    await until(pilot, lambda: "would end a writer's wait" in screen_text(app))
    assert len(hub.asked(requests.Peek)) == 3


@on_screen(hub=observed)
async def test_the_messages_of_a_pipe_are_one_key_away(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "G", "enter", "o")
    assert "only slow" in screen_text(app)
    assert app.main.pane == "log"


@on_screen(80, 24, hub=observed)
async def test_a_pipe_on_a_small_screen_is_stacked_and_scrolls(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "enter")
    seen = screen_text(app)
    assert "▲ stalled reader" in seen
    await press(pilot, "G")
    assert "PEEK" in screen_text(app)
    await press(pilot, "g")
    assert screen_text(app).split("\n")[1] == seen.split("\n")[1]


@on_screen(hub=observed)
async def test_a_detail_screen_follows_what_changes_and_draws_only_that(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "p")
    await until(pilot, lambda: "hello" in screen_text(app))
    drawn: list[object] = []
    app._display = lambda screen, renderable: drawn.append(renderable)  # type: ignore[method-assign]
    hub.push(everything(hub))
    hub.push(messages.Update())
    await pilot.pause(0.3)
    assert [each for each in drawn if each is not None] == []
    slow = hub.pipes[1]
    hub.push(update(pipes=(replace(slow, state="idle", severity="calm", pipe=replace(slow.pipe, queued=6554)),)))
    await until(pilot, lambda: " 10%" in screen_text(app))
    assert [each for each in drawn if each is not None]
    hub.push(update(pipes_gone=(SLOW,)))
    await until(pilot, lambda: "gone: no process has it open" in screen_text(app))


@on_screen(hub=observed)
async def test_pipelines_and_a_process_are_silent_while_nothing_changes(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    for keys, wanted in ((("a",), "grep"), (("escape", "G", "2", "enter"), "PROCESS TREE")):
        await press(pilot, *keys)
        await until(pilot, lambda: wanted in screen_text(app) and "loading" not in screen_text(app))  # noqa: B023
        await settle(pilot)
        drawn: list[object] = []
        show, app._display = app._display, lambda screen, renderable: drawn.append(renderable)  # type: ignore[method-assign] # noqa: B023
        rows = (*hub.pipes, *(hub.anonymous if wanted == "grep" else ()))
        hub.push(everything(hub, pipes=rows))
        await pilot.pause(0.3)
        app._display = show  # type: ignore[method-assign]
        assert [each for each in drawn if each is not None] == [], keys


# --- a process ----------------------------------------------------------------------------------------------------


@on_screen(hub=observed)
async def test_enter_looks_closer_at_a_process(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "G", "2", "enter")
    await until(pilot, lambda: "└" in screen_text(app))
    text = screen_text(app)
    for wanted in (
        "PROCESS 4126  yes hello",
        "it waits to write to /tmp/demo/slow (fd 3): it is full,",
        "fd 3   writes  /tmp/demo/slow  64.0 KiB full",
        "──▶ sort (4123)",
        "└ 3000 -bash  waits for a child",
        "└ 4126 yes hello  waits to write",
        "└ 4130 cat  sleeps",
        "not pipetui; s sends a signal",
        "▲ stalled reader",
    ):
        assert wanted in text, wanted
    await press(pilot, "enter")
    assert "FIFO /tmp/demo/slow" in screen_text(app)


@on_screen(hub=observed)
async def test_a_signal_to_a_process_that_is_not_ours_takes_a_second_enter(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "G", "2", "enter")
    await until(pilot, lambda: "└" in screen_text(app))
    await press(pilot, "s")
    text = screen_text(app)
    assert "4126  yes hello" in text
    assert "Not started by pipetui." in text
    await press(pilot, "right", "enter")
    assert not hub.asked(requests.Signal)
    await press(pilot, "enter")
    (sent,) = hub.asked(requests.Signal)
    assert (sent.pid, sent.command, sent.number) == (4126, "yes hello", signal.SIGINT)
    assert "Sent SIGINT to 4126 yes hello" in screen_text(app)
    hub.refuse[requests.Signal] = "4126 is another process now."
    await press(pilot, "s", "enter", "enter")
    assert "4126 is another process now." in screen_text(app)
    await press(pilot, "escape", "s", "escape", "escape")
    assert "MESSAGES" in screen_text(app)


@on_screen(hub=observed)
async def test_a_signal_to_one_of_ours_goes_at_once(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "2", "enter")
    hub.family = (ProcessState(4121, 1, 1, "numbers", (TaskState(4121, "busy"),)),)
    await press(pilot, "r")
    await until(pilot, lambda: "it is running" in screen_text(app))
    await press(pilot, "s", "enter")
    assert [sent.number for sent in hub.asked(requests.Signal)] == [signal.SIGTERM]


@on_screen(hub=observed)
async def test_a_process_that_ends_says_so(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "G", "2", "enter")
    await until(pilot, lambda: "└" in screen_text(app))
    hub.family = ()
    await press(pilot, "r")
    await until(pilot, lambda: "has ended" in screen_lines(app)[0])
    await press(pilot, "s")
    assert "4126 has ended." in screen_text(app)


# --- all of them --------------------------------------------------------------------------------------------------

EVIL = "x\x1b]52;c;UHduZWQ=\x07\x9b31m\u202egnp\x7f\udcff\r\n"


def hostile() -> FakeHub:
    hub = observed()

    def evil(ends: tuple[End, ...]) -> tuple[End, ...]:
        return tuple(replace(end, command=f"/bin/{EVIL}") for end in ends)

    def poison(pipe: Any) -> Any:
        waiters = tuple(replace(waiter, command=EVIL) for waiter in pipe.pipe.waiters)
        paths = (f"/{EVIL}", f"/also/{EVIL}") if pipe.pipe.paths else ()
        more = replace(pipe.pipe, ends=evil(pipe.pipe.ends), waiters=waiters, owner=EVIL, paths=paths)
        return replace(pipe, state=EVIL, pipe=more)

    hub.pipes = tuple(poison(row) for row in hub.pipes)
    hub.anonymous = tuple(poison(row) for row in hub.anonymous)
    hub.processes = tuple(replace(each, command=EVIL, user=EVIL) for each in hub.processes)
    hub.findings = tuple(replace(each, headline=EVIL * 3, why=EVIL, fix=EVIL, rule=EVIL) for each in hub.findings)
    tasks = (TaskState(1, "open-read", path=EVIL), TaskState(2, "child", children=(4126,)))
    hub.family = tuple(replace(each, command=EVIL, tasks=tasks) for each in hub.family)
    hub.peeked = {row.pipe.id: EVIL * 9 for row in hub.pipes}
    return hub


@on_screen(hub=hostile)
async def test_no_untrusted_control_reaches_a_detail_screen(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    forbidden = re.compile("[\x00-\x1f\x7f-\x9f\u202e\ud800-\udfff]")
    walk = ("5", "y", "enter", "tab", "enter", "p", "2", "1", "y", "escape", "tab", "tab", "enter", "s", "enter",
            "enter", "escape", "escape", "escape", "1", "G", "enter", "p", "2", "escape", "2", "enter", "s", "escape",
            "y", "escape", "a", "y", "enter", "escape", "escape")  # fmt: skip
    for key in walk:
        await press(pilot, key)
        for shown in screen_lines(app):
            assert not forbidden.search(shown), (key, shown)
    hub.refuse = {requests.Peek: EVIL, requests.Examine: EVIL, requests.Signal: EVIL}
    for key in ("1", "G", "p", "escape", "2", "enter", "s", "enter", "enter", "escape", "escape"):
        await press(pilot, key)
        for shown in screen_lines(app):
            assert not forbidden.search(shown), (key, shown)


@on_screen(20, 5, hub=observed)
async def test_every_detail_screen_survives_every_size(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    for keys in (("1", "enter", "p"), ("2", "enter"), ("5", "enter"), ("a",)):
        await press(pilot, *keys)
        assert isinstance(app.screen, DetailScreen)
        for width, height in ((20, 5), (200, 50), (1, 1), (99, 31), (40, 12)):
            await pilot.resize_terminal(width, height)
            await settle(pilot)
            await press(pilot, "j", "pagedown", "k", "G", "g")
        await press(pilot, "t", "question_mark", "escape", "escape")
        assert not isinstance(app.screen, DetailScreen)


@on_screen(hub=observed)
async def test_a_lost_hub_is_said_on_a_detail_screen_too(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "a")
    hub.lose("the hub was killed by signal 9")
    await settle(pilot)
    assert "the hub was killed by signal 9" in screen_text(app)
    await press(pilot, "enter", "escape", "escape")
    assert "R reconnects" in screen_lines(app)[0]


@on_screen(hub=observed)
async def test_the_mouse_follows_a_name(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "a")
    await until(pilot, lambda: "grep" in screen_text(app))
    lines = screen_lines(app)
    y = next(index for index, line in enumerate(lines) if "grep" in line)
    await pilot.click(offset=(lines[y].index("grep"), y))
    await settle(pilot)
    assert "PROCESS 5839  grep x" in screen_text(app)


def test_the_monitor_can_end_by_itself() -> None:
    import asyncio

    async def play() -> None:
        hub = demo()
        app = PipetuiApp(lambda: hub, seconds=1.0)
        async with app.run_test() as pilot:
            await until(pilot, lambda: app._exit)
        assert hub.closed
        assert app.return_value == 0

    asyncio.run(play())
