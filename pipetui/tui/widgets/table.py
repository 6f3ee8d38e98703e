"""A table drawn line by line: ten thousand rows cost what is visible, and an unchanged row is never drawn again.

Rows are values (compared, never mutated) under stable keys. They are sorted only when keys come or go; the cursor
stays on its key, wherever that row moves to; but while a table is `opening` (rows are still to come, and nobody has
moved in it) it stays at the top, on the first row. A table that is given the rows it already shows writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from textual.message import Message
from textual.strip import Strip

from pipetui.tui.views.cells import Part, fit, length, strip
from pipetui.tui.views.columns import GAP, Column, widths
from pipetui.tui.widgets.lists import CursorList

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

_MARGIN = 3


class RowTable(CursorList, Generic[K, R]):
    """The table. The head line stays; the rows below it scroll."""

    HEAD: ClassVar[int] = 1

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
        super().__init__(name)
        self._columns = columns
        self._order_by = order
        self._rows: dict[K, R] = {}
        self._keys: list[K] = []
        self._index: dict[K, int] = {}
        self._known: dict[K, R] = {}
        self._orders: dict[K, Any] = {}
        self._naturals: dict[str, dict[K, int]] = {}
        self._widths: list[tuple[Column[R], int]] = []
        self._measured = -1  # the width for which those are
        self._empty: tuple[str, ...] = ()
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

    def show_when_empty(self, *lines: str) -> None:
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
        for y in range(max(0, min(self.room, self.count - self.top))):
            key = self._keys[self.top + y]
            if old[key] is not self._rows[key] and old[key] != self._rows[key]:
                self._redraw_row(self.top + y)

    def _reorder(self) -> None:
        before = self.cursor_index
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
            self.top += self._index[self.cursor] - before
        self._settle_cursor(before)
        self.refresh()

    def _learn(self) -> None:
        """Keep of each row what sorting and measuring need: of ten thousands, few are new at a time."""
        rows, known = self._rows, self._known
        columns = [(column.natural, self._naturals.setdefault(column.title, {})) for column in self._columns]
        for key in known.keys() - rows.keys():
            del self._orders[key]
            for natural, cells in columns:
                if natural:
                    del cells[key]
        for key, row in rows.items():
            if known.get(key) is not row:
                self._orders[key] = self._order_by(key, row)
                for natural, cells in columns:
                    if natural:
                        cells[key] = natural(row)
        self._known = rows

    def _settle_cursor(self, index: int) -> None:
        """Put the cursor on a row that exists, near `index`, and keep it in sight."""
        if self.cursor not in self._index:
            key = self._keys[min(index, len(self._keys) - 1)] if self._keys else None
            if key != self.cursor:
                self.cursor = key
                self.post_message(self.Selected(self, key))
        self.keep_in_sight()

    def _redraw_row(self, index: int) -> None:
        if index >= self.top:
            self.redraw_line(index - self.top + self.HEAD)

    # --- the cursor -----------------------------------------------------------------------------------------------

    @property
    def entry_count(self) -> int:
        return len(self._keys)

    @property
    def cursor_index(self) -> int:
        return self._index.get(self.cursor, 0) if self.cursor is not None else 0

    def select(self, key: K) -> None:
        """Put the cursor on `key`."""
        self.opening = False
        if key == self.cursor or key not in self._index:
            return
        old, top = self.cursor, self.top
        self.cursor = key
        self.keep_in_sight()
        if top != self.top:
            self.refresh()
        else:
            self._redraw_row(self._index[key])
            if old in self._index:
                self._redraw_row(self._index[old])
        self.post_message(self.Selected(self, key))

    def go_to(self, index: int) -> None:
        self.opening = False
        super().go_to(index)

    def select_index(self, index: int) -> None:
        self.select(self._keys[index])

    def open(self) -> None:
        self.opening = False
        if self.cursor is not None:
            self.post_message(self.Activated(self, self.cursor))

    def scroll_lines(self, lines: int) -> None:
        self.opening = False
        super().scroll_lines(lines)

    def on_resize(self) -> None:
        self._learn()
        self._measure()
        self.keep_in_sight()
        self.refresh()

    # --- columns and drawing --------------------------------------------------------------------------------------

    def _measure(self) -> None:
        columns = [column for column in self._columns if self._is_wanted(column)]
        self._measured = self.size.width
        self._widths = widths(columns, self._measured - _MARGIN, self._natural)

    def _is_wanted(self, column: Column[R]) -> bool:
        return column.only_for is None or not self._rows or any(map(column.only_for, self._rows.values()))

    def _natural(self, column: Column[R]) -> int:
        return max(self._naturals.get(column.title, {}).values(), default=0)

    def render_line(self, y: int) -> Strip:
        if self._measured != self.size.width:  # rows came while it was hidden, or its resize is still to be told
            self._measure()
        if y == 0:
            return self._head()
        index = self.top + y - 1
        if index < len(self._keys):
            return self._row(self._keys[index])
        palette, width = self.palette, self.size.width
        if not self._keys and y - 1 < len(self._empty):
            return strip(((" " * _MARGIN, None), (self._empty[y - 1], palette.dim)), width, palette.base)
        return Strip.blank(width, palette.base)

    def _head(self) -> Strip:
        palette = self.palette
        parts: list[Part] = [(" " * _MARGIN, None)]
        for column, width in self._widths:
            parts.append((fit(column.title, width, column.align) + " " * GAP, palette.dim))
        return strip(parts, self.size.width, palette.base)

    def _row(self, key: K) -> Strip:
        row, palette, selected = self._rows[key], self.palette, key == self.cursor
        parts: list[Part] = [self.marker(selected=selected)]
        faded = self.is_faded(row)
        for column, width in self._widths:
            cell = column.render(row, palette, width)
            if faded:
                cell = tuple((words, palette.dim) for words, _ in cell)
            pad = " " * max(0, width - length(cell))
            parts.extend(((pad, None), *cell) if column.align == "right" else (*cell, (pad, None)))
            parts.append((" " * GAP, None))
        return strip(parts, self.size.width, self.row_style(selected=selected))
