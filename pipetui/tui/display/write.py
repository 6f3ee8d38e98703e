"""Operations as bytes: where the cursor is, what the pen draws with, and the shortest way from there.

The terminal does not wrap (DECAWM is off), so after the last column the place of the cursor is not known. Line feeds
are not used, because the line discipline may turn them into two characters: IND and RI scroll (ECMA-48 keeps them out
of its latest edition, every terminal has them). A scroll region stays set until another one is needed, as tmux leaves
it: a log scrolls in the same one each time. What resets it in the terminal is a resize, after which all is
repainted. Moves up and down stop at its edges, differently in different terminals: they are used only inside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipetui.tui.display.abilities import Abilities
from pipetui.tui.display.compare import Difference, RowChange
from pipetui.tui.display.frame import Frame, Row, is_doubtful
from pipetui.tui.display.scroll import Scroll
from pipetui.tui.display.styles import PLAIN, StyleTable

#: Cells between two spans are written again when that is at most this many; a move is not much shorter.
_GAP = 6

#: What gives the pen and the scroll region back.
LEAVE = "\x1b[r\x1b[m"

_REPEATED = re.compile(r"([ -~─━│█▁-▏▔░▒▓])\1{11,}")


class Writer:
    """Collects what goes to the terminal, and knows where that leaves its cursor and its pen."""

    def __init__(self, styles: StyleTable, abilities: Abilities) -> None:
        self._styles = styles
        self._abilities = abilities
        self._out: list[str] = []
        self._x: int | None = None
        self._y: int | None = None
        self._pen: int | None = None
        self._width = self._height = 0
        self._region: tuple[int, int] | None = None

    def forget(self) -> None:
        """Forget the terminal's cursor, pen and scroll region."""
        self._x = self._y = self._pen = self._region = None

    @property
    def state(self) -> tuple[int | None, int | None, int | None, tuple[int, int] | None]:
        """What is known of the terminal's cursor, pen and scroll region; to be set again when nothing was written."""
        return self._x, self._y, self._pen, self._region

    @state.setter
    def state(self, known: tuple[int | None, int | None, int | None, tuple[int, int] | None]) -> None:
        self._x, self._y, self._pen, self._region = known

    def clear(self, style: int) -> None:
        """Erase the whole screen; `style` is that of blanks (only the plain one without background colour erase)."""
        self._out.append("\x1b[r")
        self._x = self._y = self._region = None
        self._draw_with(style)
        self._out.append("\x1b[2J")

    def write(self, difference: Difference, new: Frame) -> None:
        """Turn the terminal's screen into `new`."""
        self._width, self._height = new.width, new.height
        for scroll in difference.scrolls:
            self._scroll(scroll, difference.fresh)
        for change in difference.changes:
            self._change(change, new.rows[change.y])

    def rest(self, at: tuple[int, int] | None = None) -> None:
        """Leave no hyperlink open, and if wanted the cursor at a place (column, row)."""
        if self._pen is not None and self._styles[self._pen].link:
            self._draw_with(PLAIN)
        if at is not None:
            self._go(*at)

    def take(self) -> str:
        """Return what was collected."""
        out = "".join(self._out)
        self._out.clear()
        return out

    # --- cursor and pen -------------------------------------------------------------------------------------------

    def _go(self, x: int, y: int) -> None:
        if (x, y) != (self._x, self._y):
            self._out.append(self._way_to(x, y))
            self._x, self._y = x, y

    def _way_to(self, x: int, y: int) -> str:
        """Return the shortest move."""
        ways = [f"\x1b[{y + 1}H" if x == 0 else f"\x1b[{y + 1};{x + 1}H"] if x or y else ["\x1b[H"]
        if self._y == y:
            ways += self._across(x)
        elif self._y is not None and self._x == x:
            ways.append(f"\x1b[{y + 1}d")
            ways += self._along(y)
        elif x == 0:
            ways += ["\r" + way for way in self._along(y)]
        return min(ways, key=len)

    def _along(self, y: int) -> list[str]:
        """Return the reliable ways up or down."""
        first, last = self._region or (0, self._height - 1)
        if self._y is None or not (first <= self._y <= last and first <= y <= last):
            return []
        return [_steps(abs(y - self._y), "B" if y > self._y else "A")]

    def _across(self, x: int) -> list[str]:
        ways = ["\r"] if x == 0 else [f"\x1b[{x + 1}G"]
        if self._x is not None:
            ahead = x - self._x
            ways.append(_steps(abs(ahead), "C" if ahead > 0 else "D"))
        return ways

    def _draw_with(self, style: int) -> None:
        if self._pen is None:
            self._out.append("\x1b[m")
            self._pen = PLAIN
        if style != self._pen:
            self._out.append(self._styles.way(self._pen, style))
            self._pen = style

    # --- rows -----------------------------------------------------------------------------------------------------

    def _scroll(self, scroll: Scroll, fresh: int) -> None:
        self._blank_with(fresh)
        self._set_region(scroll.top, scroll.bottom)
        lines = abs(scroll.lines)
        if self._abilities.scroll_by:
            self._out.append(_steps(lines, "S" if scroll.lines > 0 else "T"))
        else:
            self._go(0, scroll.bottom if scroll.lines > 0 else scroll.top)
            self._out.append(("\x1bD" if scroll.lines > 0 else "\x1bM") * lines)

    def _set_region(self, top: int, bottom: int) -> None:
        region = None if (top, bottom) == (0, self._height - 1) else (top, bottom)
        if region != self._region:
            self._out.append(f"\x1b[{top + 1};{bottom + 1}r" if region else "\x1b[r")
            self._region = region
            self._x = self._y = None  # not every terminal homes the cursor here (DECSTBM)

    def _change(self, change: RowChange, row: Row) -> None:
        for start, end in self._joined(change.spans, row):
            self._cells(row, change.y, start, end)
        if change.erase is not None:
            self._go(change.erase, change.y)
            self._blank_with(change.style)
            self._out.append("\x1b[K")

    def _joined(self, spans: Iterable[tuple[int, int]], row: Row) -> list[tuple[int, int]]:
        """Return the spans, two of them as one where writing what lies between is no longer than a move."""
        joined: list[tuple[int, int]] = []
        for start, end in spans:
            if joined and start - joined[-1][1] <= _GAP and self._cheap(row, joined[-1][1], start):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined

    def _cheap(self, row: Row, start: int, end: int) -> bool:
        """Whether cells between two spans are in the style of the one before: then they cost their text only."""
        style = row.styles[start - 1]
        return all(
            char.isascii() and (number == style or (char == " " and number == self._styles.blank(style)))
            for char, number in zip(row.chars[start:end], row.styles[start:end], strict=True)
        )

    def _blank_with(self, style: int) -> None:
        """Take a pen that draws blanks of this style."""
        if self._pen is None or self._styles.blank(self._pen) != style:
            self._draw_with(style)

    def _cells(self, row: Row, y: int, start: int, end: int) -> None:
        chars, styles = row
        x = start
        while x < end:
            self._go(x, y)
            stop = x + 1
            style = styles[x]
            blank = self._styles.blank(style)
            while stop < end and (styles[stop] == style or (styles[stop] == blank and chars[stop] == " ")):
                stop += 1
            text = "".join(chars[x:stop])
            if text.isspace():
                self._blank_with(style)
            else:
                self._draw_with(style)
            self._text(chars[x:stop], text, x, y)
            x = stop

    def _text(self, chars: tuple[str, ...], text: str, x: int, y: int) -> None:
        """Write characters that stand from column `x` on."""
        if not text.isascii() and any(map(is_doubtful, chars)):
            for column, char in enumerate(chars, x):
                if char:
                    self._go(column, y)
                    self._out.append(char)
                    self._x = column + 1 if char.isascii() else None
        else:
            self._out.append(self._shortened(text, len(chars) == len(text)))
            self._x = x + len(chars)
        if x + len(chars) >= self._width:
            self._x = None

    def _shortened(self, text: str, single: bool) -> str:
        """Return text with long runs of a character as such: repeated, or for blanks erased."""
        if len(text) < 12 or not single:
            return text
        if self._abilities.repeat:
            return _REPEATED.sub(lambda run: f"{run[1]}\x1b[{len(run[0]) - 1}b", text)
        if self._abilities.bce and self._styles.erasable(self._styles.blank(self._pen or PLAIN)):
            return re.sub(" {12,}", lambda run: f"\x1b[{len(run[0])}X\x1b[{len(run[0])}C", text)
        return text


def _steps(count: int, direction: str) -> str:
    return f"\x1b[{'' if count == 1 else count}{direction}"
