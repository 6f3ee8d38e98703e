"""The world at one moment: every pipe with its ends and waiters, and what each process waits for. Findings judge it.

`observe` makes one from the real thing, `World` is only what was seen, so that a test can make one up.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from pipetui.kernel.procfs import Proc, Stat
from pipetui.model import Access, End, Pipe, PipeId, PipeRef, Polled, ProcessState, TaskState, Waiter
from pipetui.text import plural
from pipetui.watch.census import Census, take
from pipetui.watch.fill import fills, with_flags
from pipetui.watch.join import join
from pipetui.watch.memory import WaitMemory
from pipetui.watch.mentions import mentions
from pipetui.watch.waits import ON_PIPES, Waits, read_tasks, understand, waiters

#: Of more pipes than this, O_NONBLOCK is not looked up at each end: it would take longer than everything else.
_MANY = 2_000


@dataclass(frozen=True, slots=True)
class Hidden:
    """A process that could not be read, or came too `late` for that: what it holds and waits for is not known."""

    pid: int
    parent: int = 0
    session: int = 0
    late: bool = False


@dataclass(frozen=True, eq=False)
class World:
    """What was seen at one moment.

    `processes` are all readable ones. `found` are the identities that lie under the roots that were searched, and
    `asked` says whether a person named those. `exposed` are the FIFOs that any user can reach, with what their mode
    lets any user do. `unreadable` processes were counted; `blind` is a sentence where processes may be there that can't
    even be counted, and `contained` says that there are some outside of our pid namespace. `made` says when a FIFO was
    made, where somebody waits in open. `lonely` are pipes that have ends on one side only, with the time since when
    that has been so at the latest. `mentions` are, for a blocked opener, the FIFOs of other blocked openers that its
    own command line or script names.
    """

    pipes: tuple[Pipe, ...] = ()
    processes: Mapping[int, ProcessState] = field(default_factory=dict)
    hidden: tuple[Hidden, ...] = ()
    time: float = 0.0
    found: frozenset[PipeId] = frozenset()
    exposed: Mapping[PipeId, Access] = field(default_factory=dict)
    partial: tuple[str, ...] = ()
    unreadable: int = 0
    asked: bool = False
    blind: str = ""
    contained: bool = False
    made: Mapping[PipeId, float] = field(default_factory=dict)
    lonely: Mapping[PipeId, float] = field(default_factory=dict)
    mentions: Mapping[int, frozenset[PipeId]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[PipeId, Pipe]:
        """The pipes by their identity."""
        return {pipe.id: pipe for pipe in self.pipes}

    @cached_property
    def waiting_on(self) -> dict[tuple[PipeId, str], list[tuple[ProcessState, TaskState]]]:
        """The tasks that wait on each pipe in each way ("open-read", …; a poll is a read, a write, or both)."""
        found: dict[tuple[PipeId, str], list[tuple[ProcessState, TaskState]]] = {}
        for _, process in sorted(self.processes.items()):
            for task in process.tasks:
                for identity, doing in self._waits(process.pid, task):
                    found.setdefault((identity, doing), []).append((process, task))
        return found

    def _waits(self, pid: int, task: TaskState) -> set[tuple[PipeId, str]]:
        if task.pipe is not None:
            return {(task.pipe, task.doing)}
        if task.doing != "poll":
            return set()
        return {
            (polled.pipe, side)
            for polled in task.polls
            if polled.pipe is not None
            for side in sides(self, pid, polled)
            if side == "read" or "w" in polled.events  # else it only waits for the readers to go
        }

    @cached_property
    def hidden_kin(self) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """The hidden processes by each process that they descend from, and (but for those too late) by session."""
        kin: dict[int, set[int]] = {}
        sessions: dict[int, set[int]] = {}
        for one in self.hidden:
            if not one.late:
                sessions.setdefault(one.session, set()).add(one.pid)
            above, parent = {one.pid}, one.parent
            while parent and parent not in above:
                above.add(parent)
                kin.setdefault(parent, set()).add(one.pid)
                parent = self.parents.get(parent, 0)
        return kin, sessions

    @cached_property
    def parents(self) -> dict[int, int]:
        """The parent of each process, as far as it is known."""
        known = {one.pid: one.parent for one in self.processes.values()}
        known.update((one.pid, one.parent) for one in self.hidden)
        return known

    @property
    def everybody(self) -> bool:
        """Whether all processes could be read, but for some that came too late."""
        return not (self.blind or self.contained or any(not one.late for one in self.hidden))

    @property
    def unseen(self) -> str:
        """Who may hold an end without being seen, in words that go on after a colon; empty for nobody."""
        return _unseen(self.blind, self.unreadable, self.contained)

    def waited_on(self, doing: str) -> list[Pipe]:
        """Return the pipes on which some task waits so, in the order of `pipes`."""
        wanted = {identity for identity, kind in self.waiting_on if kind == doing}
        return [pipe for pipe in self.pipes if pipe.id in wanted] if wanted else []

    def command(self, pid: int) -> str:
        """Return the command line of a process; empty when it is not known."""
        process = self.processes.get(pid)
        return process.command if process else ""

    def ancestors(self, pid: int) -> set[int]:
        """Return the readable processes that `pid` descends from, without itself."""
        above: set[int] = set()
        process = self.processes.get(pid)
        while process is not None and process.parent not in above:
            above.add(process.parent)
            process = self.processes.get(process.parent)
        return above


def sides(world: World, pid: int, polled: Polled) -> Iterator[Literal["read", "write"]]:
    """Yield whether a polled end waits for those who write, for those who read, or both."""
    pipe = None if polled.pipe is None else world.by_id.get(polled.pipe)
    ends = () if pipe is None else pipe.ends
    access = "".join(end.access for end in ends if end.pid == pid and polled.fd in (None, end.fd))
    if "r" in access and (polled.events != "w" or "w" not in access):
        yield "read"
    if "w" in access and (polled.events != "r" or "r" not in access):
        yield "write"


def unseen(proc: Proc, unreadable: int) -> str:
    """Return the same (see `World.unseen`) for who has no world, but the number of processes that could not be read."""
    return _unseen(proc.blind(), unreadable, proc.contained())


def _unseen(blind: str, unreadable: int, contained: bool) -> str:
    if blind:
        return blind
    if unreadable:
        return f"{plural(unreadable, 'process', 'processes')} can't be read"
    return "processes outside this container can't be seen" if contained else ""


def ref(pipe: Pipe) -> PipeRef:
    """Return the pipe as a finding names it."""
    return PipeRef(pipe.id.dev, pipe.id.inode, pipe.path)


#: What is known of the tasks of a process that came after they were read.
_NEW = (TaskState(0, "busy"),)

#: Which pipes are to be measured: none, FIFOs only, or all.
Measured = Literal["none", "fifos", "all"]


def observe(
    found: Iterable[Pipe] = (),
    proc: Proc | None = None,
    *,
    anonymous: bool = True,
    nonblocking: bool = False,
    measured: Measured = "none",
    asked: bool = False,
    kernel: set[int] | None = None,
    memory: WaitMemory | None = None,
    reopen: bool = True,
    twofold: bool = False,
) -> World:
    """Look at everything once. `found` are the FIFOs that are known from folders; `asked`: see `World`.

    Waits on anonymous pipes are seen, and deadlocks judged, only with `anonymous`. `nonblocking` looks up O_NONBLOCK
    of every end (of anonymous pipes only while they are not too many). `measured` says of which pipes an end is
    borrowed to learn the fill. `kernel` and `memory` are kept by who looks again and again: kernel threads are not read
    again, and waits know since when. `reopen`: see `fills`; `twofold`: see `take`.
    """
    proc = proc or Proc()
    found = tuple(found)
    threads = set() if kernel is None else kernel
    raw = read_tasks(proc, [pid for pid in proc.pids() if pid not in threads])
    census = take(proc, anonymous=anonymous, kernel=threads, twofold=twofold)
    roster = {pid: told for pid in proc.pids() if pid not in threads and (told := proc.stat(pid)) is not None}
    threads.update(pid for pid, told in roster.items() if told.kernel)
    memory = WaitMemory() if memory is None else memory
    waits = understand(proc, raw, census, roster, found=found, memory=memory)
    commands = _commands(proc, census, waits)
    waiting = waiters(waits, commands)
    ends, empty = _to_measure(measured, census, waiting)
    filled = fills(ends, proc, reopen=reopen, twofold=twofold, capacities=memory.capacities, empty=empty)
    if nonblocking:
        few = len(census.ends) <= _MANY
        shown = {identity: ends for identity, ends in census.ends.items() if few or identity in census.pipes}
        census = replace(census, ends={**census.ends, **with_flags(proc, shown)})
    opened = [pipe for identity, pipe in waits.opened.items() if identity not in {known.id for known in found}]
    pipes = join((*found, *opened), census, filled, waiting)
    now = time.time()
    return World(
        pipes,
        processes=_processes(roster, waits, commands, census),
        hidden=tuple(_hidden(pid, roster, pid in census.late) for pid in sorted(census.hidden | census.late)),
        time=now,
        found=frozenset(pipe.id for pipe in found),
        exposed=_exposed(pipes) if asked else {},
        partial=census.partial,
        unreadable=census.unreadable,
        asked=asked,
        blind=proc.blind(),
        contained=proc.contained(),
        made=waits.made,
        lonely=memory.lonely((pipe for pipe in pipes if _is_lonely(pipe)), now),
        mentions=mentions(proc, roster, waits),
    )


def _to_measure(
    measured: Measured, census: Census, waiting: Mapping[PipeId, Iterable[Waiter]]
) -> tuple[dict[PipeId, tuple[End, ...]], set[PipeId]]:
    """Return the ends of all pipes that are to be measured, and which of the pipes are known to be empty."""
    if measured == "none":
        return {}, set()
    ends = {one: held for one, held in census.ends.items() if measured == "all" or one in census.pipes}
    return ends, {one for one, those in waiting.items() if any(map(_surely_reads, those))}


def _surely_reads(waiter: Waiter) -> bool:
    """Whether it shows that the pipe is empty."""
    return waiter.kind == "read" and waiter.certainty == "exact"


def _is_lonely(pipe: Pipe) -> bool:
    """Whether a pipe has ends open on one side only, and nobody waits for the other."""
    first = pipe.ends[0].access if pipe.ends else "rw"
    return first != "rw" and not pipe.waiters and all(end.access == first for end in pipe.ends)


def _commands(proc: Proc, census: Census, waits: Waits) -> dict[int, str]:
    """Return the command lines of all that hold, wait, or are waited for."""
    commands = dict(census.commands)
    told = ON_PIPES | {"child", "poll", "stopped"}
    wanted = {pid for pid, tasks in waits.tasks.items() if any(task.doing in told for task in tasks)}
    for tasks in waits.tasks.values():
        for task in tasks:
            wanted.update(task.children, (one.pid for one in task.polls if one.pid is not None))
    for pid in wanted:
        if pid not in commands:
            commands[pid] = proc.command(pid)
    return commands


def _processes(
    roster: Mapping[int, Stat], waits: Waits, commands: Mapping[int, str], census: Census
) -> dict[int, ProcessState]:
    """Return what is known of each readable process. A dead one has no tasks; a new one may do anything."""
    return {
        pid: ProcessState(
            pid,
            told.parent,
            told.session,
            commands.get(pid, ""),
            waits.tasks.get(pid) or (() if told.dead else _NEW),
            waits.caught.get(pid, 0),
            told.group,
        )
        for pid, told in roster.items()
        if not told.kernel and pid not in census.hidden
    }


def _hidden(pid: int, roster: Mapping[int, Stat], late: bool) -> Hidden:
    told = roster.get(pid)
    return Hidden(pid, told.parent, told.session, late) if told else Hidden(pid, late=late)


def _exposed(pipes: Iterable[Pipe]) -> dict[PipeId, Access]:
    """Return the FIFOs whose mode lets any user in, and that any user can reach through the folders above."""
    reachable: dict[str, bool] = {}
    exposed: dict[PipeId, Access] = {}
    for pipe in pipes:
        mode = pipe.mode or 0
        if not mode & 0o006 or pipe.path is None or pipe.deleted or not pipe.path.startswith("/"):
            continue
        if _reachable(os.path.dirname(pipe.path), reachable):
            exposed[pipe.id] = "rw" if mode & 0o006 == 0o006 else "r" if mode & 0o004 else "w"
    return exposed


def _reachable(folder: str, known: dict[str, bool]) -> bool:
    """Whether every user may pass through a folder and all above it."""
    if folder not in known:
        try:
            passable = bool(os.stat(folder).st_mode & stat.S_IXOTH)
        except OSError:
            passable = False
        known[folder] = passable and (folder == "/" or _reachable(os.path.dirname(folder), known))
    return known[folder]
