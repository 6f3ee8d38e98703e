"""The input line of a filter or a search: it applies while typing; Enter keeps it, Escape clears it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from pipetui.tui.widgets.inputs import TextInput

#: How long typing must rest before the hub is asked (seconds).
_PAUSE = 0.1


class FilterBar(Horizontal):
    """One line of input. `purpose` names what it does; messages carry it back."""

    DEFAULT_CSS = """
    FilterBar { height: 1; }
    FilterBar Static { width: auto; color: $faded; }
    FilterBar .name { color: $accent; padding: 0 1; }
    FilterBar TextInput { width: 1fr; }
    FilterBar .toggle { padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", show=False),
        Binding("ctrl+r", "toggle_regex", show=False, priority=True),
    ]

    class Typed(Message):
        """The pattern is another one now; `kept` when Enter was pressed, `dropped` when Escape was."""

        def __init__(
            self, purpose: str, pattern: str, regex: bool, *, kept: bool = False, dropped: bool = False
        ) -> None:
            super().__init__()
            self.purpose = purpose
            self.pattern = pattern
            self.regex = regex
            self.kept = kept
            self.dropped = dropped

    def __init__(self, name: str, *, regex: bool = True) -> None:
        super().__init__(id=name)
        self._can_regex = regex
        self._regex = False
        self._purpose = ""
        self._timer: Timer | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        yield Static(classes="name")
        yield TextInput()
        if self._can_regex:
            yield Static(classes="toggle")

    @property
    def is_open(self) -> bool:
        """Whether it is on the screen."""
        return bool(self.display)

    def open(self, purpose: str, name: str, pattern: str, regex: bool) -> None:
        """Show it for this purpose with a pattern in it, and give it the focus.

        The focus moves at once: what is typed right after the key that opened it must not be taken for commands.
        """
        self._purpose, self._regex = purpose, regex
        self.query_one(".name", Static).update(Text(name))
        self._show_toggle()
        self.display = True
        line = self.query_one(TextInput)
        with self.prevent(Input.Changed):
            line.value = pattern
        line.cursor_position = len(pattern)
        self.screen.set_focus(line)

    def close(self) -> None:
        """Take it off the screen."""
        self._stop_timer()
        self.display = False

    def _show_toggle(self) -> None:
        if self._can_regex:
            self.query_one(".toggle", Static).update(Text(f"{'regex' if self._regex else 'plain text'} · ctrl+r"))

    def _post(self, *, kept: bool = False, dropped: bool = False) -> None:
        self._stop_timer()
        pattern = "" if dropped else self.query_one(TextInput).value
        self.post_message(self.Typed(self._purpose, pattern, self._regex, kept=kept, dropped=dropped))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop_timer()
        self._timer = self.set_timer(_PAUSE, self._post)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._post(kept=True)

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.has_class("toggle"):
            self.action_toggle_regex()

    def action_drop(self) -> None:
        """Clear the pattern and close."""
        self._post(dropped=True)

    def action_toggle_regex(self) -> None:
        """Read the pattern as a regular expression, or as plain text again."""
        if self._can_regex:
            self._regex = not self._regex
            self._show_toggle()
            self._post()
