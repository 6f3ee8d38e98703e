"""The thin display against a terminal emulator: after every frame it shows the cells and styles that were wanted."""

from __future__ import annotations

import pytest
from emulator import Emulator
from frames import HEIGHT, WIDTH, change, differences
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from pipetui.tui.display.abilities import Abilities
from pipetui.tui.display.frame import fitted, row_of
from pipetui.tui.display.painter import Painter
from pipetui.tui.display.styles import StyleTable
from pipetui.tui.display.write import LEAVE

ABILITIES = [
    Abilities(),
    Abilities(bce=True),
    Abilities(bce=True, scroll_by=True),
    Abilities(repeat=True, scroll_by=True),
    Abilities(bce=True, scroll=False),
]


def fresh(abilities: Abilities) -> tuple[Painter, Emulator]:
    """Return a painter and a terminal on which something else has drawn."""
    painter, emulator = Painter(abilities), Emulator(WIDTH, HEIGHT, bce=abilities.bce)
    emulator.feed(b"\x1b[?7lleft over \x1b[31mfrom before")
    painter.resize(WIDTH, HEIGHT)
    return painter, emulator


@pytest.mark.parametrize("abilities", ABILITIES, ids=str)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_terminal_shows_every_frame(abilities: Abilities, data: st.DataObject) -> None:
    painter, emulator = fresh(abilities)
    for _ in range(data.draw(st.integers(1, 6))):
        change(data, painter)
        emulator.feed(painter.paint().encode())
        wrong = list(differences(painter.wanted, painter.styles, emulator))
        assert not wrong, wrong[:5]
        assert not painter.dirty
        assert painter.paint() == ""
    emulator.feed(LEAVE.encode())
    assert emulator.left_behind() == ["mode 7 is off"]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_frame_that_comes_in_pieces_comes_to_its_end(data: st.DataObject) -> None:
    """Whatever changes meanwhile: each piece does its part, and once nothing changes any more all of it is there."""
    painter, emulator = fresh(ABILITIES[2])
    emulator.feed(painter.paint().encode())
    now = 1.0
    for _ in range(data.draw(st.integers(1, 6))):
        change(data, painter)
        for _ in range(data.draw(st.integers(0, 4))):
            now += data.draw(st.sampled_from([0.01, 0.3, 2.0]))
            painter.notice(now)
            room, afresh = data.draw(st.integers(1, 300)), data.draw(st.booleans())
            text = painter.paint_part(room, afresh=afresh, calm=data.draw(st.booleans()))
            emulator.feed(text.encode())
            shown = painter.shown
            assert shown is not None
            assert not list(differences(shown, painter.styles, emulator))
    for _ in range(3 * HEIGHT):
        emulator.feed(painter.paint_part(100).encode())
    assert not painter.dirty
    assert not list(differences(painter.wanted, painter.styles, emulator))


def test_a_piece_is_about_as_large_as_the_room() -> None:
    painter, _ = fresh(ABILITIES[2])
    painter.paint()
    for y in range(HEIGHT):
        painter.wanted.rows[y] = fitted(
            row_of([(f"{y} {'abcdefg' * 6}", Style(), None)], painter.styles), WIDTH, painter.styles
        )
    sizes = []
    while painter.dirty:
        sizes.append(len(painter.paint_part(100)))
    assert len(sizes) > 3
    assert max(sizes) < 100 + WIDTH + 20


def test_a_page_is_finished_although_all_of_it_changes_all_the_time() -> None:
    painter, _ = fresh(ABILITIES[2])
    painter.paint()
    shown = []
    for step in range(80):
        for y in range(HEIGHT):
            words = [(f"step {step} row {y} " * 3, Style(), None)]
            painter.wanted.rows[y] = fitted(row_of(words, painter.styles), WIDTH, painter.styles)
        painter.notice(1.0 + step / 10)
        painter.paint_part(60)
        assert painter.shown is not None
        shown.append(painter.shown.rows[-1])
    assert len(set(shown[40:])) > 3


def test_a_log_that_scrolls_costs_its_new_row_also_in_pieces() -> None:
    painter, _ = fresh(ABILITIES[2])
    rows = [
        fitted(row_of([(f"{n} line {n} of a log {n}", Style(), None)], painter.styles), WIDTH, painter.styles)
        for n in range(60)
    ]
    painter.wanted.rows[:] = rows[:HEIGHT]
    painter.paint()
    for n in range(1, 40):
        painter.wanted.rows[2:] = rows[n + 2 : n + HEIGHT]
        painter.notice(n / 10)
        text = painter.paint_part(200)
        assert len(text) < 60
        assert not painter.dirty


def test_looks_of_blanks_are_what_one_sees() -> None:
    table = StyleTable()
    number = table.of(Style(color="red", bgcolor="#121212", bold=True))
    assert table[table.blank(number)].foreground == ""
    assert table.erasable(table.blank(number))
    line = table.of(Style(bgcolor="#121212", underline=True))
    assert table.blank(line) == line
    assert not table.erasable(line)
