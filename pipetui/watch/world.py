"""The world at one moment: every pipe with its ends and waiters, and what each process waits for. Findings judge it.

`observe` makes one from the real thing, `World` is only what was seen, so that a test can make one up.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pipetui.kernel.procfs import Proc, Stat
from pipetui.model import Access, End, Pipe, PipeId, PipeRef, ProcessState
from pipetui.watch.census import Census, take
from pipetui.watch.fill import fills, with_flags
from pipetui.watch.join import join
from pipetui.watch.waits import ON_PIPES, WaitMemory, Waits, read_tasks, understand, waiters

#: Of more pipes than this, O_NONBLOCK is not looked up at each end: it would take longer than everything else.
_MANY = 2_000


@dataclass(frozen=True, slots=True)
class Hidden:
    """A process that could not be read: what it holds and waits for is not known."""

    pid: int
    parent: int = 0
    session: int = 0


@dataclass(frozen=True)
class World:
    """What was seen at one moment.

    `processes` are all readable ones. `found` are the identities that lie under the roots that were searched; `exposed`
    are the FIFOs that any user can reach, with what their mode lets any user do. `why_not` says why a fill is unknown.
    """

    pipes: tuple[Pipe, ...] = ()
    processes: Mapping[int, ProcessState] = field(default_factory=dict)
    hidden: tuple[Hidden, ...] = ()
    time: float = 0.0
    found: frozenset[PipeId] = frozenset()
    exposed: Mapping[PipeId, Access] = field(default_factory=dict)
    why_not: Mapping[PipeId, str] = field(default_factory=dict)
    partial: tuple[str, ...] = ()
    unreadable: int = 0

    @cached_property
    def by_id(self) -> dict[PipeId, Pipe]:
        """The pipes by their identity."""
        return {pipe.id: pipe for pipe in self.pipes}

    @cached_property
    def held_by(self) -> dict[int, list[tuple[Pipe, End]]]:
        """What each process holds."""
        held: dict[int, list[tuple[Pipe, End]]] = {}
        for pipe in self.pipes:
            for end in pipe.ends:
                held.setdefault(end.pid, []).append((pipe, end))
        return held

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


def ref(pipe: Pipe) -> PipeRef:
    """Return the pipe as a finding names it."""
    return PipeRef(pipe.id.dev, pipe.id.inode, pipe.path)


def observe(
    found: Iterable[Pipe] = (),
    proc: Proc | None = None,
    *,
    anonymous: bool = True,
    nonblocking: bool = False,
    kernel: set[int] | None = None,
    memory: WaitMemory | None = None,
    reopen: bool = True,
    twofold: bool = False,
) -> World:
    """Look at everything once. `found` are the FIFOs that are known from folders.

    Waits on anonymous pipes are seen, and deadlocks judged, only with `anonymous`. `nonblocking` looks up O_NONBLOCK
    of every end (of anonymous pipes only while they are not too many), else only where somebody waits. `kernel` and
    `memory` are kept by who looks again and again: kernel threads are not read again, and waits know since when.
    `reopen`: see `fills`; `twofold`: see `take`.
    """
    proc = proc or Proc()
    found = tuple(found)
    roster = {pid: told for pid in proc.pids() if (told := proc.stat(pid)) is not None}
    threads = {pid for pid, told in roster.items() if told.kernel}
    threads |= set() if kernel is None else kernel
    raw = read_tasks(proc, [pid for pid, told in roster.items() if not told.kernel and not told.dead])
    census = take(proc, anonymous=anonymous, kernel=threads, twofold=twofold)
    if kernel is not None:
        kernel |= threads
        kernel &= set(roster)
    why_not: dict[PipeId, str] = {}
    filled = fills(census.ends, proc, reopen=reopen, why_not=why_not, twofold=twofold)
    waits = understand(
        proc, raw, census, roster, found=found, fills=filled, memory=WaitMemory() if memory is None else memory
    )
    commands = _commands(proc, census, waits)
    waiting = waiters(waits, commands)
    wanted: Iterable[PipeId] = waiting
    if nonblocking:
        wanted = census.ends if len(census.ends) <= _MANY else [*census.pipes, *waiting]
    flagged = {identity: census.ends[identity] for identity in wanted if identity in census.ends}
    census = replace(census, ends={**census.ends, **with_flags(proc, flagged)})
    opened = [pipe for identity, pipe in waits.opened.items() if identity not in {known.id for known in found}]
    pipes = join((*found, *opened), census, filled, waiting)
    return World(
        pipes,
        _processes(roster, waits, commands, census),
        tuple(_hidden(pid, roster) for pid in sorted(census.hidden)),
        time.time(),
        frozenset(pipe.id for pipe in found),
        _exposed(pipes),
        why_not,
        census.partial,
        census.unreadable,
    )


def _commands(proc: Proc, census: Census, waits: Waits) -> dict[int, str]:
    """Return the command lines of all that hold, wait, or are waited for."""
    commands = dict(census.commands)
    told = ON_PIPES | {"child"}
    wanted = {pid for pid, tasks in waits.tasks.items() if any(task.doing in told for task in tasks)}
    wanted |= {child for tasks in waits.tasks.values() for task in tasks for child in task.children}
    for pid in wanted:
        if pid not in commands:
            commands[pid] = proc.command(pid)
    return commands


def _processes(
    roster: Mapping[int, Stat], waits: Waits, commands: Mapping[int, str], census: Census
) -> dict[int, ProcessState]:
    """Return what is known of each readable process. One that is dead, or could not be read, has no known tasks."""
    return {
        pid: ProcessState(pid, told.parent, told.session, commands.get(pid, ""), waits.tasks.get(pid, ()))
        for pid, told in roster.items()
        if not told.kernel and pid not in census.hidden
    }


def _hidden(pid: int, roster: Mapping[int, Stat]) -> Hidden:
    told = roster.get(pid)
    return Hidden(pid, told.parent, told.session) if told else Hidden(pid)


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
