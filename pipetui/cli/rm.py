"""`pipetui rm`: remove FIFOs, and nothing else."""

from __future__ import annotations

import argparse

from pipetui.cli.each import for_each
from pipetui.kernel import fifo
from pipetui.protocol.effects import Effect

NAME = "rm"
EFFECT: Effect = "changes"
HELP = "Remove FIFOs. Anything that is not a FIFO is left alone."
EXAMPLE = "pipetui rm /tmp/log.fifo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a FIFO; processes that have it open keep it")


def run(args: argparse.Namespace) -> int:
    """Remove each one; those that can't be removed are told, the others are removed."""
    return for_each(args.paths, fifo.remove)
