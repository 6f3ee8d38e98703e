#!/usr/bin/env python3
"""Does a consumer with the log on take bytes out of a FIFO as fast as `cat FIFO >/dev/null`?

One writer, three ways of writing: a message of 64 KiB per write, a line of 100 bytes per write, and 64 KiB of such
lines per write. The same writer feeds each reader in turn, the rounds alternate, and the median of the rounds counts.
What is measured is how long the writer needs for all its bytes. The consumer cuts them into lines, counts each, and a
client follows its log at ten updates a second.

The third way has no target: `cat` does not look at the bytes, and counting 650 newlines in 64 KiB costs CPython about
20 microseconds, as much as the kernel needs to move them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import HubClient, Report, median, parser
from pipetui.model import ConsumerSpec

#: What a consumer must reach of what `cat` reaches.
TARGET = 0.9

#: Writes of `size` bytes cut out of lines of `line` bytes; larger writes cut through lines, as buffered output does.
WRITER = """
import itertools, os, sys, time
path, size, count, line = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
text = b"".join((b"%d" % n).rjust(line - 1, b"0") + b"\\n" for n in range((6 << 20) // line))
blocks = [text[at : at + size] for at in range(0, len(text) - size + 1, size)]
pipe = os.open(path, os.O_WRONLY)
write = os.write
start = time.perf_counter()
for block in itertools.islice(itertools.cycle(blocks), count):
    write(pipe, block)
os.close(pipe)
print(time.perf_counter() - start)
"""

Writer = subprocess.Popen[bytes]

#: Follows a writer to its end and returns how many bytes were counted, None if nobody counts.
Follow = Callable[[Writer], "int | None"]

#: A reader of a FIFO: entered before the writer starts.
Reader = Callable[[Path], AbstractContextManager[Follow]]


@contextlib.contextmanager
def tool(argv: list[str], path: Path) -> Iterator[Follow]:
    """Read with a program until it sees the end of the file."""
    with subprocess.Popen([*argv, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        yield lambda writer: None
        process.wait()


@contextlib.contextmanager
def consumer(path: Path, hub: HubClient) -> Iterator[Follow]:
    """Read with a consumer of ours, the log followed all the while; afterwards every byte must have been counted."""
    actor = hub.start(ConsumerSpec(str(path), follow=False))

    def follow(writer: Writer) -> int:
        hub.wait_for(lambda: writer.poll() is not None, 120.0, "the writer's end")
        hub.wait_for(lambda: hub.actors[actor].phase == "ended", what="the consumer's end")
        return hub.actors[actor].counters.bytes

    yield follow
    hub.control(actor, "dismiss")


def write_through(path: Path, size: int, count: int, line: int, reader: Reader) -> float:
    """Return bytes per second that the writer got rid of."""
    argv = [sys.executable, "-S", "-c", WRITER, str(path), str(size), str(count), str(line)]
    with reader(path) as follow, subprocess.Popen(argv, stdout=subprocess.PIPE) as writer:
        counted = follow(writer)
        assert writer.stdout is not None
        seconds = float(writer.stdout.read())
    if counted not in (None, size * count):
        raise RuntimeError(f"{size * count} bytes were written, but {counted} were counted")
    return size * count / seconds


def main() -> int:
    """Run the rounds and print the table."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--mebibytes", type=int, default=1024, help="bytes of a round with 64 KiB writes")
    options.add_argument("--lines", type=int, default=1_000_000, help="writes of a round with one line each")
    args = options.parse_args()
    report = Report("drain: bytes out of one FIFO", ("writes of", "reader", "MB/s", "of cat"), args.check)
    with tempfile.TemporaryDirectory(prefix="drain-") as folder, HubClient([folder]) as hub:
        hub.interval = 0.1
        readers: dict[str, Reader] = {"cat": lambda path: tool(["cat"], path)}
        if shutil.which("pv"):
            readers["pv -q"] = lambda path: tool(["pv", "-q"], path)
        readers["consumer, log on"] = lambda path: consumer(path, hub)
        path = Path(folder, "flow")
        os.mkfifo(path)
        blocks = args.mebibytes * 16
        ways = (
            ("64 KiB, one message", 1 << 16, blocks, 1 << 16, True),
            ("one 100-byte line", 100, args.lines, 100, True),
            ("64 KiB of 100-byte lines", 1 << 16, blocks, 100, False),
        )
        for name, size, count, line, counts in ways:
            speeds: dict[str, list[float]] = {reader: [] for reader in readers}
            for _ in range(args.rounds):
                for reader, how in readers.items():
                    speeds[reader].append(write_through(path, size, count, line, how))
            base = median(speeds["cat"])
            for reader, values in speeds.items():
                report.row(name, reader, f"{median(values) / 1e6:,.0f}", f"{median(values) / base:.2f}")
            ratio = median(speeds["consumer, log on"]) / base
            if counts:
                report.target(ratio >= TARGET, f"writes of {name}: {ratio:.2f} of cat, wanted {TARGET}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
