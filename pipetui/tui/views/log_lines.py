"""A line of the log: of a message when, of which FIFO, from whom to whom, how long, and its beginning."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from pipetui.model import Line, LogFilter
from pipetui.text import decode, number, safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.log_window import Item, Skip
from pipetui.tui.views.cells import Part, cut, fit
from pipetui.tui.views.fifos import short
from pipetui.tui.views.highlight import matcher, spans
from pipetui.tui.views.times import clock

_PIECES = {"split": "split ", "incomplete": "incomplete "}


@dataclass(frozen=True)
class Widths:
    """How wide the log's columns are; they only ever grow, so that nothing jumps."""

    host: int = 0
    fifo: int = 8
    pids: int = 11
    length: int = 6

    def holding(self, line: Line, host: str = "") -> Widths:
        """Return widths that this line of a host fits into."""
        wide = min(16, max(self.host, cell_len(host)))
        fifo = min(20, max(self.fifo, len(short(line.fifo))))
        pids = max(self.pids, len(pids_of(line)))
        length = max(self.length, len(number(line.length)))
        grown = Widths(wide, fifo, pids, length)
        return grown if grown != self else self


@dataclass(frozen=True)
class Marks:
    """Which matches are coloured: those of the filter, and those of a search (on top)."""

    filter: LogFilter
    found: LogFilter


def log_line(
    item: Item, widths: Widths, width: int, palette: Palette, marks: Marks, *, host: str | None, chosen: bool
) -> list[Part]:
    """Return an item of the log for a list `width` cells wide; `host` is the safe name of its host, if that is said."""
    if isinstance(item, Skip):
        return [(f" … {number(item.count)} more not shown; freeze and scroll to see them", palette.dim)]
    if item.gap:
        of = f" of {host}" if host is not None else ""
        why = "they came too fast for the log"
        return [(f" … {number(item.gap)} messages{of} not kept: {why}", palette.waiting)]
    parts: list[Part] = [("▸" if chosen else " ", palette.accent), (clock(item.time), palette.dim), ("  ", None)]
    if host is not None:
        parts += [(fit(host, widths.host), palette.dim), ("  ", None)]
    parts.append((fit(short(item.fifo), widths.fifo), palette.accent))
    if width >= 70:
        parts += [("  ", None), (fit(pids_of(item), widths.pids), palette.dim)]
    if width >= 50:
        parts += [("  ", None), (fit(number(item.length), widths.length, "right"), palette.dim)]
    parts.append(("  ", None))
    if item.piece:
        parts.append((_PIECES[item.piece], palette.waiting))
    used = sum(cell_len(value) for value, _ in parts)
    return parts + _preview(item, max(0, width - used), palette, marks)


def _preview(line: Line, room: int, palette: Palette, marks: Marks) -> list[Part]:
    """Return the beginning of a payload, as far as there is room, with its matches coloured."""
    whole = safe(decode(line.payload))
    if line.length > len(line.payload):
        whole += "…"
    shown = cut(whole, room)
    coloured: list[tuple[int, int, Style]] = []
    for wanted, style in ((marks.filter, palette.match), (marks.found, palette.found)):
        pattern = matcher(wanted)
        if pattern is not None:
            coloured += [(start, end, style) for start, end in spans(pattern, shown)]
    return paint(shown, coloured)


def pids_of(line: Line) -> str:
    """Return `4121→4125`, or `?→4125` when the writer is not known."""
    if not line.reader:
        return f"{line.writer}"
    return f"{'?' if line.writer is None else line.writer}→{line.reader}"


def paint(value: str, marks: list[tuple[int, int, Style]]) -> list[Part]:
    """Return `value` in parts, each mark in its style; of two marks at one place the later wins."""
    if not marks:
        return [(value, None)]
    edges = sorted({0, len(value), *(start for start, _, _ in marks), *(end for _, end, _ in marks)})
    parts: list[Part] = []
    for start, end in itertools.pairwise(edges):
        over = [style for first, last, style in marks if first <= start and end <= last]
        parts.append((value[start:end], over[-1] if over else None))
    return parts
