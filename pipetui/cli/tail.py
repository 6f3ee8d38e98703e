"""`pipetui tail`: be a reader of a FIFO and print each message; survives writers that come and go.

A reader's descriptor reports a hang-up for ever once the last writer has left, so at each EOF a fresh one is opened
before the old one is closed: it reports nothing until a writer comes, and there was never a moment without a reader.
One trap: a writer that came and left just before the fresh open has left bytes but no hang-up on it (Linux compares
the pipe's count of writers with that at the open). So after bytes, a read tells whether that was all, never a poll.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time

from pipetui.backend.framing import Frame, Framer, make_framer
from pipetui.cli.exits import ExitCode, Leave
from pipetui.cli.values import count, seconds
from pipetui.kernel import fifo
from pipetui.kernel.errors import PipeError
from pipetui.model import FRAME_LIMIT, Framing
from pipetui.text import decode, safe

NAME = "tail"
HELP = "Read a FIFO and print each message as a line. This consumes: other readers of the FIFO do not get it."
EXAMPLE = """
pipetui tail /tmp/log.fifo
pipetui tail /tmp/records.fifo --frame 64 --count 10 | xxd
"""

_OUTPUT = """\
On a terminal, bytes that could drive it are shown as escapes. Anywhere else they are passed on as they are,
each message with a newline; with --frame chunk not even that is added."""

_FRAMINGS: dict[str, Framing] = {"line": "line", "nul": "nul", "chunk": "chunk"}
_CHUNK = 1 << 16
#: How often to look whether the FIFO is still there while nobody has it open (seconds): nobody can open it when not.
_LOOK = 1.0


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


def run(args: argparse.Namespace) -> int:
    """Read until interrupted, or until `--count` or `--timeout` ends it."""
    framing, fixed = args.frame
    printer = _Printer(framing, args.count)
    reader = _Reader(args.path, args.timeout, make_framer(framing, fixed, FRAME_LIMIT))
    with reader:
        while not printer.enough:
            printer.show(reader.next())
    return ExitCode.OK


def _frame(text: str) -> tuple[Framing, int]:
    framing = _FRAMINGS.get(text)
    if framing is not None:
        return framing, 0
    if text.isascii() and text.isdigit() and 1 <= int(text) <= FRAME_LIMIT:
        return "fixed", int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not line, nul, chunk or a number of bytes up to {FRAME_LIMIT}")


class _Reader:
    """The read end, kept over any number of writers, and the framer of what comes through it."""

    def __init__(self, path: str, timeout: float | None, framer: Framer) -> None:
        self._path = path
        self._timeout = timeout
        self._framer = framer
        self._identity = fifo.identify(path)
        self._pipe = fifo.open_reader(path, expected=self._identity)
        self._ended = False
        self._more = False  # the last read gave bytes: only another read can tell whether EOF follows

    def next(self) -> list[Frame]:
        """Wait for bytes or EOF and return the frames they complete (maybe none). Raises Gone, Missing."""
        if self._ended:
            self._renew()
        if not self._more:
            self._wait()
        try:
            data = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:  # a writer is there and has written no more
            self._more = False
            return []
        self._more = bool(data)
        if data:
            return self._framer.feed(data)
        self._ended = True  # renewed only at the next call: what was read must be printed even if the FIFO is gone
        last = self._framer.end()
        return [last] if last else []

    def _renew(self) -> None:
        """Open a fresh descriptor, then close the one that would report the hang-up for ever."""
        fresh = fifo.open_reader(self._path, expected=self._identity)
        self._pipe.close()
        self._pipe, self._ended = fresh, False

    def _wait(self) -> None:
        """Return when a read is worth a try; leave when it takes too long or nobody reads our stdout any more."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        poll.register(sys.stdout.fileno(), 0)  # POLLERR alone: nobody reads our output any more
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            left = _LOOK if deadline is None else min(_LOOK, max(0.0, deadline - time.monotonic()))
            ready = dict(poll.poll(left * 1000))
            if self._pipe.fileno() in ready:
                return
            if ready:
                raise BrokenPipeError
            if deadline is not None and time.monotonic() >= deadline:
                raise Leave(ExitCode.NEGATIVE, f"nothing came through {self._path} for {self._timeout:g} s")
            if self._replaced():
                return  # a read tells whether a writer is left; if none is, it ends here

    def _replaced(self) -> bool:
        """Whether the name no longer is this FIFO: then nobody new can come."""
        try:
            return fifo.identify(self._path) != self._identity
        except PipeError:
            return True

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()


class _Printer:
    """Prints frames: safe text on a terminal, the very bytes elsewhere."""

    def __init__(self, framing: Framing, most: int | None) -> None:
        self._tty = sys.stdout.isatty()
        self._framing = framing
        self._left = most

    @property
    def enough(self) -> bool:
        """Whether as many messages as wanted have been printed."""
        return self._left == 0

    def show(self, frames: list[Frame]) -> None:
        """Print the frames and flush."""
        if self._left is not None:
            frames = frames[: self._left]
            self._left -= len(frames)
        if not frames:
            return
        sys.stdout.buffer.write(b"".join(map(self._line, frames)))
        sys.stdout.buffer.flush()

    def _line(self, frame: Frame) -> bytes:
        if self._tty:
            return safe(decode(frame.payload)).encode(sys.stdout.encoding, "backslashreplace") + b"\n"
        whole = self._framing == "chunk" or frame.piece == "split"
        return frame.payload if whole else frame.payload + b"\n"
