"""Pipelines: which processes are chained by pipes, how full each pipe between them is, and where the bottleneck is.

A pipe joins the owners of its sides (`PipeRow.writers`, `readers`): those who merely have a copy of an end, because
their parent has it, make no stage. Of the owners it joins those that only write to those that only read; where
everybody does both (a FIFO kept open by its reader, say), all count on both sides. Processes with the very same ends
stand side by side as one stage: a pool of workers, say. A pipe that only one process holds joins nothing; such pipes
are counted.

Every pipe stands in one chain. A chain begins where nothing comes in, goes on as long as it can, and ends where it
meets itself again (a ring) or a process that much comes into and much goes out of (a supervisor of many children is
no pipeline). What branches off is a chain of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pipetui.model import PipeId, PipeRow, Process, Severity, Waiter
from pipetui.text import safe

Pressure = Literal["full", "some", "empty", "unknown"]

#: From this share of its capacity on a pipe counts as full: a slow reader always makes a little room.
NEARLY = 0.9

_BUSY, _IDLE = 0.3, 0.01


@dataclass(frozen=True, slots=True)
class Stage:
    """Processes with the same ends, the one to name first; none where a FIFO's other side is missing.

    `behind` are those that have copies of these ends: what they do is done for the stage. `held_up` says that one of
    its own processes waits to write, maybe into a pipe of another stage of which it has a copy: the output of a script
    belongs to the shell that runs it, and what the shell has started writes there, too.
    """

    pids: tuple[int, ...] = ()
    command: str = ""
    behind: frozenset[int] = frozenset()
    held_up: bool = False

    def __contains__(self, pid: int) -> bool:
        return pid in self.pids or pid in self.behind


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The pipes from one stage to the next, the fullest first."""

    rows: tuple[PipeRow, ...]

    @property
    def row(self) -> PipeRow:
        """The fullest pipe."""
        return self.rows[0]

    @property
    def first(self) -> PipeId:
        """What identifies it, however full its pipes are."""
        return min(row.pipe.id for row in self.rows)

    @property
    def pressure(self) -> Pressure:
        """How full it is in one word; a task that waits knows it even where the fill is not known."""
        return pressure(self.row)

    @property
    def stuck(self) -> tuple[PipeRow, ...]:
        """The pipes on which a process waits that can't continue by itself: in a deadlock, or waiting for its own end.

        Then nobody at the other side can continue either, or it could free the one that waits.
        """
        return tuple(row for row in self.rows if row.severity == "stuck" and row.pipe.waiters)

    @property
    def waiters(self) -> tuple[Waiter, ...]:
        """The tasks that wait on any of its pipes."""
        return tuple(waiter for row in self.rows for waiter in row.pipe.waiters)


@dataclass(frozen=True, slots=True)
class Chain:
    """Stages, and the edges between each and the next: one fewer. A ring's last stage is one of those before it."""

    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]

    @property
    def key(self) -> tuple[PipeId, ...]:
        """What stays the same while bytes move: its pipes."""
        return tuple(row.pipe.id for edge in self.edges for row in sorted(edge.rows, key=lambda row: row.pipe.id))

    @property
    def ring(self) -> bool:
        """Whether it comes back to itself."""
        return bool(self.stages[-1].pids) and self.stages[-1] in self.stages[:-1]

    @property
    def stuck(self) -> bool:
        """Whether any stage can't continue by itself."""
        return any(edge.stuck for edge in self.edges)


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Which stage the others wait for (an index into the stages), and why; `pressed` when bytes pile up before it."""

    stage: int
    why: str
    pressed: bool = True


def pressure(row: PipeRow) -> Pressure:
    """Return how full a pipe is, in one word."""
    pipe = row.pipe
    kinds = {waiter.kind for waiter in pipe.waiters}
    if pipe.queued is None or not pipe.capacity:
        return "full" if "write" in kinds else "empty" if "read" in kinds else "unknown"
    if "write" in kinds or pipe.queued >= NEARLY * pipe.capacity:
        return "full"
    return "some" if pipe.queued else "empty"


# --- from pipes to chains -----------------------------------------------------------------------------------------

_Pids = frozenset[int]


def _sides(row: PipeRow) -> tuple[_Pids, _Pids] | None:
    """Return who writes and who reads; None for a pipe that joins nobody to anybody."""
    pipe = row.pipe
    writers, readers = ({group[0] for group in side} for side in _owners(row))
    if writers == readers:
        return None
    if not writers or not readers:
        return (frozenset(writers), frozenset(readers)) if pipe.kind == "fifo" else None
    return frozenset(writers - readers or writers), frozenset(readers - writers or readers)


def _owners(row: PipeRow) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Return the owners of both sides; where it was not told who they are, all that hold an end or wait for one."""
    if row.writers or row.readers:
        return row.writers, row.readers
    pipe = row.pipe
    writers = set(pipe.holders("w")) | {waiter.pid for waiter in pipe.waiters if waiter.kind == "open-write"}
    readers = set(pipe.holders("r")) | {waiter.pid for waiter in pipe.waiters if waiter.kind == "open-read"}
    return tuple((pid,) for pid in sorted(writers)), tuple((pid,) for pid in sorted(readers))


