#!/usr/bin/env python3
"""What does the monitor cost while nothing happens, with ten quiet FIFOs on the screen?

Bytes written to the terminal and CPU time of all its processes together, beside `top` in the same terminal.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Report, Sandbox, Terminal, cpu_seconds, parser


def watch(sandbox: Sandbox, terminal: Terminal, seconds: float) -> tuple[int, float]:
    """Return bytes that came and CPU seconds that were used in a while."""
    family = sandbox.family()
    received, used, start = terminal.received, cpu_seconds(family), time.monotonic()
    terminal.wait_until(lambda: time.monotonic() - start >= seconds, seconds + 5)
    return terminal.received - received, cpu_seconds(family) - used


def main() -> int:
    """Watch the monitor, then top, and print the table."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--fifos", type=int, default=10)
    args = options.parse_args()
    report = Report("idle: nothing happens", ("program", "bytes", "CPU s", "% of a core"), args.check)
    with Sandbox() as sandbox:
        for number in range(args.fifos):
            last = sandbox.fifo(f"quiet-{number}")
        with sandbox.terminal(sandbox.work) as monitor:
            monitor.wait_for(last.name)
            monitor.settle(2.0, 30.0)
            size, cpu = watch(sandbox, monitor, args.seconds)
        with sandbox.terminal(command=["top", "-d", "1"]) as top:
            top.wait_for("PID")
            top_size, top_cpu = watch(sandbox, top, args.seconds)
    report.row("pipetui", f"{size:,}", f"{cpu:.2f}", f"{100 * cpu / args.seconds:.2f}")
    report.row("top -d 1", f"{top_size:,}", f"{top_cpu:.2f}", f"{100 * top_cpu / args.seconds:.2f}")
    report.target(size == 0, f"{size} bytes to the terminal in {args.seconds:g} s, wanted 0")
    share = cpu / args.seconds
    report.target(share < 0.01, f"{100 * share:.2f} % of one core for all processes together, wanted below 1 %")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
