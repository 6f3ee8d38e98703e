"""`pipetui peek`: what is in a pipe now, copied by tee(2); nothing is consumed and nobody notices."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from pipetui.cli.exits import ExitCode
from pipetui.cli.host import add_host, place
from pipetui.cli.values import PIPE_FORMS
from pipetui.protocol.effects import Effect
from pipetui.text import decode, hex_dump, number, safe, safe_lines

if TYPE_CHECKING:
    from pipetui.protocol.operations import Peeked

NAME = "peek"
EFFECT: Effect = "passive"
HELP = "Show the bytes that are in a pipe now, without consuming them and without anybody noticing."
EXAMPLE = """
pipetui peek /tmp/log.fifo
pipetui peek /tmp/log.fifo --hex
pipetui peek 1234/1 --raw | wc -l
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.description = f"{HELP}\n\nIt refuses where looking would need an end that changes what others see."
    parser.add_argument("pipe", metavar="PATH", help=PIPE_FORMS)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--hex", action="store_true", help="as offset, hex bytes and characters")
    how.add_argument("--raw", action="store_true", help="unescaped, even on a terminal")
    add_host(parser)


def run(args: argparse.Namespace) -> int:
    """Look once; print the bytes on stdout and what they are on stderr."""
    ask = place(args)
    from pipetui.protocol.operations import Nobody, Peek, Peeked, Some

    data = bytearray()
    for told in ask(Peek(args.pipe)):
        match told:
            case Some():
                data += told.data
            case Peeked():
                _print(bytes(data), args)
                _print_summary(told, len(data))
            case Nobody():
                print("nobody has it open: a pipe without an open end holds nothing", file=sys.stderr)
    return ExitCode.OK


def _print(data: bytes, args: argparse.Namespace) -> None:
    if args.hex:
        lines = hex_dump(data)
        sys.stdout.write("\n".join(lines) + "\n" if lines else "")
    elif args.raw or not sys.stdout.isatty():
        sys.stdout.buffer.write(data)
    elif data:
        text = decode(data)
        lines = safe_lines(text.removesuffix("\n"))
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _print_summary(seen: Peeked, shown_bytes: int) -> None:
    shown = "" if shown_bytes == seen.queued else f"the first {number(shown_bytes)} of "
    at = time.strftime("%H:%M:%S", time.localtime(seen.time))
    told = f"{shown}{number(seen.queued)} of {number(seen.capacity)} bytes queued at {at}, not consumed"
    print(safe(told), file=sys.stderr)
