"""The monitor: starts a hub, and while that warms up loads the screen; then draws until the person quits."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipetui import streams
from pipetui.cli.exits import HUB_FILES, ExitCode, Leave, complain, impossible, need_files, usage
from pipetui.cli.host import add_host
from pipetui.cli.values import fps
from pipetui.client import LOCAL
from pipetui.kernel.errors import translated
from pipetui.protocol import effects
from pipetui.protocol.effects import Effect
from pipetui.text import safe
from pipetui.watch.finder import kind_of
from pipetui.watch.roots import absolute

if TYPE_CHECKING:
    from pipetui.client.remote import FarHost


NAME = "monitor"
EFFECT: Effect = "passive"
HELP = "Watch FIFOs, the processes at their ends and what flows through them, live in this terminal."
EXAMPLE = """
pipetui
pipetui /srv/pipes ~/run
pipetui --fps 5 --theme light
pipetui --host user@box --host other
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the monitor's arguments."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="folders or FIFOs to watch, and nothing else (default: the current, the temporary and the runtime folder, "
        "/run, and any FIFO that a process holds)",
    )
    add_host(parser, "watch another host, reached by ssh (more than once: several hosts)")
    parser.add_argument(
        "--read-only", action="store_true", help=f"only look, here and on other hosts (so does {effects.VARIABLE}=1)"
    )
    add_screen_arguments(parser)


def add_screen_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what every command with a screen takes."""
    parser.add_argument("--theme", choices=("dark", "light"), help="colours (default: config.toml, else dark)")
    parser.add_argument("--fps", type=fps, metavar="N", help="at most N frames a second (default: 30)")
    parser.add_argument("--config", metavar="FILE", help="use this config.toml instead of your own")


def run(args: argparse.Namespace) -> int:
    """Open the monitor."""
    need_terminal()
    return show(args, paths=tuple(args.paths))


def need_terminal() -> None:
    """Leave unless there is a terminal that can show a screen."""
    for number, name in enumerate(("input", "output")):
        if streams.was_closed(number):
            impossible(f"standard {name} is closed; the monitor needs a terminal")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        usage("the monitor needs a terminal; for lists use `pipetui ls`, for messages `pipetui tail PATH`")
    if os.environ.get("TERM", "") in ("", "dumb"):
        usage("this terminal (TERM=dumb) can't show the monitor; use `pipetui ls` or `pipetui tail PATH`")


def show(args: argparse.Namespace, paths: tuple[str, ...] = (), *, demo: bool = False) -> int:
    """Run the screen on a fresh hub and return the exit code."""
    from pipetui.tui.core import config as configuration

    try:
        config = configuration.load(args.config)
    except configuration.TooDeep as error:
        impossible(str(error))
    except configuration.ConfigError as error:
        usage(str(error))
    read_only = config.read_only or getattr(args, "read_only", False) or effects.read_only()
    if demo and read_only:
        impossible(effects.REFUSED)
    config = replace(config, theme=args.theme or config.theme, fps=args.fps or config.fps, read_only=read_only)
    need_files(HUB_FILES)
    names = tuple(dict.fromkeys(getattr(args, "host", None) or ()))
    # what lies where on another host is for its hub to find out
    roots = paths if names else () if demo else _roots(paths or config.roots)
    hosts = _connect(names, args.python) if names else []

    from pipetui.client.link import Link, start_hub

    first = [start_hub()] if not names or LOCAL in names else []

    def open_link() -> Link:
        return Link(first.pop() if first else start_hub())

    from pipetui.tui.core.environment import prepare

    prepare(config.fps)
    from pipetui.client.hosts import Here
    from pipetui.tui.app import run as run_app

    connected = {host.name: host for host in hosts}
    far = [Here(open_link, LOCAL) if name == LOCAL else connected[name] for name in names]
    seconds = getattr(args, "seconds", None)
    try:
        return run_app(open_link, roots=roots, demo=demo, config=config, seconds=seconds, far=far)
    finally:
        for host in hosts:
            host.close()


def _connect(names: Sequence[str], python: str) -> list[FarHost]:
    """Connect to each far host, one after the other, while ssh may still ask on this terminal; leave if there is none.

    One that can't be reached now is told here and shown as away.
    """
    from pipetui.client.remote import FarHost, LinkLost
    from pipetui.client.ssh import BadHost

    try:
        hosts = [FarHost(name, python) for name in names if name != LOCAL]
    except BadHost as error:
        usage(str(error))
    reached = names.count(LOCAL)
    try:
        for host in hosts:
            print(f"connecting to {safe(host.name)} …", file=sys.stderr, flush=True)
            try:
                host.connect()
                reached += 1
            except LinkLost as error:
                complain(str(error))
        if not reached:
            raise Leave(ExitCode.IMPOSSIBLE)
    except BaseException:
        for host in hosts:
            host.close()
        raise
    return hosts


def _roots(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the absolute roots (none: the usual places); a missing one is said before the screen opens."""
    for path in paths:
        kind_of(path)
    roots = []
    for path in paths:
        with translated(path):
            roots.append(absolute(path))
    return tuple(dict.fromkeys(roots))
