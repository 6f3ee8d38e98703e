"""A scrollable text of any length: a line is drawn only when it is in sight."""

from __future__ import annotations

from collections.abc import Callable

from textual.actions import SkipAction
from textual.strip import Strip

from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Parts, strip
from pipetui.tui.widgets.lists import LineList

#: Gives the parts (safe) of line `index`.
LineOf = Callable[[int, Palette], Parts]


class Sheet(LineList):
    """The widget. It is given how many lines there are and a function for each."""

    DEFAULT_CSS = "Sheet { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="sheet")
        self._count = 0
        self._line_of: LineOf = lambda index, palette: ()
        self.top = 0

    def show(self, count: int, line_of: LineOf) -> None:
        """Show another text from its beginning."""
        self._count, self._line_of, self.top = count, line_of, 0
        self.refresh()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._count

    def move(self, lines: int) -> None:
        top = max(0, min(self.top + lines, self._count - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def scroll_lines(self, lines: int) -> None:
        self.move(lines)

    def to_first(self) -> None:
        self.move(-self._count)

    def to_last(self) -> None:
        self.move(self._count)

    def action_open(self) -> None:
        raise SkipAction  # there is nothing to open: the screen may do something with the key

    def on_resize(self) -> None:
        self.move(0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        index = self.top + y
        parts = self._line_of(index, palette) if index < self._count else ()
        return strip(((" ", None), *parts), self.size.width, palette.base)
