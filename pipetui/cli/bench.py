"""`pipetui bench`: the same messages through pipes, sockets, queues, shared memory and a pool, side by side.

It measures in processes of its own, which are gone when it ends, however it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from pipetui.cli.exits import ExitCode, complain, need_files
from pipetui.cli.values import message_size, seconds
from pipetui.model import BenchReport
from pipetui.protocol.effects import Effect

NAME = "bench"
EFFECT: Effect = "slows"
HELP = "Compare pipes with FIFOs, sockets, queues, shared memory and a pool: speed by message size, and round trips."
EXAMPLE = """
pipetui bench
pipetui bench --mechanism pipe --mechanism mp-queue --size 64K --seconds 5
pipetui bench --json | jq '.mechanisms[] | {name, median: .round_trip.median}'
"""

#: The names of what can be compared; the modules themselves are loaded only when it comes to that.
NAMES = ("pipe", "fifo", "unix-socket", "tcp", "mp-pipe", "mp-queue", "mmap", "pool")

#: So many files the greediest of them opens in one process, a pool, and a few more.
_FILES = 20

#: Beyond this many columns a chart only gets harder to read.
_WIDEST = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--mechanism", "-m", action="append", choices=NAMES, help="only this one; may be given several times"
    )
    parser.add_argument(
        "--size", "-s", action="append", type=message_size, metavar="SIZE",
        help="only messages of so many bytes (16, 4K, 1M); may be given several times",
    )  # fmt: skip
    parser.add_argument("--seconds", type=seconds, metavar="S", help="how long it takes in all (default: 25)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, in bytes and seconds"
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    need_files(_FILES)
    from pipetui.labs.comparison import MECHANISMS, SECONDS, SIZES, compare

    names = [name for name in NAMES if args.mechanism is None or name in args.mechanism]
    sizes = sorted(set(args.size or SIZES))
    budget = SECONDS if args.seconds is None else args.seconds
    began = time.time()
    start = time.monotonic()
    report = BenchReport()
    with closing(compare([MECHANISMS[name] for name in names], sizes, budget)) as reports, _progress() as show:
        for report in reports:
            show(report)
    for gap in report.gaps:
        complain(gap.reason)
    if args.json:
        print(json.dumps(as_json(report, began, time.monotonic() - start)))
    else:
        _print(report)
    return ExitCode.IMPOSSIBLE if report.gaps else ExitCode.OK


def as_json(report: BenchReport, began: float, took: float) -> dict[str, Any]:
    """Return what `--json` prints: times in seconds, sizes in bytes, rates in bytes a second, shares from 0 to 1."""
    missing = {gap.mechanism: gap.reason for gap in report.gaps}
    return {
        "host": os.uname().nodename,
        "time": began,
        "seconds": took,
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()},
        "mechanisms": [
            {
                "name": each.name,
                "title": each.title,
                "pickles": each.pickles,
                "missing": missing.get(each.name),
                "throughput": [
                    {
                        "size": one.size,
                        "bytes_per_second": one.rate,
                        "seconds_per_message": one.seconds,
                        "rounds": one.rounds,
                        "messages": one.messages,
                        "waits_per_message": one.waits,
                        "pickling_share": one.pickling,
                    }
                    for size in report.sizes
                    if (one := report.figure(each.name, size))
                ],
                "round_trip": None
                if (trip := report.trip(each.name)) is None
                else {"size": trip.size, "median": trip.median, "p99": trip.slow, "trips": trip.trips},
            }
            for each in report.mechanisms
        ],
        "advice": report.advice,
    }


# --- for people -------------------------------------------------------------------------------------------------------


def _width() -> int:
    """Return how many columns there are, one less: a line that fills the last one wraps on some terminals."""
    return min(_WIDEST, shutil.get_terminal_size((80, 24)).columns) - 1


@contextmanager
def _progress() -> Iterator[Any]:
    """Give what draws the line of progress on a terminal, and remove the line at the end."""
    from pipetui.tui.views.benchchart import progress

    def show(report: BenchReport) -> None:
        if here:
            sys.stderr.write("\r" + progress(report, _width()) + "\x1b[K")
            sys.stderr.flush()

    here = sys.stderr.isatty()
    try:
        yield show
    finally:
        if here:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _print(report: BenchReport) -> None:
    """Print tables, then what is to be seen last: the chart and the advice."""
    from pipetui.tui.views.benchchart import COSTS, chart, chosen, costs, joined, speeds

    width = _width()
    lines = [
        *joined(speeds(report)), "",
        *joined(costs(report)), *textwrap.wrap(COSTS, width), "",
        *joined(chart(report, chosen(report), width)),
    ]  # fmt: skip
    if report.advice:
        lines += ["", *textwrap.wrap(report.advice, width)]
    print("\n".join(lines))
