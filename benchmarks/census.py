#!/usr/bin/env python3
"""How long does it take to tell who holds which pipe, with 1,000 processes and 50,000 descriptors?

`pipetui ls --all --json` beside `lsof` and `lsfd`, which print the ends alone: no fill, nobody who waits. The census
itself (what those two print) is timed in a running interpreter, as the monitor's watcher does it again and again. The
watcher's steady cost is that of a look at 300 processes of which nothing changes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import PIPETUI, Report, median, parser, timed

#: Forks argv[1] processes that each make argv[2] pipes and wait for a signal; says so when all have.
CROWD = """
import os, signal, sys
count, pipes = map(int, sys.argv[1:])
ready, tell = os.pipe()
for _ in range(count):
    if os.fork() == 0:
        os.close(ready)
        for _ in range(pipes):
            os.pipe()
        os.write(tell, b"x")
        os.close(tell)
        signal.pause()
        os._exit(0)
os.close(tell)
while os.read(ready, 4096):
    pass
os.write(1, b"ready\\n")
signal.pause()
"""

#: Times a census in a running interpreter; argv: rounds.
CENSUS = """
import sys, time
from pipetui.kernel.procfs import Proc
from pipetui.watch.census import take
times = []
for _ in range(int(sys.argv[1])):
    started = time.perf_counter()
    census = take(Proc(), anonymous=True, twofold=True)
    times.append(time.perf_counter() - started)
print(sorted(times)[len(times) // 2], sum(map(len, census.ends.values())))
"""

#: What the watcher costs while nothing changes, after it has settled for some seconds; argv: seconds.
STEADY = """
import os, signal, sys, time
from pipetui.watch import watcher
marks = []
def mark(*_):
    marks.append((time.monotonic(), time.process_time()))
    if len(marks) == 2:
        raise SystemExit
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
signal.signal(signal.SIGALRM, mark)
signal.setitimer(signal.ITIMER_REAL, 3.0)
control, _ = os.pipe()
try:
    watcher.run(watcher.Watcher(), lambda: [], control, lambda sight: None)
finally:
    (started, before), (ended, after) = marks
    print((after - before) / (ended - started))
"""


@contextmanager
def crowd(count: int, pipes: int) -> Iterator[int]:
    """Run `count` processes with `pipes` pipes each, all of one session; all are ended with the block."""
    argv = [sys.executable, "-S", "-c", CROWD, str(count), str(pipes)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as leader:
        try:
            assert leader.stdout is not None
            if leader.stdout.readline() != b"ready\n":
                raise RuntimeError("the crowd did not come together")
            yield leader.pid
        finally:
            os.killpg(leader.pid, signal.SIGKILL)


def inside(code: str, *arguments: str) -> list[str]:
    """Run code in an interpreter of its own and return the words that it prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main() -> int:
    """Run the rounds and print the table."""
    options = parser(__doc__)
    options.add_argument("--processes", type=int, default=1_000)
    options.add_argument("--pipes", type=int, default=25, help="pipes that each process holds, of two ends each")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=20.0, help="how long to look at the watcher's steady cost")
    args = options.parse_args()
    ours = [*PIPETUI, "ls", "--all", "--json", os.devnull.rpartition("/")[0]]
    tools = {
        "pipetui ls --all --json": ours,
        "lsof -n -P -w -F pfatDi": ["lsof", "-n", "-P", "-w", "-F", "pfatDi"],
        "lsfd --json": ["lsfd", "--json", "-o", "PID,FD,TYPE,MAJ:MIN,INODE,MODE"],
    }
    report = Report(f"census of {args.processes:,} processes", ("command", "seconds", "ratio"), args.check)
    times: dict[str, list[float]] = {name: [] for name, argv in tools.items() if shutil.which(argv[0])}
    with crowd(args.processes, args.pipes):
        answer = json.loads(subprocess.run(ours, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)
        ends = sum(len(pipe["ends"]) for pipe in answer["pipes"])
        if ends < 2 * args.processes * args.pipes:
            raise RuntimeError(f"only {ends:,} ends are listed of {2 * args.processes * args.pipes:,}")
        for _ in range(args.rounds):
            for name in times:
                times[name].append(timed(tools[name], expect=(0, 1)))
        census = float(inside(CENSUS, str(args.rounds))[0])
    base = median(times["pipetui ls --all --json"])
    report.row("the census itself", f"{census:.3f}", f"{census / base:.2f}")
    for name, values in times.items():
        report.row(name, f"{median(values):.3f}", f"{median(values) / base:.2f}")
    for name in times:
        if name not in ("pipetui ls --all --json",):
            other = median(times[name])
            tool = name.split()[0]
            report.target(census <= other / 4, f"census {census:.3f} s, at most a quarter of {tool}'s {other:.3f} s")
            report.target(base < other, f"ls --all --json {base:.3f} s, less than {tool}'s {other:.3f} s")
    for tool in ("lsof", "lsfd"):
        if not shutil.which(tool):
            report.row(f"{tool} is not here", "–", "–")
    with crowd(300, 10):
        time.sleep(0.5)
        share = float(inside(STEADY, str(args.seconds))[0])
    report.target(share < 0.01, f"watcher at 300 quiet processes: {share:.2%} of a core, wanted below 1 %")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
