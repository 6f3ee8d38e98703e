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
from processes import Sandbox

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Box:
    """A host that is not one: a folder, seen as /srv where this user may mount. One that `dies` does so soon."""

    name: str
    fifos: tuple[str, ...]
    lines: tuple[str, ...] = ()
    dies: bool = False


@dataclass(frozen=True)
class Picture:
    """One picture: its title, the size of the terminal, the way to what it shows, and what shell lines run before.

    Without lines it is of the demo; else of the monitor on a folder in which they run. With `hosts` it is of these,
    each with the FIFOs and the lines of its own folder.
    """

    title: str
    pose: Callable[[Monitor], None]
    columns: int = 120
    rows: int = 40
    lines: tuple[str, ...] = ()
    hosts: tuple[Box, ...] = ()


def flowing(monitor: Monitor) -> None:
    """Wait until everything has something to show: a full pipe, rates, a screen of messages."""
    monitor.terminal.wait_for(lambda screen: len(monitor.messages()) >= 8 and monitor.seen() > 300, 30.0, "a full log")
    monitor.terminal.wait_for(re.compile(r"/slow .* full"), 30.0)
    monitor.press("1", "G", "k")
    monitor.terminal.wait_for("PRODUCERS of orders")  # the panes below follow in the next frame


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
    """One message as hex."""
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


def to_the_lab(monitor: Monitor) -> None:
    """The lab of the rendezvous, opened."""
    monitor.press("l")
    monitor.terminal.wait_for("LABS 0 of")
    for _ in range(40):
        if re.search(r"▸ . Whoever opens first", monitor.terminal.text()):
            break
        monitor.press("j")
    monitor.press("enter")


def prediction(monitor: Monitor) -> None:
    """A prediction that is being made."""
    to_the_lab(monitor)
    monitor.press("3")
    monitor.terminal.wait_for("(•)  3")


def labs(monitor: Monitor) -> None:
    """A lab after its run: one thing came as predicted, the other did not."""
    to_the_lab(monitor)
    for answer in "31":
        monitor.press(answer)
        monitor.terminal.wait_for(f"(•)  {answer}")
        monitor.press("enter")
    monitor.terminal.wait_for("1 of 2 predicted correctly", 60.0)


def comparison(monitor: Monitor) -> None:
    """The comparison of mechanisms, when it is over."""
    monitor.press("l", "b", "r")
    monitor.terminal.wait_for("On this machine, now:", 90.0)


def hosts(monitor: Monitor) -> None:
    """Three hosts: one where orders flow, one with somebody who waits, one that has gone away."""
    terminal = monitor.terminal
    terminal.wait_for(re.compile(r"pi +\S+/sensors"), 30.0)
    terminal.wait_for("waits for a reader", 30.0)
    for host, template in (("web", "order {n:05d}: two coffees"), ("db", "event {n} saved")):
        monitor.press("1", "g")
        for _ in range(8):
            if re.search(rf"^ ▸ {host} +\S+/(orders|events) ", terminal.text(), re.MULTILINE):
                break
            monitor.press("j")
        monitor.dialog("r", f"Consumer on {host}", {"Name": "reader"})
        monitor.dialog("w", f"Producer on {host}", {"Template": template, "Rate": "3"})
    terminal.wait_for("pi is away", 60.0)
    terminal.wait_for("Connection refused", 30.0)
    terminal.wait_for(lambda screen: screen.count("coffees") > 4 and screen.count("saved") > 4, 30.0, "messages")
    monitor.press("1", "g")
    terminal.wait_for("PRODUCERS of web:orders")


HOSTS = (
    Box("web", ("orders", "uploads"), ("exec yes > uploads", "exec sleep 1000 < uploads")),
    Box("db", ("backup-done", "events"), ("echo done > backup-done",)),
    Box("pi", ("sensors", "door"), ("exec cat sensors",), dies=True),
)

PICTURES = {
    "main-120x40": Picture("pipetui demo", flowing),
    "main-80x24": Picture("pipetui demo", narrow, 80, 24),
    "dialog-producer": Picture("pipetui: start a producer", producer),
    "message": Picture("pipetui: one message", message),
    "light": Picture("pipetui: light", light),
    "help": Picture("pipetui: keys", keys),
    "labs": Picture("pipetui: labs", labs),
    "lab-prediction": Picture("pipetui: a prediction", prediction),
    "comparison": Picture("pipetui: which mechanism is faster", comparison, columns=100, rows=36, lines=("true",)),
    "findings": Picture("pipetui: who is stuck", findings, lines=STUCK),
    "pipe": Picture("pipetui: one FIFO, looked at closely", pipe),
    "pipelines": Picture("pipetui: pipelines, with pressure", pipelines, rows=14, lines=PIPED),
    "hosts": Picture("pipetui --host web --host db --host pi", hosts, hosts=HOSTS),
}


def draw(name: str, picture: Picture, target: Path) -> None:
    """Start what the picture is of, bring it into its pose, and draw it."""
    # the path that is on the screen must be one that anybody's machine could have
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as short, Sandbox() as sandbox, ExitStack() as running:
        for line in picture.lines:
            running.enter_context(background(line, Path(short)))
        words = [short] if picture.lines else ["demo"]
        env = {"TMPDIR": short}
        if picture.hosts:
            words, env["PATH"] = network(picture.hosts, Path(short), running), f"{short}:{sandbox.env['PATH']}"
        terminal = sandbox.terminal(*words, columns=picture.columns, rows=picture.rows, env=env)
        if words == ["demo"]:
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


#: What stands for ssh: it runs the command here, in the host's folder, of which it makes /srv where it may.
SSH = """\
#!/bin/sh
for word; do host=$last last=$word; done
folder={folder}/$host
case $host in {dying})
  [ -e "$folder.gone" ] && {{ echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255; }}
  touch "$folder.gone"; until="timeout -s KILL 12" ;;
esac
if unshare --mount true 2>/dev/null; then
  exec $until unshare --mount sh -c 'mount --bind "$0" /srv && cd /srv && exec sh -c "$1"' "$folder" "$last"
fi
cd "$folder" && exec $until sh -c "$last"
"""


def network(boxes: tuple[Box, ...], folder: Path, running: ExitStack) -> list[str]:
    """Make the hosts and the way to them; return the arguments that show them."""
    for box in boxes:
        place = folder / box.name
        place.mkdir()
        for name in box.fifos:
            os.mkfifo(place / name, 0o600)
        for line in box.lines:
            running.enter_context(background(line, place))
    dying = "|".join(box.name for box in boxes if box.dies) or "-"
    (folder / "ssh").write_text(SSH.format(folder=folder, dying=dying))
    (folder / "ssh").chmod(0o755)
    return [*(word for box in boxes for word in ("--host", box.name)), "."]


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
