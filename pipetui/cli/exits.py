"""The exit codes of every command, and the one way to leave with a sentence instead of a traceback."""

from __future__ import annotations

import enum
import errno
import os
import re
import sys
from typing import NoReturn

from pipetui.kernel.errors import explain
from pipetui.text import safe


class ExitCode(enum.IntEnum):
    """What a script may rely on."""

    OK = 0
    NEGATIVE = 1  # a negative answer: findings, no match, timed out
    USAGE = 2
    IMPOSSIBLE = 3  # missing, not a FIFO, not permitted
    INTERRUPTED = 130


#: A bug (EX_SOFTWARE of sysexits.h).
_UNEXPECTED = 70

#: How many files must be free for a hub with the demo and what a person may add, or for a screen (each its own).
HUB_FILES = 64

_TOO_FEW_FILES = "too many files are open: the limit (`ulimit -n`) is too low for this"


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
    # argparse quotes what was given by repr(), in which a byte that is no text here stands as a surrogate
    raise Leave(ExitCode.USAGE, re.sub(r"\\udc([89a-f][0-9a-f])", r"\\x\1", message))


def in_a_sentence(error: Exception) -> tuple[str, int]:
    """Return what a person is told of an exception that nobody expected, and the exit code."""
    if isinstance(error, OSError):
        return _of_the_system(error), ExitCode.IMPOSSIBLE
    if isinstance(error, MemoryError):
        return "there is not enough memory", ExitCode.IMPOSSIBLE
    if isinstance(error, ImportError) and not _can_open():
        return _TOO_FEW_FILES, ExitCode.IMPOSSIBLE
    return f"this should not have happened, please report it ({type(error).__name__}: {error})", _UNEXPECTED


def _of_the_system(error: OSError) -> str:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return _TOO_FEW_FILES
    if isinstance(error.filename, (str, bytes)):
        return str(explain(error, os.fsdecode(error.filename)))
    words = os.strerror(error.errno) if error.errno else str(error)
    return f"the system refuses: {words[:1].lower()}{words[1:]}"


def _can_open() -> bool:
    try:
        os.close(os.dup(2))
        return True
    except OSError:
        return False


def need_files(count: int) -> None:
    """Leave unless `count` more files can be opened: what starts processes of its own would fail halfway.

    Tried out, since many may have been inherited: the limit alone does not tell.
    """
    opened: list[int] = []
    try:
        for _ in range(count):
            opened.append(os.dup(2))  # noqa: PERF401 (those before the one that fails have to be closed)
    except OSError:
        impossible(f"{_TOO_FEW_FILES}; raise it with `ulimit -n 1024`")
    finally:
        for number in opened:
            os.close(number)
