"""Everything at one moment, for commands that look once: found FIFOs, census, fill and waits, joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId
from pipetui.watch.census import Census, take
from pipetui.watch.fill import fills
from pipetui.watch.finder import find
from pipetui.watch.join import join
from pipetui.watch.waits import waits


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`found` are the identities that lie under the roots; the other pipes are there because a process holds them."""

    pipes: tuple[Pipe, ...]
    found: frozenset[PipeId]
    unreadable: int
    partial: tuple[str, ...]


def snapshot(roots: Sequence[str], *, anonymous: bool = False, proc: Proc | None = None) -> Snapshot:
    """Look once below the roots and into all readable processes. Raises Missing, NotAFifo, … for a root."""
    proc = proc or Proc()
    found: list[Pipe] = []
    partial: list[str] = []
    for root in roots:
        pipes, notes = find(root)
        found += pipes
        partial += notes
    census = take(proc, anonymous=anonymous, nonblocking=True)
    waiting = waits(proc, census, found)
    joined = tuple(sorted(join(found, census, fills(census.ends), waiting), key=_order))
    return Snapshot(joined, frozenset(pipe.id for pipe in found), census.unreadable, (*partial, *_notes(census)))


def _order(pipe: Pipe) -> tuple[bool, str, PipeId]:
    return pipe.kind == "anonymous", pipe.path or "", pipe.id


def _notes(census: Census) -> tuple[str, ...]:
    if not census.unreadable:
        return census.partial
    who = "1 process" if census.unreadable == 1 else f"{census.unreadable:,} processes"
    return (*census.partial, f"{who} could not be read: their ends are not shown")
