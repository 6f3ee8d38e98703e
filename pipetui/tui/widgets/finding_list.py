"""The findings: what is wrong, the gravest first, each with what to do about it. There is no pane when all is well.

Notes are folded into one line: they are worth knowing, but nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip

from pipetui.client.fleet import Judged
from pipetui.text import plural, safe
from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.views.cells import Part, Parts, cut, fit, strip, wrap_words
from pipetui.tui.views.findings import MARKS, key_of, level_mark, named, sentence
from pipetui.tui.widgets.lists import Listing

#: How many unfolded notes are in sight where there is room.
_NOTES = 4

_RULE = 14
_MARGIN = 3
_NARROW = 90


def _place(judged: Judged | None) -> object:
    """Return what tells one entry of the list from the others: which finding it is, or that it is the fold."""
    return "notes" if judged is None else (judged.session, key_of(judged.finding))


def _one_line(words: str, width: int) -> list[str]:
    return [cut(words, width)]


class FindingList(Listing):
    """The list. Where there is room for all words they are there, else a finding takes a line or two."""

    class Opened(Message):
        """Enter or a double click on a finding."""

        def __init__(self, judged: Judged) -> None:
            super().__init__()
            self.judged = judged

    class Unfolded(Message):
        """The notes were unfolded or folded: the list wants another height."""

    def __init__(self, *, several: bool = False) -> None:
        super().__init__(id="findings")
        self._several = several
        self._findings: tuple[Judged, ...] = ()
        self._shown: tuple[Judged | None, ...] = ()
        self._unfolded = False
        self._lines: list[tuple[int, Parts]] = []
        self._starts: list[int] = []
        self._top = 0
        self._at = 0
        self._whole = False
        self._entered = False  # somebody has been here: until then it stays at the top

    # --- what it shows --------------------------------------------------------------------------------------------

    @property
    def current(self) -> Judged | None:
        """The finding under the cursor; None on the line that the notes are folded into."""
        return self._shown[self._at] if self._shown else None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._findings)

    def show(self, findings: Sequence[Judged]) -> None:
        """Show these; the cursor stays on its finding, once somebody has been here."""
        held = _place(self.current) if self._shown and self._entered else None
        self._findings = tuple(findings)
        notes = [judged for judged in self._findings if judged.finding.level == "note"]
        grave = [judged for judged in self._findings if judged.finding.level != "note"]
        fold: list[Judged | None] = [None] if notes else []
        self._shown = (*grave, *fold, *(notes if self._unfolded else ()))
        places = [_place(judged) for judged in self._shown]
        if held in places:
            self._at = places.index(held)
        if not self._entered:
            self._at = self._top = 0
        self._at = max(0, min(self._at, len(places) - 1))
        self._lay_out()

    def wanted(self, fewest: int, most: int, width: int) -> int:
        """Return how many lines the list wants: at most `fewest`, or up to `most` if all words fit into these.

        `width` is that of the list (cells).
        """
        grave = [judged for judged in self._findings if judged.finding.level != "note"]
        notes = min(len(self._shown) - len(grave), 1 + _NOTES)
        palette, room = palette_for(self.app.theme), width - _MARGIN - 1
        lines = notes + sum(len(self._draw(judged, palette, room, whole=True)) for judged in grave)
        whole = lines <= max(fewest, most)
        if whole != self._whole:
            self._whole = whole
            self._lay_out()
        return max(1, lines if whole else min(fewest, 2 * len(grave) + notes))

    def counts(self) -> str:
        """Return how many there are of each level, in words."""
        levels = [judged.finding.level for judged in self._findings]
        return " · ".join(plural(levels.count(level), level) for level in MARKS if level in levels)

    def _lay_out(self) -> None:
        palette, width = palette_for(self.app.theme), max(10, self.size.width - _MARGIN - 1)
        lines: list[tuple[int, Parts]] = []
        starts: list[int] = []
        for index, judged in enumerate(self._shown):
            starts.append(len(lines))
            if judged is None:
                lines.append((index, self._draw_fold(palette)))
            else:
                lines += [(index, parts) for parts in self._draw(judged, palette, width, whole=self._whole)]
        if lines != self._lines:
            self._lines, self._starts = lines, starts
            self._keep_in_sight()
            self.refresh()

    def _draw_fold(self, palette: Palette) -> Parts:
        notes = sum(judged.finding.level == "note" for judged in self._findings)
        mark, hint = ("−", "enter folds them") if self._unfolded else ("+", "enter shows them")
        return ((f"{mark} {plural(notes, 'note')}  {hint}", palette.dim),)

    def _draw(self, judged: Judged, palette: Palette, width: int, *, whole: bool) -> list[Parts]:
        finding, host = judged.finding, f"{safe(judged.session.name)}: " if self._several else ""
        mark, rule = level_mark(finding.level, palette), named(finding.rule)
        style = palette.dim if finding.level == "note" else palette.text
        if width < _NARROW:
            words = wrap_words(host + sentence(finding.headline), width - 2)
            fix = [] if finding.level == "note" else wrap_words(safe(finding.fix), width - 2)
            return [
                ((mark[0] + " ", mark[1]), (cut(rule, width), mark[1])),
                *((("  " + piece, style),) for piece in words),
                *((("  " + piece, palette.dim),) for piece in fix),
            ]
        room = width - _RULE - 4
        head = (mark[0] + " ", mark[1]), (fit(rule, _RULE) + "  ", mark[1])
        grave = finding.level != "note"
        shown = wrap_words if whole and grave else _one_line
        said: list[Part] = [(piece, style) for piece in shown(host + sentence(finding.headline), room)]
        if grave:
            said += [(piece, palette.dim) for piece in shown(safe(finding.fix), room)]
        margin: Part = (" " * (_RULE + 4), None)
        return [(*head, said[0]), *((margin, piece) for piece in said[1:])]

    # --- the cursor -----------------------------------------------------------------------------------------------

    def _keep_in_sight(self) -> None:
        if not self._starts:
            self._top = 0
            return
        first = self._starts[self._at]
        end = self._starts[self._at + 1] if self._at + 1 < len(self._starts) else len(self._lines)
        height = max(1, self.size.height)
        self._top = max(min(self._top, first), min(first, end - height))
        self._top = max(0, min(self._top, len(self._lines) - height))

    def move(self, lines: int) -> None:
        at = max(0, min(self._at + lines, len(self._shown) - 1))
        if self._shown and at != self._at:
            self._at = at
            self._keep_in_sight()
            self.refresh()

    def scroll_lines(self, lines: int) -> None:
        self._entered = True
        top = max(0, min(self._top + lines, len(self._lines) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()

    def to_first(self) -> None:
        self.move(-len(self._findings))

    def to_last(self) -> None:
        self.move(len(self._findings))

    def page(self) -> int:
        return max(1, self.size.height // 2)

    def open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self.current))
        elif self._shown:
            self._unfolded = not self._unfolded
            self.show(self._findings)
            if self._unfolded:  # as many of the notes as there is room for are below the line
                self._top = max(0, min(self._starts[self._at], len(self._lines) - self.size.height))
            self.post_message(self.Unfolded())

    def on_click(self, event: events.Click) -> None:
        line = self._top + event.y
        if line < len(self._lines):
            self.move(self._lines[line][0] - self._at)
            if event.chain == 2:
                self.open()

    def on_focus(self) -> None:
        self._entered = True
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._lay_out()
        self._keep_in_sight()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lay_out()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        line = self._top + y
        if line >= len(self._lines):
            return Strip.blank(self.size.width, palette.base)
        index, parts = self._lines[line]
        chosen = index == self._at and self.has_focus
        head = " ▸ " if chosen and line == self._starts[index] else "   "
        base = palette.base + palette.cursor if chosen else palette.base
        return strip(((head, palette.accent), *parts), self.size.width, base)
