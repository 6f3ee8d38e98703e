"""`pipetui send`: one message, or stdin, into a FIFO; never hangs (how: `kernel/delivery.py`)."""

from __future__ import annotations

import argparse
import os

from pipetui import streams
from pipetui.cli.exits import ExitCode, impossible
from pipetui.cli.host import add_host, place
from pipetui.cli.values import seconds
from pipetui.protocol.effects import Effect

NAME = "send"
EFFECT: Effect = "changes"
HELP = "Write one message, or all of stdin, into a FIFO. Never hangs: without a reader it gives up (exit 1)."
EXAMPLE = """
pipetui send /tmp/log.fifo "hello"
journalctl -n 100 | pipetui send /tmp/log.fifo --timeout 30
"""


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
    add_host(parser)


def run(args: argparse.Namespace) -> int:
    """Wait for a reader, then write."""
    if args.text is None and streams.was_closed(0):
        impossible("standard input is closed, and there is no TEXT to send")
    ask = place(args)
    from pipetui.protocol.operations import Send

    data = None if args.text is None else os.fsencode(args.text) + b"\n"
    for _ in ask(Send(args.path, data, args.timeout)):
        pass
    return ExitCode.OK
