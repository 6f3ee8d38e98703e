"""`pipetui hub`: the hub on stdin and stdout. Internal: the monitor starts it, here or on another host."""

from __future__ import annotations

import argparse

NAME = "hub"
HELP = "Internal: the hub on stdin and stdout, which the monitor starts by itself."
EXAMPLE = "ssh HOST pipetui hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no arguments: everything is said on the wire."""


def run(args: argparse.Namespace) -> int:
    """Be a hub until stdin ends."""
    from pipetui.backend.main import main

    return main()
