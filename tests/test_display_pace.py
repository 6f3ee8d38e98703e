"""What may be written when: a terminal that is slow, that stops, that never answers, and a person who waits."""

from __future__ import annotations

import re
import time

import pytest
from processes import Sandbox
from terminal import Terminal
from waiting import wait_until

from pipetui.tui.display.pace import BUDGET, Pacer


def spend(pace: Pacer, seconds: float, frame: int, start: float = 1.0) -> int:
    """Offer a frame every 10 ms and return how many bytes were written."""
    written = 0
    for step in range(int(seconds * 100)):
        now = start + step / 100
        if pace.permit(now, urgent=False, full=False).write:
            pace.sent(frame, now)
            written += frame
    return written


def test_frames_that_nobody_asked_for_keep_to_the_budget() -> None:
    assert spend(Pacer(), 20.0, 3000) < 21.0 * BUDGET


def test_a_frame_that_answers_a_key_does_not_wait_for_the_budget() -> None:
    pace = Pacer()
    spend(pace, 5.0, 3000)
    pace.sent(9000, 6.0)
    assert not pace.permit(6.01, urgent=False, full=False).write
    assert pace.permit(6.01, urgent=True, full=False).write


def test_nothing_is_written_to_a_way_that_is_full() -> None:
    assert not Pacer().permit(1.0, urgent=True, full=True).write


def test_a_slow_line_never_has_more_than_a_moment_of_bytes_on_the_way() -> None:
    """The line carries 5,000 bytes a second; the terminal answers when it has come to the question."""
    pace = Pacer()
    pace.ask_first(0.9)
    pace.answered(0.92)
    clear_at, asked = 0.0, list[float]()
    waits = []
    for step in range(2000):
        now = 1.0 + step / 100
        while asked and asked[0] <= now:
            asked.pop(0)
            pace.answered(now)
        permit = pace.permit(now, urgent=step % 20 == 0, full=False)
        if permit.write:
            frame = min(3000, permit.pieces or 3000)
            clear_at = max(clear_at, now) + frame / 5000
            pace.sent(frame, now)
            if pace.should_ask(now):
                asked.append(clear_at + 0.02)
        if step > 300:
            waits.append(clear_at - now)
    assert pace.slow
    assert max(waits) < 0.5


def test_a_fast_line_is_not_taken_for_a_slow_one() -> None:
    pace = Pacer()
    pace.ask_first(0.9)
    pace.answered(0.904)
    for step in range(200):
        now = 1.0 + step / 10
        pace.sent(3000, now)
        if pace.should_ask(now):
            pace.answered(now + 0.004)
    assert not pace.slow


def slow_pace() -> Pacer:
    """Return a pace that knows its line as one of 5,000 bytes a second, at 10 s."""
    pace = Pacer()
    pace.ask_first(0.9)
    pace.answered(0.92)
    for step in range(4):
        now = 2.0 + 2 * step
        pace.sent(1500, now)
        assert pace.should_ask(now)
        pace.answered(now + 0.34)
    assert pace.rate is not None
    assert 4500 < pace.rate < 5500
    return pace


def test_at_a_slow_line_it_is_known_how_much_is_on_its_way() -> None:
    pace = slow_pace()
    for now, count in ((10.0, 200), (10.01, 150), (10.02, 100)):
        assert pace.permit(now, urgent=True, full=False).write
        pace.sent(count, now)
        assert pace.should_ask(now)
    assert not pace.permit(10.03, urgent=True, full=False).write
    assert pace.permit(10.03, urgent=True, full=False, first=True).write
    pace.answered(10.06)
    assert pace.permit(10.06, urgent=True, full=False).write


def test_two_answers_that_are_read_at_once_are_no_fast_line() -> None:
    pace = slow_pace()
    for round_ in range(6):
        now = 10.0 + round_
        for part in range(2):
            pace.sent(600, now + part / 100)
            pace.should_ask(now + part / 100)
        for _ in range(2):
            pace.answered(now + 0.27)
    assert pace.slow


def test_what_changes_one_after_the_other_is_one_frame() -> None:
    pace = Pacer()
    pace.sent(20, 1.0)
    permit = pace.permit(1.01, urgent=False, full=False)
    assert not permit.write
    assert 0.02 < permit.again < 0.05
    assert pace.permit(1.01, urgent=True, full=False).write
    assert pace.permit(1.05, urgent=False, full=False).write


def test_a_lost_answer_does_not_stop_the_screen_for_ever() -> None:
    pace = Pacer()
    pace.sent(2000, 1.0)
    assert pace.should_ask(1.0)
    pace.answered(1.01)
    pace.sent(200_000, 1.1)
    assert pace.should_ask(1.1)
    assert not pace.permit(2.0, urgent=True, full=False).write
    assert pace.permit(7.0, urgent=True, full=False).write


@pytest.mark.e2e
def test_a_terminal_that_stops_reading_costs_nothing_but_the_frames_it_missed() -> None:
    with Sandbox() as sandbox:
        terminal = sandbox.terminal("demo")
        terminal.wait_for("bursts")
        terminal.wait_for(re.compile("order"))
        process = sandbox.family()[0]
        size = max(member.memory_info().rss for member in sandbox.family())
        terminal.hold()
        before = terminal.received
        time.sleep(9.0)  # the pty takes some frames, then the writer has to wait
        for key in "jjkk":
            terminal.send(key)
        terminal.send("?")
        time.sleep(1.0)
        assert terminal.received - before < 2 * (1 << 16)
        terminal.hold(False)
        terminal.wait_for("KEYS")
        assert terminal.received - before < 60_000, "missed frames were queued"
        assert max(member.memory_info().rss for member in sandbox.family()) < size + (16 << 20)
        terminal.send("escape")
        _shows_now(terminal)
        assert process.is_running()
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.left_behind() == []


def _shows_now(terminal: Terminal) -> None:
    """Wait until messages go on coming."""
    newest = terminal.row(r"order")
    wait_until(lambda: terminal.row(r"order") not in ("", newest), what="messages go on", shown=terminal.text)


def test_a_terminal_that_never_answers_is_not_waited_for_again() -> None:
    pace = Pacer()
    pace.ask_first(1.0)
    pace.sent(5000, 1.0)
    pace.asked_again(1.0)
    assert pace.permit(1.3, urgent=True, full=False).write
    pace.sent(5000, 7.0)
    assert pace.should_ask(7.0)
    assert pace.permit(7.01, urgent=True, full=False).write
