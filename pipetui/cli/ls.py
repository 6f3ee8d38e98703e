"""`pipetui ls`: the FIFOs under some paths and those that processes hold, as a table or as JSON.

It looks and touches nothing: no FIFO is opened, so nobody who waits in an open is released.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipetui.cli.exits import ExitCode, complain
from pipetui.cli.host import place
from pipetui.cli.pipes import add_output, called, header, pipe_as_json, print_notes
from pipetui.protocol.effects import Effect
from pipetui.text import safe
from pipetui.text import size as in_words

if TYPE_CHECKING:
    from pipetui.model import Pipe, PipeId
    from pipetui.protocol.operations import Listed, Owners

NAME = "ls"
EFFECT: Effect = "passive"
HELP = "List the FIFOs under some paths and those that any process holds: who has them open, how full, who waits."
EXAMPLE = """
pipetui ls /run
pipetui ls --host user@box
pipetui ls --json | jq '.pipes[] | select(.queued > 0) | .path'
"""

_HEADINGS = ("PATH", "QUEUED", "WRITERS", "READERS", "STATE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="folders to search, or FIFOs (default: the current folder, the temporary folder, $XDG_RUNTIME_DIR, /run)",
    )
    parser.add_argument("--all", action="store_true", help="also list the anonymous pipes that processes hold")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Look once and print. A path that is missing is told, the others are listed."""
    ask = place(args)
    from pipetui.protocol.operations import Complaint, Listed, Ls, Pipes

    code = ExitCode.OK
    pipes: list[Pipe] = []
    found: set[PipeId] = set()
    owners: dict[PipeId, Owners] = {}
    for told in ask(Ls(tuple(args.paths), args.all)):
        match told:
            case Complaint(message):
                complain(message)
                code = ExitCode.IMPOSSIBLE
            case Pipes():
                pipes += told.pipes
                found.update(told.found)
                owners.update((pipe.id, whose) for pipe, whose in zip(told.pipes, told.owners, strict=True))
            case Listed() if args.json:
                # dumps, not dump: only the former is written in C, five times as fast for ten thousand FIFOs
                sys.stdout.write(json.dumps(as_json(told, pipes), separators=(",", ":")) + "\n")
            case Listed():
                _print(told, pipes, found, owners, elsewhere=not args.paths)
    return code


def as_json(told: Listed, pipes: Iterable[Pipe]) -> dict[str, Any]:
    """Return what `--json` prints. Names that are not UTF-8 are surrogate escapes."""
    return {
        **header(told),
        "partial": list(told.partial),
        "pipes": [pipe_as_json(pipe) for pipe in pipes],
    }


# --- the table --------------------------------------------------------------------------------------------------------


def _print(
    told: Listed, pipes: Sequence[Pipe], found: Container[PipeId], owners: Mapping[PipeId, Owners], *, elsewhere: bool
) -> None:
    here = [pipe for pipe in pipes if pipe.id in found]
    held = [pipe for pipe in pipes if pipe.id not in found and pipe.kind == "fifo"]
    anonymous = [pipe for pipe in pipes if pipe.kind == "anonymous"]
    groups = (("", here), ("Elsewhere, held by processes:", held if elsewhere else []), ("Anonymous pipes:", anonymous))
    shown = "\n\n".join(_group(title, pipes, told, owners) for title, pipes in groups if pipes)
    if shown:
        sys.stdout.write(shown + "\n")
    else:
        holds = "no process that can be read holds one" if told.unseen else "no process holds one"
        more = f", and {holds}" if elsewhere else ""
        print(f"No FIFOs here{more}. Make one with `pipetui create PATH`.", file=sys.stderr)
    print_notes(told)


def _group(title: str, pipes: Iterable[Pipe], told: Listed, owners: Mapping[PipeId, Owners]) -> str:
    rows = [_HEADINGS, *(_row(pipe, told, *owners[pipe.id]) for pipe in pipes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *lines] if title else lines)


def _row(pipe: Pipe, told: Listed, writers: Collection[int], readers: Collection[int]) -> tuple[str, ...]:
    from pipetui.watch.state import describe

    name = pipe.path or (f"pipe:[{pipe.id.inode}]" if pipe.kind == "anonymous" else f"inode {pipe.id.inode}")
    fill = "–" if pipe.queued is None else f"{in_words(pipe.queued)} / {in_words(pipe.capacity)}"
    more = f" (+{len(pipe.paths) - 1})" if len(pipe.paths) > 1 else ""
    state, _ = describe(pipe, told.time, told.unseen)
    return safe(name) + more, fill, called(pipe, writers), called(pipe, readers), safe(state)
