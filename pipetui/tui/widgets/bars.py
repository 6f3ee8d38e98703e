"""The one-line bars: the status on top, the tabs of a small screen, the keys in the footer."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.strip import Strip

from pipetui.text import safe
from pipetui.tui.core.actions import Action, key_name
from pipetui.tui.views.cells import Part, Parts, cut, length, spread, strip
from pipetui.tui.widgets.lists import LineWidget


class Bar(LineWidget):
    """One line of parts at the left and parts at the right, drawn again only when they change."""

    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._left: Parts = ()
        self._right: Parts = ()

    def update(self, left: Parts, right: Parts = ()) -> None:
        """Show these parts, made safe by the caller."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return spread(self._left, self._right, self.size.width, self.palette.base)


class Tabs(Bar):
    """`FIFOs 4 · Processes 7 · Messages`: one pane at a time on a small screen."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__("tabs")
        self._spans: list[tuple[int, int, str]] = []

    def show(self, tabs: list[tuple[str, str]], active: str) -> None:
        """Show the tabs (id, title), the active one lit."""
        palette = self.palette
        parts: list[Part] = [(" ", None)]
        self._spans = []
        for tab, title in tabs:
            if len(parts) > 1:
                parts.append((" · ", palette.dim))
            start = length(parts)
            parts.append((title, palette.title + palette.accent if tab == active else palette.dim))
            self._spans.append((start, start + len(title), tab))
        self.update(tuple(parts))

    def on_click(self, event: events.Click) -> None:
        for start, end, tab in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))


class KeyBar(Bar):
    """The keys of the focused pane, as many as fit; or a message, until the next key."""

    class Pressed(Message):
        """A key of the footer was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__("keys")
        self._keys: list[tuple[str, str, str]] = []
        self._spans: list[tuple[int, int, str]] = []
        self._message = ""
        self._severity: SeverityLevel = "information"
        self._kept = 2

    def show(self, actions: list[Action], keys: dict[str, tuple[str, ...]], kept: int = 2) -> None:
        """Show these actions with the person's keys; the last `kept` stay as long as anything does."""
        self._kept = kept
        wanted = [(action.id, key_name(keys.get(action.id, action.keys)[0]), action.label) for action in actions]
        if wanted != self._keys:
            self._keys = wanted
            self.refresh()

    def show_message(self, message: str, severity: SeverityLevel = "information") -> None:
        """Show a message instead of the keys."""
        self._message, self._severity = safe(message), severity
        self.refresh()

    @property
    def message(self) -> str:
        """The message that is shown; empty while the keys are."""
        return self._message

    def clear_message(self) -> None:
        """Show the keys again."""
        if self._message:
            self._message = ""
            self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        width = self.size.width
        if self._message:
            style = palette.stuck if self._severity == "error" else palette.accent
            return strip(((" " + cut(self._message, width - 1), style),), width, palette.base)
        parts: list[Part] = [(" ", None)]
        self._spans = []
        used = 1
        for action, key, label in self._fitting(width):
            parts += [(key, palette.accent), (f" {label}", palette.dim), ("   ", None)]
            size = len(key) + len(label) + 1
            self._spans.append((used, used + size, action))
            used += size + 3
        return strip(parts, width, palette.base)

    def _fitting(self, width: int) -> list[tuple[str, str, str]]:
        """Return the keys that fit: those before the last ones go first."""
        keys = list(self._keys)
        while keys and sum(len(key) + len(label) + 4 for _, key, label in keys) - 2 > width:
            del keys[-1 - self._kept if len(keys) > self._kept else -1]
        return keys

    def on_click(self, event: events.Click) -> None:
        for start, end, action in self._spans:
            if start <= event.x < end:
                self.post_message(self.Pressed(action))
