"""`pipetui completions`: the completion script of a shell, made by shtab from the one definition of the arguments."""

from __future__ import annotations

import argparse

from pipetui.cli.exits import ExitCode, impossible
from pipetui.protocol.effects import Effect

NAME = "completions"
EFFECT: Effect = "passive"
HELP = "Print the completion script for a shell."
EXAMPLE = """
pipetui completions bash > ~/.local/share/bash-completion/completions/pipetui
pipetui completions zsh > ~/.zfunc/_pipetui
pipetui completions fish > ~/.config/fish/completions/pipetui.fish
"""

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    try:
        import shtab
    except ImportError:
        impossible("completions need the Python package shtab; install it with `pip install shtab`")
    if args.shell not in shtab.SUPPORTED_SHELLS:
        impossible(f"this version of shtab knows no {args.shell}; get a newer one with `pip install -U shtab`")
    from pipetui.cli.app import whole_parser

    print(shtab.complete(_with_files(whole_parser()), shell=args.shell))
    return ExitCode.OK


def _with_files(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Let every PATH complete to file names."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                _with_files(sub)
        elif "PATH" in str(action.metavar or ""):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser
