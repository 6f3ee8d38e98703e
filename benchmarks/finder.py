#!/usr/bin/env python3
"""How long does `pipetui ls --json` take on a tree of ten thousand FIFOs, beside `find` on the same tree?

And what does starting cost: `pipetui --version` beside `python3 -c pass` of the same interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import PIPETUI, Report, median, parser, timed


def plant(root: Path, count: int) -> None:
    """Make `count` FIFOs below `root`, a hundred in each folder, with a regular file beside every tenth."""
    for number in range(count):
        folder = root / f"folder-{number // 100:03d}"
        if number % 100 == 0:
            folder.mkdir()
        os.mkfifo(folder / f"fifo-{number % 100:02d}")
        if number % 10 == 0:
            (folder / f"file-{number % 100:02d}").touch()


def main() -> int:
    """Run the rounds and print the table."""
    options = parser(__doc__)
    options.add_argument("--fifos", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=7)
    args = options.parse_args()
    report = Report("finder and start-up", ("command", "seconds", "ratio"), args.check)
    with tempfile.TemporaryDirectory(prefix="finder-") as folder:
        plant(Path(folder), args.fifos)
        listing = [*PIPETUI, "ls", "--json", folder]
        found = json.loads(subprocess.run(listing, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)
        ours = sum(1 for pipe in found["pipes"] if (pipe["path"] or "").startswith(folder))
        if ours != args.fifos:
            raise RuntimeError(f"{args.fifos} FIFOs were made, but ls --json lists {ours} of them")
        commands = {
            "find": ["find", folder, "-type", "p", "-printf", "%D %i %m %u %p\\n"],
            "pipetui ls --json": listing,
            "python3 -c pass": [sys.executable, "-c", "pass"],
            "pipetui --version": [*PIPETUI, "--version"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, argv in commands.items():
                times[name].append(timed(argv))
    find, ls, python, version = (median(values) for values in times.values())
    for name, seconds, base in (
        ("find", find, find),
        ("pipetui ls --json", ls, find),
        ("python3 -c pass", python, python),
        ("pipetui --version", version, python),
    ):
        report.row(name, f"{seconds:.3f}", f"{seconds / base:.2f}")
    limit = 3 * find + 0.2
    report.target(ls <= limit, f"ls --json on {args.fifos:,} FIFOs: {ls:.3f} s, at most {limit:.3f} s (3 x find + 0.2)")
    report.target(version < 3 * python, f"--version: {version / python:.2f} times python3 -c pass, wanted below 3")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
