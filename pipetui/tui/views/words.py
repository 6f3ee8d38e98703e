"""What the screens that look closer say alike: moments, columns side by side, findings in full."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from pipetui.model import Finding, PipeId
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, cut, length
from pipetui.tui.widgets.finding_list import named, sentence, tone
from pipetui.tui.widgets.sheet import wrap_words


def moment(when: float | None) -> str:
    """Return a time of day, with the date if that is not today; a dash for the unknown."""
    if when is None:
        return "–"
    day, today = time.localtime(when), time.localtime()
    form = "%H:%M:%S" if day[:3] == today[:3] else "%Y-%m-%d %H:%M"
    return time.strftime(form, day)


def about(findings: Iterable[Finding], pipe: PipeId) -> list[Finding]:
    """Return the findings that are about a pipe."""
    return [each for each in findings if any(PipeId(ref.dev, ref.inode) == pipe for ref in each.pipes)]


def finding_lines(finding: Finding, palette: Palette, width: int) -> list[Parts]:
    """Return a finding in full: what is so, why, what to do."""
    mark, style = tone(finding.level, palette)
    how = "" if finding.certainty == "exact" else " · inferred"
    lines: list[Parts] = [((f"{mark} {named(finding.rule)}", style), (how, palette.dim))]
    lines += [(("  " + piece, palette.text),) for piece in wrap_words(sentence(finding.headline), width - 2)]
    for name, words in (("Why", finding.why), ("Fix", finding.fix)):
        for index, piece in enumerate(wrap_words(safe(words), width - 7)):
            style = palette.text if name == "Fix" else palette.dim
            lines.append(((f"  {'' if index else name:<5}", palette.accent), (piece, style)))
    return lines


def beside(
    left: Sequence[Parts], right: Sequence[Parts], width: int, palette: Palette, between: str = "│ "
) -> list[Parts]:
    """Return two columns as one, the left one `width` cells wide, a thin line between them."""
    lines: list[Parts] = []
    for index in range(max(len(left), len(right))):
        one = left[index] if index < len(left) else ()
        other = right[index] if index < len(right) else ()
        lines.append((*clip(one, width), (between, palette.rule), *other))
    return lines


def clip(parts: Parts, width: int) -> Parts:
    """Return parts as exactly `width` cells: cut with an ellipsis, or padded."""
    room = width - length(parts)
    if room >= 0:
        return (*parts, (" " * room, None))
    kept: list[Part] = []
    used = 0
    for words, style in parts:
        words = cut(words, width - used)
        kept.append((words, style))
        used += length(((words, style),))
    return (*kept, (" " * max(0, width - used), None))


def heading(title: str, words: str, palette: Palette) -> Parts:
    """Return a heading with a few words behind it."""
    return ((title, palette.title), (f"  {words}" if words else "", palette.dim))
