#!/usr/bin/env python3
"""How long after a key press does the screen change, while four producers flood four consumers?

The real monitor in a pseudo-terminal of 120x40; producers and consumers are started from the keyboard, at full speed.
Half of the presses move the cursor in the FIFOs, half freeze the log or let it follow. A press is timed from the write
of the key until the bytes have arrived with which a terminal emulator shows the change (what the emulator, in Python,
needs to read them is not the program's). Beside it, under the same flood, a
bare program that writes each key back: what the machine's scheduler and the emulator cost without any screen.
"""

from __future__ import annotations

import random
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Monitor, Report, Sandbox, Terminal, parser

NAMES = ("alpha", "bravo", "charlie", "delta")

#: The 99th percentile must be below this (seconds).
TARGET = 0.1


def press(terminal: Terminal, key: str, wanted: re.Pattern[str]) -> float:
    """Return how long it took from the key until the screen shows what is wanted."""
    start = time.monotonic()
    terminal.send(key)
    terminal.wait_for(wanted, 10.0)
    return max(0.0, terminal.last_byte - start)


def quiet_moment(terminal: Terminal) -> None:
    """Let some time pass, never the same, so that presses fall anywhere between two updates."""
    until = time.monotonic() + random.uniform(0.03, 0.17)
    terminal.wait_until(lambda: time.monotonic() > until)


def moves(terminal: Terminal, names: list[str], count: int) -> list[float]:
    """Time moves of the cursor in the FIFOs."""
    took = []
    for number in range(count):
        down = number % 6 < 3
        place = number % 6 + 1 if down else 5 - number % 6
        took.append(press(terminal, "j" if down else "k", re.compile(rf"^ ▸ \S*/{names[place]} ", re.MULTILINE)))
        quiet_moment(terminal)
    return took


def freezes(terminal: Terminal, count: int) -> list[float]:
    """Time freezing and following of the log."""
    took = []
    for number in range(count):
        took.append(press(terminal, "space", re.compile("following" if number % 2 else "frozen")))
        quiet_moment(terminal)
    return took


def echoes(sandbox: Sandbox, count: int) -> list[float]:
    """Time a program that does nothing but write each key back, in a terminal of its own."""
    code = "import os, tty; tty.setraw(0); print(end='ready', flush=True)\nwhile True: os.write(1, os.read(0, 1))"
    took = []
    with sandbox.terminal(command=[sys.executable, "-S", "-c", code], columns=9 + count, rows=2) as terminal:
        terminal.wait_for("ready")
        for number in range(count):
            took.append(press(terminal, "x", re.compile(f"ready{'x' * (number + 1)}")))
            quiet_moment(terminal)
    return took


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    """Flood, press, and print the percentiles."""
    options = parser(__doc__)
    options.add_argument("--presses", type=int, default=200)
    args = options.parse_args()
    report = Report("latency of a key under flood", ("key", "presses", "p50 ms", "p99 ms", "max ms"), args.check)
    with Sandbox() as sandbox:
        names = [sandbox.fifo(name).name for name in NAMES]
        terminal = sandbox.terminal(sandbox.work)
        terminal.wait_for(names[-1])
        monitor = Monitor(terminal)
        for name in names:
            monitor.start_consumer(name)
        for name in names:
            monitor.start_producer(name, rate="0")
        monitor.select_fifo(names[0])
        moved = moves(terminal, names, args.presses // 2)
        monitor.press("4")
        frozen = freezes(terminal, args.presses - args.presses // 2)
        bare = echoes(sandbox, args.presses // 2)
        screen = terminal.text()
        seen, sent = monitor.seen(), terminal.received / (time.monotonic() - terminal.started)
        monitor.quit()
    for name, took in (
        ("j, k in the FIFOs", moved),
        ("space in the log", frozen),
        ("both", moved + frozen),
        ("bare echo", bare),
    ):
        numbers = [percentile(took, 0.5), percentile(took, 0.99), max(took)]
        report.row(name, str(len(took)), *(f"{1000 * value:.0f}" for value in numbers))
    worst = percentile(moved + frozen, 0.99)
    report.target(worst <= TARGET, f"99th percentile {1000 * worst:.0f} ms, at most {1000 * TARGET:.0f} ms")
    skipped = re.search(r"[\d,.]+(?: [MG])? not (?:shown|kept)", screen)
    words = skipped.group().strip() if skipped else "nothing"
    report.target(bool(skipped), f"the log says what it skipped: {words!r} of {seen:,} seen")
    status = report.finish()
    print(f"  {sent:,.0f} bytes/s to the terminal")
    return status


if __name__ == "__main__":
    sys.exit(main())