class _Graph:
    """Stages and what joins them; `walk` takes each edge once."""

    def __init__(self, rows: Iterable[PipeRow]) -> None:
        self.left_out = 0
        self._joined: dict[tuple[_Pids, _Pids], list[PipeRow]] = defaultdict(list)
        rows = tuple(rows)
        self._held_up = {waiter.pid for row in rows for waiter in row.pipe.waiters if waiter.kind == "write"}
        for row in sorted(rows, key=lambda row: row.pipe.id):
            sides = _sides(row)
            if sides is None:
                self.left_out += bool(row.pipe.ends)
            else:
                self._joined[sides].append(row)
        self._stages = self._group()
        self._out: dict[Stage, list[tuple[Edge, Stage]]] = defaultdict(list)
        self._into: dict[Stage, set[Edge]] = defaultdict(set)
        for sides, joined in self._joined.items():
            self._join(sides, Edge(tuple(sorted(joined, key=_fullest))))

    def _group(self) -> dict[int, Stage]:
        """Return the stage of each process: those with the same ends share one."""
        ends: dict[int, set[tuple[str, tuple[_Pids, _Pids]]]] = defaultdict(set)
        for sides in self._joined:
            for pid in sides[0]:
                ends[pid].add(("w", sides))
            for pid in sides[1]:
                ends[pid].add(("r", sides))
        alike: dict[frozenset[tuple[str, tuple[_Pids, _Pids]]], list[int]] = defaultdict(list)
        for pid, own in ends.items():
            alike[frozenset(own)].append(pid)
        rows = [row for joined in self._joined.values() for row in joined]
        commands = {end.pid: end.command for row in rows for end in row.pipe.ends}
        waiting = {waiter.pid: waiter.command for row in rows for waiter in row.pipe.waiters}
        copies: dict[int, set[int]] = defaultdict(set)
        for row in rows:
            for side in _owners(row):
                for owner, *others in side:
                    copies[owner].update(others)
        stages: dict[int, Stage] = {}
        for pids in alike.values():
            pids.sort(reverse=True)  # the youngest first: what it was that was started last
            behind = frozenset().union(*(copies[pid] for pid in pids)) - set(pids)
            command = commands.get(pids[0]) or waiting.get(pids[0], "")
            stage = Stage(tuple(pids), command, behind, not self._held_up.isdisjoint(pids))
            stages.update(dict.fromkeys(pids, stage))
        return stages

    def _join(self, sides: tuple[_Pids, _Pids], edge: Edge) -> None:
        sources, targets = (sorted({self._stages[pid] for pid in pids}, key=_age) or [Stage()] for pids in sides)
        pairs = [(source, target) for source in sources for target in targets]
        if len(pairs) > len(sources) + len(targets):  # a crowd: name each once, rather than each with each
            pairs = [(source, targets[0]) for source in sources] + [(sources[0], target) for target in targets[1:]]
        for source, target in pairs:
            self._out[source].append((edge, target))
            self._into[target].add(edge)

    def _is_hub(self, stage: Stage) -> bool:
        out = {edge for edge, _ in self._out.get(stage, ())}
        return not stage.pids or (len(self._into.get(stage, ())) > 1 and len(out) > 1)

    def chains(self) -> list[Chain]:
        """Return all chains, those of one beginning together."""
        found: list[Chain] = []
        beginnings = sorted(self._out, key=lambda stage: (bool(self._into.get(stage)), _age(stage)))
        for stage in beginnings:
            while self._out[stage]:
                found.append(self._walk(stage))
        return found

    def _walk(self, stage: Stage) -> Chain:
        stages, edges = [stage], []
        while self._out.get(stages[-1]) and (len(stages) == 1 or not self._is_hub(stages[-1])):
            ways = self._out[stages[-1]]
            way = min(ways, key=lambda way: (-self._length(way[1], {*stages}), _age(way[1]), way[0].first))
            ways.remove(way)
            edges.append(way[0])
            stages.append(way[1])
            if way[1] in stages[:-1]:
                break
        return Chain(tuple(stages), tuple(edges))

    def _length(self, stage: Stage, seen: set[Stage], most: int = 8) -> int:
        """Return how far a way goes on from here, at most `most` and looked for along first edges only."""
        steps = 0
        while steps < most and stage not in seen and self._out.get(stage) and not self._is_hub(stage):
            seen.add(stage)
            stage = self._out[stage][0][1]
            steps += 1
        return steps


