"""Two frames, what the terminal shows and what it should show, and the bytes from the one to the other."""

from __future__ import annotations

import math

from rich.color import ColorSystem

from pipetui.tui.display.abilities import Abilities
from pipetui.tui.display.compare import compare
from pipetui.tui.display.frame import Frame, Row, blank_row
from pipetui.tui.display.scroll import differing
from pipetui.tui.display.styles import PLAIN, StyleTable
from pipetui.tui.display.write import Writer

#: So many different styles are a leak (each hyperlink is one): start over.
_MOST_STYLES = 20_000

#: A row that changes more often than this (a second, about) is restless.
_RESTLESS = 2.0


class Painter:
    """Knows the newest frame (`wanted`) and the terminal's (`shown`; None: unknown).

    Where not all can be written at once, a page goes in pieces: the rows that differ, as they are at one moment, first
    those that change seldom, then the restless ones from the top. It is written to its end before a newer one begins:
    rows of different moments do not belong together, and if all rows keep changing the last would never be written.
    """

    def __init__(self, abilities: Abilities, system: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self.abilities = abilities
        self.styles = StyleTable(system)
        self.wanted = Frame.blank(0, 0)
        self.shown: Frame | None = None
        self._writer = Writer(self.styles, abilities)
        self._noticed = self.wanted.copy()
        self._restless: list[tuple[float, float]] = []
        self._page: dict[int, Row] = {}

    def resize(self, width: int, height: int) -> None:
        """Begin a frame of another size."""
        if (width, height) != (self.wanted.width, self.wanted.height):
            self.wanted = Frame.blank(width, height)
            self._noticed = self.wanted.copy()
            self._restless = [(0.0, 0.0)] * height
            self._page.clear()
            self.shown = None

    def forget(self) -> None:
        """Forget what the terminal shows: the next frame is painted whole."""
        self.shown = None
        self._page.clear()

    def notice(self, now: float) -> None:
        """Count how often rows of the newest frame change."""
        for y in differing(self._noticed.rows, self.wanted.rows):
            count, at = self._restless[y]
            self._restless[y] = (count * math.exp(at - now) + 1.0, now)
        self._noticed = self.wanted.copy()

    @property
    def dirty(self) -> bool:
        """Whether the terminal does not show the newest frame yet."""
        return self.shown is None or self.shown.rows != self.wanted.rows

    @property
    def crowded(self) -> bool:
        """Whether to start over with styles and frames; then every row has to be drawn again."""
        return len(self.styles) > _MOST_STYLES

    @property
    def in_pieces(self) -> bool:
        """Whether a page is being written of which some rows are still to come."""
        return bool(self._page)

    def paint(self, cursor: tuple[int, int] | None = None) -> str:
        """Return what turns the terminal's screen into the newest frame, empty if nothing does."""
        self._page.clear()
        return self._rest(self._paint(self.wanted), cursor)

    def paint_part(
        self, room: int | None, *, calm: bool = False, afresh: bool = False, cursor: tuple[int, int] | None = None
    ) -> str:
        """Paint about `room` bytes of the newest frame (None: all), when `calm` without restless rows.

        `afresh` drops a page that is being written in pieces: the user waits for something newer.
        """
        if self.shown is None or room is None:
            return self.paint(cursor)
        if not calm and (small := self._paint_if_small(room)):
            return self._rest(small, cursor)
        self._turn_page(afresh=afresh, calm=calm)
        target, text = self.shown.copy(), ""
        for y in list(self._page):
            target.rows[y] = self._page.pop(y)
            text += self._paint(target)
            if len(text) >= room:
                break
        return self._rest(text, cursor)

    def _turn_page(self, *, afresh: bool, calm: bool) -> None:
        """Bring the page up to date: a new one if the old one is at its end, else only what changes seldom."""
        assert self.shown is not None
        seldom: dict[int, Row] = {}
        restless: dict[int, Row] = {}
        for y in differing(self.shown.rows, self.wanted.rows):
            (restless if self._restless[y][0] > _RESTLESS else seldom)[y] = self.wanted.rows[y]
        left = {} if afresh else {y: row for y, row in self._page.items() if y in restless}
        self._page = seldom if calm else seldom | (left or restless)

    def _paint_if_small(self, room: int) -> str:
        """Paint all of the newest frame if that fits: a row or two more in a log are few bytes with a scroll."""
        shown, state = self.shown, self._writer.state
        text = self._paint(self.wanted)
        if len(text) <= room:
            self._page.clear()
            return text
        self.shown, self._writer.state = shown, state
        return ""

    def _paint(self, target: Frame) -> str:
        writer = self._writer
        if self.shown is None:
            writer.forget()
            ground = _ground(target, self.styles) if self.abilities.bce else PLAIN
            writer.clear(ground)
            self.shown = Frame(target.width, [blank_row(target.width, ground)] * target.height)
        difference = compare(self.shown, target, self.styles, bce=self.abilities.bce, scroll=self.abilities.scroll)
        writer.write(difference, target)
        self.shown = target.copy()
        return writer.take()

    def _rest(self, text: str, cursor: tuple[int, int] | None) -> str:
        """Return what was painted, and after it what brings the cursor to its place."""
        if text:
            self._writer.rest(cursor)
        return text + self._writer.take()


def _ground(frame: Frame, styles: StyleTable) -> int:
    """Return the background that most cells have."""
    counted: dict[int, int] = {}
    for row in frame.rows:
        for style in set(row.styles):
            if styles.erasable(style):
                counted[style] = counted.get(style, 0) + row.styles.count(style)
    return max(counted, key=lambda style: counted[style], default=PLAIN)
