"""`pipetui create`: make FIFOs."""

from __future__ import annotations

import argparse

from pipetui.cli.each import for_each
from pipetui.cli.values import mode
from pipetui.kernel import fifo
from pipetui.protocol.effects import Effect

NAME = "create"
EFFECT: Effect = "changes"
HELP = "Make FIFOs, each with exactly the given permissions whatever the umask is."
EXAMPLE = "pipetui create /tmp/log.fifo --mode 0660"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="an unused name")
    parser.add_argument(
        "--mode", type=mode, default=0o600, metavar="OCTAL", help="permissions (default 0600: you alone)"
    )


def run(args: argparse.Namespace) -> int:
    """Make each one; those that can't be made are told, the others are made."""
    return for_each(args.paths, lambda path: fifo.create(path, args.mode))
