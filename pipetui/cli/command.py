"""What a command is: the shape of each module in this folder that `app.py` lists."""

from __future__ import annotations

import argparse
from typing import Protocol

from pipetui.protocol.effects import Effect


class Command(Protocol):
    """A command's module. Its heavy imports belong into `run`, so that help and completions stay quick.

    `EFFECT` is what it does to the machine; one whose parts differ counts as passive, and its hub refuses what is not
    wanted.
    """

    NAME: str
    HELP: str
    EXAMPLE: str
    EFFECT: Effect

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options and arguments of this command."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code."""
