#!/usr/bin/env python3
"""What does the thin display cost in CPU, beside Textual's own display?

Two monitors of 120x40, one with each display, each with a consumer on a FIFO of its own that gets 10, 1,000 and 100,000
messages a second. They take turns: while one is measured the other has nothing to do, so whatever else this machine
does falls on both alike. CPU is that of the process that draws, all its threads, as the scheduler counts it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Monitor, Report, Sandbox, Terminal, cpu_seconds, median, parser
from benchmarks.terminal_bytes import RATES, messages, wait

DISPLAYS = ("thin", "stock")

#: The thin display may use this many times the CPU of the stock one.
TARGET = 1.2


def cpu_of(pid: int) -> float:
    """Return the CPU time that the living threads of a process have used (seconds), to the nanosecond if the kernel
    counts so (proc(5), schedstat), else to the clock tick."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    total = 0
    for thread in threads:
        with suppress(OSError):
            total += int(thread.read_text().split()[0])
    return total / 1e9 if total else cpu_seconds([psutil.Process(pid)])


def opened(sandbox: Sandbox, display: str) -> tuple[Terminal, Path]:
    """Start a monitor with one of the displays on a folder of its own, and a consumer in it."""
    folder = sandbox.work / display
    folder.mkdir()
    path = folder / sandbox.name("flow")
    for other in (path, *(folder / f"other-{number}" for number in range(9))):
        os.mkfifo(other)
    terminal = sandbox.terminal(folder, env={"PIPETUI_DISPLAY": display}, answers=True)
    terminal.wait_for(path.name)
    terminal.settle(1.0, 30.0)
    Monitor(terminal).start_consumer(path.name)
    return terminal, path


def main() -> int:
    """Measure both displays in turns and print their shares."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0)
    args = options.parse_args()
    columns = ("messages a second", *(f"{display} CPU %" for display in DISPLAYS), "ratio", "of the rounds")
    report = Report("CPU of the process that draws, 120x40", columns, args.check)
    with Sandbox() as sandbox:
        opening = {display: opened(sandbox, display) for display in DISPLAYS}
        for rate in RATES:
            used: dict[str, list[float]] = {display: [] for display in DISPLAYS}
            for number in range(args.rounds):
                for display in DISPLAYS if number % 2 else DISPLAYS[::-1]:
                    terminal, path = opening[display]
                    with messages(path, rate):
                        wait(terminal, 1.0)
                        before = cpu_of(terminal.pid)
                        wait(terminal, args.seconds)
                        used[display].append((cpu_of(terminal.pid) - before) / args.seconds)
                    wait(terminal, 0.5)
            thin, stock = (used[display] for display in DISPLAYS)
            ratio = sum(thin) / sum(stock)
            rounds = sorted(one / other for one, other in zip(thin, stock, strict=True))
            shares = (f"{100 * median(values):.1f}" for values in (thin, stock))
            report.row(f"{rate:,}", *shares, f"{ratio:.2f}", f"{rounds[0]:.2f} to {rounds[-1]:.2f}")
            report.target(ratio <= TARGET, f"{rate:,} messages/s: {ratio:.2f} times the stock one's, at most {TARGET}")
        for terminal, _ in opening.values():
            Monitor(terminal).quit()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
