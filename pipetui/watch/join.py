"""Joins what was found in folders with what processes hold: one `Pipe` for each identity. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipetui.model import Pipe, PipeId, Waiter
from pipetui.watch.census import Census

Fill = tuple[int, int]


def join(
    found: Iterable[Pipe],
    census: Census,
    fills: Mapping[PipeId, Fill] | None = None,
    waiters: Mapping[PipeId, tuple[Waiter, ...]] | None = None,
) -> tuple[Pipe, ...]:
    """Return every pipe once: those found (hard links as several paths), then those that only a process holds.

    What a held end says of mode and times is newer than what the walk saw. The order is that of finding.
    """
    pipes: dict[PipeId, Pipe] = {}
    for pipe in found:
        known = pipes.get(pipe.id)
        pipes[pipe.id] = pipe if known is None else _merged(known, pipe)
    for identity, held in census.pipes.items():
        known = pipes.get(identity)
        pipes[identity] = held if known is None else replace(held, paths=known.paths, deleted=False)
    for identity in census.ends:
        if identity not in pipes:
            pipes[identity] = Pipe(identity, "anonymous")
    return tuple(_complete(pipe, census, fills or {}, waiters or {}) for pipe in pipes.values())


def _merged(known: Pipe, pipe: Pipe) -> Pipe:
    new = tuple(path for path in pipe.paths if path not in known.paths)
    return replace(known, paths=known.paths + new) if new else known


def _complete(
    pipe: Pipe, census: Census, fills: Mapping[PipeId, Fill], waiters: Mapping[PipeId, tuple[Waiter, ...]]
) -> Pipe:
    ends, waiting, fill = census.ends.get(pipe.id, ()), waiters.get(pipe.id, ()), fills.get(pipe.id)
    if not ends and not waiting and fill is None:
        return pipe  # ten thousand quiet FIFOs are not copied
    queued, capacity = fill or (None, None)
    return Pipe(  # not replace(), which takes three times as long: there may be many thousand
        pipe.id,
        pipe.kind,
        pipe.paths,
        pipe.deleted,
        pipe.mode,
        pipe.owner,
        queued,
        capacity,
        pipe.last_write,
        pipe.last_read,
        ends,
        waiting,
    )
