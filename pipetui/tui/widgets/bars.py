"""The three lines that frame the screen: the status on top, the tabs of a small screen, the keys at the foot."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pipetui.text import safe
from pipetui.tui.core.actions import Action, key_name
from pipetui.tui.core.theme import palette_for
from pipetui.tui.views.cells import Part, Parts, cut, length, spread, strip


class Bar(Widget):
    """One line of parts at the left and parts at the right, drawn again only when they change."""

    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._left: Parts = ()
        self._right: Parts = ()

    def say(self, left: Parts, right: Parts = ()) -> None:
        """Show these parts, made safe by the caller."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return spread(self._left, self._right, self.size.width, palette_for(self.app.theme).base)


class Tabs(Bar):
    """`FIFOs 4 · Processes 7 · Messages`: one pane at a time on a small screen."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__("tabs")
        self._places: list[tuple[int, int, str]] = []

    def show(self, tabs: list[tuple[str, str]], active: str) -> None:
        """Show the tabs (id, title), the active one lit."""
        palette = palette_for(self.app.theme)
        parts: list[Part] = [(" ", None)]
        self._places = []
        for tab, title in tabs:
            if len(parts) > 1:
                parts.append((" · ", palette.dim))
            start = length(parts)
            parts.append((title, palette.title + palette.accent if tab == active else palette.dim))
            self._places.append((start, start + len(title), tab))
        self.say(tuple(parts))

    def on_click(self, event: events.Click) -> None:
        for start, end, tab in self._places:
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))


class KeyBar(Bar):
    """The keys of the focused pane, as many as fit; or one sentence, until the next key."""

    class Pressed(Message):
        """A key of the footer was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__("keys")
        self._keys: list[tuple[str, str, str]] = []
        self._places: list[tuple[int, int, str]] = []
        self._sentence = ""
        self._grave = False
        self._kept = 2

    def show(self, actions: list[Action], keys: dict[str, tuple[str, ...]], kept: int = 2) -> None:
        """Show these actions with the person's keys; the last `kept` stay as long as anything does."""
        self._kept = kept
        wanted = [(action.id, key_name(keys.get(action.id, action.keys)[0]), action.label) for action in actions]
        if wanted != self._keys:
            self._keys = wanted
            self.refresh()

    def tell(self, sentence: str, *, grave: bool = False) -> None:
        """Say something instead of the keys."""
        self._sentence, self._grave = safe(sentence), grave
        self.refresh()

    @property
    def sentence(self) -> str:
        """What is being said."""
        return self._sentence

    def hush(self) -> None:
        """Show the keys again."""
        if self._sentence:
            self._sentence = ""
            self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        width = self.size.width
        if self._sentence:
            style = palette.stuck if self._grave else palette.accent
            return strip(((" " + cut(self._sentence, width - 1), style),), width, palette.base)
        parts: list[Part] = [(" ", None)]
        self._places = []
        used = 1
        for action, key, label in self._fitting(width):
            parts += [(key, palette.accent), (f" {label}", palette.dim), ("   ", None)]
            size = len(key) + len(label) + 1
            self._places.append((used, used + size, action))
            used += size + 3
        return strip(parts, width, palette.base)

    def _fitting(self, width: int) -> list[tuple[str, str, str]]:
        """Return the keys that fit: those before the last ones go first."""
        keys = list(self._keys)
        while keys and sum(len(key) + len(label) + 4 for _, key, label in keys) - 2 > width:
            del keys[-1 - self._kept if len(keys) > self._kept else -1]
        return keys

    def on_click(self, event: events.Click) -> None:
        for start, end, action in self._places:
            if start <= event.x < end:
                self.post_message(self.Pressed(action))
