"""`pipetui peek`: what is in a pipe now, copied by tee(2); nothing is consumed and nobody notices."""

from __future__ import annotations

import argparse
import sys
import time

from pipetui.cli.exits import ExitCode, impossible
from pipetui.cli.target import FORMS, pipe_id
from pipetui.kernel.peek import Peeked, peek
from pipetui.kernel.procfs import Proc
from pipetui.text import decode, hex_dump, number, safe, safe_lines
from pipetui.watch.census import take

NAME = "peek"
HELP = "Show the bytes that are in a pipe now, without consuming them and without anybody noticing."
EXAMPLE = """
pipetui peek /tmp/log.fifo
pipetui peek /tmp/log.fifo --hex
pipetui peek 1234/1 --raw | wc -l
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.description = f"{HELP}\n\nIt refuses where looking would need an end that changes what others see."
    parser.add_argument("pipe", metavar="PATH", help=FORMS)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--hex", action="store_true", help="as offset, hex bytes and characters")
    how.add_argument("--raw", action="store_true", help="the very bytes, on a terminal too")


def run(args: argparse.Namespace) -> int:
    """Look once; print the bytes on stdout and what they are on stderr."""
    identity = pipe_id(args.pipe)
    proc = Proc()
    census = take(proc, anonymous=True)
    ends = census.ends.get(identity, ())
    if ends:
        seen = peek(ends, identity, args.pipe, proc)
        _print(seen, args)
        _say(seen)
    elif census.unreadable:
        impossible(
            f"no process that this user may look at has {args.pipe} open; {census.unreadable} could not be looked at"
        )
    else:
        print("nobody has it open: a pipe without an open end holds nothing", file=sys.stderr)
    return ExitCode.OK


def _print(seen: Peeked, args: argparse.Namespace) -> None:
    if args.hex:
        lines = hex_dump(seen.data)
        sys.stdout.write("\n".join(lines) + "\n" if lines else "")
    elif args.raw or not sys.stdout.isatty():
        sys.stdout.buffer.write(seen.data)
    elif seen.data:
        text = decode(seen.data)
        lines = safe_lines(text.removesuffix("\n"))
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _say(seen: Peeked) -> None:
    shown = "" if len(seen.data) == seen.queued else f"the first {number(len(seen.data))} of "
    at = time.strftime("%H:%M:%S", time.localtime(seen.time))
    told = f"{shown}{number(seen.queued)} of {number(seen.capacity)} bytes queued at {at}, not consumed"
    print(safe(told), file=sys.stderr)
