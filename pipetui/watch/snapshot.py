"""Everything at one moment, for commands that look once: the FIFOs below some roots, and the world around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId
from pipetui.watch.finder import find
from pipetui.watch.waits import WaitMemory
from pipetui.watch.world import World, observe


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`found` are the identities that lie under the roots; the other pipes are there because a process holds them."""

    pipes: tuple[Pipe, ...]
    found: frozenset[PipeId]
    unreadable: int
    partial: tuple[str, ...]


def snapshot(roots: Sequence[str], *, anonymous: bool = False, proc: Proc | None = None) -> Snapshot:
    """Look once below the roots and into all readable processes. Raises Missing, NotAFifo, … for a root."""
    world = survey(roots, anonymous=anonymous, nonblocking=True, proc=proc)
    return Snapshot(tuple(sorted(world.pipes, key=_order)), world.found, world.unreadable, world.partial)


def survey(
    roots: Sequence[str],
    *,
    anonymous: bool = True,
    nonblocking: bool = False,
    proc: Proc | None = None,
    memory: WaitMemory | None = None,
) -> World:
    """Look once, and return all that there is to judge. Raises Missing, NotAFifo, … for a root."""
    found: list[Pipe] = []
    partial: list[str] = []
    for root in roots:
        pipes, notes = find(root)
        found += pipes
        partial += notes
    world = observe(found, proc, anonymous=anonymous, nonblocking=nonblocking, memory=memory, twofold=True)
    return replace(world, partial=(*partial, *world.partial, *_unread(world.unreadable)))


def _order(pipe: Pipe) -> tuple[bool, str, PipeId]:
    return pipe.kind == "anonymous", pipe.path or "", pipe.id


def _unread(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    who = "1 process" if count == 1 else f"{count:,} processes"
    return (f"{who} could not be read: their ends are not shown",)
