"""`pipetui send`: one message, or stdin, into a FIFO; never hangs (how: `kernel/delivery.py`)."""

from __future__ import annotations

import argparse
import os
import select
import sys

from pipetui.cli.exits import ExitCode, Leave
from pipetui.cli.values import seconds
from pipetui.kernel.delivery import Delivery, open_writer_in_time
from pipetui.kernel.errors import NoReader, ReaderGone, Stalled
from pipetui.kernel.fd import Fd

NAME = "send"
HELP = "Write one message, or all of stdin, into a FIFO. Never hangs: without a reader it gives up (exit 1)."
EXAMPLE = """
pipetui send /tmp/log.fifo "hello"
journalctl -n 100 | pipetui send /tmp/log.fifo --timeout 30
"""

_CHUNK = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("path", metavar="PATH", help="an existing FIFO")
    parser.add_argument(
        "text", nargs="?", metavar="TEXT", help="the message, sent with a newline (default: all of stdin)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="S",
        help="give up after so many seconds without a reader, or without room in a full pipe (default 5)",
    )


def run(args: argparse.Namespace) -> int:
    """Wait for a reader, then write."""
    try:
        with open_writer_in_time(args.path, args.timeout) as pipe:
            delivery = Delivery(pipe, args.path, args.timeout)
            if args.text is not None:
                delivery.write(os.fsencode(args.text) + b"\n")
            else:
                _copy(sys.stdin.fileno(), pipe, delivery)
    except (NoReader, Stalled, ReaderGone) as error:
        raise Leave(ExitCode.NEGATIVE, str(error)) from None
    return ExitCode.OK


def _copy(source: int, pipe: Fd, delivery: Delivery) -> None:
    """Send what comes from the descriptor `source` until it ends; notice a reader that goes meanwhile."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(pipe, 0)  # POLLERR alone: the last reader has gone
    while True:
        ready = dict(poll.poll())
        if source in ready:
            data = _read(source)
            if not data:
                return
            delivery.write(data)
        elif ready:
            raise delivery.reader_gone()


def _read(source: int) -> bytes:
    """Read some of stdin; somebody else may have made it nonblocking, and then may have taken what was there."""
    try:
        return os.read(source, _CHUNK)
    except BlockingIOError:
        select.select([source], [], [])
        return _read(source)
