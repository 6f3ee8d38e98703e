"""The main screen, played by keys on a fake hub."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any

from textual.geometry import Region
from textual.pilot import Pilot
from tui_fakes import FakeHub, demo, fifo, make_app, on_screen, press, screen_lines, screen_text, settle, until, write
from updates import update

from pipetui.model import ActorState, End, PipeId, Status
from pipetui.protocol import messages, requests
from pipetui.text import encode
from pipetui.tui.app import PipetuiApp
from pipetui.tui.core.config import Config
from pipetui.tui.views.fifos import COLUMNS
from pipetui.tui.widgets.tables import FifoTable


def empty() -> FakeHub:
    return FakeHub()


@on_screen()
async def test_the_first_look_shows_what_is_wrong_where_who_and_what_flows(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    text = screen_text(app)
    for wanted in (
        "4 FIFOs · 7 processes · 1 stuck · 1 waiting",
        "full: sort (4123) lags",
        "printf (8812) waits for a reader",
        "100%",
        "PRODUCERS of ctl",
        "Number 2408",
        "2,408 seen · 0 not kept",
        "following",
    ):
        assert wanted in text, wanted


@on_screen()
async def test_fifos_that_appear_above_do_not_move_the_selection(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "j", "j")
    assert "▸ /tmp/demo/orders" in screen_text(app)
    hub.push(update(pipes=tuple(fifo(100 + n, f"/a/{n:03}") for n in range(50))))
    await settle(pilot)
    assert "▸ /tmp/demo/orders" in screen_text(app)
    hub.push(update(pipes_gone=(PipeId(8, 1),)))
    await settle(pilot)
    assert "▸ /tmp/demo/slow" in screen_text(app)


@on_screen()
async def test_ours_are_marked_and_others_are_not(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j")
    text = screen_text(app)
    assert "● 4121" in text
    assert "● 4125" in text
    assert re.search(r"[^●] 9010 +snapserv", text)


@on_screen()
async def test_a_hub_that_says_the_same_again_causes_no_drawing(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    drawn: list[object] = []
    app._display = lambda screen, renderable: drawn.append(renderable)  # type: ignore[method-assign]
    hub.push(update(status=hub.status, pipes=hub.pipes, actors=hub.actors, processes=hub.processes))
    hub.push(messages.Update())
    await settle(pilot)
    assert [each for each in drawn if each is not None] == []


@on_screen()
async def test_one_changed_row_draws_only_that_row(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await settle(pilot)
    table = app.main.fifos
    regions: list[int] = []
    before = table.refresh

    def spy(*dirty: Region, **how: bool) -> FifoTable:
        regions.extend(each.y for each in dirty)
        return before(*dirty, **how)

    table.refresh = spy  # type: ignore[method-assign]
    hub.push(update(pipes=(replace(hub.pipes[2], state="idle 9 s"),)))
    await settle(pilot)
    assert regions == [2]
    assert "idle 9 s" in screen_text(app)


@on_screen()
async def test_a_name_filter_finds_a_fifo(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "slash")
    await write(pilot, "slow")
    await until(pilot, lambda: "1 of 4" in screen_text(app))
    assert "▸ /tmp/demo/slow" in screen_text(app)
    assert "/tmp/demo/orders" not in screen_text(app)
    await press(pilot, "enter")
    assert "1 of 4" in screen_text(app)
    await press(pilot, "escape")
    assert "/tmp/demo/orders" in screen_text(app)


@on_screen(hub=empty)
async def test_an_empty_machine_says_what_to_do(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    text = screen_text(app)
    assert "No FIFOs found under /tmp, /run." in text
    assert "pipetui demo" in text


@on_screen(80, 24)
async def test_a_small_screen_shows_one_pane_at_a_time_under_tabs(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    assert "FIFOs 4 · Processes 7 · Messages" in screen_text(app)
    assert "Number 2408" not in screen_text(app)
    assert "full: sort (4123) lags" in screen_text(app)
    await press(pilot, "4")
    assert "Number 2408" in screen_text(app)
    await press(pilot, "tab", "tab")
    assert "PRODUCERS of ctl" in screen_text(app)
    assert "Number 2408" not in screen_text(app)
    await press(pilot, "shift+tab")
    assert "full: sort" in screen_text(app)


@on_screen(20, 5)
async def test_twenty_by_five_shows_what_fits(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "bursts" in screen_text(app)
    for key in (
        "4",
        "k",
        "w",
        "escape",
        "question_mark",
        "escape",
        "enter",
        "2",
        "escape",
        "2",
        "3",
        "1",
        "d",
        "escape",
    ):
        await press(pilot, key)
    assert all(len(line) == 20 for line in screen_lines(app))


@on_screen(200, 50)
async def test_a_large_screen_is_used(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    text = screen_text(app)
    assert "OF" in text
    assert "USER" in text
    assert "Number 2378" in text


@on_screen()
async def test_every_size_can_be_had_while_it_runs(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    for width, height in ((20, 5), (200, 50), (1, 1), (99, 31), (100, 30), (40, 12), (120, 40)):
        await pilot.resize_terminal(width, height)
        await settle(pilot)
    assert "full: sort (4123) lags" in screen_text(app)


EVIL = "x\x1b]52;c;UHduZWQ=\x07\x9b31m\u202egnp\x7f\udcff\r\n"


def hostile() -> FakeHub:
    hub = demo()
    ends = (End(66, 3, "w", command=f"/bin/{EVIL}"),)
    actor = ActorState(9, "consumer", 67, replace(hub.actors[2].spec, name=EVIL, path=f"/{EVIL}"), "running", EVIL)
    hub.pipes = (*hub.pipes, fifo(66, f"/{EVIL}", EVIL, ends=ends))
    hub.actors = (*hub.actors, actor)
    hub.status = Status(EVIL, partial=(EVIL,), troubles=(EVIL,))
    hub.lines = [hub.lines[-1]._replace(payload=encode(EVIL), fifo=f"/{EVIL}")]
    return hub


@on_screen(hub=hostile)
async def test_no_untrusted_control_reaches_any_screen(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    forbidden = re.compile("[\x00-\x1f\x7f-\x9f\u202e\ud800-\udfff]")
    walk = ("G", "c", "escape", "w", "escape", "r", "escape", "s", "escape", "d", "escape", "y", "slash", "x", "escape",
            "2", "y", "enter", "escape", "3", "e", "escape", "4", "y", "E", "escape", "f", "x", "enter", "enter", "2",
            "y", "1", "escape", "i", "escape", "enter", "o")  # fmt: skip
    await press(pilot, "1")
    for key in walk:
        await press(pilot, key)
        for line in screen_lines(app):
            assert not forbidden.search(line), (key, line)
    hub.refuse[requests.CreateFifo] = EVIL
    await press(pilot, "1", "c", "enter")
    assert "\\e]52" in screen_text(app)
    await press(pilot, "escape")
    hub.lose(EVIL)
    await settle(pilot)
    assert "\\e]52" in screen_text(app)
    assert not any(forbidden.search(line) for line in screen_lines(app))


@on_screen()
async def test_a_lost_hub_says_why_and_a_new_one_can_be_had(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.lose("the hub was killed by signal 9")
    await settle(pilot)
    assert "the hub was killed by signal 9 — R reconnects" in screen_lines(app)[0]
    await press(pilot, "w", "enter", "escape")
    fresh = demo()
    app._open_link = lambda: fresh
    await press(pilot, "R")
    await until(pilot, lambda: "live" in screen_lines(app)[0])
    assert hub.closed
    assert "Number 2408" in screen_text(app)


@on_screen()
async def test_a_hub_that_does_not_start_is_a_sentence(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    def fail() -> Any:
        raise FileNotFoundError(2, "No such file or directory")

    hub.lose("gone")
    await settle(pilot)
    app._open_link = fail
    await press(pilot, "R")
    await until(pilot, lambda: "The hub can't be started: no such file or directory" in screen_text(app))


@on_screen()
async def test_our_actors_are_controlled_by_keys(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "2", "z", "x", "K", "+", "-", "j", "z")
    assert [(each.actor, each.action) for each in hub.asked(requests.Control)] == [
        (1, "pause"),
        (1, "stop"),
        (1, "kill"),
        (2, "resume"),
    ]
    assert [(each.actor, each.factor) for each in hub.asked(requests.Scale)] == [(1, 2.0), (1, 0.5)]
    await press(pilot, "3", "-")
    assert "lines (4125) now sleeps 0.01 s after each message" in screen_text(app)
    hub.refuse[requests.Scale] = "it reads as fast as possible already"
    await press(pilot, "plus")
    assert "as fast as possible already" in screen_text(app)


@on_screen()
async def test_each_of_many_quick_keys_counts(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "2")
    await write(pilot, "+++++")
    await until(pilot, lambda: "numbers (4121) now writes 1.9 k/s" in screen_text(app))
    assert [each.factor for each in hub.asked(requests.Scale)] == [2.0] * 5


@on_screen()
async def test_others_processes_are_left_alone(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "2", "K")
    assert "8812 was not started by pipetui" in screen_text(app)
    assert not hub.asked(requests.Control)


@on_screen()
async def test_an_ended_actor_stays_until_it_is_dismissed(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "2", "d")
    assert "is still running" in screen_text(app)
    hub.push(update(actors=(replace(hub.actors[0], phase="ended", detail="", exit_signal=9),)))
    await settle(pilot)
    assert "ended by SIGKILL" in screen_text(app)
    hub.push(update(pipes_gone=(PipeId(8, 1),)))
    await settle(pilot)
    assert "○ 4121" in screen_text(app)
    await press(pilot, "d")
    assert hub.asked(requests.Control)[-1].action == "dismiss"


@on_screen()
async def test_enter_shows_a_process_in_detail(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "2", "enter")
    text = screen_text(app)
    assert "EPIPE" in text
    assert "Number {n:03d}" in text
    await press(pilot, "escape")
    assert "MESSAGES" in screen_text(app)


@on_screen()
async def test_help_and_palette_show_every_action(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "question_mark")
    assert "Start a producer that writes to the selected FIFO" in screen_text(app)
    assert "consumes" in screen_text(app)
    await press(pilot, "escape", "ctrl+p")
    await write(pilot, "create a fifo")
    await until(pilot, lambda: "Create a FIFO" in screen_text(app))
    await press(pilot, "down", "enter")
    await until(pilot, lambda: "New FIFO" in screen_text(app))


@on_screen()
async def test_the_mouse_selects_and_the_footer_can_be_clicked(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await pilot.click(offset=(10, 4))
    await settle(pilot)
    assert "▸ /tmp/demo/bursts" in screen_text(app)
    row = screen_lines(app)[-1]
    await pilot.click(offset=(row.index("producer"), 39))
    await settle(pilot)
    assert "as fast as possible" in screen_text(app)


@on_screen()
async def test_notes_say_what_the_view_lacks(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.push(update(status=Status("box1", False, 12, ("/srv was cut at 100,000 entries",), ("inotify is full",))))
    await settle(pilot)
    assert "3 notes" in screen_lines(app)[0]
    await press(pilot, "i")
    for wanted in ("12 processes", "/srv was cut", "inotify is full"):
        assert wanted in screen_text(app)


@on_screen(config=Config(keys={"create": ("n",), "next": ("ctrl+n",), "quit": ("ctrl+x",)}))
async def test_keys_can_be_changed(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "n new FIFO" in screen_text(app)
    assert "ctrl+x quit" in screen_text(app)
    await press(pilot, "n")
    assert "Mode" in screen_text(app)


@on_screen()
async def test_the_theme_turns_light_and_back(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    before = app.theme
    await press(pilot, "t")
    assert "light" in app.theme
    await press(pilot, "t")
    assert app.theme == before


@on_screen()
async def test_quitting_lets_the_hub_go_first(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "q")
    assert hub.closed
    assert app.return_value == 0


def thousands() -> FakeHub:
    hub = demo()
    hub.pipes = tuple(fifo(n, f"/srv/{n:05}") for n in range(10_000))
    return hub


@on_screen(hub=thousands)
async def test_ten_thousand_fifos_are_no_hitch(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "G")
    assert "▸ /srv/09999" in screen_text(app)
    await press(pilot, "g", "pagedown")
    assert "10,000 FIFOs" in screen_text(app)
    hub.push(update(pipes=(fifo(5, "/srv/00005", "flowing"),)))
    await settle(pilot)
    assert "flowing" in screen_text(app)


def test_an_unexpected_error_is_one_sentence(capsys: Any) -> None:
    app = make_app(demo())
    app._exception = RuntimeError("boom\x1b[31m")
    app._fatal_error()
    app._print_error_renderables()
    stderr = capsys.readouterr().err
    assert "unexpected error" in stderr
    assert "Traceback" not in stderr
    assert "\x1b[31m" not in stderr


@on_screen(hub=empty)
async def test_rows_stay_in_order_and_columns_fit_whatever_comes_and_goes(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    chance = Random(7)
    paths: dict[int, str] = {}
    for first in range(0, 200, 8):
        gone = chance.sample(sorted(paths), k=len(paths) // 3)
        for inode in gone:
            del paths[inode]
        renamed = chance.sample(sorted(paths), k=len(paths) // 5)
        come = {
            inode: f"/{chance.choice('abc') * chance.randrange(1, 40)}/{inode}" for inode in range(first, first + 8)
        }
        come.update({inode: f"/renamed/{first}/{inode}" for inode in renamed})
        paths.update(come)
        rows = tuple(fifo(inode, path) for inode, path in come.items())
        hub.push(update(pipes=rows, pipes_gone=tuple(PipeId(8, inode) for inode in gone)))
        await settle(pilot)
        table = app.main.fifos
        assert [key.pipe.inode for key in table.keys] == sorted(paths, key=lambda inode: paths[inode])
        assert table._natural(COLUMNS[0]) == max(len(path) for path in paths.values())


@on_screen()
async def test_what_only_ours_tell_takes_no_room_from_others(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    def head() -> str:
        return next(text for text in screen_lines(app) if "PID" in text)

    await press(pilot, "j", "j")
    assert head().count("RATE") == 2
    await press(pilot, "j")
    assert "▸ /tmp/demo/slow" in screen_text(app)
    assert "RATE" not in head()
    assert "STATE" in head()


@on_screen(80, 24)
async def test_rows_that_come_while_their_table_is_hidden_are_drawn_in_its_true_width(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "1", "j", "j", "4")
    table = app.main.consumers
    hub.push(update(actors=(replace(hub.actors[2], id=9, pid=4999),)))
    await settle(pilot)
    hidden = table._widths, table._measured
    await press(pilot, "2")
    assert re.search(r"● +4999 +lines", screen_text(app))
    table._widths, table._measured = hidden  # as before the table is told of its size
    assert "COMMAND" in table.render_line(0).text
