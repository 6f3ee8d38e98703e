#!/usr/bin/env python3
"""How long does a key take, and does memory grow, when the line is slower than the frames?

The monitor in a pseudo-terminal of 120x40 whose reader takes 5,000 bytes a second, in pieces of 10 ms, and answers the
program's questions when it has read them, as a terminal at the end of a slow line does. Four producers flood four
consumers. Half of the presses move the cursor in the FIFOs, half freeze the log or let it follow; a press is timed
until a terminal emulator that got only what the line has carried shows the change. Then the reader stops for ten
seconds and reads on: how long until the screen shows what was pressed last, and how many bytes came for it.
"""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import PIPETUI, Monitor, Report, Sandbox, Terminal, median, parser, rss
from benchmarks.ui_latency import NAMES, freezes, moves, percentile

#: The 99th percentile must be below this (seconds).
TARGET = 0.5

#: The process that draws may grow by this much while it is measured (bytes).
GROWTH = 8 << 20

#: The reader takes what the line carries in this time at once (seconds).
_TICK = 0.01

_STOPPED = 10.0

#: In the last row of the help.
_HELP = "↓ scroll   esc back"


class SlowTerminal(Terminal):
    """A terminal that reads no more than `rate` bytes a second (0: as fast as it comes)."""

    rate = 0

    def _read_all(self) -> None:
        due = time.monotonic()
        while True:
            watched = [self._wake_read] if self._held else [self._wake_read, self._master]
            readable, _, _ = select.select(watched, [], [])
            if self._wake_read in readable and os.read(self._wake_read, 1) == b"q":
                break
            if self._master not in readable:
                continue
            try:
                data = os.read(self._master, max(1, round(self.rate * _TICK)) if self.rate else 1 << 16)
            except OSError:  # EIO: nobody has the terminal open any more
                data = b""
            if self.rate:
                due = max(due, time.monotonic()) + len(data) / self.rate
                time.sleep(max(0.0, due - time.monotonic()))
            self._take(data)
            if not data:
                break


def opened(sandbox: Sandbox, display: str) -> SlowTerminal:
    """Start the monitor and the flood on a fast line: only what is measured is slow."""
    names = [sandbox.fifo(name).name for name in NAMES]
    terminal = SlowTerminal(
        [*PIPETUI, str(sandbox.work)],
        env={**sandbox.env, "PIPETUI_DISPLAY": display},
        cwd=sandbox.work,
        answers=True,
    )
    terminal.wait_for(names[-1])
    monitor = Monitor(terminal)
    for name in names:
        monitor.start_consumer(name)
    for name in names:
        monitor.start_producer(name, rate="0")
    monitor.select_fifo(names[0])
    return terminal


def rest(terminal: Terminal, seconds: float) -> None:
    """Let time pass while the line carries what it can."""
    until = time.monotonic() + seconds
    terminal.wait_until(lambda: time.monotonic() > until, seconds + 10)


def stop_and_go(terminal: Terminal) -> tuple[float, int]:
    """Stop reading, press keys, read on; return how long the newest state took, and the bytes until then."""
    terminal.hold()
    rest(terminal, _STOPPED)
    before = terminal.received
    terminal.send("?")
    rest(terminal, 0.5)
    began = time.monotonic()
    terminal.hold(False)
    terminal.wait_for(_HELP, 30.0)
    took = terminal.last_byte - began
    count = terminal.received - before
    terminal.send("escape")
    terminal.wait_gone(_HELP, 30.0)
    return took, count


def main() -> int:
    """Flood a slow line, press, and print the percentiles."""
    options = parser(__doc__)
    options.add_argument("--presses", type=int, default=200)
    options.add_argument("--rate", type=int, default=5_000, help="what the line carries, bytes a second")
    options.add_argument("--display", choices=("thin", "stock"), default="thin")
    args = options.parse_args()
    report = Report(
        f"a line of {args.rate:,} bytes/s under flood", ("key", "presses", "p50 ms", "p99 ms", "max ms"), args.check
    )
    with Sandbox() as sandbox, closing(opened(sandbox, args.display)) as terminal:
        names = [sandbox.name(name) for name in NAMES]
        process, monitor = psutil.Process(terminal.pid), Monitor(terminal)
        terminal.rate = args.rate
        rest(terminal, 5.0)
        sizes, start, received = [rss(process)], time.monotonic(), terminal.received
        moved = moves(terminal, names, args.presses // 2)
        sizes.append(rss(process))
        monitor.press("4")
        rest(terminal, 2.0)
        frozen = freezes(terminal, args.presses - args.presses // 2)
        sizes.append(rss(process))
        sent = (terminal.received - received) / (time.monotonic() - start)
        back, missed = stop_and_go(terminal)
        sizes.append(rss(process))
        monitor.quit()
    for name, took in (("j, k in the FIFOs", moved), ("space in the log", frozen), ("both", moved + frozen)):
        numbers = [median(took), percentile(took, 0.99), max(took)]
        report.row(name, str(len(took)), *(f"{1000 * value:.0f}" for value in numbers))
    worst, grown = percentile(moved + frozen, 0.99), max(sizes) - sizes[0]
    report.target(worst <= TARGET, f"99th percentile {1000 * worst:.0f} ms, at most {1000 * TARGET:.0f} ms")
    report.target(grown <= GROWTH, f"the process that draws grew by {grown >> 10:,} KiB, at most {GROWTH >> 10:,}")
    report.target(
        missed <= 1 << 16, f"after {_STOPPED:.0f} s without reading: {missed:,} bytes until the newest, at most 65,536"
    )
    status = report.finish()
    print(f"  {sent:,.0f} bytes/s came through; {back:.1f} s until the newest state after the stop")
    return status


if __name__ == "__main__":
    sys.exit(main())
