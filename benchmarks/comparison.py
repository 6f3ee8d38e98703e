#!/usr/bin/env python3
"""Does `pipetui bench` measure a pipe as a plain script does?

A plain script of a few lines (os.pipe, os.fork, os.write, os.read) and `pipetui bench` take turns, size by size. Each
turn of pipetui is set against the turn of the script just before it, and the median of these ratios counts. Where the
kernel puts sender and receiver, on one processor or on two, matters several times more than anything in Python; both
leave it to the kernel, so single turns differ, for the script as for pipetui.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import PIPETUI, Report, median, parser
from pipetui.labs.comparison import SIZES
from pipetui.tui.views.benchchart import size_words

#: What the figures of pipetui may be of those of the script.
LOWEST, HIGHEST = 0.8, 1.25

#: Sends messages of a size for some seconds, in rounds of a tenth of a second or so; prints bytes a second over all.
SCRIPT = """
import os, sys, time
size, seconds = int(sys.argv[1]), float(sys.argv[2])

def once(count):
    read, write = os.pipe()
    told, tell = os.pipe()
    if os.fork() == 0:
        os.close(write)
        got = 0
        while got < count * size:
            got += len(os.read(read, size))
        os.write(tell, str(time.perf_counter()).encode())
        os._exit(0)
    message = b"x" * size
    start = time.perf_counter()
    for _ in range(count):
        os.write(write, message)
    end = float(os.read(told, 100))
    os.wait()
    for fd in (read, write, told, tell):
        os.close(fd)
    return end - start

count = 1
while (took := once(count)) < 0.05:
    count = count * 10 if took < 0.01 else int(count * 0.1 / took) + 1
rounds = [once(count)]
while sum(rounds) < seconds:
    rounds.append(once(count))
print(len(rounds) * count * size / sum(rounds))
"""


def plain(size: int, seconds: float) -> float:
    """Return bytes a second as the script has it."""
    argv = [sys.executable, "-S", "-c", SCRIPT, str(size), str(seconds)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def ours(size: int, seconds: float) -> float:
    """Return bytes a second as `pipetui bench` has it."""
    argv = [*PIPETUI, "bench", "--json", "-m", "pipe", "-s", str(size), "--seconds", str(seconds)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    (figure,) = json.loads(done.stdout)["mechanisms"][0]["throughput"]
    rate: float = figure["bytes_per_second"]
    return rate


def main() -> int:
    """Take turns and print the table."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=15, help="how often each takes its turn with each size")
    options.add_argument("--seconds", type=float, default=0.8, help="how long a turn of pipetui takes")
    args = options.parse_args()
    columns = ("messages of", "script MB/s", "pipetui MB/s", "of the script")
    report = Report("comparison: bytes through one pipe", columns, args.check)
    for size in SIZES:
        script: list[float] = []
        own: list[float] = []
        for _ in range(args.rounds):
            script.append(plain(size, args.seconds / 2))
            own.append(ours(size, args.seconds))
        ratio = median([one / other for one, other in zip(own, script, strict=True)])
        report.row(size_words(size), f"{median(script) / 1e6:,.1f}", f"{median(own) / 1e6:,.1f}", f"{ratio:.2f}")
        report.target(
            LOWEST <= ratio <= HIGHEST,
            f"messages of {size_words(size)}: {ratio:.2f} of the script, wanted {LOWEST} to {HIGHEST}",
        )
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
