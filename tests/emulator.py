"""A terminal's screen for programs that draw on all of it: pyte, and what it lacks.

pyte knows a VT102 with some xterm. Added here: the alternate screen (1049), scrolling by CSI S and T, repeating by
CSI b, what is erased or shifted in taking the background of the pen as in xterm (or not, as in kitty and screen),
writing on half of a wide character, sequences that it would print as text (CSI < u, DCS, APC), OSC as titles, links
and the clipboard, and a resize that keeps the top of the screen, as terminals do while a program has the alternate
screen.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import re
import unicodedata
from typing import Any

import pyte
from pyte.screens import Char, wcwidth

#: Private modes that a program must leave as it found them: the value is how a fresh terminal has them.
_MODES_AT_REST = {7: True, 25: True} | dict.fromkeys(
    (1, 1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2031, 2048), False
)

_TOKEN = re.compile(
    rb"\x1b\[(?P<mark>[<=>?]?)(?P<params>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    rb"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    rb"|\x1b[PX^_](?P<string>[^\x1b]*)\x1b\\"
    rb"|\x1b[ -/]+[0-~]"
    rb"|\x1b[0-OQ-WYZ\\`-~]"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[<=>?]?[0-9;:]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")


class _Screen(pyte.Screen):
    """pyte's screen with the alternate screen, scrolling, and a resize that keeps the top as terminals do there."""

    def __init__(self, columns: int, lines: int, bce: bool = True) -> None:
        self._bce = bce
        self._drawn = ""
        super().__init__(columns, lines)
        self._main: tuple[Any, Any] | None = None

    def draw(self, data: str) -> None:
        for char in data:
            width = wcwidth(char)
            # pyte drops the rest of a run of text after a character without width, such as U+FE0F
            if width > 0:
                self._split_wide(self.cursor.x, self.cursor.x + width)
                super().draw(char)
                self._drawn = char
            elif _combines(char):
                x = self.cursor.x - 1
                stub = x > 0 and self.buffer[self.cursor.y][x].data == ""
                self.cursor.x -= stub
                super().draw(char)
                self.cursor.x += stub

    def repeat(self, count: int) -> None:
        """Draw the last character again."""
        self.draw(self._drawn * count)

    def _split_wide(self, start: int, end: int) -> None:
        """Leave a blank of what remains of a wide character when cells from `start` to `end` are overwritten."""
        line = self.buffer[self.cursor.y]
        if 0 < start < self.columns and line[start].data == "":
            line[start - 1] = line[start - 1]._replace(data=" ")
        if end < self.columns and line[end].data == "":
            line[end] = line[end]._replace(data=" ")

    # --- what is erased or shifted in -----------------------------------------------------------------------------

    def _blank(self) -> Char:
        return self.default_char._replace(bg=self.cursor.attrs.bg) if self._bce else self.default_char

    def _erase(self, y: int, start: int, end: int) -> None:
        line = self.buffer[y]
        for x in range(start, min(end, self.columns)):
            line[x] = self._blank()

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        start, end = (self.cursor.x, self.columns) if how == 0 else (0, self.cursor.x + 1 if how == 1 else self.columns)
        self._split_wide(start, end)
        self._erase(self.cursor.y, start, end)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        rows = {0: range(self.cursor.y + 1, self.lines), 1: range(self.cursor.y)}.get(how, range(self.lines))
        for y in rows:
            self._erase(y, 0, self.columns)
        if how in (0, 1):
            self.erase_in_line(how)

    def erase_characters(self, count: int | None = None) -> None:
        end = self.cursor.x + (count or 1)
        self._split_wide(self.cursor.x, end)
        self._erase(self.cursor.y, self.cursor.x, end)

    def index(self) -> None:
        bottom = (self.margins or (0, self.lines - 1))[1]
        shifts = self.cursor.y == bottom
        super().index()
        if shifts:
            self._erase(bottom, 0, self.columns)

    def reverse_index(self) -> None:
        top = (self.margins or (0, self.lines - 1))[0]
        shifts = self.cursor.y == top
        super().reverse_index()
        if shifts:
            self._erase(top, 0, self.columns)

    # --- the rest -------------------------------------------------------------------------------------------------

    def alternate(self, on: bool) -> None:
        if on and self._main is None:
            self._main = (copy.deepcopy(self.buffer), copy.copy(self.cursor))
            self.erase_in_display(2)
        elif not on and self._main is not None:
            self.buffer, self.cursor = self._main
            self._main = None
            self.margins = None

    def scroll(self, lines: int) -> None:
        """Move the lines of the scroll region up, or down when `lines` is negative."""
        top, bottom = self.margins or (0, self.lines - 1)
        cursor = (self.cursor.x, self.cursor.y)
        self.cursor.y = bottom if lines > 0 else top
        for _ in range(min(abs(lines), bottom - top + 1)):
            self.index() if lines > 0 else self.reverse_index()
        self.cursor.x, self.cursor.y = cursor

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        lines, columns = lines or self.lines, columns or self.columns
        for y in [y for y in self.buffer if y >= lines]:
            del self.buffer[y]
        for line in self.buffer.values():
            for x in [x for x in line if x >= columns]:
                del line[x]
        self.lines, self.columns = lines, columns
        self.margins = None
        self.cursor.y = min(self.cursor.y, lines - 1)
        self.cursor.x = min(self.cursor.x, columns - 1)