def _fullest(row: PipeRow) -> tuple[int, PipeId]:
    return -(row.pipe.queued or 0), row.pipe.id


def _age(stage: Stage) -> int:
    return min(stage.pids, default=0)


def chains(rows: Iterable[PipeRow]) -> tuple[list[Chain], int]:
    """Return the chains that these pipes make, and how many pipes join nobody to anybody."""
    graph = _Graph(rows)
    return graph.chains(), graph.left_out


# --- who holds up the rest ----------------------------------------------------------------------------------------


def bottleneck(chain: Chain) -> Bottleneck | None:
    """Return which stage the others wait for, if that can be told from the pipes between them."""
    if chain.ring or chain.stuck:
        return None
    levels = [edge.pressure for edge in chain.edges]
    last = len(levels)
    for index in range(last, 0, -1):
        if levels[index - 1] != "full" or not chain.stages[index].pids or levels[index : index + 1] == ["full"]:
            continue
        if chain.stages[index].held_up:
            return None  # it waits for somebody who is not in this chain
        before, after = levels[:index], levels[index:]
        full = "everything before it is full" if set(before) == {"full"} else "the pipe before it is full"
        if not after:
            return Bottleneck(index, full)
        empty = "everything after it is empty" if set(after) == {"empty"} else "the one after it is not"
        return Bottleneck(index, f"{full}, {empty}")
    first = chain.edges[0]
    starved = any(waiter.kind == "read" for waiter in first.waiters) and not any(row.write_rate for row in first.rows)
    if starved and chain.stages[0].pids and set(levels) == {"empty"}:
        return Bottleneck(0, "everything after it is empty", pressed=False)
    return None


_WAITS = {
    "write": "waits to write",
    "read": "waits to read",
    "open-write": "waits for a reader",
    "open-read": "waits for a writer",
}


def doing(chain: Chain, index: int, processes: Mapping[int, Process]) -> tuple[str, Severity]:
    """Return what a stage does in a few words, and how that is to be taken."""
    stage = chain.stages[index]
    if not stage.pids:
        return "", "calm"
    into, out = chain.edges[max(0, index - 1) : index], chain.edges[index : index + 1]
    for row in (row for edge in (*into, *out) for row in edge.stuck):
        return (safe(row.state) if row.state and " " not in row.state else "stuck"), "stuck"
    for edges, kinds in ((out, ("write", "open-write")), (into, ("read", "open-read"))):
        for waiter in (waiter for edge in edges for waiter in edge.waiters):
            if waiter.pid in stage and waiter.kind in kinds:
                return _WAITS[waiter.kind], "calm" if waiter.kind == "read" else "waiting"
    if stage.held_up or any(edge.pressure == "full" for edge in out):
        return _WAITS["write"], "waiting"  # it may run for a moment now and then, when some bytes are taken
    pids = {*stage.pids, *stage.behind}
    shares = [process.cpu for pid in pids if (process := processes.get(pid)) and process.cpu is not None]
    if shares and sum(shares) >= _BUSY:
        return "computes", "active"
    if any(edge.pressure == "full" for edge in into):
        return "lags", "calm"
    flows = any(row.write_rate or row.read_rate for edge in (*into, *out) for row in edge.rows)
    if flows:
        return ("reads and writes" if into and out else "writes" if out else "reads"), "active"
    return ("waits for something else" if shares and sum(shares) < _IDLE else "runs"), "calm"
