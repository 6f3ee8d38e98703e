"""How full each held pipe is, through one borrowed end each; a pipe that nobody may borrow from stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipetui.kernel.borrow import fill
from pipetui.model import End, PipeId

#: A process that refuses one end refuses all of them; so many ends of one pipe are tried before it counts as unknown.
_TRIES = 4


def fills(ends: Mapping[PipeId, Iterable[End]]) -> dict[PipeId, tuple[int, int]]:
    """Return (queued, capacity) in bytes of each pipe for which the kernel tells it passively."""
    known: dict[PipeId, tuple[int, int]] = {}
    refused: set[int] = set()
    for identity, holders in ends.items():
        for end in list(holders)[:_TRIES]:
            if end.pid in refused:
                continue
            answer = fill(end.pid, end.fd)
            if answer is not None:
                known[identity] = answer
                break
            refused.add(end.pid)
    return known
