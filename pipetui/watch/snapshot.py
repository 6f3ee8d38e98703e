"""Everything at one moment, for commands that look once: the FIFOs below some roots, and the world around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId
from pipetui.watch.finder import find
from pipetui.watch.memory import WaitMemory
from pipetui.watch.world import Measured, World, observe


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`found` are the identities that lie under the roots; the other pipes are there because a process holds them.

    `unseen` says who may hold an end without being seen (see `World.unseen`).
    """

    pipes: tuple[Pipe, ...]
    found: frozenset[PipeId]
    unreadable: int
    partial: tuple[str, ...]
    unseen: str = ""
    parents: Mapping[int, int] = field(default_factory=dict)


def snapshot(roots: Sequence[str], *, anonymous: bool = False, proc: Proc | None = None) -> Snapshot:
    """Look once below the roots and into all readable processes. Raises Missing, NotAFifo, … for a root."""
    found, partial = search(roots)
    proc = proc or Proc()
    measured: Measured = "all" if anonymous else "fifos"
    world = observe(found, proc, anonymous=anonymous, nonblocking=True, measured=measured, twofold=True)
    notes = (*partial, *world.partial, *_unread(world))
    pipes = tuple(sorted(world.pipes, key=_order))
    return Snapshot(pipes, world.found, world.unreadable, notes, world.unseen, world.parents)


class Surveyor:
    """Looks again and again at the same FIFOs and at all processes, without borrowing an end of any pipe."""

    def __init__(self, roots: Sequence[str], *, asked: bool = False, proc: Proc | None = None) -> None:
        """Search the roots. Raises Missing, NotAFifo, … for one; `asked` says whether a person named them."""
        self._found, self._partial = search(roots)
        self._asked = asked
        self._proc = proc or Proc()
        self._kernel: set[int] = set()
        self._memory = WaitMemory()

    def look(self) -> World:
        """Return the world of this moment."""
        world = observe(
            self._found, self._proc, asked=self._asked, kernel=self._kernel, memory=self._memory, twofold=True
        )
        return replace(world, partial=(*self._partial, *world.partial, *_unread(world)))


def search(roots: Sequence[str]) -> tuple[list[Pipe], list[str]]:
    """Return the FIFOs below the roots, and notes on what was left out. Raises Missing, NotAFifo, …"""
    found: list[Pipe] = []
    partial: list[str] = []
    for root in roots:
        pipes, notes = find(root)
        found += pipes
        partial += notes
    return found, partial


def _order(pipe: Pipe) -> tuple[bool, str, PipeId]:
    return pipe.kind == "anonymous", pipe.path or "", pipe.id


def _unread(world: World) -> tuple[str, ...]:
    return (f"{world.unseen}: their ends are not shown",) if world.unseen else ()
