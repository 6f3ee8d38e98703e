"""What the app draws, as lines of text that a person can read and a diff can show: the characters, and their styles.

    ▸ /tmp/demo/orders  flowing
    == styles
    a  #d0d0d0 on #121212
    b  #87af87 on #121212
    == map
    a20 b7 a93

Each row of the map says how many cells have which style. The colour of a blank is not seen, so it is that of what
stands before it.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.pilot import Pilot
from textual.widgets import Input

from pipetui.tui.app import PipetuiApp

_LETTERS = (*string.ascii_letters, *(first + second for first in string.ascii_letters for second in string.digits))


def drawn(app: PipetuiApp) -> list[str]:
    """Return the screen of an app as lines."""
    rows = [list(strip) for strip in app.screen._compositor.render_strips()]
    runs = [list(_runs(row)) for row in rows]
    names = dict(zip(dict.fromkeys(style for row in runs for style, _ in row), _LETTERS, strict=False))
    return [
        *("".join(segment.text for segment in row).rstrip() for row in rows),
        "== styles",
        *(f"{letter}  {style}" for style, letter in names.items()),
        "== map",
        *(" ".join(f"{names[style]}{width}" for style, width in row) for row in runs),
    ]


async def at_rest(pilot: Pilot[Any]) -> list[str]:
    """Return what is drawn when it no longer changes."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    before: list[str] = []
    while (now := drawn(pilot.app)) != before:  # type: ignore[arg-type]
        before = now
        await pilot.pause(0.05)
    return now


def _runs(row: Iterable[Segment]) -> Iterator[tuple[str, int]]:
    """Yield how a row is styled: each style, and how many cells have it."""
    for style, cells in itertools.groupby(_cells(row), lambda cell: cell[0]):
        yield style, sum(width for _, width in cells)


def _cells(row: Iterable[Segment]) -> Iterator[tuple[str, int]]:
    """Yield the style and the width of each character."""
    before, behind = "", None
    for segment in row:
        style = segment.style or Style()
        for char in segment.text:
            back = style.bgcolor
            if not (char == " " and before and back == behind and not _shows_on_blanks(style)):
                before, behind = _described(style), None if _shows_on_blanks(style) else back
            yield before, cell_len(char)


def _shows_on_blanks(style: Style) -> bool:
    return bool(style.underline or style.reverse or style.strike or style.overline)


def _described(style: Style) -> str:
    words = [name for name in ("bold", "dim", "italic", "underline", "strike", "reverse") if getattr(style, name)]
    return " ".join([*words, _colour(style.color), "on", _colour(style.bgcolor)])


def _colour(colour: Color | None) -> str:
    if colour is None or colour.is_default:
        return "default"
    return colour.triplet.hex if colour.triplet else colour.name
