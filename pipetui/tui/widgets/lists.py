"""What all lists share: they draw themselves line by line, scroll, and have a cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.widget import Widget

from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.views.cells import Part

#: How many lines a turn of the mouse wheel scrolls.
WHEEL = 3


class LineWidget(Widget):
    """A widget that draws itself line by line in the colours of the theme."""

    @property
    def palette(self) -> Palette:
        """The colours."""
        return palette_for(self.app.theme)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def redraw_line(self, y: int) -> None:
        """Draw one line again, if it is in sight."""
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))


class LineList(LineWidget, can_focus=True):
    """Lines that are moved through by keys and the mouse wheel."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("lists")

    def move(self, lines: int) -> None:
        """Move the cursor by so many lines."""

    def to_first(self) -> None:
        """Go to the first line."""

    def to_last(self) -> None:
        """Go to the last line."""

    def open(self) -> None:
        """Open what is under the cursor."""

    def scroll_lines(self, lines: int) -> None:
        """Scroll without need of the cursor (the mouse wheel)."""

    def page(self) -> int:
        """Return how many lines a page is."""
        return max(1, self.size.height - 2)

    def row_style(self, *, selected: bool) -> Style:
        """Return what lies beneath a row: the cursor, where it is, brighter while this has the focus."""
        base = self.palette.base
        if not selected:
            return base
        return base + (self.palette.cursor if self.has_focus else self.palette.shadow)

    def marker(self, *, selected: bool) -> Part:
        """Return what stands in front of a row."""
        return (" ▸ " if selected else "   ", self.palette.accent)

    def action_up(self) -> None:
        self.move(-1)

    def action_down(self) -> None:
        self.move(1)

    def action_page_up(self) -> None:
        self.move(-self.page())

    def action_page_down(self) -> None:
        self.move(self.page())

    def action_first(self) -> None:
        self.to_first()

    def action_last(self) -> None:
        self.to_last()

    def action_open(self) -> None:
        self.open()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class CursorList(LineList):
    """A scrolling list of entries, of a line or more each, with a cursor on one of them.

    Subclasses say how many entries there are, which lines each takes, and what happens when another is selected.
    """

    #: How many lines stay on top while the entries scroll.
    HEAD: ClassVar[int] = 0

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.top = 0

    # --- for subclasses -------------------------------------------------------------------------------------------

    @property
    def entry_count(self) -> int:
        """How many entries there are."""
        raise NotImplementedError

    @property
    def cursor_index(self) -> int:
        """Which entry is under the cursor; 0 if there is none."""
        raise NotImplementedError

    @property
    def line_count(self) -> int:
        """How many lines the entries take."""
        return self.entry_count

    def lines_of(self, index: int) -> range:
        """Return the lines of an entry."""
        return range(index, index + 1)

    def entry_at(self, line: int) -> int | None:
        """Return the entry that a line belongs to."""
        return line if line < self.entry_count else None

    def select_index(self, index: int) -> None:
        """Put the cursor on an entry that exists."""
        raise NotImplementedError

    # --- what they share ------------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many lines of entries are in sight."""
        return max(1, self.size.height - self.HEAD)

    def go_to(self, index: int) -> None:
        """Put the cursor on an entry, or on the nearest that there is."""
        if self.entry_count:
            self.select_index(max(0, min(index, self.entry_count - 1)))

    def move(self, lines: int) -> None:
        self.go_to(self.cursor_index + lines)

    def to_first(self) -> None:
        self.go_to(0)

    def to_last(self) -> None:
        self.go_to(self.entry_count - 1)

    def scroll_lines(self, lines: int) -> None:
        top = max(0, min(self.top + lines, self.line_count - self.room))
        if top != self.top:
            self.top = top
            self.refresh()

    def keep_in_sight(self) -> None:
        """Scroll as little as it takes to see the entry under the cursor; of a tall one its beginning."""
        if not self.entry_count:
            self.top = 0
            return
        lines = self.lines_of(self.cursor_index)
        top = max(min(self.top, lines.start), min(lines.start, lines.stop - self.room))
        self.top = max(0, min(top, self.line_count - self.room))

    def on_click(self, event: events.Click) -> None:
        index = self.entry_at(event.y - self.HEAD + self.top) if event.y >= self.HEAD else None
        if index is not None:
            self.select_index(index)
            if event.chain == 2:
                self.open()
