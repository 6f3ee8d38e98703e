"""Cells: what a terminal shows, as rows of characters and styles.

A row has two tuples of equal length, a character and a style for each cell. A character is what stands in the cell: one
code point with whatever combines with it; a wide one is followed by an empty one. Characters whose width terminals
disagree about are doubtful (`doubt`): after one, the cursor's column is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes
from rich.style import Style

from pipetui.tui.display.styles import PLAIN, StyleTable

#: A piece of text in one style, as Rich's segments are.
Piece = tuple[str, "Style | None", object]

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")

#: Letters, punctuation, arrows, mathematics, boxes, blocks, shapes, Braille: one cell wherever the locale is not East
#: Asian; kana, CJK, Hangul and full-width forms: two cells in every terminal.
_CERTAIN = (
    " -~\xa0-\xac\xae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u03ff\u0400-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e"
    "\u2070-\u209c\u20a0-\u20c0\u2150-\u2193\u219a-\u21a8\u21ab-\u22ff\u2500-\u25a9\u25ac-\u25b5\u25b7-\u25bf\u25c1-\u25fa"
    "\u2800-\u28ff\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60"
)
_DOUBTFUL = re.compile(f"[^{_CERTAIN}]")
_NARROW = re.compile(f"[{_CERTAIN[: _CERTAIN.index(chr(0x3041))]}]*\\Z")

#: Stands in a cell whose content is unknown; equal to nothing that is drawn.
UNKNOWN = "\x00"


class Row(NamedTuple):
    """The cells of a row, or of a part of one."""

    chars: tuple[str, ...]
    styles: tuple[int, ...]


def row_of(pieces: Iterable[Piece], styles: StyleTable) -> Row:
    """Return the cells of styled text; control characters are left out, lone surrogates become U+FFFD."""
    chars: list[str] = []
    numbers: list[int] = []
    for text, style, control in pieces:
        if control or not text:
            continue
        if not text.isprintable():
            text = _CONTROLS.sub(lambda found: "\ufffd" if found[0] >= "\ud800" else "", text)
        number = styles.of(style)
        blank = styles.blank(number)
        new = text if _NARROW.match(text) else _clusters(text)
        chars += new
        if blank == number or " " not in text:
            numbers += [number] * len(new)
        else:
            numbers += [blank if char == " " else number for char in new]
    return Row(tuple(chars), tuple(numbers))


def _clusters(text: str) -> list[str]:
    chars: list[str] = []
    spans, _ = split_graphemes(text)
    for start, end, width in spans:
        if width:
            chars += [text[start:end]] + [""] * (width - 1)
        elif chars:
            chars[-2 if chars[-1] == "" and len(chars) > 1 else -1] += text[start:end]
    return chars


def blank_row(width: int, style: int = PLAIN) -> Row:
    """Return a row of blanks."""
    return Row((" ",) * width, (style,) * width)


def unknown_row(width: int) -> Row:
    """Return a row of unknown cells."""
    return Row((UNKNOWN,) * width, (PLAIN,) * width)


def fitted(row: Row, width: int, styles: StyleTable) -> Row:
    """Return a row cut or padded to a width; a wide character that would be cut becomes a blank."""
    have = len(row.chars)
    if have == width:
        return row
    if have < width:
        rest = blank_row(width - have)
        return Row(row.chars + rest.chars, row.styles + rest.styles)
    cut = Row(row.chars[:width], row.styles[:width])
    return _blanked(cut, width - 1, styles) if width and row.chars[width] == "" else cut


def doubt(row: Row) -> int:
    """Return the first column whose character is doubtful, or the width of the row."""
    text = "".join(row.chars)
    if text.isascii() and UNKNOWN not in text:
        return len(row.chars)
    if not _DOUBTFUL.search(text):
        return len(row.chars)
    return next((x for x, char in enumerate(row.chars) if is_doubtful(char)), len(row.chars))


def is_doubtful(char: str) -> bool:
    """Whether terminals may disagree about the width of what stands in a cell."""
    return len(char) > 1 or (char != UNKNOWN and _DOUBTFUL.match(char) is not None)


@dataclass
class Frame:
    """A screen full of rows, from the top."""

    width: int
    rows: list[Row]

    @classmethod
    def blank(cls, width: int, height: int) -> Frame:
        """Return an empty frame."""
        return cls(width, [blank_row(width)] * height)

    @classmethod
    def unknown(cls, width: int, height: int) -> Frame:
        """Return a frame of unknown cells."""
        return cls(width, [unknown_row(width)] * height)

    @property
    def height(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def copy(self) -> Frame:
        """Return another frame of the same rows."""
        return Frame(self.width, list(self.rows))

    def place(self, x: int, y: int, piece: Row, styles: StyleTable) -> None:
        """Put cells into a row from column `x` on; what does not fit is left out."""
        if not 0 <= y < len(self.rows) or not 0 <= x < self.width:
            return
        piece = fitted(piece, min(len(piece.chars), self.width - x), styles)
        end = x + len(piece.chars)
        if end - x == self.width:
            self.rows[y] = piece
            return
        row = self.rows[y]
        if piece.styles == row.styles[x:end] and piece.chars == row.chars[x:end]:
            return
        chars, numbers = row.chars[:x] + piece.chars + row.chars[end:], row.styles[:x] + piece.styles + row.styles[end:]
        self.rows[y] = _mended(Row(chars, numbers), styles, x, end)


def _mended(row: Row, styles: StyleTable, *edges: int) -> Row:
    """Return a row in which wide characters cut by new cells are blanked."""
    for edge in edges:
        if 0 < edge < len(row.chars):
            before, after = row.chars[edge - 1], row.chars[edge]
            if after == "" and cell_len(before) < 2:
                row = _blanked(row, edge, styles)
            elif after != "" and before not in ("", " ", UNKNOWN) and cell_len(before) > 1:
                row = _blanked(row, edge - 1, styles)
    return row


def _blanked(row: Row, x: int, styles: StyleTable) -> Row:
    """Return a row with a blank in column `x`, which looks as blanks of that style do."""
    chars, numbers = row
    return Row((*chars[:x], " ", *chars[x + 1 :]), (*numbers[:x], styles.blank(numbers[x]), *numbers[x + 1 :]))
