"""What is shown before a run: the lab's question, its story, and the code of its processes."""

from __future__ import annotations

from rich.style import Style

from pipetui.model import LabCard
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, wrap_words
from pipetui.tui.views.labs.code import side_by_side

#: Lines of prose are no longer than this: the eye has to find the next one (cells).
_PROSE = 96


def prose(text: str, style: Style, palette: Palette, width: int, indent: str = "") -> list[Parts]:
    """Return paragraphs as lines, a blank one between two."""
    lines: list[Parts] = []
    for paragraph in text.split("\n\n"):
        lines += [()] if lines else []
        pieces = wrap_words(safe(paragraph.replace("\n", " ")), min(_PROSE, width) - len(indent))
        quoted = False
        for piece in pieces:
            parts, quoted = _quotes(piece, quoted, style, palette)
            lines.append(((indent, None), *parts))
    return lines


def _quotes(piece: str, quoted: bool, style: Style, palette: Palette) -> tuple[Parts, bool]:
    """Return a line with what stands between backticks in a colour, and whether the last one is still open."""
    parts: list[Part] = []
    for index, words in enumerate(piece.split("`")):
        if index:
            parts.append(("`", palette.dim))
            quoted = not quoted
        parts.append((words, palette.active if quoted else style))
    return tuple(parts), quoted


def lesson_lines(card: LabCard, palette: Palette, width: int) -> list[Parts]:
    """Return all that is to be read before a run, as lines of at most `width` cells."""
    lines = prose(card.question, palette.accent, palette, width)
    lines += [(), *prose(card.story, palette.text, palette, width)]
    if card.code:
        lines += [(), *side_by_side([code.text for code in card.code], palette, width)]
    return lines
