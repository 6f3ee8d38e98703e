#!/usr/bin/env python3
"""Does a writer at full speed notice that its FIFO is on a screen?

A writer and `cat` move bytes through a FIFO, 64 KiB and 512 B a write, with and without the monitor watching it in a
pseudo-terminal. The rounds alternate; the median speeds are compared.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Report, Sandbox, median, parser

#: What a watched writer must keep of its unwatched speed.
TARGET = 0.95

WRITER = """
import os, sys, time
path, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
fd, data, write, clock = os.open(path, os.O_WRONLY), b"x" * size, os.write, time.perf_counter
count, start = 0, clock()
while clock() - start < seconds:
    for _ in range(64):
        write(fd, data)
    count += 64
print(count * size / (clock() - start))
"""


def flow(path: Path, size: int, seconds: float) -> float:
    """Return bytes a second from a writer to `cat`."""
    argv = [sys.executable, "-S", "-c", WRITER, str(path), str(size), str(seconds)]
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.DEVNULL) as reader:
        speed = float(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        reader.wait()
    return speed


def main() -> int:
    """Alternate unwatched and watched rounds and print the table."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0, help="length of a round")
    args = options.parse_args()
    report = Report("observer effect", ("write size", "MB/s alone", "MB/s watched", "ratio"), args.check)
    with Sandbox() as sandbox:
        path = sandbox.fifo("flow")
        for size in (1 << 16, 512):
            alone: list[float] = []
            watched: list[float] = []
            for _ in range(args.rounds):
                alone.append(flow(path, size, args.seconds))
                with sandbox.terminal(sandbox.work) as terminal:
                    terminal.wait_for(path.name)
                    watched.append(flow(path, size, args.seconds))
                    terminal.send("q")
                    terminal.wait_exit()
            ratio = median(watched) / median(alone)
            report.row(f"{size} B", f"{median(alone) / 1e6:,.0f}", f"{median(watched) / 1e6:,.0f}", f"{ratio:.2f}")
            report.target(ratio >= TARGET, f"{size} B writes keep {ratio:.2f} of their speed, wanted {TARGET}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
