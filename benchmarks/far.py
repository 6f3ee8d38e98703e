#!/usr/bin/env python3
"""How long does `pipetui ls --host` take, beside `ssh HOST python3 -c pass` and the local `ls`?

The other host is an sshd on loopback with keys of its own, whose python3 has neither pipetui nor psutil: each time our
packages travel there and are compiled. Rounds alternate, so that all suffer alike from what else the machine does.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from sshd import Sshd, why_not

from benchmarks.common import PIPETUI, Report, median, parser, timed
from pipetui.client.ssh import HUB, OPERATION, payload


def main() -> int:
    """Run the rounds and print the table."""
    options = parser(__doc__)
    options.add_argument("--fifos", type=int, default=100)
    options.add_argument("--rounds", type=int, default=15)
    args = options.parse_args()
    import_module("pipetui.backend.operations.ls")
    import_module("pipetui.client.operations")
    report = Report("another host", ("command", "seconds", "of the bound"), args.check)
    if why_not():
        print(f"skipped: {why_not()}")
        return 0
    with tempfile.TemporaryDirectory(prefix="far-") as folder, Sshd(Path(folder)) as far:
        for number in range(args.fifos):
            os.mkfifo(far.home / f"fifo-{number:03d}")
        commands = {
            "ssh HOST python3 -c pass": ["ssh", far.host, "python3 -c pass"],
            "pipetui ls": [*PIPETUI, "ls", str(far.home)],
            "pipetui ls --host HOST": [*PIPETUI, "ls", "--host", far.host, str(far.home)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, argv in commands.items():
                times[name].append(timed(argv, env=far.env))
    ssh, here, there = (median(values) for values in times.values())
    bound = 1.5 * ssh + here
    for name, seconds in zip(commands, (ssh, here, there), strict=True):
        report.row(name, f"{seconds:.3f}", f"{seconds / bound:.2f}")
    report.target(there <= bound, f"ls --host: {there:.3f} s, at most {bound:.3f} s (1.5 x ssh + the local ls)")
    needed = frozenset(name for name in sys.modules if name.startswith("pipetui"))
    sizes = [len(payload(OPERATION)), len(payload(OPERATION, needed)), len(payload(HUB))]
    told = "{:.0f} KiB as source, {:.0f} KiB with bytecode; the hub: {:.0f} KiB".format(
        *(size / 1024 for size in sizes)
    )
    report.target(max(sizes) < 512 << 10, f"ls travels in {told}; wanted below 512 KiB")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
