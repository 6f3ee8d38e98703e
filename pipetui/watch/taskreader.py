"""What one task does, from its second look: a kernel function it sleeps in, the arguments of its system call, and what
is known of pipes and processes at the same moment.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from pipetui.kernel.errors import PipeError
from pipetui.kernel.procfs import Proc, Stat, TaskStatus
from pipetui.kernel.resolve import AT_FDCWD, ResolvedPath, resolve
from pipetui.model import Access, Certainty, Doing, Pipe, PipeId, Polled, TaskState
from pipetui.watch.calls import CALLS, P_PGID, P_PID, P_PIDFD, Call
from pipetui.watch.census import Census, far_away
from pipetui.watch.finder import pipe_of
from pipetui.watch.memory import WaitMemory
from pipetui.watch.polls import polled

#: A FIFO that was made later than this (seconds) after a wait began is not the one that is waited at: another had its
#: name then. A wait is dated to some milliseconds.
_REMADE = 0.05

OPEN: tuple[Doing, ...] = ("open-read", "open-write")


class RawTask(NamedTuple):
    """A task as `/proc` shows it at the first look; `runs` (see `Proc.runs`) only for the waits that are understood."""

    pid: int
    tid: int
    wchan: str
    runs: int = -1


class TaskReader:
    """Makes sense of raw tasks. `caught`, `opened` and `made` gather what is found out on the way."""

    def __init__(
        self,
        proc: Proc,
        census: Census,
        roster: Mapping[int, Stat],
        found: Iterable[Pipe],
        memory: WaitMemory,
    ) -> None:
        self._proc = proc
        self._census = census
        self._roster = roster
        self._found = found
        self._memory = memory
        self._far = far_away(proc)
        self._held: dict[int, dict[int, tuple[PipeId, Access]]] | None = None
        self._by_path: dict[str, PipeId] | None = None
        self._children: dict[int, list[int]] | None = None
        self.opened: dict[PipeId, Pipe] = {}
        self.caught: dict[int, int] = {}
        self.made: dict[PipeId, float] = {}

    def state(self, task: RawTask, kinds: tuple[Doing, ...]) -> TaskState:
        """Return what a task does that sleeps in one of these ways; "busy" if it has moved meanwhile."""
        if kinds == ("poll",) and not self._ends_of(task.pid):
            return TaskState(task.tid, "waiting", wchan=task.wchan)  # whatever it polls, it is no pipe
        call = self._proc.syscall(task.pid, task.tid)
        since, dated = self._memory.since(self._proc, task.pid, task.tid, task.runs)
        status = self._proc.status(task.pid, task.tid)
        state = self._understood(task, kinds, call, since if dated else None, status)
        if not self._still(task, kinds, status):
            return TaskState(task.tid, "busy")
        self.caught[task.pid] = self.caught.get(task.pid, 0) | status.caught
        return replace(state, since=since, dated=dated)

    def _still(self, task: RawTask, kinds: tuple[Doing, ...], before: TaskStatus) -> bool:
        """Whether it has not run since the first look, and does not wait for a processor now."""
        if task.runs < 0 or self._proc.runs(task.pid, task.tid) != task.runs:
            return False
        return before.state in ("T", "t") if kinds == ("stopped",) else before.asleep

    def _understood(
        self, task: RawTask, kinds: tuple[Doing, ...], call: Call | None, since: float | None, status: TaskStatus
    ) -> TaskState:
        if kinds == ("stopped",):
            return TaskState(task.tid, "stopped")
        if kinds == ("child",):
            return self._awaiting(task, call, status)
        if kinds == ("poll",):
            return self._polling(task, call)
        if kinds == OPEN:
            return self._opening(task, call, since)
        return self._transferring(task, kinds, call)

    # --- open -----------------------------------------------------------------------------------------------------

    def _opening(self, task: RawTask, call: Call | None, since: float | None) -> TaskState:
        told = _open_arguments(self._proc, task.tid, call) if call is not None else None
        if told is None:
            return self._guess_opening(task)
        folder, path, flags = told
        doing: Doing = "open-write" if flags & os.O_ACCMODE == os.O_WRONLY else "open-read"
        below = self._proc.cwd(task.tid) if folder == AT_FDCWD else self._proc.link(task.tid, folder)
        shown = path if path.startswith("/") else os.path.join(below or "", path)
        nowhere = TaskState(task.tid, doing, path=shown)
        if shown.startswith(self._far):
            return replace(nowhere, certainty="inferred")
        try:
            place = resolve(self._proc, task.tid, folder, path)
        except PipeError:
            return replace(nowhere, certainty="inferred")
        if place is None or not stat.S_ISFIFO(place.status.st_mode):
            return nowhere  # removed since
        identity = PipeId(place.status.st_dev, place.status.st_ino)
        partner = "r" if doing == "open-write" else "w"
        if any(partner in end.access for end in self._census.ends.get(identity, ())):
            return nowhere  # it would have been let in: the FIFO it waits at is another, that had this name before
        sure = self._same_since(place, since)
        if sure is None:
            return nowhere
        if identity not in self._census.pipes:
            self.opened[identity] = pipe_of(place.path, place.status)
        return TaskState(task.tid, doing, identity, path=shown, certainty=sure)

    def _same_since(self, place: ResolvedPath, since: float | None) -> Certainty | None:
        """How sure it is that a FIFO is the one whose open began then; None if it was made later."""
        if place.made is not None:
            self.made[PipeId(place.status.st_dev, place.status.st_ino)] = place.made
        if since is None:
            return "inferred"
        if place.made is not None:
            return "exact" if place.made <= since + _REMADE else None
        return "exact" if place.status.st_ctime <= since + _REMADE else "inferred"

    def _guess_opening(self, task: RawTask) -> TaskState:
        """Infer which FIFO a hidden open is on, and for what: the one FIFO that the command line names."""
        line = self._proc.command(task.pid)
        cwd = self._proc.cwd(task.pid) or "/"
        named: dict[PipeId, tuple[str, str]] = {}
        for match in re.finditer(r"""[^\s<>="';|&()]+""", line):
            path = os.path.normpath(os.path.join(cwd, match.group()))
            identity = self._paths().get(path)
            if identity is not None:
                named[identity] = path, line[: match.start()].rstrip(" \"'")
        if len(named) != 1:
            return TaskState(task.tid, "waiting", certainty="inferred")
        ((identity, (path, before)),) = named.items()
        doing = self._guess_side(identity, line, before)
        if doing is None:
            return TaskState(task.tid, "waiting", certainty="inferred")
        return TaskState(task.tid, doing, identity, path=path, certainty="inferred")

    def _guess_side(self, identity: PipeId, line: str, before: str) -> Doing | None:
        ends = self._census.ends.get(identity, ())
        readers, writers = any("r" in end.access for end in ends), any("w" in end.access for end in ends)
        if readers and writers:
            return None  # both would have been let in
        if readers or writers:
            return "open-read" if readers else "open-write"
        if before.endswith((">", "of=")):
            return "open-write"
        if before.endswith(("<", "if=")):
            return "open-read"
        program = line.split(" ", 1)[0].rsplit("/", 1)[-1]
        if program in ("cat", "head", "tail", "less", "more", "grep", "wc", "sort", "awk", "sed", "od", "xxd"):
            return "open-read"
        return "open-write" if program == "tee" else None

    def _paths(self) -> dict[str, PipeId]:
        if self._by_path is None:
            pipes = (*self._census.pipes.values(), *self._found)
            self._by_path = {path: pipe.id for pipe in pipes for path in pipe.paths}
        return self._by_path

    # --- read and write -------------------------------------------------------------------------------------------

    def _transferring(self, task: RawTask, kinds: tuple[Doing, ...], call: Call | None) -> TaskState:
        held = self._ends_of(task.pid)
        if call is not None and CALLS is not None:
            number, arguments = call
            for doing in kinds:
                index = (CALLS.reads if doing == "read" else CALLS.writes).get(number)
                fd = -1 if index is None else arguments[index] & 0xFFFF_FFFF
                if fd in held and doing[0] in held[fd][1]:
                    return TaskState(task.tid, doing, held[fd][0], fd)
                if index is not None and len(kinds) == 1:
                    return TaskState(task.tid, doing, None, fd)  # a pipe that was not asked for
        return self._guess_transfer(task, kinds)

    def _guess_transfer(self, task: RawTask, kinds: tuple[Doing, ...]) -> TaskState:
        """Infer what a hidden transfer is on: the one pipe of the process on which it can wait so."""
        possible = {
            (identity, doing): fd
            for doing in kinds
            for fd, (identity, access) in self._ends_of(task.pid).items()
            if doing[0] in access
        }
        if len(possible) != 1:
            return TaskState(task.tid, kinds[0] if len(kinds) == 1 else "waiting", certainty="inferred")
        (((identity, doing), fd),) = possible.items()
        fds = [n for n, (pipe, access) in self._ends_of(task.pid).items() if pipe == identity and doing[0] in access]
        return TaskState(task.tid, doing, identity, fd if len(fds) == 1 else None, certainty="inferred")

    def _ends_of(self, pid: int) -> dict[int, tuple[PipeId, Access]]:
        if self._held is None:
            self._held = {}
            for identity, ends in self._census.ends.items():
                for end in ends:
                    self._held.setdefault(end.pid, {})[end.fd] = identity, end.access
        return self._held.get(pid, {})

    # --- poll -----------------------------------------------------------------------------------------------------

    def _polling(self, task: RawTask, call: Call | None) -> TaskState:
        told = None if call is None else polled(self._proc, task.pid, task.tid, call, self._ends_of(task.pid))
        if told is None:
            hidden = (Polled(what="descriptors that can't be told"),)
            return TaskState(task.tid, "waiting", certainty="inferred", polls=hidden, wchan=task.wchan)
        return TaskState(task.tid, "poll" if told.closed else "waiting", polls=told.members, wchan=task.wchan)

    # --- children -------------------------------------------------------------------------------------------------

    def _awaiting(self, task: RawTask, call: Call | None, status: TaskStatus) -> TaskState:
        every = tuple(self._children_of(task.pid))
        if call is None or CALLS is None:
            return TaskState(task.tid, "child", children=every, certainty="inferred")
        number, arguments = call
        which = arguments[0] & 0xFFFF_FFFF
        if number == CALLS.wait4:
            which -= (which & 0x8000_0000) << 1
            if which > 0:
                every = self._numbered(which, every, status)
            elif which != -1:
                every = self._group(task.pid, every, -which, status)
        elif number == CALLS.waitid:
            kind, which = which, arguments[1] & 0xFFFF_FFFF
            if kind == P_PIDFD:
                every = (pid,) if (pid := self._proc.pid_of(task.pid, which)) > 0 else ()
            elif kind == P_PID:
                every = self._numbered(which, every, status)
            elif kind == P_PGID:
                every = self._group(task.pid, every, which, status)
        return TaskState(task.tid, "child", children=every)

    def _numbered(self, number: int, children: tuple[int, ...], status: TaskStatus) -> tuple[int, ...]:
        """Return the child that has this number in the pid namespace of who waits (pid_namespaces(7))."""
        depth = len(status.pids)
        if depth <= 1:
            return (number,)
        return tuple(pid for pid in children if self._proc.status(pid, pid).pids[depth - 1 : depth] == (number,))

    def _group(self, pid: int, children: tuple[int, ...], group: int, status: TaskStatus) -> tuple[int, ...]:
        if group == 0:
            group = self._roster[pid].group if pid in self._roster else 0
        elif len(status.pids) > 1:
            return children  # the group's number is of another namespace
        return tuple(child for child in children if self._roster[child].group == group)

    def _children_of(self, pid: int) -> list[int]:
        if self._children is None:
            self._children = {}
            for child, stat_ in self._roster.items():
                self._children.setdefault(stat_.parent, []).append(child)
        return self._children.get(pid, [])


def _open_arguments(proc: Proc, tid: int, call: Call) -> tuple[int, str, int] | None:
    """Return (folder, path, flags) of a blocked open; None when the call is none that we know, or memory is hidden."""
    if CALLS is None:
        return None
    number, arguments = call
    if number == CALLS.open:
        folder, address, flags = AT_FDCWD, arguments[0], arguments[1]
    elif number == CALLS.openat:
        folder, address, flags = arguments[:3]
    elif number == CALLS.openat2:
        folder, address = arguments[:2]
        flags = int.from_bytes(proc.memory(tid, arguments[2], 8), "little")
    else:
        return None
    path, end, _ = proc.memory(tid, address, 4096).partition(b"\0")
    return (folder & 0xFFFF_FFFF, os.fsdecode(path), flags) if path and end else None
