"""The findings: what is wrong, the most severe first, each with its fix. There is no pane when all is well.

Notes are folded into one line: they are worth knowing, but nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message
from textual.strip import Strip

from pipetui.client.hosts import Judged
from pipetui.text import plural
from pipetui.tui.views.cells import Parts, strip
from pipetui.tui.views.findings import MARKS, key_of, summary_lines
from pipetui.tui.widgets.lists import CursorList

#: How many unfolded notes are in sight where there is room.
_NOTES = 4

_MARGIN = 3


def _key(judged: Judged | None) -> object:
    """Return what tells one entry of the list from the others: which finding it is, or that it is the fold."""
    return "notes" if judged is None else (judged.session, key_of(judged.finding))


class FindingList(CursorList):
    """The list. Where there is room for all words they are there, else a finding takes a line or two."""

    class Opened(Message):
        """Enter or a double click on a finding."""

        def __init__(self, judged: Judged) -> None:
            super().__init__()
            self.judged = judged

    class Unfolded(Message):
        """The notes were unfolded or folded: the list wants another height."""

    def __init__(self, *, several: bool = False) -> None:
        super().__init__("findings")
        self._several = several
        self._findings: tuple[Judged, ...] = ()
        self._entries: tuple[Judged | None, ...] = ()
        self._unfolded = False
        self._lines: list[tuple[int, Parts]] = []
        self._starts: list[int] = []
        self._at = 0
        self._whole = False
        self._entered = False  # somebody has been here: until then it stays at the top

    # --- what it shows --------------------------------------------------------------------------------------------

    @property
    def current(self) -> Judged | None:
        """The finding under the cursor; None on the line that the notes are folded into."""
        return self._entries[self._at] if self._entries else None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._findings)

    def show(self, findings: Sequence[Judged]) -> None:
        """Show these; the cursor stays on its finding, once somebody has been here."""
        held = _key(self.current) if self._entries and self._entered else None
        self._findings = tuple(findings)
        notes = [judged for judged in self._findings if judged.finding.level == "note"]
        fold: list[Judged | None] = [None] if notes else []
        self._entries = (*self._severe, *fold, *(notes if self._unfolded else ()))
        keys = [_key(judged) for judged in self._entries]
        if held in keys:
            self._at = keys.index(held)
        if not self._entered:
            self._at = self.top = 0
        self._at = max(0, min(self._at, len(keys) - 1))
        self._lay_out()

    @property
    def _severe(self) -> list[Judged]:
        """The findings that are more than notes."""
        return [judged for judged in self._findings if judged.finding.level != "note"]

    def wanted(self, fewest: int, most: int, width: int) -> int:
        """Return how many lines the list wants: at most `fewest`, or up to `most` if all words fit into these.

        `width` is that of the list (cells).
        """
        severe = self._severe
        notes = min(len(self._entries) - len(severe), 1 + _NOTES)
        lines = notes + sum(len(self._draw(judged, width - _MARGIN - 1, whole=True)) for judged in severe)
        whole = lines <= max(fewest, most)
        if whole != self._whole:
            self._whole = whole
            self._lay_out()
        return max(1, lines if whole else min(fewest, 2 * len(severe) + notes))

    def counts(self) -> str:
        """Return how many there are of each level, in words."""
        levels = [judged.finding.level for judged in self._findings]
        return " · ".join(plural(levels.count(level), level) for level in MARKS if level in levels)

    def _lay_out(self) -> None:
        width = max(10, self.size.width - _MARGIN - 1)
        lines: list[tuple[int, Parts]] = []
        starts: list[int] = []
        for index, judged in enumerate(self._entries):
            starts.append(len(lines))
            drawn = [self._fold()] if judged is None else self._draw(judged, width, whole=self._whole)
            lines += [(index, parts) for parts in drawn]
        if lines != self._lines:
            self._lines, self._starts = lines, starts
            self.keep_in_sight()
            self.refresh()

    def _fold(self) -> Parts:
        """Return the line that stands for the notes."""
        notes = sum(judged.finding.level == "note" for judged in self._findings)
        mark, hint = ("−", "enter hides them") if self._unfolded else ("+", "enter shows them")
        return ((f"{mark} {plural(notes, 'note')}  {hint}", self.palette.dim),)

    def _draw(self, judged: Judged, width: int, *, whole: bool) -> list[Parts]:
        host = judged.session.name if self._several else ""
        return summary_lines(judged.finding, host, self.palette, width, whole=whole)

    # --- the cursor -----------------------------------------------------------------------------------------------

    @property
    def entry_count(self) -> int:
        return len(self._starts)

    @property
    def cursor_index(self) -> int:
        return self._at

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def lines_of(self, index: int) -> range:
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._lines)
        return range(self._starts[index], end)

    def entry_at(self, line: int) -> int | None:
        return self._lines[line][0] if line < len(self._lines) else None

    def select_index(self, index: int) -> None:
        if index != self._at:
            self._at = index
            self.keep_in_sight()
            self.refresh()

    def scroll_lines(self, lines: int) -> None:
        self._entered = True
        super().scroll_lines(lines)

    def page(self) -> int:
        return max(1, self.size.height // 2)

    def open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self.current))
        elif self._entries:
            self._unfolded = not self._unfolded
            self.show(self._findings)
            if self._unfolded:  # as many of the notes as there is room for are below the line
                self.top = max(0, min(self._starts[self._at], len(self._lines) - self.size.height))
            self.post_message(self.Unfolded())

    def on_focus(self) -> None:
        self._entered = True

    def on_resize(self) -> None:
        self._lay_out()
        self.keep_in_sight()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        line = self.top + y
        if line >= len(self._lines):
            return Strip.blank(self.size.width, self.palette.base)
        index, parts = self._lines[line]
        selected = index == self._at and self.has_focus
        marker = self.marker(selected=selected and line == self._starts[index])
        return strip((marker, *parts), self.size.width, self.row_style(selected=selected))
