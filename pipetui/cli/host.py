"""Where a command is carried out: here, or with `--host` on another machine. The rest of it knows no difference.

ask = place(args)                   # with --host, ssh is on its way now
from pipetui… import …              # what takes its time to load
for told in ask(Ls()):
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pipetui.cli.exits import ExitCode, Leave, impossible, usage
from pipetui.client import LOCAL

if TYPE_CHECKING:
    from pipetui.client.ssh import Remote
    from pipetui.protocol.operations import Operation

#: Carries out an operation, and yields its answers. Raises Leave, PipeError.
Ask = Callable[[Any], Iterator[Any]]


def add_host(parser: argparse.ArgumentParser, what: str = "run on another host, over ssh") -> None:
    """Add the options that name another host."""
    parser.add_argument(
        "--host", action="append", metavar="HOST", help=f"{what}: user@box, a name of your ssh config, or local"
    )
    parser.add_argument(
        "--python", default="python3", metavar="NAME", help="with --host: the Python there, 3.10 or newer (python3)"
    )


def place(args: argparse.Namespace) -> Ask:
    """Return how to ask the host that `args` names, or this machine."""
    hosts = args.host or [LOCAL]
    if len(hosts) > 1:
        usage("one --host at a time; only the monitor shows several hosts at once")
    if hosts == [LOCAL]:
        return _here
    from pipetui.client.lost import LinkLost
    from pipetui.client.ssh import OPERATION, BadHost, Remote

    try:
        remote = Remote(hosts[0], OPERATION, python=args.python)
    except BadHost as error:
        usage(str(error))
    except LinkLost as error:
        impossible(str(error))
    return lambda operation: _there(remote, operation)


def _here(operation: Operation) -> Iterator[Any]:
    from pipetui.backend.operations import carry_out
    from pipetui.protocol.operations import Negative

    try:
        yield from carry_out(operation)
    except Negative as no:
        raise Leave(ExitCode.NEGATIVE, str(no)) from None


def _there(remote: Remote, operation: Operation) -> Iterator[Any]:
    from pipetui.backend.operations import load
    from pipetui.client.operations import Impossible, LinkLost, ask
    from pipetui.protocol.operations import Negative, name_of

    load(name_of(operation))  # while ssh connects: the far side is sent the bytecode of what this makes us import
    try:
        yield from ask(remote, operation)
    except Negative as no:
        raise Leave(ExitCode.NEGATIVE, str(no)) from None
    except (LinkLost, Impossible) as error:
        impossible(str(error))
