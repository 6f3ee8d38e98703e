"""Who can never go on by itself: the greatest fixpoint over what waits for whom. Pure.

A task that waits is released by any one of its releasers: a reader by whoever holds a write end (data, or EOF when the
last one closes it), a writer at a full pipe by whoever holds a read end, a parent by any of the children it waits for,
a task that polls nothing but pipes and processes by the releasers of any of them. A process is stuck if each of its
tasks waits so and every releaser of every task is stuck too. The largest set of which that is true is found by starting
with all that wait and taking out whoever can still be released.

Everything else counts as alive: a task that runs, sleeps, polls other things or waits for a lock; a wait on a pipe that
could not be told; a process that could not be read; whoever is not known.

Signals (signal(7)) release too, where there is a handler that may raise, or write to a pipe that somebody reads:
- timers and the like (ALRM, VTALRM, PROF, IO, real-time) come by themselves and may free their process from any wait;
- CHLD comes when a child ends, so each living child is one more releaser of a process that catches it: from a poll,
  which every handler interrupts, and from the read of a pipe that the process can write to itself, for certain; from
  any other wait perhaps (a handler may raise);
- any other handler may write to a pipe at rest that its process holds a write end of, and so free who reads there; it
  does not free a writer from a full pipe.
No handler of a program's own are: INT alone (Python and shells have it by themselves), 32 and 33 (glibc's), and those
for errors of the program itself. That a handler *may* free does not say that it ever will: see `Handlers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipetui.model import Pipe, PipeId, Polled, ProcessState, TaskState
from pipetui.watch.world import World, sides

#: For each process all of whose tasks wait: the releasers of each task.
WaitGraph = Mapping[int, tuple[frozenset[int], ...]]

#: Whether signal handlers count as what may free a process.
Handlers = Literal["free", "ignored"]

_CHLD = 17


def _mask(*numbers: int) -> int:
    return sum(1 << number - 1 for number in numbers)


#: Signals that come without anybody's doing: IO and POLL are one; real-time ones from 34 on are the program's.
_BY_THEMSELVES = _mask(14, 26, 27, 29, *range(34, 65))
#: Signals that tell of an error of the program itself or of a limit, those of glibc, INT, and CHLD (see above).
_NO_HANDLERS = _mask(2, 4, 5, 6, 7, 8, 11, 13, _CHLD, 24, 25, 31, 32, 33)


def freeing(process: ProcessState) -> int:
    """Return the mask of the signals whose handlers may free a process, or those that read from it."""
    return process.caught & (_BY_THEMSELVES | _mask(_CHLD) | ~_NO_HANDLERS)


def waiting(world: World, handlers: Handlers = "free") -> dict[int, tuple[frozenset[int], ...]]:
    """Return, for each process all of whose tasks wait in a way we model, who may release each of them."""
    view = _View(world, handlers)
    answer = {}
    for pid, process in world.processes.items():
        found = [view.releasers(process, task) for task in process.tasks]
        if found and all(found):
            answer[pid] = tuple(found)
    return answer


class _View:
    """Who may release whom in one world."""

    def __init__(self, world: World, handlers: Handlers) -> None:
        self._world = world
        self._free = handlers == "free"
        self._children: dict[int, set[int]] = {}
        for process in world.processes.values():
            if process.tasks:
                self._children.setdefault(process.parent, set()).add(process.pid)
        for hidden in world.hidden:
            self._children.setdefault(hidden.parent, set()).add(hidden.pid)
        self._sides: dict[tuple[PipeId, str], frozenset[int]] = {}

    def releasers(self, process: ProcessState, task: TaskState) -> frozenset[int]:
        """Return who may release a task; empty when that is not known, so that it counts as alive."""
        found = self._by_wait(process, task)
        if not found or (self._free and process.caught & _BY_THEMSELVES):
            return frozenset()
        if process.caught & _mask(_CHLD) and (self._free or self._is_woken(process, task)):
            found |= self._children.get(process.pid, set())
        return found

    def _is_woken(self, process: ProcessState, task: TaskState) -> bool:
        """Whether any handler at all ends a wait (signal(7)), or can by writing to what is read."""
        if task.doing == "poll":
            return True
        pipe = None if task.pipe is None else self._world.by_id.get(task.pipe)
        return task.doing == "read" and pipe is not None and process.pid in pipe.holders("w")

    def _by_wait(self, process: ProcessState, task: TaskState) -> frozenset[int]:
        if task.doing == "child":
            return frozenset(task.children)
        if task.doing in ("read", "write"):
            return self._side(task.pipe, task.doing)
        if task.doing != "poll":
            return frozenset()
        answer: frozenset[int] = frozenset()
        for polled in task.polls:
            found = self._polled(process, polled)
            if not found:
                return frozenset()
            answer |= found
        return answer

    def _polled(self, process: ProcessState, polled: Polled) -> frozenset[int]:
        if polled.pid is not None:
            return frozenset((polled.pid,))
        answer: frozenset[int] = frozenset()
        for doing in sides(self._world, process.pid, polled):
            found = self._side(polled.pipe, doing)
            if not found:
                return frozenset()
            answer |= found
        return answer

    def _side(self, identity: PipeId | None, doing: Literal["read", "write"]) -> frozenset[int]:
        """Return who may release those that read, or write, a pipe."""
        pipe = None if identity is None else self._world.by_id.get(identity)
        if pipe is None:
            return frozenset()
        known = self._sides.get((pipe.id, doing))
        if known is None:
            self._sides[pipe.id, doing] = known = self._of_pipe(pipe, doing)
        return known

    def _of_pipe(self, pipe: Pipe, doing: Literal["read", "write"]) -> frozenset[int]:
        other = pipe.holders("w" if doing == "read" else "r")
        if not other:
            return frozenset()
        if doing == "read" and (kept_open(self._world, pipe) or (self._free and any(map(self._may_ring, other)))):
            return frozenset()
        return frozenset(other) | possible_holders(self._world, pipe)

    def _may_ring(self, pid: int) -> bool:
        """Whether a process has a handler that may write to a pipe at rest."""
        process = self._world.processes.get(pid)
        return process is None or bool(process.caught & ~_NO_HANDLERS)


def kept_open(world: World, pipe: Pipe) -> bool:
    """Whether a FIFO is held open for writing by its readers, and by those who wait for their end, alone.

    That is how a FIFO is kept open between its clients: by a server itself, or by who has started it. So its readers
    wait for any writer. Without a name none can come.
    """
    if pipe.kind != "fifo" or pipe.deleted or not pipe.paths:
        return False
    writers, readers = set(pipe.holders("w")), set(pipe.holders("r"))
    return bool(writers) and all(pid in readers or _awaits(world, pid, readers) for pid in writers)


def _awaits(world: World, pid: int, pids: set[int]) -> bool:
    """Whether a process does nothing but wait for the end of others, some of these among them."""
    process = world.processes.get(pid)
    tasks = process.tasks if process else ()
    awaited = [set(task.children) or {one.pid for one in task.polls if one.pid} for task in tasks]
    alone = all(task.doing == "child" or _polls_processes(task) for task in tasks)
    return bool(tasks) and alone and any(those & pids for those in awaited)


def _polls_processes(task: TaskState) -> bool:
    return task.doing == "poll" and all(one.pid is not None for one in task.polls)


def possible_holders(world: World, pipe: Pipe) -> frozenset[int]:
    """Return the processes not read that may hold an end too: of the session of a holder, or descended from one.

    One that came too late is no matter unless a holder has forked it.
    """
    if not world.hidden:
        return frozenset()
    holders = {end.pid for end in pipe.ends}
    kin, sessions = world.hidden_kin
    answer: set[int] = set()
    for pid in holders:
        answer |= kin.get(pid, set())
        if pid in world.processes:
            answer |= sessions.get(world.processes[pid].session, set())
    return frozenset(answer)


def largest(waits: WaitGraph) -> frozenset[int]:
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


def cores(waits: WaitGraph, stuck: Iterable[int]) -> list[tuple[frozenset[int], frozenset[int]]]:
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
    found = [
        (frozenset(core), frozenset(_reach(core, backwards) - core))
        for core in components(edges)
        if all(edges[pid] <= core for pid in core)
    ]
    return sorted(found, key=lambda pair: min(pair[0]))


def components(edges: Mapping[int, Iterable[int]]) -> Iterator[set[int]]:
    """Yield the strongly connected components (Tarjan's algorithm, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[int] = []
    inside: set[int] = set()
    for root in sorted(edges):
        path = [(root, iter(edges[root]))] if root not in order else []
        while path:
            pid, targets = path[-1]
            if pid not in order:
                order[pid] = low[pid] = len(order)
                open_.append(pid)
                inside.add(pid)
            below = next((one for one in targets if one not in order or one in inside), None)
            if below is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[pid])
                if low[pid] == order[pid]:
                    cut = open_.index(pid)
                    component = set(open_[cut:])
                    del open_[cut:]
                    inside -= component
                    yield component
            elif below in order:
                low[pid] = min(low[pid], order[below])
            else:
                path.append((below, iter(edges[below])))


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


