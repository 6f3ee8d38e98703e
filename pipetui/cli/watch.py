"""`pipetui watch`: print a line whenever the state of a pipe changes; wait for a condition."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from pipetui.cli.exits import ExitCode
from pipetui.cli.host import add_host, place
from pipetui.cli.pipes import called, pipe_as_json
from pipetui.cli.values import PIPE_FORMS, seconds
from pipetui.protocol.effects import Effect
from pipetui.text import number, safe

if TYPE_CHECKING:
    from pipetui.protocol.operations import WatchedPipe

NAME = "watch"
EFFECT: Effect = "passive"
HELP = (
    "Print a line whenever the state of a pipe changes, or wait until it is empty or full, or has a reader, a writer "
    "or a problem."
)
EXAMPLE = """
pipetui watch /tmp/log.fifo
pipetui watch /tmp/log.fifo --until reader --timeout 30 && echo hello > /tmp/log.fifo
pipetui watch /tmp/log.fifo --json | jq -c '{time, state, queued}'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.description = f"{HELP}\n\nExit 0 when the state is reached, 1 when the time is over before."
    parser.add_argument("pipe", metavar="PATH", help=PIPE_FORMS)
    parser.add_argument("--json", action="store_true", help="print JSON objects, one a line")
    parser.add_argument(
        "--until", choices=("empty", "full", "reader", "writer", "problem"), help="exit when this state is reached"
    )
    parser.add_argument("--timeout", type=seconds, metavar="S", help="end after S seconds")
    add_host(parser)


def run(args: argparse.Namespace) -> int:
    """Watch until interrupted, until the condition holds, or until the time is over."""
    ask = place(args)
    from pipetui.protocol.operations import Watch, WatchedPipe

    for watched in ask(Watch(args.pipe, args.until, args.timeout)):
        assert isinstance(watched, WatchedPipe)
        _print(watched, args.json)
    return ExitCode.OK


def _print(watched: WatchedPipe, as_lines: bool) -> None:
    from pipetui.watch.state import describe

    state, _ = describe(watched.pipe, watched.looked, watched.unseen)
    if as_lines:
        value: dict[str, Any] = {"time": watched.time, "state": state, **pipe_as_json(watched.pipe)}
        value["findings"] = [
            {"rule": one.rule, "level": one.level, "headline": one.headline} for one in watched.findings
        ]
        print(json.dumps(value), flush=True)
        return
    fill = (
        ""
        if watched.pipe.queued is None
        else f"  {number(watched.pipe.queued)} of {number(watched.pipe.capacity or 0)} bytes"
    )
    who = "".join(
        f"  {name} {called(watched.pipe, pids)}"
        for name, pids in (("writers", watched.writers), ("readers", watched.readers))
        if pids
    )
    found = "".join(f"\n         {one.level}: {one.headline}" for one in watched.findings if one.level != "note")
    at = time.strftime("%H:%M:%S", time.localtime(watched.time))
    print(f"{at} {safe(state)}{fill}{who}" + "".join(f"\n{safe(line)}" for line in found.split("\n")[1:]), flush=True)
