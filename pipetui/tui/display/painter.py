"""Two frames, what the terminal shows and what it should show, and the bytes from the one to the other."""

from __future__ import annotations

import math

from rich.color import ColorSystem

from pipetui.tui.display.abilities import Abilities
from pipetui.tui.display.compare import compare
from pipetui.tui.display.frame import Frame, Row, blank_row
from pipetui.tui.display.looks import PLAIN, Looks
from pipetui.tui.display.scroll import cost
from pipetui.tui.display.write import Writer

#: So many different looks are no theme but a leak (each hyperlink is one): begin anew.
_MOST_LOOKS = 20_000

#: A row that costs more bytes than this is dear.
_DEAR = 48

#: A row that changes dearly more often than this (a second, about) is restless.
_RESTLESS = 5.0


class Painter:
    """Knows the newest frame (`wanted`) and the terminal's (`shown`; None: nobody knows what it shows).

    A dear and restless row is part of a page that is replaced all the time. Where not all can be written, such rows
    wait, and then a page is written as it was at one moment (`_page`), however many pieces that takes.
    """

    def __init__(self, abilities: Abilities, system: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self.abilities = abilities
        self.looks = Looks(system)
        self.wanted = Frame.blank(0, 0)
        self.shown: Frame | None = None
        self._writer = Writer(self.looks, abilities)
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
        """Know nothing of what the terminal shows: the next frame is painted as a whole."""
        self.shown = None
        self._page.clear()

    def notice(self, now: float) -> None:
        """Count how often rows of the newest frame change dearly."""
        for y, (row, was) in enumerate(zip(self.wanted.rows, self._noticed.rows, strict=True)):
            if row is not was and cost(was, row) > _DEAR:
                count, at = self._restless[y]
                self._restless[y] = (count * math.exp(at - now) + 1.0, now)
        self._noticed = self.wanted.copy()

    @property
    def dirty(self) -> bool:
        """Whether the terminal does not show the newest frame yet."""
        return self.shown is None or self.shown.rows != self.wanted.rows

    @property
    def crowded(self) -> bool:
        """Whether looks and frames should be begun anew; then every row has to come again."""
        return len(self.looks) > _MOST_LOOKS

    def paint(self, cursor: tuple[int, int] | None = None) -> str:
        """Return what turns the terminal's screen into the newest frame, empty if nothing does."""
        self._page.clear()
        return self._paint(self.wanted, cursor)

    def paint_part(
        self, room: int | None, *, calm: bool = False, afresh: bool = False, cursor: tuple[int, int] | None = None
    ) -> str:
        """Paint about `room` bytes of the newest frame (None: all), when `calm` without restless pages.

        `afresh` drops a page that is being written in pieces: a person waits for something newer.
        """
        if self.shown is None or (room is None and not calm):
            return self.paint(cursor)
        target = self.shown.copy()
        dear = {}
        for y, row in enumerate(self.wanted.rows):
            price = cost(target.rows[y], row)
            if price > _DEAR and (room is not None or self._restless[y][0] > _RESTLESS):
                dear[y] = row
            elif price:
                target.rows[y] = row
                self._page.pop(y, None)
        if calm:
            dear = {y: row for y, row in dear.items() if self._restless[y][0] <= _RESTLESS}
        if afresh or not self._page:
            self._page = dear
        self._add_page(target, room)
        return self._paint(target, cursor)

    def _add_page(self, target: Frame, room: int | None) -> None:
        """Move rows of the page into the frame until the room is used up."""
        used = 0
        for y in sorted(self._page):
            row = self._page.pop(y)
            used += cost(target.rows[y], row)
            target.rows[y] = row
            if room is not None and used >= room:
                break

    def _paint(self, target: Frame, cursor: tuple[int, int] | None) -> str:
        writer = self._writer
        if self.shown is None:
            writer.forget()
            ground = _ground(target, self.looks) if self.abilities.bce else PLAIN
            writer.clear(ground)
            self.shown = Frame(target.width, [blank_row(target.width, ground)] * target.height)
        difference = compare(self.shown, target, self.looks, bce=self.abilities.bce, scroll=self.abilities.scroll)
        writer.write(difference, target)
        self.shown = target.copy()
        painted = writer.take()
        if not painted:
            return ""
        writer.rest(cursor)
        return painted + writer.take()


def _ground(frame: Frame, looks: Looks) -> int:
    """Return the background that most cells have."""
    counted: dict[int, int] = {}
    for row in frame.rows:
        for look in set(row.looks):
            if looks.erasable(look):
                counted[look] = counted.get(look, 0) + row.looks.count(look)
    return max(counted, key=lambda look: counted[look], default=PLAIN)
