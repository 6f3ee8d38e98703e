"""`pipetui hub`: the hub on stdin and stdout. Internal: the monitor starts it, here or on another host."""

from __future__ import annotations

import argparse

from pipetui import streams
from pipetui.cli.exits import impossible
from pipetui.protocol.effects import Effect

NAME = "hub"
EFFECT: Effect = "passive"
HELP = "Internal: the hub on stdin and stdout, which the monitor starts by itself."
EXAMPLE = "ssh HOST pipetui hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no arguments: everything is said on the link."""


def run(args: argparse.Namespace) -> int:
    """Be a hub until stdin ends."""
    if streams.was_closed(0):
        impossible("standard input is closed: there is nobody to serve")
    from pipetui.backend.main import main

    return main()
