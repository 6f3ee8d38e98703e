"""How full a pipe is: as a bar of eighths of a cell, as the last seconds in a line, as the last minutes in a chart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich.style import Style

from pipetui.model import Mood
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Parts

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = " ▁▂▃▄▅▆▇█"
_PERCENT = 6


def bar(share: float, width: int, style: Style, palette: Palette) -> Parts:
    """Return a bar of `width` cells that is full for a share of 1; something in the pipe is never drawn as nothing."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    head = "█" * full + (_EIGHTHS[rest] if rest else "")
    return ((head, style + palette.track), (" " * (width - len(head)), palette.track))


def level(share: float, most: int = 8) -> int:
    """Return a share of 1 as a level from 0 to `most`; only an empty pipe is 0."""
    return max(1, min(most, round(share * most))) if share > 0 else 0


def percent(queued: int, capacity: int) -> str:
    """Return how full that is: `2%`."""
    return f"{min(100, round(queued / capacity * 100))}%"


def gauge(
    queued: int | None, capacity: int | None, mood: Mood, width: int, palette: Palette, history: Sequence[int] = ()
) -> Parts:
    """Return the last seconds of a pipe as columns, the newest now, and the percentage; a dot where it is not known."""
    if queued is None or not capacity:
        return (("·", palette.dim),)
    share = queued / capacity
    style = palette.mood(mood) if mood in ("waiting", "stuck") else palette.accent
    words = style if mood in ("waiting", "stuck") else (palette.text if queued else palette.dim)
    room = width - _PERCENT - 1
    levels = [*([0] * room), *history, level(share)][-room:]
    columns = [(_LEVELS[max(1, each)], style if each else palette.rule) for each in levels]
    return (("▏", palette.rule), *columns, ("▏", palette.rule), (f"{percent(queued, capacity):>{_PERCENT - 1}}", words))


def chart(shares: Sequence[float], width: int, height: int, style: Style, palette: Palette) -> list[Parts]:
    """Return `height` lines that show shares of 1 over time, the newest at the right; peaks are never left out."""
    if not shares:
        return []
    count = len(shares)
    edges = [index * count // width for index in range(width + 1)] if count > width else list(range(count + 1))
    levels = [level(max(shares[start:end]), height * 8) for start, end in itertools.pairwise(edges)]
    lines: list[Parts] = []
    for row in range(height - 1, -1, -1):
        drawn = "".join(_LEVELS[max(0, min(8, each - row * 8))] for each in levels)
        lines.append(((" " * (width - len(drawn)), palette.track), (drawn, style + palette.track)))
    return lines
