"""Frames for the thin display's tests: what may be drawn, at random, and whether a terminal shows it, cell by cell."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from emulator import Emulator
from hypothesis import strategies as st
from pyte import graphics
from pyte.screens import Char, wcwidth
from rich.style import Style

from pipetui.tui.display.frame import Frame, Row, fitted, row_of
from pipetui.tui.display.painter import Painter
from pipetui.tui.display.styles import PLAIN, CellStyle, StyleTable

WIDTH, HEIGHT = 40, 10

Lines = st.SearchStrategy[list[tuple[str, Style, None]]]

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
_certain = st.one_of(
    st.text(" abcxyz─│▸…", max_size=30),
    st.text("a 漢字かな", max_size=10),
    st.text("a é🙂🚀", max_size=10),
    st.sampled_from(["e\u0301te\u0301", "🙂🙂", "\x1b[2Jescape", "\ud800", "─" * 40]),
    st.integers(1, 60).map(lambda count: " " * count),
)
#: Terminals give these anything from one cell to six.
_disputed = st.sampled_from(["👩\u200d👩\u200d👧 family", "☁\ufe0f x", "☁\ufe0f漢"])


def _lines(texts: st.SearchStrategy[str]) -> Lines:
    return st.lists(st.tuples(texts, styles, st.none()), max_size=5)


#: Lines of text: any, and without characters of which terminals disagree how wide they are.
lines = _lines(st.one_of(_certain, _disputed))
certain_lines = _lines(_certain)


def row(table: StyleTable, pieces: list[tuple[str, Style, None]]) -> Row:
    """Return styled text as a row of a frame."""
    return fitted(row_of(pieces, table), WIDTH, table)


def change(data: st.DataObject, painter: Painter, lines: Lines = lines) -> None:
    """Change the newest frame as a screen does, lines, pieces of lines, scrolls, all; or forget the terminal's."""
    rows = painter.wanted.rows
    kind = data.draw(st.sampled_from(["lines", "piece", "scroll", "insert", "swap", "forget"]))
    if kind == "lines":
        for y in data.draw(st.lists(st.integers(0, HEIGHT - 1), min_size=1, max_size=HEIGHT)):
            rows[y] = row(painter.styles, data.draw(lines))
    elif kind == "piece":
        x, y = data.draw(st.integers(0, WIDTH - 1)), data.draw(st.integers(0, HEIGHT - 1))
        painter.wanted.place(x, y, row_of(data.draw(lines), painter.styles), painter.styles)
    elif kind in ("scroll", "insert"):
        top = data.draw(st.integers(0, HEIGHT - 2))
        bottom = data.draw(st.integers(top + 1, HEIGHT - 1))
        for _ in range(data.draw(st.integers(1, 3))):
            fresh = row(painter.styles, data.draw(lines))
            if kind == "scroll":
                rows[top : bottom + 1] = [*rows[top + 1 : bottom + 1], fresh]
            else:
                rows[top : bottom + 1] = [fresh, *rows[top:bottom]]
    elif kind == "swap":
        rows.reverse()
    else:
        painter.forget()


# --- what the terminal shows ------------------------------------------------------------------------------------------


def colour(code: str) -> str:
    """Return the emulator's name of a colour that is given as SGR parameters."""
    if not code:
        return "default"
    parts = [int(part) for part in code.split(";")]
    if len(parts) == 1:
        tables: list[dict[int, str]] = [graphics.FG, graphics.BG, graphics.FG_AIXTERM, graphics.BG_AIXTERM]
        return next(table[parts[0]] for table in tables if parts[0] in table)
    if parts[1] == 5:
        name: str = graphics.FG_BG_256[parts[2]]
        return name
    return "".join(f"{part:02x}" for part in parts[2:])


def _visible(char: str, reverse: bool, foreground: str, attributes: tuple[bool, ...]) -> tuple[object, ...]:
    """Return what is seen of a foreground and attributes: of a blank its lines and its reverse, not its colour."""
    if char == " " and not reverse:
        return "", (False, False, *attributes[2:])
    return foreground, attributes


def shown_as(style: CellStyle, char: str) -> tuple[object, ...]:
    """Return how the emulator describes a cell of this style; what cannot be seen on a blank is left out."""
    attributes = tuple(name in style.attributes for name in _PYTE)
    reverse, foreground = "reverse" in style.attributes, colour(style.foreground)
    return (colour(style.background), *_visible(char, reverse, foreground, attributes))


def seen(cell: Char) -> tuple[object, ...]:
    """Return what is seen of the emulator's cell, in the same words."""
    attributes = tuple(bool(getattr(cell, name)) for name in _PYTE.values())
    return (cell.bg, *_visible(cell.data, cell.reverse, cell.fg, attributes))


def disputed(char: str, width: int) -> bool:
    """Whether the emulator gives another width than ours to a character: then it can't show the same, as no terminal
    that disagrees can. Left are sequences that are joined (U+200D) or asked to be drawn as a picture (U+FE0F)."""
    return sum(max(0, wcwidth(point)) for point in char) != width


def differences(frame: Frame, table: StyleTable, emulator: Emulator, *, sure_of_off: bool = True) -> Iterator[str]:
    """Say where the emulator shows something else than a frame.

    Without `sure_of_off`, attributes in cells that should have none are not looked at.
    """
    for y, (chars, numbers) in enumerate(frame.rows):
        for x, (char, number) in enumerate(zip(chars, numbers, strict=True)):
            start = x - 1 if char == "" else x
            width = 2 if start + 1 < len(chars) and chars[start + 1] == "" else 1
            if disputed(chars[start], width):
                continue
            cell, style = emulator.screen.buffer[y][x], table[number]
            if not sure_of_off and not style.attributes:
                plain: dict[str, Any] = dict.fromkeys(_PYTE.values(), False)
                cell = cell._replace(**plain)
            if cell.data != unicodedata.normalize("NFC", char) or seen(cell) != shown_as(style, char):
                yield f"{x},{y}: {cell.data!r} {seen(cell)} instead of {char!r} {shown_as(style, char)}"


def anchored(painter: Painter) -> str:
    """Return what draws the blanks of the last column anew, and leaves the cursor and the pen as they are.

    Terminals that are asked for their screen leave out what was erased at the end of a row.
    """
    cells = [(y, row.styles[-1]) for y, row in enumerate(painter.wanted.rows, 1) if row.chars[-1] == " "]
    width = painter.wanted.width
    return "".join(f"\x1b7\x1b[{y};{width}H\x1b[m{painter.styles.way(PLAIN, style)} \x1b8" for y, style in cells)
