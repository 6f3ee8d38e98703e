"""How full a pipe is: as a bar of eighths of a cell, as the last seconds in a line, as the last minutes in a chart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich.style import Style

from pipetui.model import PipeRow, Severity
from pipetui.protocol.requests import Sample
from pipetui.text import age, safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, heading, length

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = " ▁▂▃▄▅▆▇█"
_PERCENT = 6

#: How high the chart of one pipe is (lines).
_HEIGHT = 5


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
    queued: int | None,
    capacity: int | None,
    severity: Severity,
    width: int,
    palette: Palette,
    history: Sequence[int] = (),
) -> Parts:
    """Return the last seconds of a pipe as columns, the newest now, and the percentage; a dot where it is not known."""
    if queued is None or not capacity:
        return (("·", palette.dim),)
    share = queued / capacity
    style = palette.severity(severity) if severity in ("waiting", "stuck") else palette.accent
    words = style if severity in ("waiting", "stuck") else (palette.text if queued else palette.dim)
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


def fill_lines(row: PipeRow, samples: Sequence[Sample], palette: Palette, width: int) -> list[Parts]:
    """Return the gauge, and below it the last minutes."""
    pipe = row.pipe
    if pipe.queued is None or not pipe.capacity:
        why = safe(row.state) if not pipe.ends else "it can't be measured without disturbing it"
        return [heading("FILL", f"unknown: {why}", palette)]
    style = palette.severity(row.severity) if row.severity in ("waiting", "stuck") else palette.accent
    words = f"{size(pipe.queued)} of {size(pipe.capacity)}"
    head: list[Part] = [("FILL  ", palette.title), (f"{words}  ", palette.text)]
    share = percent(pipe.queued, pipe.capacity)
    room = max(4, min(40, width - length(head) - 6))
    lines: list[Parts] = [(*head, *bar(pipe.queued / pipe.capacity, room, style, palette), (f"{share:>5}", style))]
    if not samples:
        return lines
    shares = [sample.queued / sample.capacity if sample.capacity else 0.0 for sample in samples]
    lines += [(), *chart(shares, width, _HEIGHT, palette.accent, palette)]
    began = f"{age(len(samples))} ago, peak {round(max(shares) * 100)}%"
    start = max(0, min(width - len(shares), width - len(began) - 5))
    return [*lines, ((" " * start + began.ljust(width - start - 3) + "now", palette.dim),)]
