"""The exit codes of every command, and the one way to leave with a sentence instead of a traceback."""

from __future__ import annotations

import enum
import sys
from typing import NoReturn

from pipetui.text import safe


class ExitCode(enum.IntEnum):
    """What a script may rely on."""

    OK = 0
    NEGATIVE = 1  # a negative answer: findings, no match, timed out
    USAGE = 2
    IMPOSSIBLE = 3  # missing, not a FIFO, not permitted
    INTERRUPTED = 130


class Leave(Exception):
    """Ends a command with an exit code and one sentence on stderr."""

    def __init__(self, code: ExitCode, message: str = "") -> None:
        super().__init__(message)
        self.code = code


def complain(message: str) -> None:
    """Print one sentence on stderr, made safe for a terminal."""
    print(f"pipetui: {safe(message)}", file=sys.stderr)


def impossible(message: str) -> NoReturn:
    """Leave because the thing can't be done here."""
    raise Leave(ExitCode.IMPOSSIBLE, message)


def usage(message: str) -> NoReturn:
    """Leave because the command line makes no sense."""
    raise Leave(ExitCode.USAGE, message)
