"""The message log: it follows, it freezes, it never jumps, and it says what it does not show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual import events
from textual.pilot import Pilot
from tui_fakes import FakeHub, line, on_screen, press, screen_lines, screen_text, settle, until, write

from pipetui.client.session import LogPage, LogView
from pipetui.model import LogFilter
from pipetui.protocol import messages
from pipetui.tui.app import PipetuiApp
from pipetui.tui.state.log_window import LogWindow, Skip

LOG = slice(16, 39)


def log_lines(app: PipetuiApp) -> list[str]:
    return [each[1:] for each in screen_lines(app)[LOG]]


@on_screen()
async def test_it_follows_what_comes(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.flow(line(2409, "fresh"))
    await settle(pilot)
    assert log_lines(app)[-1].rstrip().endswith("fresh")
    assert "2,409 seen" in screen_text(app)


@on_screen()
async def test_frozen_it_does_not_move_and_counts_what_is_new(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "space")
    before = log_lines(app)
    assert "frozen" in screen_text(app)
    for number in range(2409, 2460):
        hub.flow(line(number))
        await settle(pilot)
        assert log_lines(app) == before
    assert " 51 new " in screen_text(app)
    await press(pilot, "space")
    assert "Number 2459" in screen_text(app)
    assert "following" in screen_text(app)
    assert " new " not in screen_lines(app)[15]


@on_screen()
async def test_scrolling_up_freezes_and_reaches_the_oldest(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "4", "k")
    assert "frozen" in screen_text(app)
    for _ in range(8):
        await press(pilot, "pageup")
    assert "Number 2300" in screen_text(app)
    await press(pilot, "G")
    assert "Number 2408" in screen_text(app)
    assert "following" in screen_text(app)


@on_screen()
async def test_every_message_is_seen_on_the_way_up_and_down(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.lines = [line(number, f"<{number}>") for number in range(1, 800)]
    hub.flow()
    await settle(pilot)
    await press(pilot, "4", "g")
    assert "<1>" in screen_text(app)
    seen = {"1", *(part.split("<")[1].split(">")[0] for part in log_lines(app) if "<" in part)}
    for _ in range(200):
        await press(pilot, "pagedown")
        seen |= {part.split("<")[1].split(">")[0] for part in log_lines(app) if "<" in part}
        if "799" in seen:
            break
    assert {str(number) for number in range(1, 800)} <= seen


@on_screen()
async def test_the_wheel_freezes_too(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await pilot._post_mouse_events([events.MouseScrollUp], widget=app.main.messages)
    await settle(pilot)
    assert "frozen" in screen_text(app)


@on_screen()
async def test_a_filter_works_while_it_is_typed(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "4", "slash")
    await write(pilot, "tea")
    await until(pilot, lambda: all("tea" in each for each in log_lines(app)[1:]))
    assert "filter “tea”" in screen_text(app)
    await press(pilot, "enter")
    hub.flow(line(2409, "coffee"), line(2410, "tea again"))
    await settle(pilot)
    assert "tea again" in log_lines(app)[-1]
    assert "coffee" not in screen_text(app)
    await press(pilot, "escape")
    assert "no filter" in screen_text(app)
    assert "coffee" in screen_text(app)


@on_screen()
async def test_a_wrong_regular_expression_is_said_and_nothing_else(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "4", "slash", "ctrl+r")
    assert "regex · ctrl+r" in screen_text(app)
    await write(pilot, "te(a")
    await until(pilot, lambda: "invalid regular expression" in screen_text(app))
    await press(pilot, "backspace", "backspace", "backspace", "backspace")
    await write(pilot, "(a+)+$")
    await until(pilot, lambda: any(each.log.filter.pattern == "(a+)+$" for each in hub.asked(messages.Ready)))


@on_screen()
async def test_one_fifo_only_and_all_again(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "o")
    assert "only orders" in screen_text(app)
    assert "slow" not in "".join(log_lines(app))
    await press(pilot, "o")
    assert "all FIFOs" in screen_text(app)
    await press(pilot, "enter", "o")
    assert "only orders" in screen_text(app)
    assert app.main.pane == "log"


@on_screen()
async def test_find_goes_from_match_to_match_without_hiding(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "4", "n")
    assert "No search yet" in screen_text(app)
    await press(pilot, "f")
    await write(pilot, '"id": 2310')
    await press(pilot, "enter")
    await until(pilot, lambda: any(each.startswith("▸") and "2310" in each for each in screen_lines(app)))
    assert "Number 2311" in screen_text(app)
    await press(pilot, "n")
    assert "No newer match" in screen_text(app)
    await press(pilot, "escape", "f")
    await write(pilot, "milk")
    await press(pilot, "enter", "N")
    assert any(each.startswith("▸") and "2307" in each for each in screen_lines(app))


@on_screen()
async def test_what_was_not_kept_stands_in_the_log_and_above_it(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    hub.not_kept = 12345
    hub.flow(line(14754, "after the gap"))
    await settle(pilot)
    assert "… 12,345 messages not kept: they came too fast for the log" in screen_text(app)
    assert "12,345 not kept" in screen_lines(app)[15]


@on_screen()
async def test_more_than_fits_is_counted_as_not_shown(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.flow(*(line(number) for number in range(2409, 2509)))
    await settle(pilot)
    assert "not shown" in screen_lines(app)[15]
    assert "Number 2508" in screen_text(app)


@on_screen()
async def test_marks_of_pieces_and_unknown_writers(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.flow(line(2409, "half", piece="split", writer=None), line(2410, "rest", piece="incomplete"))
    await settle(pilot)
    assert "split half" in screen_text(app)
    assert "incomplete rest" in screen_text(app)
    assert "?→4125" in log_lines(app)[-2]


@on_screen()
async def test_a_message_opens_whole_in_three_views(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.flow(line(2409, '{"a": [1.50, true], "b": {}}'))
    await settle(pilot)
    await press(pilot, "4", "enter")
    assert "MESSAGE 2,409" in screen_text(app)
    assert "28 bytes" in screen_text(app)
    await press(pilot, "2")
    assert "7b 22 61 22" in screen_text(app)
    await press(pilot, "3")
    assert "    1.50," in screen_text(app)
    await press(pilot, "p")
    assert "MESSAGE 2,408" in screen_text(app)
    await press(pilot, "n", "n")
    assert "No newer message yet." in screen_text(app)
    await press(pilot, "y")
    assert app.clipboard == '{"a": [1.50, true], "b": {}}'
    assert "Copied the payload, 28 bytes" in screen_text(app)
    await press(pilot, "escape")
    assert "MESSAGES" in screen_text(app)


@on_screen()
async def test_a_mebibyte_opens_and_scrolls(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.flow(line(2409, "x" * ((1 << 20) - 3) + "END"))
    await settle(pilot)
    await press(pilot, "4", "enter", "G")
    assert "xEND" in screen_text(app)
    await press(pilot, "2", "G")
    assert "000ffff0" in screen_text(app)


@on_screen()
async def test_a_message_that_is_gone_is_a_sentence(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.lines = hub.lines[:-1]
    await press(pilot, "4", "enter")
    assert "This message is no longer in the log" in screen_text(app)


@on_screen()
async def test_copy_says_what_was_copied(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "y")
    assert app.clipboard == "/run/user/1000/ctl"
    assert "Copied “/run/user/1000/ctl”" in screen_text(app)
    await press(pilot, "4", "y")
    assert app.clipboard == "Number 2408"
    assert "Copied message 2,408 of orders, 11 bytes" in screen_text(app)


@on_screen()
async def test_nothing_is_drawn_behind_a_dialog_and_nothing_is_lost(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "w")
    hub.flow(line(2409, "meanwhile"), pipes=(replace(hub.pipes[0], state="changed meanwhile"),))
    await settle(pilot)
    assert "changed meanwhile" not in screen_text(app)
    await press(pilot, "escape")
    assert "changed meanwhile" in screen_text(app)
    assert "meanwhile" in log_lines(app)[-1]


@on_screen()
async def test_letters_typed_at_once_after_the_key_are_text_and_not_commands(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    for opening in ("4f", "4/", "1/"):
        for key in f"{opening}quxwrd":
            app.post_message(events.Key(key if key != "/" else "slash", key))
        await until(pilot, lambda: "quxwrd" in screen_text(app))
        await press(pilot, "escape")
    assert app.screen is app.main
    for key in "cmine":
        app.post_message(events.Key(key, key))
    app.post_message(events.Key("enter", None))
    await until(pilot, lambda: "Created /run/user/1000/mine" in screen_text(app))


# --- the window by itself -----------------------------------------------------------------------------------------


def window() -> tuple[LogWindow, list[LogView]]:
    asked: list[LogView] = []
    made = LogWindow(asked.append)
    made.resize(100, 10)
    made.follow()
    return made, asked


def page(view: LogView, *numbers: int, append: bool = True, **more: Any) -> LogPage:
    return LogPage(view.id, tuple(line(number) for number in numbers), append, **more)


def test_a_page_of_a_view_left_behind_changes_nothing() -> None:
    made, asked = window()
    made.take(page(asked[-1], *range(1, 21), append=False))
    old = asked[-1]
    made.freeze()
    before = list(made.items)
    assert not made.take(page(old, 21, 22))
    assert made.items == before


def test_older_lines_come_above_without_moving_what_is_in_sight() -> None:
    made, asked = window()
    made.take(page(asked[-1], *range(91, 101), append=False))
    made.freeze()
    seen = made.items[made.top : made.top + 10]
    assert asked[-1].anchor == 91
    made.take(page(asked[-1], *range(1, 92), append=False, newer=9, older=True))
    assert made.items[made.top : made.top + 10] == seen
    assert len(made.items) == 100


def test_skipped_messages_stand_as_one_line_until_they_are_asked_for() -> None:
    made, asked = window()
    made.take(page(asked[-1], *range(1, 11), append=False))
    made.take(page(asked[-1], *range(101, 111), append=False, skipped=90))
    assert made.items[10] == Skip(100, 90)
    assert made.passed == 90
    made.freeze()
    assert made.items[0].number == 101


def test_a_filter_while_frozen_stays_near_the_cursor() -> None:
    made, asked = window()
    made.take(page(asked[-1], *range(1, 51), append=False))
    made.move(-20)
    made.set_filter(LogFilter("x"))
    assert asked[-1].anchor == 30
    assert asked[-1].filter.pattern == "x"
    made.take(page(asked[-1], 10, 25, 31, 40, append=False))
    assert made.cursor == 31


def test_memory_does_not_grow_while_following() -> None:
    made, asked = window()
    for number in range(5000):
        made.take(page(asked[-1], number + 1, append=bool(number)))
    assert len(made.items) <= 1200


@on_screen()
async def test_enter_opens_a_message_and_leaves_it(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "4", "enter")
    await until(pilot, lambda: "MESSAGE 2,408" in screen_text(app))
    await press(pilot, "enter")
    assert "MESSAGES" in screen_text(app)
