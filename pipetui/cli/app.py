"""Finds the command on the command line, runs it, and turns every way to fail into an exit code and one sentence.

A command is the first word; anything else there is for the monitor: `pipetui ls` is the command, `pipetui ./ls` the
monitor on that path. Only the chosen command's module is imported. A new command is a new module and its name here.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn, cast

from pipetui import streams
from pipetui.cli.command import Command
from pipetui.cli.exits import ExitCode, Leave, complain, impossible, in_a_sentence, need_files, usage
from pipetui.kernel.errors import PipeError
from pipetui.protocol import effects

#: Commands that print nothing on stdout, so that it may be closed; the monitor needs a terminal and says so.
_SILENT = frozenset({"create", "rm", "send", "monitor"})

#: With fewer free descriptors what looks at processes sees only some of them, and nobody would know.
_FILES = 8

#: The monitor has no name on the command line: it is what runs when there is none.
MONITOR = "monitor"
COMMANDS = (
    "demo", "ls", "doctor", "peek", "watch", "create", "rm", "send", "tail", "lab", "bench", "completions", "hub",
)  # fmt: skip

ABOUT = "Shows FIFOs and pipes: who holds their ends, how full they are, who waits, and what flows through them."


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one sentence that names the way to help."""

    def error(self, message: str) -> NoReturn:
        usage(f"{message} (see `{self.prog} --help`)")


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code; never raises what a person would see as a traceback."""
    try:
        code = _dispatch(list(arguments))
        sys.stdout.flush()
        return code
    except Leave as leave:
        if str(leave):
            complain(str(leave))
        return int(leave.code)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        streams.forget_output()
        return ExitCode.OK
    except (PipeError, streams.CantPrint) as error:
        complain(str(error))
    except Exception as error:
        sentence, code = in_a_sentence(error)
        complain(sentence)
        return code
    streams.forget_output()
    return ExitCode.IMPOSSIBLE


def load(name: str) -> Command:
    """Import a command's module."""
    return cast(Command, importlib.import_module(f"pipetui.cli.{name}"))


def whole_parser() -> argparse.ArgumentParser:
    """Return one parser of everything, for the overview and for shell completions."""
    parser = _parser("pipetui", load(MONITOR), ABOUT)
    parser.usage = "pipetui [PATH …] [options]\n       pipetui COMMAND …"
    parser.add_argument("--version", "-V", action="store_true", help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for name in COMMANDS:
        command = load(name)
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP,
            epilog=_epilog(command),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
    return parser


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["help"]:
        arguments = ["--help"]
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help"):
        whole_parser().print_help()
        return ExitCode.OK
    name = first if first in COMMANDS else MONITOR
    command = load(name)
    if name == MONITOR:
        parser = _parser("pipetui", command, command.HELP)
    else:
        parser = _parser(f"pipetui {name}", command, command.HELP)
        del arguments[0]
    try:
        args = parser.parse_args(arguments)
    except SystemExit as done:  # argparse has printed its help
        return int(done.code or 0)
    if streams.was_closed(1) and name not in _SILENT:
        impossible("can't write to standard output: it is closed")
    if effects.read_only() and command.EFFECT != "passive":
        impossible(f"{effects.REFUSED} ({effects.VARIABLE})")
    need_files(_FILES)
    return command.run(args)


def _parser(prog: str, command: Command, about: str) -> Parser:
    parser = Parser(
        prog=prog,
        description=about,
        epilog=_epilog(command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return parser


def _epilog(command: Command) -> str:
    lines = command.EXAMPLE.strip().splitlines()
    return "\n".join(["example:" if len(lines) == 1 else "examples:", *(f"  {line.strip()}" for line in lines)])
