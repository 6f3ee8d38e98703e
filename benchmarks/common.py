"""What the benchmarks share: the table they print, their verdicts, and floods that never touch a disk."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hubclient import HubClient
from monitor import Monitor
from processes import PIPETUI, Sandbox
from terminal import Terminal

__all__ = [
    "PIPETUI",
    "ROOT",
    "Flood",
    "HubClient",
    "Monitor",
    "Report",
    "Sandbox",
    "Terminal",
    "cpu_seconds",
    "lines_of",
    "median",
    "parser",
    "rss",
    "timed",
]

ROOT = Path(__file__).resolve().parent.parent


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser with what every benchmark takes."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    made.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    return made


@dataclass
class Report:
    """Collects rows and verdicts, prints them, and knows the exit code."""

    title: str
    columns: Sequence[str]
    check: bool = False
    rows: list[tuple[str, ...]] = field(default_factory=list)
    verdicts: list[tuple[bool, str]] = field(default_factory=list)

    def row(self, *cells: str) -> None:
        """Add one line of the table."""
        self.rows.append(cells)

    def target(self, passed: bool, sentence: str) -> None:
        """Add a verdict: whether a target was reached, and what was measured against what."""
        self.verdicts.append((passed, sentence))

    def finish(self) -> int:
        """Print everything; return the exit code."""
        machine = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
        print(f"{self.title}   [{machine}]")
        widths = [max(len(row[i]) for row in [tuple(self.columns), *self.rows]) for i in range(len(self.columns))]
        for row in [tuple(self.columns), *self.rows]:
            first, *rest = (
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            print("  " + "   ".join([first, *rest]))
        for passed, sentence in self.verdicts:
            print(f"  {'PASS' if passed else 'FAIL'}  {sentence}")
        sys.stdout.flush()
        return int(self.check and not all(passed for passed, _ in self.verdicts))


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def timed(argv: Sequence[str], env: dict[str, str] | None = None, expect: tuple[int, ...] = (0,)) -> float:
    """Return how long a command takes, its output thrown away (seconds)."""
    start = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    took = time.perf_counter() - start
    if done.returncode not in expect:
        raise RuntimeError(f"{argv[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}")
    return took


def rss(process: psutil.Process) -> int:
    """Return the resident size in bytes."""
    size: int = process.memory_info().rss
    return size


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return the CPU time that processes have used so far, without that of their ended children."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def lines_of(length: int, count: int) -> bytes:
    """Return `count` lines of `length` bytes each, newline included, numbered so that they differ."""
    return b"".join(f"{n:>{length - 1}}\n".encode() for n in range(count))


class Flood:
    """A thread that writes a block into a FIFO over and over, until told to stop or the reader has gone."""

    def __init__(self, path: str | os.PathLike[str], block: bytes, pace: Callable[[int], float] | None = None) -> None:
        self.bytes = 0
        self.error = ""
        self._path, self._block, self._pace = path, block, pace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flood", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with open(self._path, "wb", buffering=0) as pipe:
                while not self._stop.is_set():
                    self.bytes += pipe.write(self._block)
                    if self._pace is not None:
                        self._stop.wait(self._pace(self.bytes))
        except OSError as error:
            self.error = os.strerror(error.errno or 0)

    def stop(self) -> None:
        """Stop after the write that is going on."""
        self._stop.set()
        self._thread.join(10.0)
