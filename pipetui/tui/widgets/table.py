"""A table drawn line by line: ten thousand rows cost what is visible, and an unchanged row is never drawn again.

Rows are values (compared, never mutated) under stable keys. They are sorted only when keys come or go; the cursor
stays on its key, wherever that row moves to; but while a table is `opening` (rows are still to come, and nobody has
moved in it) it stays at the top, on the first row. A table that is given the rows it already shows writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.views.cells import Align, Part, Parts, fit, length, strip
from pipetui.tui.widgets.lists import Listing

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

_GAP = 2
_MARGIN = 3
_ROOMY = 140


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column. `width` 0 takes what is left, at least `minimum` and at most the widest `natural` of all rows.

    `render` gives the parts of a cell for a row, the palette and the column's width. When the table is narrow the
    columns of the highest `priority` go first; those of priority 0 always stay. Columns of a priority above 2 go
    already when others do not get their `comfort`; a `roomy` column is for tables of 140 cells and more. A column that
    is `only_for` some rows is not there when there are others only.
    """

    title: str
    render: Callable[[R, Palette, int], Parts]
    width: int = 0
    align: Align = "left"
    priority: int = 0
    minimum: int = 8
    natural: Callable[[R], int] | None = None
    comfort: int = 0
    roomy: bool = False
    only_for: Callable[[R], bool] | None = None


