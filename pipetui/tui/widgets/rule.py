"""A thin line across the screen that carries a pane's title at its left and its figures at its right."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from pipetui.tui.core.theme import palette_for
from pipetui.tui.views.cells import Parts, length, spread


class Rule(Widget):
    """`── TITLE  words ────────── figures ──`; drawn again only when what it says changes."""

    DEFAULT_CSS = "Rule { height: 1; }"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._title = ""
        self._words: Parts = ()
        self._figures: tuple[Parts, ...] = ()
        self._lit = False

    def say(self, title: str, words: Parts = (), *figures: Parts) -> None:
        """Show a title, words after it and at the right the first of `figures` that fits; all safe by the caller."""
        if (title, words, figures) != (self._title, self._words, self._figures):
            self._title, self._words, self._figures = title, words, figures
            self.refresh()

    def light(self, lit: bool) -> None:
        """Say whether the pane below has the focus."""
        if lit != self._lit:
            self._lit = lit
            self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        style = palette.title + palette.accent if self._lit else palette.title
        left: Parts = (("── ", palette.rule), (self._title, style))
        if self._words:
            left += ((" ", None), *self._words)
        left += ((" ", None),) if self._title else ()
        room = self.size.width - length(left)
        framed: list[Parts] = [((" ", None), *figures, (" ──", palette.rule)) for figures in self._figures if figures]
        right: Parts = next((parts for parts in framed if length(parts) <= room), ())
        return spread(left, right, self.size.width, palette.base, ("─", palette.rule))
