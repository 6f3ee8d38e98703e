"""Fitting text into terminal cells: cutting, padding, wrapping and joining styled parts into lines.

Wide characters take two cells, so lengths are counted in cells, not characters. The parts given here are already
safe (see `text.safe`): nothing in this file escapes anything.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Literal

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pipetui.text import cut_middle
from pipetui.tui.core.theme import Palette

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


# --- lines ---------------------------------------------------------------------------------------------------------


def wrap(value: str, width: int) -> list[str]:
    """Return a safe line in pieces of at most `width` cells."""
    width = max(1, width)
    if len(value) <= width and value.isascii():
        return [value]
    if value.isascii():
        return [value[start : start + width] for start in range(0, len(value), width)]
    return _wrap_wide(value, width)


def wrap_words(value: str, width: int) -> list[str]:
    """Return a safe sentence in lines of at most `width` characters, broken between words."""
    return textwrap.wrap(value, max(1, width)) or [""]


def _wrap_wide(value: str, width: int) -> list[str]:
    pieces: list[str] = []
    start = used = 0
    for index, char in enumerate(value):
        size = 1 if char < "\x7f" else get_character_cell_size(char)
        if used + size > width and index > start:
            pieces.append(value[start:index])
            start, used = index, 0
        used += size
    pieces.append(value[start:])
    return pieces


def clip(parts: Parts, width: int) -> Parts:
    """Return parts as exactly `width` cells: cut with an ellipsis, or padded."""
    room = width - length(parts)
    if room >= 0:
        return (*parts, (" " * room, None))
    kept: list[Part] = []
    used = 0
    for words, style in parts:
        words = cut(words, width - used)
        kept.append((words, style))
        used += length(((words, style),))
    return (*kept, (" " * max(0, width - used), None))


def beside(
    left: Sequence[Parts], right: Sequence[Parts], width: int, palette: Palette, between: str = "│ "
) -> list[Parts]:
    """Return two columns as one, the left one `width` cells wide, a thin line between them."""
    lines: list[Parts] = []
    for index in range(max(len(left), len(right))):
        one = left[index] if index < len(left) else ()
        other = right[index] if index < len(right) else ()
        lines.append((*clip(one, width), (between, palette.rule), *other))
    return lines


def heading(title: str, words: str, palette: Palette) -> Parts:
    """Return a heading with a few words behind it."""
    return ((title, palette.title), (f"  {words}" if words else "", palette.dim))
