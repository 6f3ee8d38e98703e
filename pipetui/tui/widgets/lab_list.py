"""The list of the labs, by the articles they come from, with a tick for what has been done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.strip import Strip

from pipetui.model import LabCard
from pipetui.text import safe
from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.views.cells import Parts, cut, strip
from pipetui.tui.widgets.lists import Listing

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


class LabList(Listing):
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
        super().__init__(id="labs")
        self._rows: list[tuple[str, str, str]] = []
        self._places: list[int] = []
        self._at = 0
        self._top = 0
        self._says = ""

    def wanted(self) -> int:
        """Return how many cells it takes to show all titles whole."""
        return max((cell_len(title) + 6 for _, _, title in self._rows), default=0)

    def show(self, cards: Sequence[LabCard], selected: str, marks: Iterable[tuple[str, str]], says: str = "") -> None:
        """Show these labs with their marks; without any, show a sentence."""
        known = dict(marks)
        rows: list[tuple[str, str, str]] = []
        before = ""
        for card in cards:
            if card.article != before:
                rows += [*([("", "", "")] if rows else []), ("", "", _ARTICLES.get(card.article, safe(card.article)))]
                before = card.article
            rows.append((card.name, known.get(card.name, " "), safe(card.title)))
        places = [index for index, row in enumerate(rows) if row[0]]
        at = next((index for index, place in enumerate(places) if rows[place][0] == selected), 0)
        if (rows, at, says) != (self._rows, self._at, self._says):
            self._rows, self._places, self._at, self._says = rows, places, at, says
            self._keep_in_sight()
            self.refresh()

    # --- the cursor -----------------------------------------------------------------------------------------------

    def move(self, lines: int) -> None:
        self._go(self._at + lines)

    def to_first(self) -> None:
        self._go(0)

    def to_last(self) -> None:
        self._go(len(self._places) - 1)

    def _go(self, at: int) -> None:
        at = max(0, min(at, len(self._places) - 1))
        if at != self._at and self._places:
            self._at = at
            self._keep_in_sight()
            self.refresh()
            self.post_message(self.Moved(self._rows[self._places[at]][0]))

    def _keep_in_sight(self) -> None:
        if not self._places:
            return
        place = self._places[self._at]
        first = place - 1 if place and not self._rows[place - 1][0] else place  # with its heading
        top = max(min(self._top, first), place - self.size.height + 1)
        self._top = max(0, min(top, len(self._rows) - self.size.height))

    def open(self) -> None:
        if self._places:
            self.post_message(self.Opened(self._rows[self._places[self._at]][0]))

    def scroll_lines(self, lines: int) -> None:
        top = max(0, min(self._top + lines, len(self._rows) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y
        if index in self._places:
            self._go(self._places.index(index))
            if event.chain == 2:
                self.open()

    def on_resize(self) -> None:
        self._keep_in_sight()
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        width, index = self.size.width, self._top + y
        if not self._rows and y == 1:
            return strip((("  ", None), (cut(self._says, width - 3), palette.dim)), width, palette.base)
        if index >= len(self._rows):
            return Strip.blank(width, palette.base)
        name, mark, title = self._rows[index]
        if not name:
            return strip(((" ", None), (cut(title, width - 2), palette.dim)), width, palette.base)
        chosen = bool(self._places) and self._places[self._at] == index
        base = palette.base + (palette.cursor if self.has_focus else palette.shadow) if chosen else palette.base
        return strip(_row(chosen, mark, title, width, palette), width, base)


def _row(chosen: bool, mark: str, title: str, width: int, palette: Palette) -> Parts:
    style = palette.waiting if mark == RUNNING else palette.active
    return ((" ▸ " if chosen else "   ", palette.accent), (mark + " ", style), (cut(title, width - 6), None))
