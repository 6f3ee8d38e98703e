"""One-line inputs: text that can't hold control characters, and a choice among a few words."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from pipetui.text import safe
from pipetui.tui.views.cells import Part, strip
from pipetui.tui.widgets.lists import LineWidget


def plain(value: str) -> str:
    """Return `value` without the characters that `safe` would escape."""
    return value if safe(value) == value else "".join(char for char in value if safe(char) == char)


def kept(original: str, typed: str) -> str:
    """Return `original` if the person left it as an input shows it, otherwise what they typed."""
    return original if typed == plain(original) else typed


class TextInput(Input):
    """An input of one row whose cursor does not blink (an idle screen writes nothing)."""

    DEFAULT_CSS = """
    TextInput, TextInput:focus { background: $field; background-tint: transparent; }
    TextInput:ansi { text-style: underline; }
    """

    def __init__(self, value: str = "", *, name: str | None = None) -> None:
        super().__init__(value, id=name, compact=True, select_on_focus=False)
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Leave out what would drive the terminal: pasted escapes, bidirectional controls."""
        return plain(value)


class ChoiceInput(LineWidget, can_focus=True):
    """`‹ wait ›`: the arrows or a click change it, Enter is left to the dialog."""

    DEFAULT_CSS = "ChoiceInput { height: 1; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", show=False),
        Binding("right,l,space", "turn(1)", show=False),
        Binding("enter", "submit", show=False),
    ]

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choice: ChoiceInput, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

    class Submitted(Message):
        """Enter was pressed."""

    def __init__(self, words: tuple[tuple[str, str], ...], value: str, *, name: str | None = None) -> None:
        super().__init__(id=name)
        self._words = words
        self.value = value

    def action_turn(self, step: int) -> None:
        """Choose the next or previous word."""
        values = [value for value, _ in self._words]
        self.value = values[(values.index(self.value) + step) % len(values)]
        self.refresh()
        self.post_message(self.Changed(self, self.value))

    def action_submit(self) -> None:
        self.post_message(self.Submitted())

    def on_click(self, event: events.Click) -> None:
        self.action_turn(1)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        lit: Any = palette.cursor if self.has_focus else palette.track
        word = dict(self._words)[self.value]
        parts: tuple[Part, ...] = (
            ("‹ ", palette.accent + lit),
            (word, palette.text + lit),
            (" ›", palette.accent + lit),
        )
        return strip(parts, self.size.width, palette.base)
