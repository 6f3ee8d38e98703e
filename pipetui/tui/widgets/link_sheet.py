"""A text with links: Enter on the name of a pipe or a process shows its details.

The names are parts whose style carries a target (`link`). One of them is under the cursor. Up and down go to the next
line that has a name, and where there is none near, they scroll.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Parts, strip
from pipetui.tui.views.links import _GO, Target, target_of
from pipetui.tui.widgets.sheet import Sheet


class Position(NamedTuple):
    """Where a link is: its line, and which part of that line."""

    line: int
    part: int


@dataclass(frozen=True, eq=False)
class Tail:
    """What follows the lines: plain text of any length, each line made when it is seen."""

    count: int
    line_of: Callable[[int], str]


_NOTHING = Tail(0, str)


class LinkSheet(Sheet):
    """The widget. `put` replaces its lines; only what differs is drawn."""

    class Followed(Message):
        """Enter, or a click, on a name."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Parts] = []
        self._positions: list[tuple[Position, Target]] = []
        self._at = 0
        self._tail = _NOTHING

    # --- what it shows --------------------------------------------------------------------------------------------

    def put(self, lines: Sequence[Parts], tail: Tail | None = None) -> None:
        """Show these lines and below them a tail; the cursor stays on its name."""
        before, top, last = self._lines, self.top, self._tail
        self._remember(lines)
        self._tail = tail = tail or _NOTHING
        self._count, self._line_of = len(lines) + tail.count, lambda index, palette: self._line(index)
        self.top = max(0, min(top, self._count - self.size.height))
        if len(before) != len(lines) or tail is not last or top != self.top:
            self.refresh()
            return
        for y in range(min(self.size.height, len(lines) - self.top)):
            if before[self.top + y] != self._lines[self.top + y]:
                self.refresh(Region(0, y, self.size.width, 1))

    def _remember(self, lines: Sequence[Parts]) -> None:
        held = self._held()
        self._lines = list(lines)
        self._positions = [
            (Position(y, x), target)
            for y, line in enumerate(self._lines)
            for x, part in enumerate(line)
            if (target := target_of(part)) is not None
        ]
        same = [index for index, (_, target) in enumerate(self._positions) if held and target == held[0]]
        if held and same:
            self._at = same[min(held[1], len(same) - 1)]
        self._at = max(0, min(self._at, len(self._positions) - 1))

    def _held(self) -> tuple[Target, int] | None:
        """Return the target under the cursor and which of its namings that is."""
        if not self._positions:
            return None
        target = self._positions[self._at][1]
        return target, sum(other == target for _, other in self._positions[: self._at])

    def _line(self, index: int) -> Parts:
        return (
            self._lines[index] if index < len(self._lines) else ((self._tail.line_of(index - len(self._lines)), None),)
        )

    @property
    def target(self) -> Target | None:
        """What is under the cursor."""
        return self._positions[self._at][1] if self._positions else None

    def bring_up(self, line: int) -> None:
        """Scroll as little as it takes to see a good part of what begins at this line."""
        wanted = min(self._count - line, self.size.height // 2)
        self.move_top(min(max(0, line + wanted - self.size.height - self.top), line - self.top))

    # --- the cursor -----------------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Go to the next or previous name, round and round."""
        if self._positions:
            self._go((self._at + by) % len(self._positions))

    def _go(self, index: int) -> None:
        before, self._at = self._positions[self._at][0].line, index
        line = self._positions[index][0].line
        if line < self.top:
            self.move_top(line - 1 - self.top)
        elif line >= self.top + self.size.height - 1:
            self.move_top(line + 2 - self.size.height - self.top)
        for y in {before - self.top, line - self.top}:
            if 0 <= y < self.size.height:
                self.refresh(Region(0, y, self.size.width, 1))

    def _in_sight(self, line: int) -> bool:
        return self.top <= line < self.top + self.size.height

    def move(self, lines: int) -> None:
        if abs(lines) == 1 and (index := self._near(lines)) is not None:
            self._go(index)
        else:
            self.move_top(lines)

    def _near(self, way: int) -> int | None:
        """Return the nearest name above (-1) or below (1) on another line, if it is in sight."""
        if not self._positions:
            return None
        here, column = self._positions[self._at][0].line, self._column(self._at)
        if not self._in_sight(here):
            here = self.top - 1 if way > 0 else self.top + self.size.height
        lines = {position.line for position, _ in self._positions if self._in_sight(position.line)}
        lines = {line for line in lines if (line - here) * way > 0}
        if not lines:
            return None
        line = min(lines) if way > 0 else max(lines)
        there = [index for index, (position, _) in enumerate(self._positions) if position.line == line]
        return min(there, key=lambda index: abs(self._column(index) - column))

    def _column(self, index: int) -> int:
        position = self._positions[index][0]
        return sum(len(words) for words, _ in self._lines[position.line][: position.part])

    def move_top(self, lines: int) -> None:
        """Scroll."""
        super().move(lines)

    def scroll_lines(self, lines: int) -> None:
        self.move_top(lines)

    def to_first(self) -> None:
        self.move_top(-self._count)
        if self._positions:
            self._go(0)

    def to_last(self) -> None:
        self.move_top(self._count)

    def action_open(self) -> None:
        self.open()

    def open(self) -> None:
        if self._positions:
            self.post_message(self.Followed(self._positions[self._at][1]))

    def on_click(self, event: events.Click) -> None:
        meta: dict[str, Any] = event.style.meta
        if (target := meta.get(_GO)) is not None:
            self.post_message(self.Followed(target))

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        index = self.top + y
        if not self._positions or self._positions[self._at][0].line != index:
            return super().render_line(y)
        return strip(((" ", None), *self._marked(self._lines[index], palette)), self.size.width, palette.base)

    def _marked(self, parts: Parts, palette: Palette) -> Parts:
        at = self._positions[self._at][0].part
        return tuple(
            (words, (style or Style()) + palette.cursor) if index == at else (words, style)
            for index, (words, style) in enumerate(parts)
        )
