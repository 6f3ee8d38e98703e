"""Fitting text into terminal cells: cutting, padding and joining styled parts into the one line a widget draws.

Wide characters take two cells, so lengths are counted in cells, not characters. The parts given here are already
safe (see `text.safe`): nothing in this file escapes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pipetui.text import cut_middle

Align = Literal["left", "right"]

#: A piece of a line and how it looks; None is the line's own style.
Part = tuple[str, "Style | None"]
Parts = tuple[Part, ...]


def cut(value: str, width: int) -> str:
    """Return `value` if it fits into `width` cells, otherwise its beginning and an ellipsis."""
    if width <= 0:
        return ""
    if value.isascii():
        return value if len(value) <= width else value[: width - 1] + "…"
    if cell_len(value[: width + 1]) <= width and len(value) <= width:
        return value
    return set_cell_size(value[: width + 1], width - 1).rstrip() + "…" if cell_len(value) > width else value


def fit(value: str, width: int, align: Align = "left") -> str:
    """Return `value` cut or padded to exactly `width` cells."""
    value = cut(value, width)
    room = width - cell_len(value)
    if room <= 0:
        return value
    return " " * room + value if align == "right" else value + " " * room


def fit_middle(value: str, width: int) -> str:
    """Return `value` as `fit` does, but cut in its middle, so that a path keeps its name."""
    return fit(cut_middle(value, width), width)


def length(parts: Iterable[Part]) -> int:
    """Return how many cells `parts` take."""
    return sum(cell_len(value) for value, _ in parts)


def strip(parts: Iterable[Part], width: int, base: Style) -> Strip:
    """Return `parts` as a line of exactly `width` cells in which `base` is the style beneath."""
    segments = [Segment(value, base if style is None else base + style) for value, style in parts if value]
    return Strip(segments).adjust_cell_length(width, base).simplify()


def spread(left: Parts, right: Parts, width: int, base: Style, filler: Part = (" ", None)) -> Strip:
    """Return a line with `left` at its left and `right` at its right; `right` goes first when there is no room."""
    room = width - length(left) - length(right)
    if room < 0:
        return strip(left, width, base)
    return strip((*left, (filler[0] * room, filler[1]), *right), width, base)
