"""`open-order`: processes that open the same FIFOs in different order, each stuck in its first open (fifo(7)).

What a blocked process would open next can't be known. A sign of it is that its own command line or script names the
FIFO at which another one waits, and that one's names the first's: then each may be what the other waits for. Without
that sign they may as well be servers that wait for their clients.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from pipetui.model import Finding, PipeId, TaskState
from pipetui.watch.findings.ages import LONG, MOMENT, Later, Step, reached
from pipetui.watch.findings.wording import kill, listed, named, newest, since_when, who
from pipetui.watch.stuck import components, is_whole
from pipetui.watch.world import World, ref

_MAIN: tuple[Step, ...] = ((MOMENT, "warning"), (LONG, "problem"))


def open_order(world: World) -> Iterator[Finding | Later]:
    """Tell of openers that each may be what the other waits for."""
    blocked = _blocked(world)
    for group in _groups(world):
        yield from _findings(world, {pid: blocked[pid] for pid in group}, _MAIN)


def ordered(world: World) -> frozenset[int]:
    """Return the processes of which this rule tells."""
    return frozenset[int]().union(*_groups(world))


@lru_cache(maxsize=1)
def _groups(world: World) -> tuple[frozenset[int], ...]:
    """Return the sets of blocked openers of which each names, directly or through others, where the next one waits."""
    if not world.mentions:
        return ()
    blocked = _blocked(world)
    edges = {
        pid: {other for other, task in blocked.items() if other != pid and task.pipe in world.mentions.get(pid, ())}
        for pid in blocked
    }
    found = [frozenset(group) for group in components(edges) if len(group) > 1]
    return tuple(group for group in found if len({blocked[pid].pipe for pid in group}) > 1)


def _blocked(world: World) -> dict[int, TaskState]:
    """Return the processes that an open of a known FIFO holds up as a whole, each with its wait."""
    return {
        process.pid: task
        for process in world.processes.values()
        for task in process.tasks
        if task.doing in ("open-read", "open-write") and task.pipe in world.by_id and is_whole(process, task)
    }


def _findings(world: World, blocked: dict[int, TaskState], steps: tuple[Step, ...]) -> Iterator[Finding | Later]:
    tasks = list(blocked.values())
    since = newest(world, tasks)
    level, later = reached(world, since, *steps)
    if later:
        yield later
    if level is None:
        return
    pipes: dict[PipeId, None] = dict.fromkeys(task.pipe for task in tasks if task.pipe is not None)
    names = [named(world.by_id[identity]) for identity in pipes]
    waits = [
        f"{who(world, pid)} waits to {'write to' if task.doing == 'open-write' else 'read'} {_name(world, task)}"
        for pid, task in sorted(blocked.items())
    ]
    other = "the other" if len(blocked) == 2 else "another"
    yield Finding(
        "open-order",
        level,
        tuple(ref(world.by_id[identity]) for identity in pipes),
        tuple(sorted(blocked)),
        f"{listed(waits)}: each may be what {other} waits for",
        "open(2) of a FIFO blocks until some process opens the other side (fifo(7)). Processes that open the same "
        "FIFOs in different order each wait in their first open for what the other does in its second."
        f"{since_when(tasks)}",
        f"Open {listed(names)} in the same order everywhere, or let one of them open for reading and writing "
        f"(`<>`, O_RDWR) or with O_NONBLOCK. To unblock them now, end one of them: {kill([min(blocked)])}.",
        "inferred",
        since,
    )


def _name(world: World, task: TaskState) -> str:
    assert task.pipe is not None
    return os.path.basename(named(world.by_id[task.pipe]))
