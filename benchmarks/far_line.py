#!/usr/bin/env python3
"""What does a monitor of another host need of the line between them, and how does it fare on a thin one?

The other host is an sshd on loopback; every byte of the connection goes through a ProxyCommand that counts it, so what
is told is what ssh really sends, its own overhead included. First the line is as fast as it comes: a FIFO over there,
which a consumer of the monitor reads, gets nothing, then 10, 1,000 and 100,000 messages a second. Then the line carries
5,000 bytes a second in each direction: how long until the FIFO is on the screen, and how old is a message that is seen,
at 10 a second?
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from sshd import Sshd, why_not

from benchmarks.common import Monitor, Report, Sandbox, Terminal, median, parser
from benchmarks.terminal_bytes import RATES, messages, wait

#: Carries the connection to port argv[1] at argv[2] bytes a second each way (0: as fast as it comes), and writes into
#: the file argv[3] how many bytes went up and down. What waits is small, as in a modem, not in a deep queue.
_PROXY = """
import os, socket, sys, threading, time
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
rate, counts = float(sys.argv[2]), [0, 0]
size = 512 if rate else 65536
def pump(way, take, give):
    while data := take(size):
        if rate:
            time.sleep(len(data) / rate)
        give(data)
        counts[way] += len(data)
    os._exit(0)
def tell():
    while True:
        time.sleep(0.05)
        with open(sys.argv[3] + ".new", "w") as file:
            file.write("%d %d" % tuple(counts))
        os.replace(sys.argv[3] + ".new", sys.argv[3])
for work in ((pump, 0, lambda n: os.read(0, n), line.sendall), (tell,)):
    threading.Thread(target=work[0], args=work[1:], daemon=True).start()
pump(1, line.recv, lambda data: os.write(1, data))
"""


class Line:
    """The connection to a host, counted and perhaps thin."""

    def __init__(self, far: Sshd) -> None:
        self._counts = far.folder / "counts"
        self._config = far.config
        self._plain = far.config.read_text()
        port = re.search(r"Port (\d+)", self._plain)
        assert port
        self._program = far.folder / "proxy.py"
        self._program.write_text(_PROXY)
        self._port = port[1]

    def carries(self, rate: int) -> None:
        """From the next connection on, let it carry so many bytes a second (0: all)."""
        command = f"{sys.executable} -IS {self._program} {self._port} {rate} {self._counts}"
        self._config.write_text(f"{self._plain}  ProxyCommand {command}\n")

    def counts(self) -> tuple[int, int]:
        """Return how many bytes went up and down since the connection began."""
        up, down = self._counts.read_text().split()
        return int(up), int(down)


@contextmanager
def monitor_of(sandbox: Sandbox, far: Sshd, name: str) -> Iterator[tuple[Terminal, float]]:
    """Start the monitor of the host; yield it with the time until the FIFO was on the screen (seconds)."""
    began = time.monotonic()
    options = ("--host", far.host, str(far.home))
    with sandbox.terminal(*options, env={"PATH": far.env["PATH"]}, answers=True) as terminal:
        terminal.wait_for(f"/{name}", 120.0)
        took = time.monotonic() - began
        terminal.settle(1.0, 30.0)
        driver = Monitor(terminal)
        driver.start_consumer(name)
        yield terminal, took
        driver.quit()


def ages(terminal: Terminal, path: Path, count: int) -> list[float]:
    """Write numbered messages, 10 a second, and return how old each was when it was on the screen (seconds)."""
    written: dict[int, float] = {}

    def write() -> None:
        with path.open("w") as pipe:
            for number in range(count):
                written[number] = time.monotonic()
                pipe.write(f"message <{number}> of a log\n")
                pipe.flush()
                time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    seen: dict[int, float] = {}
    try:
        while len(seen) < count:
            text = terminal.wait_for(lambda screen: any(number not in seen for number in _numbers(screen)), 30.0)
            for number in _numbers(text):
                seen.setdefault(number, time.monotonic())
            if not writer.is_alive() and max(seen) == count - 1:
                break  # one that was skipped is never seen
    finally:
        writer.join()
    return [moment - written[number] for number, moment in sorted(seen.items())]


def _numbers(screen: str) -> list[int]:
    return [int(number) for number in re.findall(r"<(\d+)>", screen)]


def main() -> int:
    """Measure, and print the table."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--rate", type=int, default=5_000, help="what the thin line carries, bytes a second")
    args = options.parse_args()
    report = Report("the line to another host, its monitor at 120x40", ("", "up B/s", "down B/s"), args.check)
    if why_not():
        print(f"skipped: {why_not()}")
        return 0
    down: dict[int, float] = {}
    with Sandbox() as sandbox, closing(Sshd(sandbox.work)) as far:
        line, path = Line(far), far.home / "log"

        os.mkfifo(path)
        line.carries(0)
        with monitor_of(sandbox, far, path.name) as (terminal, _):
            wait(terminal, 2.0)
            opening = line.counts()
            for rate in (0, *RATES):
                with messages(path, rate):
                    wait(terminal, 2.0)
                    before, start = line.counts(), time.monotonic()
                    wait(terminal, args.seconds)
                    after, took = line.counts(), time.monotonic() - start
                ways = [(new - old) / took for new, old in zip(after, before, strict=True)]
                down[rate] = ways[1]
                report.row(f"{rate:,} messages/s" if rate else "idle", *(f"{way:,.0f}" for way in ways))
                wait(terminal, 1.0)
        line.carries(args.rate)
        with monitor_of(sandbox, far, path.name) as (terminal, took):
            old = ages(terminal, path, 100)
    report.target(down[0] <= 100, f"idle: {down[0]:,.0f} B/s, at most 100")
    report.target(down[10] <= 2_000, f"10 messages/s: {down[10]:,.0f} B/s down, at most 2,000")
    busiest = max(down[rate] for rate in RATES)
    report.target(busiest <= 16 * 1024, f"under floods: {busiest:,.0f} B/s down, at most 16 KiB/s")
    late = median(old)
    report.target(late <= 1.0, f"on {args.rate:,} B/s a message is seen after {late:.2f} s in the middle, at most 1 s")
    status = report.finish()
    sent = opening[0] >> 10
    print(f"  {sent} KiB went there to begin; on {args.rate:,} B/s the FIFO was on the screen after {took:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