class RowTable(Listing, Generic[K, R]):
    """The table. The head line stays; the rows below it scroll."""

    class Selected(Message):
        """The cursor is on another key now (None: there are no rows)."""

        def __init__(self, table: RowTable[Any, Any], key: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> RowTable[Any, Any]:
            return self.table

    class Activated(Selected):
        """Enter or a double click on a row."""

    def __init__(self, columns: tuple[Column[R], ...], order: Callable[[K, R], Any], name: str) -> None:
        super().__init__(id=name)
        self._columns = columns
        self._order_by = order
        self._rows: dict[K, R] = {}
        self._keys: list[K] = []
        self._index: dict[K, int] = {}
        self._known: dict[K, R] = {}
        self._orders: dict[K, Any] = {}
        self._naturals: dict[str, dict[K, int]] = {}
        self._widths: list[tuple[Column[R], int]] = []
        self._empty: tuple[str, ...] = ()
        self._top = 0
        self.cursor: K | None = None
        self.opening = False

    # --- rows -----------------------------------------------------------------------------------------------------

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        return None if self.cursor is None else self._rows.get(self.cursor)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._keys)

    @property
    def keys(self) -> list[K]:
        """The keys in the order of the screen."""
        return list(self._keys)

    def is_faded(self, row: R) -> bool:
        """Say whether a row is drawn in grey, because it is shown as it was and not as it is."""
        return False

    def say_when_empty(self, *lines: str) -> None:
        """Show these lines (made safe by the caller) where there are no rows."""
        if lines != self._empty:
            self._empty = lines
            if not self._keys:
                self.refresh()

    def show(self, rows: Mapping[K, R]) -> None:
        """Show these rows instead of those before; only what differs is drawn."""
        old, self._rows = self._rows, dict(rows)
        if old.keys() != self._rows.keys():
            self._reorder()
            return
        for y in range(self._visible()):
            key = self._keys[self._top + y]
            if old[key] is not self._rows[key] and old[key] != self._rows[key]:
                self._refresh_row(self._top + y)

    def _reorder(self) -> None:
        before = self._index.get(self.cursor, 0) if self.cursor is not None else 0
        self._learn()
        kept = filter(self._rows.__contains__, self._keys)  # in order already, which makes sorting fast
        self._keys = [*kept, *(key for key in self._rows if key not in self._index)]
        self._keys.sort(key=self._orders.__getitem__)
        self._index = {key: index for index, key in enumerate(self._keys)}
        self._measure()
        if self.opening and self._keys and self.cursor != self._keys[0]:
            self.cursor = self._keys[0]
            self.post_message(self.Selected(self, self.cursor))
        elif self.cursor in self._index:
            self._top += self._index[self.cursor] - before
        self._settle(before)
        self.refresh()

    def _learn(self) -> None:
        """Keep of each row what sorting and measuring need: of ten thousands, few are new at a time."""
        rows, known = self._rows, self._known
        columns = [(column.natural, self._naturals.setdefault(column.title, {})) for column in self._columns]
        for key in known.keys() - rows.keys():
            del self._orders[key]
            for natural, widths in columns:
                if natural:
                    del widths[key]
        for key, row in rows.items():
            if known.get(key) is not row:
                self._orders[key] = self._order_by(key, row)
                for natural, widths in columns:
                    if natural:
                        widths[key] = natural(row)
        self._known = rows

    def _settle(self, index: int) -> None:
        """Put the cursor on a row that exists, near `index`, and keep it in sight."""
        if self.cursor not in self._index:
            key = self._keys[min(index, len(self._keys) - 1)] if self._keys else None
            if key != self.cursor:
                self.cursor = key
                self.post_message(self.Selected(self, key))
        self._keep_in_sight()

    def _visible(self) -> int:
        return max(0, min(self._room, len(self._keys) - self._top))

    @property
    def _room(self) -> int:
        return max(1, self.size.height - 1)

    def _keep_in_sight(self) -> None:
        index = self._index.get(self.cursor, 0) if self.cursor is not None else 0
        top = min(self._top, index)
        top = max(top, index - self._room + 1)
        self._top = max(0, min(top, len(self._keys) - self._room))

    def _refresh_row(self, index: int) -> None:
        y = index - self._top + 1
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # --- the cursor -----------------------------------------------------------------------------------------------

    def select(self, key: K) -> None:
        """Put the cursor on `key`."""
        self.opening = False
        if key == self.cursor or key not in self._index:
            return
        old, top = self.cursor, self._top
        self.cursor = key
        self._keep_in_sight()
        if top != self._top:
            self.refresh()
        else:
            self._refresh_row(self._index[key])
            if old in self._index:
                self._refresh_row(self._index[old])
        self.post_message(self.Selected(self, key))

    def _select_index(self, index: int) -> None:
        self.opening = False
        if self._keys:
            self.select(self._keys[max(0, min(index, len(self._keys) - 1))])

    def move(self, lines: int) -> None:
        self._select_index((self._index.get(self.cursor, 0) if self.cursor is not None else 0) + lines)

    def to_first(self) -> None:
        self._select_index(0)

    def to_last(self) -> None:
        self._select_index(len(self._keys) - 1)

    def open(self) -> None:
        self.opening = False
        if self.cursor is not None:
            self.post_message(self.Activated(self, self.cursor))

    def scroll_lines(self, lines: int) -> None:
        self.opening = False
        top = max(0, min(self._top + lines, len(self._keys) - self._room))
        if top != self._top:
            self._top = top
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1 + self._top
        if event.y > 0 and index < len(self._keys):
            self._select_index(index)
            if event.chain == 2:
                self.open()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._learn()
        self._measure()
        self._keep_in_sight()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    # --- columns and drawing --------------------------------------------------------------------------------------

    def _measure(self) -> None:
        width = self.size.width - 3
        columns = [column for column in self._columns if self._is_wanted(column, width)]

        def need(*, comfort: bool = False) -> int:
            return sum(self._least(column, comfort) + _GAP for column in columns) - _GAP

        while need(comfort=True) > width and any(column.priority > 2 for column in columns):
            columns.remove(max(columns, key=lambda column: column.priority))
        while need() > width and any(column.priority for column in columns):
            columns.remove(max(columns, key=lambda column: column.priority))
        spare = width - need()
        flexible = [column for column in columns if not column.width]
        while spare < 0 and len(flexible) > 1:  # the last columns go, rather than leave the first unreadable
            gone = flexible.pop()
            columns.remove(gone)
            spare += gone.minimum + _GAP
        widths = {}
        for column in flexible:
            wanted = self._natural(column) if column.natural else spare + column.minimum
            widths[column.title] = max(1, min(max(wanted, column.minimum), column.minimum + spare))
            spare = max(min(spare, 0), spare - (widths[column.title] - column.minimum))
        self._widths = [(column, column.width or widths[column.title]) for column in columns]

    def _is_wanted(self, column: Column[R], width: int) -> bool:
        if column.roomy and width < _ROOMY:
            return False
        return column.only_for is None or not self._rows or any(map(column.only_for, self._rows.values()))

    def _least(self, column: Column[R], comfort: bool) -> int:
        if column.width or not comfort or not column.comfort:
            return column.width or column.minimum
        return max(column.minimum, min(column.comfort, self._natural(column) if column.natural else column.comfort))

    def _natural(self, column: Column[R]) -> int:
        return max(self._naturals.get(column.title, {}).values(), default=0)

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        if y == 0:
            return self._head(palette)
        index = self._top + y - 1
        if index < len(self._keys):
            return self._line(self._keys[index], palette)
        if not self._keys and y - 1 < len(self._empty):
            return strip(((" " * _MARGIN, None), (self._empty[y - 1], palette.dim)), self.size.width, palette.base)
        return Strip.blank(self.size.width, palette.base)

    def _head(self, palette: Palette) -> Strip:
        parts: list[Part] = [(" " * _MARGIN, None)]
        for column, width in self._widths:
            parts.append((fit(column.title, width, column.align) + " " * _GAP, palette.dim))
        return strip(parts, self.size.width, palette.base)

    def _line(self, key: K, palette: Palette) -> Strip:
        row = self._rows[key]
        base = palette.base
        chosen = key == self.cursor
        if chosen:
            base += palette.cursor if self.has_focus else palette.shadow
        parts: list[Part] = [(" ▸ " if chosen else "   ", palette.accent)]
        faded = self.is_faded(row)
        for column, width in self._widths:
            cell = column.render(row, palette, width)
            if faded:
                cell = tuple((words, palette.dim) for words, _ in cell)
            pad = " " * max(0, width - length(cell))
            parts.extend(((pad, None), *cell) if column.align == "right" else (*cell, (pad, None)))
            parts.append((" " * _GAP, None))
        return strip(parts, self.size.width, base)
