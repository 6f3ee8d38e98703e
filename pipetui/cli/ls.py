"""`pipetui ls`: the FIFOs under some paths and those that processes hold, as a table or as JSON.

It looks and touches nothing: no FIFO is opened, so nobody who waits in an open is released.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from pipetui.cli.exits import ExitCode, complain
from pipetui.kernel.errors import PipeError
from pipetui.model import End, Pipe, Waiter
from pipetui.text import safe
from pipetui.text import size as in_words
from pipetui.watch.finder import kind_of
from pipetui.watch.roots import absolute, default_roots
from pipetui.watch.snapshot import Snapshot, snapshot
from pipetui.watch.state import describe, name_of

NAME = "ls"
HELP = "List the FIFOs under some paths and those that any process holds: who has them open, how full, who waits."
EXAMPLE = """
pipetui ls /run
pipetui ls --json | jq '.pipes[] | select(.queued > 0) | .path'
"""

_HEADINGS = ("PATH", "QUEUED", "WRITERS", "READERS", "STATE")
#: A column of holders names so many of them; the rest is a number.
_NAMED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="folders to search, or FIFOs (default: the current folder, the temporary folder, $XDG_RUNTIME_DIR, /run)",
    )
    parser.add_argument("--all", action="store_true", help="also list the anonymous pipes that processes hold")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Look once and print. A path that is missing is told, the others are listed."""
    roots, code = roots_of(args.paths)
    if args.paths and not roots:
        return code
    gc.disable()  # everything made here lives until the end; collecting is a third of the time with many FIFOs
    taken = snapshot(roots, anonymous=args.all)
    if args.json:
        # dumps, not dump: only the former is written in C, five times as fast for ten thousand FIFOs
        sys.stdout.write(json.dumps(as_json(taken), separators=(",", ":")) + "\n")
    else:
        _print(taken, elsewhere=not args.paths)
    return code


def as_json(taken: Snapshot) -> dict[str, Any]:
    """Return what `--json` prints. Names that are not UTF-8 are surrogate escapes."""
    return {
        "host": os.uname().nodename,
        "time": time.time(),
        "unreadable_processes": taken.unreadable,
        "partial": list(taken.partial),
        "pipes": [pipe_as_json(pipe) for pipe in taken.pipes],
    }


def roots_of(paths: Sequence[str]) -> tuple[list[str], ExitCode]:
    """Return where to look, from the root on, and the exit code so far. A path that is missing is told."""
    roots, code = [], ExitCode.OK
    for path in paths or default_roots():
        try:
            kind_of(path)
            roots.append(absolute(path))
        except PipeError as error:
            if paths:  # a default place that can't be searched is nobody's mistake
                complain(str(error))
                code = ExitCode.IMPOSSIBLE
    return list(dict.fromkeys(roots)), code


def pipe_as_json(pipe: Pipe) -> dict[str, Any]:
    """Return one entry of `pipes`."""
    return {
        "kind": pipe.kind,
        "path": pipe.path,
        "paths": pipe.paths,
        "deleted": pipe.deleted,
        "dev": pipe.id.dev,
        "inode": pipe.id.inode,
        "mode": None if pipe.mode is None else f"{pipe.mode:04o}",
        "owner": pipe.owner,
        "queued": pipe.queued,
        "capacity": pipe.capacity,
        "last_write": pipe.last_write,
        "last_read": pipe.last_read,
        "ends": [_end(end) for end in pipe.ends],
        "waiters": [_waiter(waiter) for waiter in pipe.waiters],
    }


def _end(end: End) -> dict[str, Any]:
    return {
        "pid": end.pid,
        "fd": end.fd,
        "access": end.access,
        "nonblocking": end.nonblocking,
        "command": end.command,
    }


def _waiter(waiter: Waiter) -> dict[str, Any]:
    return {
        "pid": waiter.pid,
        "tid": waiter.tid,
        "kind": waiter.kind,
        "fd": waiter.fd,
        "since": waiter.since,
        "certainty": waiter.certainty,
        "command": waiter.command,
    }


# --- the table --------------------------------------------------------------------------------------------------------


def _print(taken: Snapshot, *, elsewhere: bool) -> None:
    here = [pipe for pipe in taken.pipes if pipe.id in taken.found]
    held = [pipe for pipe in taken.pipes if pipe.id not in taken.found and pipe.kind == "fifo"]
    anonymous = [pipe for pipe in taken.pipes if pipe.kind == "anonymous"]
    groups = (("", here), ("Elsewhere, held by processes:", held if elsewhere else []), ("Anonymous pipes:", anonymous))
    shown = "\n\n".join(_group(title, pipes) for title, pipes in groups if pipes)
    if shown:
        sys.stdout.write(shown + "\n")
    else:
        more = ", and no process holds one" if elsewhere else ""
        print(f"No FIFOs here{more}. Make one with `pipetui create PATH`.", file=sys.stderr)
    for note in taken.partial:
        print(f"note: {safe(note)}", file=sys.stderr)


def _group(title: str, pipes: Iterable[Pipe]) -> str:
    rows = [_HEADINGS, *(_row(pipe) for pipe in pipes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *lines] if title else lines)


def _row(pipe: Pipe) -> tuple[str, ...]:
    name = pipe.path or (f"pipe:[{pipe.id.inode}]" if pipe.kind == "anonymous" else f"inode {pipe.id.inode}")
    fill = "–" if pipe.queued is None else f"{in_words(pipe.queued)} / {in_words(pipe.capacity)}"
    more = f" (+{len(pipe.paths) - 1})" if len(pipe.paths) > 1 else ""
    return safe(name) + more, fill, holders_in_words(pipe, "w"), holders_in_words(pipe, "r"), safe(describe(pipe)[0])


def holders_in_words(pipe: Pipe, access: str) -> str:
    """Return `cat (12), sh (13), +2`: who holds this side of a pipe."""
    holders = {end.pid: name_of(end.command) for end in pipe.ends if access in end.access}
    if not holders:
        return "–"
    words = [f"{name} ({pid})" for pid, name in list(holders.items())[:_NAMED]]
    if len(holders) > _NAMED:
        words.append(f"+{len(holders) - _NAMED}")
    return safe(", ".join(words))
