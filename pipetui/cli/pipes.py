"""What the commands that look at pipes share: their options for output, and how a pipe is printed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pipetui.cli.host import add_host
from pipetui.text import safe

if TYPE_CHECKING:
    from pipetui.model import End, Pipe, PipeId, PipeRef, Waiter
    from pipetui.protocol.operations import Diagnosis, Listed

#: So many processes at a pipe are named; the rest is a number.
_NAMED = 2


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add `--json`, and the options that name another host."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_host(parser)


def print_notes(told: Diagnosis | Listed) -> None:
    """Print what could not be looked at."""
    for note in told.partial:
        print(f"note: {safe(note)}", file=sys.stderr)


# --- JSON -------------------------------------------------------------------------------------------------------------


def header(told: Diagnosis | Listed) -> dict[str, Any]:
    """Return how a JSON object begins."""
    return {"host": told.host, "time": told.time, "unreadable_processes": told.unreadable}


def identity(pipe: PipeId | PipeRef) -> dict[str, Any]:
    """Return which pipe it is."""
    return {"dev": pipe.dev, "inode": pipe.inode}


def pipe_as_json(pipe: Pipe) -> dict[str, Any]:
    """Return a pipe as all commands print it with `--json`."""
    return {
        "kind": pipe.kind,
        "path": pipe.path,
        "paths": pipe.paths,
        "deleted": pipe.deleted,
        **identity(pipe.id),
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


# --- for people -------------------------------------------------------------------------------------------------------


def called(pipe: Pipe, pids: Collection[int]) -> str:
    """Return `cat (12), sh (13), +2`: some of those at a pipe."""
    from pipetui.watch.state import name_of

    commands = {waiter.pid: waiter.command for waiter in pipe.waiters} | {end.pid: end.command for end in pipe.ends}
    holders = {pid: name_of(commands[pid]) for pid in pids if pid in commands}
    if not holders:
        return "–"
    words = [f"{name} ({pid})" for pid, name in list(holders.items())[:_NAMED]]
    if len(holders) > _NAMED:
        words.append(f"+{len(holders) - _NAMED}")
    return safe(", ".join(words))
