"""One message as a line of the log: when, of which FIFO, from whom to whom, how long, and its beginning."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from pipetui.model import Line
from pipetui.text import number
from pipetui.tui.views.cells import Part
from pipetui.tui.views.fifos import short

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
