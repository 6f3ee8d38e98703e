"""`pipetui tail`: be a reader of a FIFO and print each message; survives writers that come and go."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pipetui.cli.exits import ExitCode
from pipetui.cli.host import add_host, place
from pipetui.cli.values import count, seconds
from pipetui.model import FRAME_LIMIT, Framing
from pipetui.protocol.effects import Effect
from pipetui.text import decode, safe

if TYPE_CHECKING:
    from pipetui.model import Frame

NAME = "tail"
EFFECT: Effect = "consumes"
HELP = "Read a FIFO and print each message as a line. This consumes: other readers of the FIFO do not get it."
EXAMPLE = """
pipetui tail /tmp/log.fifo
pipetui tail /tmp/records.fifo --frame 64 --count 10 | xxd
"""

_OUTPUT = """\
On a terminal, bytes that could drive it are shown as escapes. Anywhere else they are passed on as they are,
each message with a newline; with --frame chunk not even that is added."""

_FRAMINGS: dict[str, Framing] = {"line": "line", "nul": "nul", "chunk": "chunk"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.description = f"{HELP}\n\n{_OUTPUT}"
    parser.add_argument("path", metavar="PATH", help="an existing FIFO")
    parser.add_argument(
        "--frame",
        type=_frame,
        default=("line", 0),
        metavar="line|nul|chunk|N",
        help="what a message is: a line, up to a NUL byte, whatever one read gives, or N bytes (default line)",
    )
    parser.add_argument(
        "--count", type=count, metavar="N", help="end after N messages; what was read beyond them is lost"
    )
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="end with exit 1 when nothing came for so many seconds"
    )
    add_host(parser)


def run(args: argparse.Namespace) -> int:
    """Read until interrupted, or until `--count` or `--timeout` ends it."""
    ask = place(args)
    from pipetui.protocol.operations import Messages, Tail

    framing, fixed = args.frame
    printer = _Printer(framing)
    for told in ask(Tail(args.path, framing, fixed, args.count, args.timeout)):
        assert isinstance(told, Messages)
        printer.show(told.frames)
    return ExitCode.OK


def _frame(text: str) -> tuple[Framing, int]:
    framing = _FRAMINGS.get(text)
    if framing is not None:
        return framing, 0
    if text.isascii() and text.isdigit() and 1 <= int(text) <= FRAME_LIMIT:
        return "fixed", int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not line, nul, chunk or a number of bytes up to {FRAME_LIMIT}")


class _Printer:
    """Prints frames: safe text on a terminal, the very bytes elsewhere."""

    def __init__(self, framing: Framing) -> None:
        self._tty = sys.stdout.isatty()
        self._framing = framing

    def show(self, frames: tuple[Frame, ...]) -> None:
        """Print the frames and flush."""
        sys.stdout.buffer.write(b"".join(map(self._line, frames)))
        sys.stdout.buffer.flush()

    def _line(self, frame: Frame) -> bytes:
        if self._tty:
            return (
                safe(decode(frame.payload)).encode(sys.stdout.encoding, sys.stdout.errors or "backslashreplace") + b"\n"
            )
        whole = self._framing == "chunk" or frame.piece == "split"
        return frame.payload if whole else frame.payload + b"\n"
