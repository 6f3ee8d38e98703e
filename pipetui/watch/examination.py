"""One process looked at closely: what each of its tasks does, its family, and the pipes that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, ProcessState
from pipetui.watch.world import World, observe


@dataclass(frozen=True, slots=True)
class Examination:
    """The process (None if it has gone), its ancestors from the oldest on, its descendants, and all their pipes."""

    process: ProcessState | None = None
    family: tuple[ProcessState, ...] = ()
    pipes: tuple[Pipe, ...] = ()


def examine(pid: int, proc: Proc | None = None) -> Examination:
    """Look at process `pid` and its family now."""
    proc = proc or Proc()
    world = observe((), proc, measured="fifos")
    process = world.processes.get(pid)
    if process is None:
        return Examination()
    family = [_commanded(one, proc) for one in (*_ancestors(world, pid), *descendants(world.processes, pid))]
    pids = {pid, *(one.pid for one in family)}
    pipes = [
        pipe
        for pipe in world.pipes
        if any(end.pid in pids for end in pipe.ends) or any(waiter.pid in pids for waiter in pipe.waiters)
    ]
    return Examination(_commanded(process, proc), tuple(family), tuple(pipes))


def _commanded(process: ProcessState, proc: Proc) -> ProcessState:
    return process if process.command else replace(process, command=proc.command(process.pid))


def _ancestors(world: World, pid: int) -> list[ProcessState]:
    line: list[ProcessState] = []
    process = world.processes.get(pid)
    while process is not None and (process := world.processes.get(process.parent)) and process not in line:
        line.append(process)
    return line[::-1]


def descendants(processes: Mapping[int, ProcessState], pid: int) -> list[ProcessState]:
    """Return the children of `pid`, each followed by its own, in order of their pids."""
    found: list[ProcessState] = []
    for child in sorted((one for one in processes.values() if one.parent == pid), key=lambda one: one.pid):
        if child not in found:
            found += [child, *descendants(processes, child.pid)]
    return found
