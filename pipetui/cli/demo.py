"""The demo: its own temporary FIFOs with forked producers and consumers, in the monitor or as a plain log."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import PurePath

from pipetui.backend.runtime import tempdir
from pipetui.cli.exits import HUB_FILES, ExitCode, complain, need_files
from pipetui.cli.monitor import add_screen_arguments, need_terminal, show
from pipetui.cli.values import seconds
from pipetui.client.link import Link, start_hub
from pipetui.client.session import Change, LogView, Session
from pipetui.model import Line
from pipetui.protocol.effects import Effect
from pipetui.text import decode, safe

NAME = "demo"
EFFECT: Effect = "changes"
HELP = "Show what pipetui does, on temporary FIFOs with producers and consumers of its own. Leaves nothing behind."
EXAMPLE = """
pipetui demo
pipetui demo --plain --seconds 10
"""

#: How long the plain log runs when nobody says.
PLAIN_SECONDS = 5.0

#: Longer messages are cut in the plain log (characters).
WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the demo's arguments."""
    parser.add_argument(
        "--plain", action="store_true", help="print the message log as lines (default without a terminal)"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="end after S seconds (the plain log: 5, the monitor: never)"
    )
    add_screen_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    tempdir.check()  # where there is no place for its FIFOs, say so before a screen opens
    if args.plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        need_files(HUB_FILES)
        return asyncio.run(_plain(PLAIN_SECONDS if args.seconds is None else args.seconds))
    need_terminal()
    return show(args, demo=True)


async def _plain(limit: float) -> int:
    """Print the log for `limit` seconds as `TIME FIFO WRITER->READER LENGTH TEXT`."""
    link = Link(start_hub())
    await link.attach()
    session = Session(link, demo=True, interval=0.05)
    broken: list[OSError] = []

    def show_lines(change: Change) -> None:
        if change.log is None or broken:
            return
        try:
            for line in change.log.lines:
                print(format_line(line), flush=False)
            sys.stdout.flush()
        except OSError as error:
            broken.append(error)
            running.cancel()

    session.on_change(show_lines)
    session.look(LogView(after=500, width=WIDTH * 4))
    running = asyncio.create_task(session.run())
    try:
        ended, _ = await asyncio.wait([running], timeout=limit)
    finally:
        running.cancel()
        await link.wait_closed()
    if broken:
        raise broken[0]
    if ended:
        complain(f"the demo ended early: {session.lost}")
        return ExitCode.IMPOSSIBLE
    return ExitCode.OK


def format_line(line: Line) -> str:
    """Return a line of the log as the plain demo prints it."""
    stamp = time.strftime("%H:%M:%S", time.localtime(line.time)) + f".{int(line.time % 1 * 1000):03d}"
    if line.gap:
        return f"{stamp} … {line.gap:,} messages not kept: they came faster than the log takes"
    writer = line.writer if line.writer is not None else "?"
    text = safe(decode(line.payload))
    if len(text) > WIDTH:
        text = text[: WIDTH - 1] + "…"
    return f"{stamp} {safe(PurePath(line.fifo).name)} {writer}->{line.reader} {line.length} {text}"