def _combines(char: str) -> bool:
    return unicodedata.combining(char) != 0


class Emulator:
    """A terminal's screen, fed with the bytes that a program writes.

    `modes` holds the private modes that were set or reset, `titles` the window titles, `clipboard` what OSC 52 put
    there, `kitty` the depth of the kitty keyboard stack, and `answer` collects replies to queries.
    """

    def __init__(self, columns: int, rows: int, bce: bool = True) -> None:
        self.screen = _Screen(columns, rows, bce)
        self.modes: dict[int, bool] = {}
        self.titles: list[str] = []
        self.clipboard: list[bytes] = []
        self.kitty = 0
        self.answer = b""
        self._stream = pyte.ByteStream(self.screen)
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Take the program's next bytes; an unfinished sequence is kept for the next call."""
        data = self._tail + data
        unfinished = _UNFINISHED.search(data)
        self._tail = b""
        if unfinished:
            data, self._tail = data[: unfinished.start()], data[unfinished.start() :]
        start = 0
        for token in _TOKEN.finditer(data):
            if token.start() > start:
                self._stream.feed(data[start : token.start()])
            self._take(token)
            start = token.end()
        if start < len(data):
            self._stream.feed(data[start:])

    def _take(self, token: re.Match[bytes]) -> None:
        if token["osc"] is not None:
            self._operating_system_command(token["osc"])
        elif token["final"] is not None:
            self._control_sequence(token)
        elif token["string"] is None:
            self._stream.feed(token.group())

    def _control_sequence(self, token: re.Match[bytes]) -> None:
        mark, between, final = token["mark"], token["between"], token["final"]
        numbers = [int(part or 0) for part in re.split(rb"[;:]", token["params"])]
        if mark == b"?" and not between and final in b"hl":
            self._set_modes(numbers, final == b"h")
            self._stream.feed(token.group())
        elif mark == b"?" and between == b"$" and final == b"p":
            known = numbers[0] in _MODES_AT_REST
            self.answer += b"\x1b[?%d;%d$y" % (numbers[0], 2 if known else 0)
        elif mark in (b">", b"<") and final == b"u":
            self.kitty += 1 if mark == b">" else -max(1, numbers[0])
        elif mark or between:
            return
        elif final in b"ST":
            self.screen.scroll((1 if final == b"S" else -1) * max(1, numbers[0]))
        elif final == b"b":
            self.screen.repeat(max(1, numbers[0]))
        elif final == b"n" and numbers[0] == 6:
            cursor = self.screen.cursor
            self.answer += b"\x1b[%d;%dR" % (cursor.y + 1, min(cursor.x, self.screen.columns - 1) + 1)
        elif final == b"c":
            self.answer += b"\x1b[?62c"
        else:
            self._stream.feed(token.group().replace(b":", b";"))

    def _set_modes(self, numbers: list[int], on: bool) -> None:
        for mode in numbers:
            self.modes[mode] = on
            if mode == 1049:
                self.screen.alternate(on)

    def _operating_system_command(self, body: bytes) -> None:
        code, _, rest = body.partition(b";")
        if code in (b"0", b"2"):
            self.titles.append(rest.decode("utf-8", "replace"))
        elif code == b"52":
            with contextlib.suppress(binascii.Error):
                self.clipboard.append(base64.b64decode(rest.partition(b";")[2]))

    def left_behind(self) -> list[str]:
        """Return what a program has changed of the terminal and not put back."""
        left = [
            f"mode {mode} is {'on' if on else 'off'}"
            for mode, on in sorted(self.modes.items())
            if on != _MODES_AT_REST.get(mode, False)
        ]
        if self.kitty > 0:
            left.append("the kitty keyboard protocol is on")
        if self.screen.cursor.attrs != self.screen.default_char:
            left.append("colours or attributes are still set")
        if self.screen.margins not in (None, (0, self.screen.lines - 1)):
            left.append("a scroll region is still set")
        return left
