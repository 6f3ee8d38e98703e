"""A finding in words: its mark, its rule's name, its headline as a sentence, and all of it."""

from __future__ import annotations

from collections.abc import Iterable

from pipetui.model import Finding, Level, PipeId
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, cut, fit, wrap_words

#: How wide the name of a rule is beside the words of a finding, and from which width on it stands there (cells).
_RULE = 14
_NARROW = 90

MARKS: dict[Level, str] = {"problem": "✖", "warning": "▲", "note": "·"}

#: What stays the same of a finding while its words change (`for 14 s`, `for 15 s`).
FindingKey = tuple[str, tuple[tuple[int, int], ...], tuple[int, ...]]


def key_of(finding: Finding) -> FindingKey:
    """Return a finding's identity."""
    return finding.rule, tuple((ref.dev, ref.inode) for ref in finding.pipes), finding.pids


def named(rule: str) -> str:
    """Return a rule's name in words."""
    return safe(rule.replace("-", " "))


def sentence(words: str) -> str:
    """Return a headline as a sentence, safe: with a capital, unless it begins with somebody's name, and a full stop."""
    words = safe(words).strip()
    first = words.split(" ", 1)[0]
    if first in ("nobody", "every", "process"):
        words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."


def level_mark(level: Level, palette: Palette) -> Part:
    """Return the mark of a level."""
    styles = {"problem": palette.stuck, "warning": palette.waiting, "note": palette.dim}
    return MARKS[level], styles[level]


def about(findings: Iterable[Finding], pipe: PipeId) -> list[Finding]:
    """Return the findings that are about a pipe."""
    return [each for each in findings if any(PipeId(ref.dev, ref.inode) == pipe for ref in each.pipes)]


def finding_lines(finding: Finding, palette: Palette, width: int) -> list[Parts]:
    """Return a finding in full: what is so, why, what to do."""
    mark, style = level_mark(finding.level, palette)
    how = "" if finding.certainty == "exact" else " · inferred"
    lines: list[Parts] = [((f"{mark} {named(finding.rule)}", style), (how, palette.dim))]
    lines += [(("  " + piece, palette.text),) for piece in wrap_words(sentence(finding.headline), width - 2)]
    for name, words in (("Why", finding.why), ("Fix", finding.fix)):
        for index, piece in enumerate(wrap_words(safe(words), width - 7)):
            style = palette.text if name == "Fix" else palette.dim
            lines.append(((f"  {'' if index else name:<5}", palette.accent), (piece, style)))
    return lines


def summary_lines(finding: Finding, host: str, palette: Palette, width: int, *, whole: bool) -> list[Parts]:
    """Return a finding (of some host) for a list: what is so and the fix, in a line each unless it is to be `whole`.

    Of a note the fix is left out. In less than 90 cells the rule stands above the words, which are always whole there.
    """
    noted, headline = finding.level == "note", (f"{safe(host)}: " if host else "") + sentence(finding.headline)
    mark, style = level_mark(finding.level, palette)
    text = palette.dim if noted else palette.text
    narrow = width < _NARROW
    wrapped = wrap_words if narrow or (whole and not noted) else _one_line
    room = width - 2 if narrow else width - _RULE - 4
    lines: list[Part] = [(piece, text) for piece in wrapped(headline, room)]
    lines += [(piece, palette.dim) for piece in wrapped(safe(finding.fix), room)] if not noted else []
    rule = named(finding.rule)
    if narrow:
        return [((f"{mark} ", style), (cut(rule, width), style)), *((("  ", None), line) for line in lines)]
    margin: Part = (" " * (_RULE + 4), None)
    return [((f"{mark} ", style), (fit(rule, _RULE) + "  ", style), lines[0]), *((margin, line) for line in lines[1:])]


def _one_line(words: str, width: int) -> list[str]:
    return [cut(words, width)]
