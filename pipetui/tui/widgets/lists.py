"""What every list can do with the keys of the scope "lists": a mixin that turns each into one method call."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.widget import Widget

from pipetui.tui.core.keys import bindings

#: How many lines a turn of the mouse wheel scrolls.
WHEEL = 3


class Listing(Widget, can_focus=True):
    """A widget of lines with a cursor, which draws itself line by line."""

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

    def action_do(self, action: str) -> None:
        """Carry out an action of the registry."""
        {
            "up": lambda: self.move(-1),
            "down": lambda: self.move(1),
            "page_up": lambda: self.move(-self.page()),
            "page_down": lambda: self.move(self.page()),
            "first": self.to_first,
            "last": self.to_last,
            "open": self.open,
        }[action]()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL)
