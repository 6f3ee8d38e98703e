"""The difference of two frames: the rows that move, and in each row that differs the cells to write.

Pure: it knows neither the cursor nor the pen. From a doubtful character on (see `frame`) a row that differs is written
to its end, because the cells it takes in the terminal are unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipetui.tui.display.frame import Frame, Row, blank_row, doubt, unknown_row
from pipetui.tui.display.scroll import Scroll, differing, find_scrolls, marks
from pipetui.tui.display.styles import PLAIN, StyleTable

#: Fewer blanks than this at the end of a row are written, more are erased.
_WORTH_ERASING = 4


@dataclass(frozen=True)
class RowChange:
    """What to do in row `y`: write the cells of `spans` (first, end), then erase from `erase` on (None: nothing).

    `style` is that of the erased cells.
    """

    y: int
    spans: tuple[tuple[int, int], ...]
    erase: int | None = None
    style: int = PLAIN


@dataclass(frozen=True)
class Difference:
    """What turns one frame into another: scrolls in order, then changes from the top.

    `fresh` is the style of the rows that the scrolls shift in.
    """

    scrolls: tuple[Scroll, ...] = ()
    fresh: int = PLAIN
    changes: tuple[RowChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scrolls or self.changes)


def compare(old: Frame, new: Frame, styles: StyleTable, *, bce: bool, scroll: bool = True) -> Difference:
    """Return what turns `old` into `new`, which have the same size.

    `bce`: erased cells and rows shifted in take the pen's background; otherwise their style is unknown.
    """
    rows = old.rows
    scrolls: list[Scroll] = []
    fresh = PLAIN
    if scroll:
        fresh = _commonest_end(new, styles) if bce else PLAIN
        shifted_in = blank_row(new.width, fresh) if bce else unknown_row(new.width)
        scrolls, rows = find_scrolls(rows, new.rows, shifted_in)
    changes = [change(y, rows[y], new.rows[y], styles, bce=bce) for y in differing(rows, new.rows)]
    return Difference(tuple(scrolls), fresh, tuple(changes))


def _commonest_end(frame: Frame, styles: StyleTable) -> int:
    """Return the background that most rows end with."""
    counted: dict[int, int] = {}
    for chars, numbers in frame.rows:
        if chars and chars[-1] == " " and styles.erasable(numbers[-1]):
            counted[numbers[-1]] = counted.get(numbers[-1], 0) + 1
    return max(counted, key=lambda style: counted[style], default=PLAIN)


def change(y: int, old: Row, new: Row, styles: StyleTable, *, bce: bool) -> RowChange:
    """Return what turns one row into another."""
    width = len(new.chars)
    columns = [x for x, differs in enumerate(marks(old, new)) if differs]
    unsure = min(doubt(old), doubt(new))
    if unsure < width:
        while new.chars[unsure] == "" and unsure > 0:
            unsure -= 1
        columns = [x for x in columns if x < unsure] + list(range(unsure, width))
    erase = _erasable_from(new, styles, bce=bce)
    if columns and len(columns) - _below(columns, erase) >= _WORTH_ERASING:
        kept = columns[: _below(columns, erase)]
        start = columns[len(kept)]
        return RowChange(y, _spans(kept, new.chars), max(start, erase), new.styles[-1])
    return RowChange(y, _spans(columns, new.chars))


def _erasable_from(row: Row, styles: StyleTable, *, bce: bool) -> int:
    """Return the column from which the row is blank background that the terminal can erase."""
    style = row.styles[-1]
    if not styles.erasable(style) or not (bce or style == PLAIN):
        return len(row.chars)
    x = len(row.chars)
    while x > 0 and row.chars[x - 1] == " " and row.styles[x - 1] == style:
        x -= 1
    return x


def _below(columns: list[int], limit: int) -> int:
    return sum(x < limit for x in columns)


def _spans(columns: list[int], chars: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return columns as runs; a wide character is written whole."""
    spans: list[tuple[int, int]] = []
    for x in columns:
        start = x
        while chars[start] == "" and start > 0:
            start -= 1
        end = x + 1
        while end < len(chars) and chars[end] == "":
            end += 1
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return tuple(spans)
