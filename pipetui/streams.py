"""The three standard streams: there from the start to the end, and one sentence where they can't be used.

A closed descriptor (`ls >&-`) is a trap: the next file that is opened gets its number, and what is printed then lands
in that file. So its place is taken before anything else is opened, by what can't be used either. What is printed on
stdout and can't be written (`>/dev/full`) raises `CantPrint`; complaints on a stderr that takes none are dropped.
It imports as little as `--version` can bear.
"""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Those of 0, 1 and 2 that were closed when we were started.
_closed: set[int] = set()


class CantPrint(OSError):
    """Standard output takes no more; the message is a sentence."""


class _Output(io.FileIO):
    """Writes to stdout, also when somebody has made it nonblocking."""

    def __init__(self) -> None:
        super().__init__(1, "w", closefd=False)
        self.forgotten = False

    def write(self, data: "Any", /) -> int:
        if self.forgotten:
            return len(data)
        try:
            while (count := super().write(data)) is None:
                _wait(self)
            return count
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CantPrint(f"can't write to standard output: {_why(error)}") from None


class _Complaints(io.FileIO):
    """Writes to stderr; what it does not take is lost, and the exit code still tells."""

    def __init__(self) -> None:
        super().__init__(2, "w", closefd=False)

    def write(self, data: "Any", /) -> int:
        try:
            return super().write(data) or len(data)
        except OSError:
            return len(data)


_output: "_Output | None" = None


def _wait(output: io.FileIO) -> None:
    """Wait until something can be written; who made the stream nonblocking may have filled it too."""
    import select

    select.select([], [output], [])


def _why(error: OSError) -> str:
    import errno

    if error.errno == errno.EBADF:
        return "it is closed"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "there is no space left"
    return os.strerror(error.errno or errno.EIO).lower()


def hold() -> None:
    """Make all three streams safe to use. Call it once, before anything is opened."""
    global _output
    _closed.update(number for number in range(3) if _was_closed(number))
    _output = _Output()
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 (it stays open)
    sys.stdout = _text(_output, sys.stdout, tty=os.isatty(1))
    sys.stderr = _text(_Complaints(), sys.stderr, tty=True)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, f"__{name}__") is None:
            setattr(sys, f"__{name}__", getattr(sys, name))


def _was_closed(number: int) -> bool:
    """Tell whether a descriptor was closed; then there is something now that is as little use.

    Descriptors are taken from the lowest, so each gets the number of the one that was closed.
    """
    try:
        os.fstat(number)
        return False
    except OSError:
        os.set_inheritable(os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY), True)
        return True


def _text(raw: io.FileIO, old: "Any", *, tty: bool) -> io.TextIOWrapper:
    encoding = old.encoding if old is not None else None
    made = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=tty)
    if made.encoding.lower().replace("-", "") != "utf8":
        from pipetui.substitutes import TEXT

        made.reconfigure(errors=TEXT)
    return made


def was_closed(number: int) -> bool:
    """Tell whether this descriptor (0, 1 or 2) was closed when we were started."""
    return number in _closed


def forget_output() -> None:
    """Let what is still to be printed go nowhere, without a word."""
    if _output is not None:
        _output.forgotten = True


def finish(code: int) -> int:
    """Write what is buffered and return the exit code: `code`, or 3 when that could not be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
    except CantPrint as error:
        print(f"pipetui: {error}", file=sys.stderr)
        forget_output()
        return 3
    return code
