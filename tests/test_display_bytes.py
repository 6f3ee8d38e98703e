"""The thin display against a terminal emulator: after every frame it shows the cells and styles that were wanted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator import Emulator
from hypothesis import given, settings
from hypothesis import strategies as st
from pyte.screens import Char
from rich.style import Style

from pipetui.tui.display.abilities import Abilities
from pipetui.tui.display.frame import Row, fitted, is_doubtful, row_of
from pipetui.tui.display.looks import Look, Looks
from pipetui.tui.display.painter import Painter
from pipetui.tui.display.write import LEAVE

ABILITIES = [
    Abilities(),
    Abilities(bce=True),
    Abilities(bce=True, scroll_by=True),
    Abilities(repeat=True, scroll_by=True),
    Abilities(bce=True, scroll=False),
]

_COLOURS = {
    "": "default",
    "31": "red",
    "42": "green",
    "38;5;74": "5fafd7",
    "48;5;233": "121212",
    "48;2;1;2;3": "010203",
}
_PYTE = {
    "bold": "bold",
    "italic": "italics",
    "underline": "underscore",
    "strike": "strikethrough",
    "reverse": "reverse",
}

styles = st.sampled_from(
    [
        Style(),
        Style(color="#5fafd7", bgcolor="#121212"),
        Style(color="red", bgcolor="#121212", bold=True),
        Style(bgcolor="#121212"),
        Style(bgcolor="green", underline=True),
        Style(bgcolor="#010203", italic=True, strike=True),
        Style(reverse=True, color="red"),
        Style(bold=True, dim=True),
        Style(color="red", link="https://example.org/"),
    ]
)
texts = st.one_of(
    st.text(" abcxyz─│▸…", max_size=30),
    st.text("a 漢字かな", max_size=10),
    st.sampled_from(
        ["e\u0301te\u0301", "👩\u200d👩\u200d👧 family", "☁\ufe0f x", "🙂🙂", "\x1b[2Jescape", "\ud800", "─" * 40]
    ),
    st.integers(1, 60).map(lambda count: " " * count),
)
lines = st.lists(st.tuples(texts, styles, st.none()), max_size=5)

WIDTH, HEIGHT = 40, 10


def shown_as(look: Look, char: str) -> tuple[object, ...]:
    """Return how the emulator describes a cell of this look; what cannot be seen on a blank is left out."""
    attributes = tuple(name in look.attributes for name in _PYTE)
    foreground = _COLOURS[look.foreground]
    if char == " " and "reverse" not in look.attributes:
        foreground, attributes = "", (False, False, *attributes[2:])
        if not (attributes[2] or attributes[3]):
            foreground = ""
    return (_COLOURS[look.background], foreground, attributes)


def seen(cell: Char) -> tuple[object, ...]:
    """Return what is seen of the emulator's cell, in the same words."""
    attributes = tuple(bool(getattr(cell, name)) for name in _PYTE.values())
    foreground = cell.fg
    if cell.data == " " and not cell.reverse:
        foreground, attributes = "", (False, False, *attributes[2:])
    return (cell.bg, foreground, attributes)


def differences(painter: Painter, emulator: Emulator) -> Iterator[str]:
    """Say where the emulator shows something else than the painter's newest frame."""
    for y, row in enumerate(painter.wanted.rows):
        for x, (char, number) in enumerate(zip(row.chars, row.looks, strict=True)):
            cell = emulator.screen.buffer[y][x]
            look = painter.looks[number]
            if is_doubtful(char) or (char == "" and is_doubtful(row.chars[x - 1])):
                continue  # the emulator has its own opinion about such widths, as terminals have
            if cell.data != char or seen(cell) != shown_as(look, char):
                yield f"{x},{y}: {cell.data!r} {seen(cell)} instead of {char!r} {shown_as(look, char)}"


def row(looks: Looks, pieces: list[tuple[str, Style, None]]) -> Row:
    return fitted(row_of(pieces, looks), WIDTH)


@pytest.mark.parametrize("abilities", ABILITIES, ids=str)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_terminal_shows_every_frame(abilities: Abilities, data: st.DataObject) -> None:
    painter = Painter(abilities)
    emulator = Emulator(WIDTH, HEIGHT, bce=abilities.bce)
    emulator.feed(b"\x1b[?7lleft over \x1b[31mfrom before")
    painter.resize(WIDTH, HEIGHT)
    for _ in range(data.draw(st.integers(1, 6))):
        rows = painter.wanted.rows
        deed = data.draw(st.sampled_from(["lines", "piece", "scroll", "insert", "swap", "forget"]))
        if deed == "lines":
            for y in data.draw(st.lists(st.integers(0, HEIGHT - 1), min_size=1, max_size=HEIGHT)):
                rows[y] = row(painter.looks, data.draw(lines))
        elif deed == "piece":
            x, y = data.draw(st.integers(0, WIDTH - 1)), data.draw(st.integers(0, HEIGHT - 1))
            painter.wanted.place(x, y, row_of(data.draw(lines), painter.looks))
        elif deed in ("scroll", "insert"):
            top = data.draw(st.integers(0, HEIGHT - 2))
            bottom = data.draw(st.integers(top + 1, HEIGHT - 1))
            for _ in range(data.draw(st.integers(1, 3))):
                fresh = row(painter.looks, data.draw(lines))
                if deed == "scroll":
                    rows[top : bottom + 1] = [*rows[top + 1 : bottom + 1], fresh]
                else:
                    rows[top : bottom + 1] = [fresh, *rows[top:bottom]]
        elif deed == "swap":
            rows.reverse()
        else:
            painter.forget()
        emulator.feed(painter.paint().encode())
        wrong = list(differences(painter, emulator))
        assert not wrong, wrong[:5]
        assert not painter.dirty
        assert painter.paint() == ""
    emulator.feed(LEAVE.encode())
    assert emulator.left_behind() == ["mode 7 is off"]
