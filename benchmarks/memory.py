#!/usr/bin/env python3
"""Does memory stay flat while fifty million messages go through one consumer?

The real monitor in a pseudo-terminal, a consumer started from the keyboard, and a writer at full speed. The first
phase lasts until the message ring has filled and the hub's resident size stands still; then the messages are counted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Flood, Monitor, Report, Sandbox, Terminal, parser, rss

#: Bytes of a message: a hundred thousand of them are half of the ring's bytes, so that its count is the bound.
LENGTH = 300

#: What may be added to the resident size after the ring has filled.
TARGET = 1.10


def fill_the_ring(terminal: Terminal, hub: psutil.Process, quick: bool) -> float:
    """Wait until the hub has stopped growing (it grows with its ring); return how long that took."""
    start = grown = time.monotonic()
    largest = 0
    still, least, most = (2.0, 3.0, 20.0) if quick else (8.0, 20.0, 240.0)
    while time.monotonic() - start < most:
        if rss(hub) > largest * 1.005:
            largest, grown = rss(hub), time.monotonic()
        now = time.monotonic()
        if now - grown > still and now - start > least:
            break
        terminal.pause(10.0, 0.5)
    return time.monotonic() - start


def main() -> int:
    """Fill the ring, let the messages flow, and print what everyone needs before and after."""
    options = parser(__doc__)
    options.add_argument("--messages", type=int, default=50_000_000)
    args = options.parse_args()
    quick = args.messages < 10_000_000
    columns = ("process", "ring full", "at the end", "ratio")
    report = Report(f"memory: one consumer, messages of {LENGTH} bytes", columns, args.check)
    block = b"".join(b"%0*d\n" % (LENGTH - 1, number) for number in range(200))
    with Sandbox() as sandbox:
        path = sandbox.fifo("flow")
        terminal = sandbox.terminal(sandbox.work)
        monitor = Monitor(terminal)
        monitor.start_consumer(path.name)
        hub = monitor.hub()
        flood = Flood(path, block)
        took = fill_the_ring(terminal, hub, quick)
        processes = {"screen": psutil.Process(terminal.pid), "hub": hub}
        processes |= {f"child {child.pid}": child for child in hub.children()}
        before = {name: rss(process) for name, process in processes.items()}
        first, start = flood.bytes, time.monotonic()
        while (flood.bytes - first) // LENGTH < args.messages:
            terminal.pause(10.0, 0.2)
            if flood.error or terminal.exit_code is not None:
                raise RuntimeError(f"the flow stopped: {flood.error or terminal.text()}")
        seconds = time.monotonic() - start
        after = {name: rss(process) for name, process in processes.items()}
        flood.stop()
    for name in processes:
        ratio = after[name] / before[name]
        report.row(name, f"{before[name] / 2**20:.1f} MiB", f"{after[name] / 2**20:.1f} MiB", f"{ratio:.3f}")
    for name in ("screen", "hub"):
        ratio = after[name] / before[name]
        report.target(
            ratio <= TARGET, f"{name}: {ratio:.3f} of its size when the ring had filled, at most {TARGET:.2f}"
        )
    status = report.finish()
    print(f"  {args.messages:,} messages in {seconds:.0f} s, after {took:.0f} s to fill the ring")
    return status


if __name__ == "__main__":
    sys.exit(main())