@dataclass(frozen=True, slots=True)
class Knot:
    """Processes that wait for each other (`core`), and those that wait for them without being part of it (`tail`).

    `sure`: not even a signal handler of theirs could free them.
    """

    core: frozenset[int]
    tail: frozenset[int]
    sure: bool


@lru_cache(maxsize=1)
def knots(world: World) -> tuple[Knot, ...]:
    """Return all of them, the sure ones first."""
    free = waiting(world)
    stuck = largest(free)
    found = [Knot(core, tail, True) for core, tail in cores(free, stuck)]
    ignored = waiting(world, "ignored")
    doubtful = cores(ignored, largest(ignored)) if ignored.keys() != free.keys() or ignored != free else []
    found += [Knot(core, tail - stuck, False) for core, tail in doubtful if not core & stuck]
    return tuple(found)


def stuck(world: World) -> frozenset[int]:
    """Return the processes that can never go on, or are held up by such."""
    return frozenset[int]().union(*(knot.core | knot.tail for knot in knots(world) if knot.sure))


def is_whole(process: ProcessState | None, task: TaskState) -> bool:
    """Whether a wait holds up the whole process: its main task waits, or each of its tasks does in a way we model."""
    if process is None or task.tid == process.pid:
        return True
    return all(other.doing in ("open-read", "open-write", "read", "write", "child", "poll") for other in process.tasks)
