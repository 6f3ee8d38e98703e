#!/usr/bin/env python3
"""Draws screenshots/*.svg from the running program: the real thing in a pseudo-terminal, read by a terminal emulator.

Every picture is of a program that was started for it, on a temporary folder with a name that anybody's could have.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from monitor import Monitor, shows_the_demo
from processes import Stage

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Picture:
    """One picture: its title, the size of the terminal, the way to what it shows, and what shell lines run before.

    Without lines it is of the demo; else of the monitor on a folder in which they run.
    """

    title: str
    pose: Callable[[Monitor], None]
    columns: int = 120
    rows: int = 40
    lines: tuple[str, ...] = ()


def flowing(monitor: Monitor) -> None:
    """Wait until everything has something to show: a full pipe, rates, a screen of messages."""
    monitor.terminal.wait_for(lambda screen: len(monitor.messages()) >= 8 and monitor.seen() > 300, 30.0, "a full log")
    monitor.terminal.wait_for(re.compile(r"/slow .* full"), 30.0)
    monitor.press("1", "G", "k")


def narrow(monitor: Monitor) -> None:
    """The FIFOs of a small screen."""
    monitor.terminal.pause(0.5, 4.0)
    monitor.press("1", "G", "k")


def producer(monitor: Monitor) -> None:
    """The dialog that starts a producer."""
    flowing(monitor)
    monitor.select_fifo("orders")
    monitor.press("w")
    monitor.terminal.wait_for("Template")
    monitor.fill({"Template": "order {n:05d}", "Rate": "25"})


def message(monitor: Monitor) -> None:
    """One message, opened, as hex."""
    flowing(monitor)
    monitor.press("4", "space", "enter")
    monitor.terminal.wait_for("hex")
    monitor.press("2")
    monitor.terminal.wait_for("00000000  ")


def light(monitor: Monitor) -> None:
    """The light theme."""
    flowing(monitor)
    monitor.press("t")


def keys(monitor: Monitor) -> None:
    """The help."""
    flowing(monitor)
    monitor.press("?")
    monitor.terminal.wait_for("Create a FIFO")


#: Two programs that each fill the pipe that the other should read, and a shell that waits for a reader.
STUCK = (
    "mkfifo -m 600 questions answers results",
    "exec 4>answers 3<questions; exec python3 ask.py",
    "exec 3<answers 4>questions; exec python3 reply.py",
    "echo done > results",
)
FLOOD = "import os\nwhile True: os.write(4, b'x' * 4096)"


def findings(monitor: Monitor) -> None:
    """The findings of the stuck programs."""
    monitor.terminal.wait_for("deadlock", 30.0)
    monitor.terminal.wait_for("results, which nobody reads", 30.0)
    monitor.press("1", "g")


def pipe(monitor: Monitor) -> None:
    """A full FIFO, looked at closely, with a peek."""
    flowing(monitor)
    monitor.select_fifo("slow")
    monitor.press("enter")
    monitor.terminal.wait_for("PEEK")
    monitor.press("p")
    monitor.terminal.wait_for("not consumed")
    monitor.terminal.wait_for(lambda screen: "parcel" in screen)


def pipelines(monitor: Monitor) -> None:
    """Two pipelines in a shell, one with a slow stage."""
    monitor.terminal.wait_for("0 FIFOs")
    monitor.press("a")
    monitor.terminal.wait_for("The bottleneck is", 30.0)


PIPED = ("yes | python3 slow.py | wc -l", "tail -f /dev/null | grep --line-buffered x | sort")
SLOW = "import sys, time\nfor line in sys.stdin:\n    time.sleep(0.5)\n    print(line, end='', flush=True)"

PICTURES = {
    "main-120x40": Picture("pipetui demo", flowing),
    "main-80x24": Picture("pipetui demo", narrow, 80, 24),
    "dialog-producer": Picture("pipetui: start a producer", producer),
    "message": Picture("pipetui: one message", message),
    "light": Picture("pipetui: light", light),
    "help": Picture("pipetui: keys", keys),
    "findings": Picture("pipetui: who is stuck", findings, lines=STUCK),
    "pipe": Picture("pipetui: one FIFO, looked at closely", pipe),
    "pipelines": Picture("pipetui: pipelines, with pressure", pipelines, rows=14, lines=PIPED),
}


def draw(name: str, picture: Picture, target: Path) -> None:
    """Start what the picture is of, bring it into its pose, and draw it."""
    # the path that is on the screen must be one that anybody's machine could have
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as short, Stage() as stage, ExitStack() as running:
        for line in picture.lines:
            running.enter_context(background(line, Path(short)))
        words = [short] if picture.lines else ["demo"]
        terminal = stage.terminal(*words, columns=picture.columns, rows=picture.rows, env={"TMPDIR": short})
        if not picture.lines:
            terminal.wait_for(shows_the_demo if picture.columns >= 100 else "orders")
        picture.pose(Monitor(terminal))
        terminal.svg(target / f"{name}.svg", picture.title)
        terminal.kill(signal.SIGTERM)
        terminal.wait_exit()


@contextmanager
def background(line: str, folder: Path) -> Iterator[None]:
    """Run a shell line in a folder until the picture is taken."""
    for name, code in (("ask.py", FLOOD), ("reply.py", FLOOD), ("slow.py", SLOW)):
        (folder / name).write_text(code)
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        ["sh", "-c", line], cwd=folder, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    try:
        if line.startswith("mkfifo"):
            while not (folder / "results").exists():
                time.sleep(0.01)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def alone() -> None:
    """Run again where no other process is to be seen, if this user may: nobody's own pipes belong into a picture."""
    apart = ["unshare", "--pid", "--fork", "--mount-proc"]
    if "PIPETUI_ALONE" in os.environ or not shutil.which(apart[0]) or subprocess.run([*apart, "true"]).returncode:
        return
    os.environ["PIPETUI_ALONE"] = "yes"
    os.execvp(apart[0], [*apart, "--kill-child", sys.executable, *sys.argv])


def main() -> int:
    """Draw all of them, or those that are named."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)} (default: all)")
    options.add_argument("--into", type=Path, default=ROOT / "screenshots", metavar="FOLDER")
    args = options.parse_args()
    unknown = set(args.names) - set(PICTURES)
    if unknown:
        options.error(f"no such picture: {', '.join(sorted(unknown))}")
    alone()
    args.into.mkdir(exist_ok=True)
    for name in args.names or PICTURES:
        draw(name, PICTURES[name], args.into)
        print(args.into / f"{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
