"""The columns of a table, and how they share its width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Align, Parts

R = TypeVar("R")

#: Between two columns (cells), and from which width on a table is wide.
GAP = 2
_WIDE = 140


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column. `width` 0 takes what is left, at least `minimum` and at most the widest `natural` of all rows.

    `render` gives the parts of a cell for a row, the palette and the column's width. When the table is narrow the
    columns of the highest `priority` go first; those of priority 0 always stay. Columns of a priority above 2 go
    already when others do not get their `comfort`; a `wide_only` one is for tables of 140 cells and more. A column
    that is `only_for` some rows is not there when there are others only.
    """

    title: str
    render: Callable[[R, Palette, int], Parts]
    width: int = 0
    align: Align = "left"
    priority: int = 0
    minimum: int = 8
    natural: Callable[[R], int] | None = None
    comfort: int = 0
    wide_only: bool = False
    only_for: Callable[[R], bool] | None = None


def widths(
    columns: Sequence[Column[R]], width: int, natural: Callable[[Column[R]], int]
) -> list[tuple[Column[R], int]]:
    """Return the columns that fit into `width` cells, each with its own; `natural` tells the widest cell of one."""
    fitting = _fitting([column for column in columns if not column.wide_only or width >= _WIDE], width, natural)
    spare = width - _need(fitting)
    flexible = [column for column in fitting if not column.width]
    while spare < 0 and len(flexible) > 1:  # the last columns go, rather than leave the first unreadable
        gone = flexible.pop()
        fitting.remove(gone)
        spare += gone.minimum + GAP
    taken = {}
    for column in flexible:
        wanted = natural(column) if column.natural else spare + column.minimum
        taken[column.title] = max(1, min(max(wanted, column.minimum), column.minimum + spare))
        spare = max(min(spare, 0), spare - (taken[column.title] - column.minimum))
    return [(column, column.width or taken[column.title]) for column in fitting]


def _fitting(columns: list[Column[R]], width: int, natural: Callable[[Column[R]], int]) -> list[Column[R]]:
    """Return the columns without those that have to go, least important first."""
    left = list(columns)
    while _need(left, natural) > width and any(column.priority > 2 for column in left):
        left.remove(max(left, key=lambda column: column.priority))
    while _need(left) > width and any(column.priority for column in left):
        left.remove(max(left, key=lambda column: column.priority))
    return left


def _need(columns: Sequence[Column[R]], natural: Callable[[Column[R]], int] | None = None) -> int:
    """Return how many cells columns need at least; with `natural`, for their comfort."""
    return sum(_least(column, natural) + GAP for column in columns) - GAP


def _least(column: Column[R], natural: Callable[[Column[R]], int] | None) -> int:
    if column.width or natural is None or not column.comfort:
        return column.width or column.minimum
    return max(column.minimum, min(column.comfort, natural(column) if column.natural else column.comfort))
