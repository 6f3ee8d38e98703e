"""Who can never go on by itself: the greatest fixpoint over what waits for whom. Pure.

A task that waits is released by any one of its releasers: a reader by whoever holds a write end (data, or EOF when the
last one closes it), a writer at a full pipe by whoever holds a read end, a parent by any of the children it waits for.
A process is stuck if each of its tasks waits so and every releaser of every task is stuck too. The largest set of
which that is true is found by starting with all that wait and taking out whoever can still be released.

Everything else counts as alive: a task that runs, sleeps, polls or waits for a lock; a wait on a pipe that could not be
told; a process that could not be read. Signals are not modelled: a handler may of course do anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipetui.model import Pipe, ProcessState, TaskState
from pipetui.watch.world import World

#: For each process all of whose tasks wait: the releasers of each task.
Waiting = Mapping[int, tuple[frozenset[int], ...]]


def waiting(world: World) -> dict[int, tuple[frozenset[int], ...]]:
    """Return, for each process all of whose tasks wait in a way we model, who may release each of them."""
    answer = {}
    for pid, process in world.processes.items():
        found = [releasers(world, task) for task in process.tasks]
        if found and all(found):
            answer[pid] = tuple(found)
    return answer


def releasers(world: World, task: TaskState) -> frozenset[int]:
    """Return who may release a task; empty when that is not known, so that it counts as alive."""
    if task.doing == "child":
        return frozenset(task.children)
    pipe = None if task.pipe is None else world.by_id.get(task.pipe)
    if pipe is None or task.doing not in ("read", "write"):
        return frozenset()
    other = pipe.holders("w" if task.doing == "read" else "r")
    return frozenset(other) | possible_holders(world, pipe) if other else frozenset()


def possible_holders(world: World, pipe: Pipe) -> frozenset[int]:
    """Return the unreadable processes that may hold an end too: of the session of a holder, or descended from one."""
    if not world.hidden:
        return frozenset()
    holders = {end.pid for end in pipe.ends}
    sessions = {world.processes[pid].session for pid in holders if pid in world.processes}
    hidden = {process.pid: process for process in world.hidden}
    answer = set()
    for process in world.hidden:
        parent, above = process.parent, set[int]()
        while parent in hidden and parent not in above:
            above.add(parent)
            parent = hidden[parent].parent
        if process.session in sessions or ({parent} | world.ancestors(parent)) & holders:
            answer.add(process.pid)
    return frozenset(answer)


def largest(waits: Waiting) -> frozenset[int]:
    """Return the largest set of processes all of whose possible releasers are in the set."""
    stuck = set(waits)
    releases: dict[int, list[int]] = {}
    for pid, tasks in waits.items():
        for releaser in frozenset[int]().union(*tasks):
            releases.setdefault(releaser, []).append(pid)
    alive = [pid for pid in releases if pid not in stuck]
    while alive:
        for freed in releases.get(alive.pop(), ()):
            if freed in stuck:
                stuck.discard(freed)
                alive.append(freed)
    return frozenset(stuck)


def cores(waits: Waiting, stuck: Iterable[int]) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Split what is stuck into cores and who waits for each.

    The members of a core wait for each other and for nobody else. The second set are those that wait for a core,
    directly or through others, without being part of it.
    """
    members = set(stuck)
    edges = {pid: frozenset[int]().union(*waits[pid]) & members for pid in members}
    backwards: dict[int, set[int]] = {pid: set() for pid in members}
    for pid, targets in edges.items():
        for target in targets:
            backwards[target].add(pid)
    found = []
    left = set(members)
    while left:
        start = min(left)
        core = _closed(start, edges)
        left -= core | _reach(core, backwards)
        found.append((frozenset(core), frozenset(_reach(core, backwards) - core)))
    return sorted(found, key=lambda pair: min(pair[0]))


def _closed(start: int, edges: Mapping[int, Iterable[int]]) -> set[int]:
    """Go on from `start` until nothing new is reached from which there is a way back: a core."""
    while True:
        below = _reach({start}, edges)
        outside = next((pid for pid in sorted(below) if start not in _reach({pid}, edges)), None)
        if outside is None:
            return below
        start = outside


def _reach(start: Iterable[int], edges: Mapping[int, Iterable[int]]) -> set[int]:
    """Return what can be reached from `start`, itself included only where a way leads back or it is given twice."""
    reached: set[int] = set(start)
    pending = list(reached)
    while pending:
        for target in edges[pending.pop()]:
            if target not in reached:
                reached.add(target)
                pending.append(target)
    return reached


def is_whole(process: ProcessState | None, task: TaskState) -> bool:
    """Whether a wait holds up the whole process: its main task waits, or each of its tasks does in a way we model."""
    if process is None or task.tid == process.pid:
        return True
    return all(other.doing in ("open-read", "open-write", "read", "write", "child") for other in process.tasks)
