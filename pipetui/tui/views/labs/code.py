"""Python source highlighted in the theme's colours, using the standard library's tokenizer.

What can't be tokenized is shown plain. A line that is too long is wrapped below itself, for what is cut off may be
the lesson.
"""

from __future__ import annotations

import builtins
import io
import keyword
import tokenize
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len
from rich.style import Style

from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, clip, length

_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
_QUOTED = {tokenize.STRING} | {
    number for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
    if (number := getattr(tokenize, name, None)) is not None
}  # fmt: skip

#: Between two functions side by side, and how far a wrapped line goes in.
_BETWEEN = " │ "
_HANGING = 4

#: Where a piece of a line begins and ends (characters), and what it is.
_Mark = tuple[int, int, str]


def code_lines(text: str, palette: Palette, width: int) -> list[Parts]:
    """Return the source of a function as lines of at most `width` cells."""
    lines: list[Parts] = []
    marked = _marked(text)
    for line, marks in marked:
        lines += _wrapped(_painted(line, marks, palette), max(10, width))
    return lines


def natural_width(text: str) -> int:
    """Return how many cells the longest line takes."""
    return max((cell_len(line) for line, _ in _marked(text)), default=0)


def side_by_side(sources: Sequence[str], palette: Palette, width: int) -> list[Parts]:
    """Return functions beside each other where they fit whole, else below each other, in their order."""
    lines: list[Parts] = []
    row: list[str] = []
    for source in sources:
        if row and _width([*row, source]) > width:
            lines += [*_row(row, palette, width), ()]
            row = []
        row.append(source)
    return [*lines, *_row(row, palette, width)] if row else lines


def _width(sources: Sequence[str]) -> int:
    return sum(natural_width(source) for source in sources) + len(_BETWEEN) * (len(sources) - 1)


def _row(sources: Sequence[str], palette: Palette, width: int) -> list[Parts]:
    if len(sources) == 1:
        return code_lines(sources[0], palette, width)
    spare = (width - _width(sources)) // len(sources)
    rooms = [natural_width(source) + min(spare, 8) for source in sources]
    columns = [code_lines(source, palette, room) for source, room in zip(sources, rooms, strict=True)]
    lines: list[Parts] = []
    for index in range(max(map(len, columns))):
        line: list[Part] = []
        for number, (column, room) in enumerate(zip(columns, rooms, strict=True)):
            if number:
                line.append((_BETWEEN, palette.rule))
            line += clip(column[index] if index < len(column) else (), room)
        lines.append(tuple(line))
    return lines


# --- words and their colours --------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _marked(text: str) -> tuple[tuple[str, tuple[_Mark, ...]], ...]:
    """Return the lines of a source, safe, each with its marks."""
    lines = [safe(line.expandtabs(4)) for line in text.rstrip("\n").split("\n")]
    marks: list[list[_Mark]] = [[] for _ in lines]
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            kind = _kind(token, before)
            if token.string.strip():
                before = token.string
            if kind:
                _mark(marks, lines, token, kind)
    except (tokenize.TokenError, SyntaxError):
        pass
    return tuple((line, tuple(each)) for line, each in zip(lines, marks, strict=True))


def _kind(token: tokenize.TokenInfo, before: str) -> str:
    if token.type in _QUOTED:
        return "string"
    if token.type == tokenize.COMMENT:
        return "comment"
    if token.type == tokenize.NUMBER:
        return "number"
    if token.type != tokenize.NAME:
        return ""
    if keyword.iskeyword(token.string):
        return "keyword"
    if before in ("def", "class"):
        return "name"
    return "builtin" if token.string in _BUILTINS and before != "." else ""


def _mark(marks: list[list[_Mark]], lines: Sequence[str], token: tokenize.TokenInfo, kind: str) -> None:
    (first, start), (last, end) = token.start, token.end
    for row in range(first, min(last, len(lines)) + 1):
        begin = start if row == first else 0
        stop = end if row == last else len(lines[row - 1])
        marks[row - 1].append((begin, stop, kind))


def _painted(line: str, marks: Sequence[_Mark], palette: Palette) -> Parts:
    styles: dict[str, Style] = {
        "keyword": palette.accent,
        "string": palette.active,
        "number": palette.waiting,
        "comment": palette.dim,
        "name": palette.title,
        "builtin": palette.text,
    }
    parts: list[Part] = []
    at = 0
    for start, end, kind in marks:
        if start < at:
            continue
        parts += [(line[at:start], palette.text), (line[start:end], styles[kind])]
        at = end
    return (*parts, (line[at:], palette.text))


def _wrapped(parts: Parts, width: int) -> list[Parts]:
    """Return a line in pieces of at most `width` cells; those that follow go in under it."""
    if length(parts) <= width:
        return [parts]
    whole = "".join(words for words, _ in parts)
    inward = " " * min(len(whole) - len(whole.lstrip()) + _HANGING, width // 2)
    lines: list[Parts] = []
    line: list[Part] = []
    used = 0
    for words, style in parts:
        for piece in _pieces(words):
            size = cell_len(piece)
            if used + size > width and used > len(inward):
                lines.append(tuple(line))
                line, used, piece = [(inward, None)], len(inward), piece.lstrip()
                size = cell_len(piece)
            while used + size > width:  # one word that is longer than a line
                room = max(1, width - used)
                lines.append((*line, (piece[:room], style)))
                line, used, piece = [(inward, None)], len(inward), piece[room:]
                size = cell_len(piece)
            line.append((piece, style))
            used += size
    return [*lines, tuple(line)]


def _pieces(words: str) -> list[str]:
    """Return a text cut behind its blanks."""
    pieces = words.split(" ")
    return [piece + " " for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
