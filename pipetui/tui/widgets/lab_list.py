"""The list of the labs, by the articles they come from, with a tick for what has been done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual.message import Message
from textual.strip import Strip

from pipetui.model import LabCard
from pipetui.text import safe
from pipetui.tui.views.cells import cut, strip
from pipetui.tui.widgets.lists import CursorList

#: What the articles are about; one that is not named here stands by its own name.
_ARTICLES = {
    "000": "000  anonymous pipes",
    "001": "001  pipe and fork",
    "002": "002  multiprocessing.Pipe",
    "003": "003  named pipes",
    "004": "004  other ways to talk",
    "beyond": "beyond the articles",
}

DONE, RIGHT, RUNNING = "✓", "★", "»"


class LabList(CursorList):
    """The widget. The cursor goes from lab to lab; the headings are in between."""

    DEFAULT_CSS = "LabList { height: 1fr; }"

    class Moved(Message):
        """The cursor has come to another lab."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Opened(Moved):
        """Enter, or a double click, on a lab."""

    def __init__(self) -> None:
        super().__init__("labs")
        self._rows: list[tuple[str, str, str]] = []
        self._labs: list[int] = []
        self._at = 0
        self._empty = ""

    def wanted(self) -> int:
        """Return how many cells it takes to show all titles whole."""
        return max((cell_len(title) + 6 for _, _, title in self._rows), default=0)

    def show(self, cards: Sequence[LabCard], selected: str, marks: Iterable[tuple[str, str]], empty: str = "") -> None:
        """Show these labs with their marks; without any, a sentence."""
        known = dict(marks)
        rows: list[tuple[str, str, str]] = []
        before = ""
        for card in cards:
            if card.article != before:
                rows += [*([("", "", "")] if rows else []), ("", "", _ARTICLES.get(card.article, safe(card.article)))]
                before = card.article
            rows.append((card.name, known.get(card.name, " "), safe(card.title)))
        labs = [index for index, row in enumerate(rows) if row[0]]
        at = next((index for index, line in enumerate(labs) if rows[line][0] == selected), 0)
        if (rows, at, empty) != (self._rows, self._at, self._empty):
            self._rows, self._labs, self._at, self._empty = rows, labs, at, empty
            self.keep_in_sight()
            self.refresh()

    # --- the cursor -----------------------------------------------------------------------------------------------

    @property
    def entry_count(self) -> int:
        return len(self._labs)

    @property
    def cursor_index(self) -> int:
        return self._at

    @property
    def line_count(self) -> int:
        return len(self._rows)

    def lines_of(self, index: int) -> range:
        """Return the line of a lab; of the first under a heading, with that."""
        line = self._labs[index]
        return range(line - 1 if line and not self._rows[line - 1][0] else line, line + 1)

    def entry_at(self, line: int) -> int | None:
        return self._labs.index(line) if line in self._labs else None

    def select_index(self, index: int) -> None:
        if index != self._at:
            self._at = index
            self.keep_in_sight()
            self.refresh()
            self.post_message(self.Moved(self._rows[self._labs[index]][0]))

    def open(self) -> None:
        if self._labs:
            self.post_message(self.Opened(self._rows[self._labs[self._at]][0]))

    def on_resize(self) -> None:
        self.keep_in_sight()
        self.refresh()

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        palette, width, index = self.palette, self.size.width, self.top + y
        if not self._rows and y == 1:
            return strip((("  ", None), (cut(self._empty, width - 3), palette.dim)), width, palette.base)
        if index >= len(self._rows):
            return Strip.blank(width, palette.base)
        name, mark, title = self._rows[index]
        if not name:
            return strip(((" ", None), (cut(title, width - 2), palette.dim)), width, palette.base)
        selected = self._labs[self._at] == index
        style = palette.waiting if mark == RUNNING else palette.active
        parts = (self.marker(selected=selected), (mark + " ", style), (cut(title, width - 6), None))
        return strip(parts, width, self.row_style(selected=selected))
