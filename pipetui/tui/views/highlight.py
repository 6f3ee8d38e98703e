"""Where a pattern matches in the short preview of a message that is on the screen.

The hub decides which messages match; this only colours them. A person's regular expression may take forever on
some text (nested repeats backtrack exponentially), and nothing that can take forever runs where keys are handled:
such patterns filter as they should but are not coloured.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipetui.model import LogFilter

#: Only this much of a preview is searched.
REACH = 200

_QUOTED = re.compile(r"\\.|\[\]?[^\]]*\]", re.DOTALL)
_REPEAT = re.compile(r"[*+]|\{\d*,?\d*\}")


def is_bounded(pattern: str) -> bool:
    """Say whether a regular expression surely takes little time on a short text: no repeated group, few repeats."""
    bare = _QUOTED.sub("x", pattern)
    if re.search(r"\)\s*[*+{]", bare):
        return False
    return len(_REPEAT.findall(bare)) <= 2


@lru_cache(maxsize=16)
def matcher(wanted: LogFilter) -> re.Pattern[str] | None:
    """Return what finds the pattern's matches, or None when nothing is to be coloured."""
    if not wanted.pattern:
        return None
    flags = re.IGNORECASE if wanted.pattern.islower() else 0
    if not wanted.regex:
        return re.compile(re.escape(wanted.pattern), flags)
    if not is_bounded(wanted.pattern):
        return None
    try:
        return re.compile(wanted.pattern, flags)
    except (re.error, RecursionError, OverflowError):
        return None


def trouble(wanted: LogFilter) -> str:
    """Return why a pattern is not a regular expression, or nothing."""
    if not wanted.regex:
        return ""
    try:
        re.compile(wanted.pattern)
    except re.error as error:
        return f"invalid regular expression: {error.msg}"
    except (RecursionError, OverflowError):
        return "invalid regular expression: too large"
    return ""


def spans(found: re.Pattern[str], value: str) -> list[tuple[int, int]]:
    """Return where matches that are not empty start and end in the first `REACH` characters."""
    return [match.span() for match in found.finditer(value[:REACH]) if match.end() > match.start()]
