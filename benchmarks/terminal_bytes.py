#!/usr/bin/env python3
"""How many bytes does the monitor send to the terminal, over SSH for instance?

In a pseudo-terminal of 120x40: the opening screen, then nothing happens, then a FIFO that a consumer of the monitor
reads gets 10, 1,000 and 100,000 messages a second. The same for the monitor with Textual's own display
(`PIPETUI_DISPLAY=stock`), for a small Textual app with a table and a log that reads the FIFO itself, and the first two
for the tools you know. CPU is that of the process that draws (`display_cpu.py` compares the displays more exactly).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Monitor, Report, Sandbox, Terminal, cpu_seconds, parser

RATES = (10, 1_000, 100_000)

#: Writes argv[2] messages a second to the FIFO argv[1], at most fifty times a second.
_WRITER = """
import sys, time
rate = int(sys.argv[2])
turns = min(rate, 50)
number = 0
with open(sys.argv[1], "wb", buffering=0) as pipe:
    due = time.monotonic()
    while True:
        count = rate // turns
        pipe.write(b"".join(b"message %d of %d a second\\n" % (number + n, rate) for n in range(count)))
        number += count
        due += 1 / turns
        time.sleep(max(0.0, due - time.monotonic()))
"""

#: What somebody would write first: a table of the FIFO, and a log of its messages.
_SMALL_APP = """
import asyncio, os, sys, time
from textual.app import App
from textual.widgets import DataTable, Footer, Header, Log

class Small(App):
    CSS = "DataTable { height: 22; } Log { height: 1fr; }"
    BINDINGS = [("q", "quit", "Quit")]

    def compose(self):
        yield Header()
        yield DataTable()
        yield Log(max_lines=10_000)
        yield Footer()

    def on_mount(self):
        table = self.query_one(DataTable)
        self.heads = table.add_columns("FIFO", "messages", "bytes")
        self.lines = [table.add_row(sys.argv[1] if not n else f"{sys.argv[1]}-{n}", 0, 0) for n in range(20)]
        self.messages = self.read_bytes = 0
        self.part = ""
        self.pipe = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self.pipe, self.read)

    def read(self):
        text = os.read(self.pipe, 65536).decode()
        *lines, self.part = (self.part + text).split("\\n")
        self.messages += len(lines)
        self.read_bytes += len(text)
        now = time.strftime("%H:%M:%S")
        self.query_one(Log).write_lines([f"{now}  {line}" for line in lines])
        table = self.query_one(DataTable)
        table.update_cell(self.lines[0], self.heads[1], self.messages)
        table.update_cell(self.lines[0], self.heads[2], self.read_bytes)

Small().run()
"""


@dataclass
class Figures:
    """Bytes of the opening screen, bytes a second by messages a second (0: idle), and CPU seconds a second likewise."""

    opening: int = 0
    rates: dict[int, float] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)


def wait(terminal: Terminal, seconds: float) -> None:
    """Let time pass while the terminal is read."""
    until = time.monotonic() + seconds
    terminal.wait_until(lambda: time.monotonic() >= until, seconds + 10)


@contextmanager
def messages(path: Path, rate: int) -> Iterator[None]:
    """Write messages to a FIFO at a rate (0: none)."""
    if not rate:
        yield
        return
    writer = subprocess.Popen([sys.executable, "-S", "-c", _WRITER, str(path), str(rate)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        writer.kill()
        writer.wait()


def measure(terminal: Terminal, path: Path, seconds: float, rates: tuple[int, ...], figures: Figures) -> None:
    """Count what comes while messages are written at each rate."""
    process = psutil.Process(terminal.pid)
    for rate in rates:
        with messages(path, rate):
            wait(terminal, 2.0)
            received, used, start = terminal.received, cpu_seconds([process]), time.monotonic()
            wait(terminal, seconds)
            took = time.monotonic() - start
            figures.rates[rate] = (terminal.received - received) / took
            figures.cpu[rate] = (cpu_seconds([process]) - used) / took
        wait(terminal, 1.0)


def monitor(sandbox: Sandbox, path: Path, display: str, seconds: float) -> Figures:
    """Measure the monitor with one of its displays."""
    figures = Figures()
    with sandbox.terminal(sandbox.work, env={"PIPETUI_DISPLAY": display}, answers=True) as terminal:
        terminal.wait_for(path.name)
        terminal.settle(1.5, 30.0)
        figures.opening = terminal.received
        driver = Monitor(terminal)
        driver.start_consumer(path.name)
        terminal.settle(2.0, 30.0)
        measure(terminal, path, seconds, (0, *RATES), figures)
        driver.quit()
    return figures


def small_app(sandbox: Sandbox, path: Path, seconds: float) -> Figures:
    """Measure a small stock Textual app."""
    figures = Figures()
    with sandbox.terminal(str(path), command=[sys.executable, "-c", _SMALL_APP], answers=True) as terminal:
        terminal.wait_for("messages")
        terminal.settle(1.5, 30.0)
        figures.opening = terminal.received
        measure(terminal, path, seconds, (0, *RATES), figures)
        terminal.send("ctrl+q")
    return figures


def tool(sandbox: Sandbox, name: str, seconds: float) -> Figures:
    """Measure another tool at its defaults."""
    figures = Figures()
    with sandbox.terminal(command=[name]) as terminal:
        wait(terminal, 1.0)
        figures.opening = terminal.received
        measure(terminal, Path(os.devnull), max(seconds, 6.0), (0,), figures)
    return figures


def targets(report: Report, thin: Figures, small: Figures) -> None:
    """Judge what was measured."""
    share = small.rates[10] / max(thin.rates[10], 1)
    busiest = max(thin.rates[1_000], thin.rates[100_000])
    report.target(thin.rates[0] == 0, f"idle: {thin.rates[0]:,.0f} B/s, wanted 0")
    report.target(thin.rates[10] <= 2_000, f"10 messages/s: {thin.rates[10]:,.0f} B/s, at most 2,000")
    report.target(share >= 40, f"10 messages/s: 1/{share:.0f} of the small Textual app, at most 1/40")
    report.target(busiest <= 16 * 1024, f"under floods: {busiest:,.0f} B/s, at most 16 KiB/s")
    report.target(thin.opening <= 12 * 1024, f"opening screen: {thin.opening:,} bytes, at most 12 KiB")


def main() -> int:
    """Measure everything and print the table."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=8.0)
    args = options.parse_args()
    columns = ("bytes to the terminal", "opening", "idle/s", *(f"{rate:,} msg/s" for rate in RATES), "CPU % at those")
    report = Report("bytes to a terminal of 120x40", columns, args.check)
    with Sandbox() as sandbox:
        path, *_ = [sandbox.fifo(f"f{number}") for number in range(10)]
        rows = {
            "pipetui": monitor(sandbox, path, "thin", args.seconds),
            "pipetui, stock display": monitor(sandbox, path, "stock", args.seconds),
            "small Textual app": small_app(sandbox, path, args.seconds),
        }
        for name in ("top", "htop", "btop"):
            if shutil.which(name):
                rows[name] = tool(sandbox, name, args.seconds)
    for name, figures in rows.items():
        rates = [f"{figures.rates[rate]:,.0f}" if rate in figures.rates else "" for rate in (0, *RATES)]
        cpu = " ".join(f"{100 * figures.cpu[rate]:.1f}" for rate in RATES if rate in figures.cpu)
        report.row(name, f"{figures.opening:,}", *rates, cpu)
    targets(report, rows["pipetui"], rows["small Textual app"])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
