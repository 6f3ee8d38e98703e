"""Thin lines: one across the screen that carries a pane's title and figures, and one between two columns."""

from __future__ import annotations

from textual.strip import Strip

from pipetui.tui.views.cells import Parts, length, spread, strip
from pipetui.tui.widgets.lists import LineWidget


class Rule(LineWidget):
    """`── TITLE  words ────────── figures ──`; drawn again only when it changes."""

    DEFAULT_CSS = "Rule { height: 1; }"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._title = ""
        self._words: Parts = ()
        self._figures: tuple[Parts, ...] = ()
        self._lit = False

    def update(self, title: str, words: Parts = (), *figures: Parts) -> None:
        """Show a title, words after it and at the right the first of `figures` that fits; all safe by the caller."""
        if (title, words, figures) != (self._title, self._words, self._figures):
            self._title, self._words, self._figures = title, words, figures
            self.refresh()

    def highlight(self, lit: bool) -> None:
        """Show whether the pane below has the focus."""
        if lit != self._lit:
            self._lit = lit
            self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        style = palette.title + palette.accent if self._lit else palette.title
        left: Parts = (("── ", palette.rule), (self._title, style))
        if self._words:
            left += ((" ", None), *self._words)
        left += ((" ", None),) if self._title else ()
        room = self.size.width - length(left)
        framed: list[Parts] = [((" ", None), *figures, (" ──", palette.rule)) for figures in self._figures if figures]
        right: Parts = next((parts for parts in framed if length(parts) <= room), ())
        return spread(left, right, self.size.width, palette.base, ("─", palette.rule))


class Divider(LineWidget):
    """The line between two columns; `top` is drawn where it meets a line across."""

    DEFAULT_CSS = "Divider { width: 1; height: 100%; }"

    def __init__(self, name: str | None = None, *, top: str = "│") -> None:
        super().__init__(id=name)
        self._top = top

    def render_line(self, y: int) -> Strip:
        return strip((("│" if y else self._top, self.palette.rule),), 1, self.palette.base)
