"""What a person typed as a filter, made into a test; and a guard, because a regular expression may take for ever.

Python's `re` looks for pending signals while it matches, so a timer whose handler raises ends a match that
backtracks without end.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipetui.model import Line, LogFilter
from pipetui.text import decode

Test = Callable[[Line], bool]

#: How much of a message is searched (bytes).
SEARCHED = 1 << 16

#: Longer than this (seconds) no single search may take.
LIMIT = 0.3


class BadPattern(ValueError):
    """The pattern can't be used; the message says why."""


class TooSlow(Exception):
    """A search was ended because it took too long."""

    def __init__(self) -> None:
        super().__init__("the pattern takes too long on these messages; make it simpler")


def compile_filter(wanted: LogFilter) -> Test | None:
    """Return the test for a filter, None if it lets everything through. Raises `BadPattern`."""
    tests: list[Test] = []
    if wanted.fifo:
        tests.append(lambda line: line.fifo == wanted.fifo)
    if wanted.pattern:
        search = compile_pattern(wanted.pattern, regex=wanted.regex).search
        tests.append(lambda line: search(decode(line.payload[:SEARCHED])) is not None)
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda line: all(test(line) for test in tests)


def compile_pattern(pattern: str, *, regex: bool) -> re.Pattern[str]:
    """Return the pattern compiled; it ignores case when it is all lower case. Raises `BadPattern`."""
    try:
        return re.compile(pattern if regex else re.escape(pattern), re.IGNORECASE if pattern.islower() else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadPattern(f"the regular expression can't be used: {error}") from None


@contextmanager
def guarded(seconds: float = LIMIT) -> Iterator[None]:
    """Raise `TooSlow` inside the block when it takes longer than `seconds`. Main thread only."""
    before = signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow
