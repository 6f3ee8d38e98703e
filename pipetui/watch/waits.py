"""What each task does, and which pipe it waits for: from `wchan`, `syscall` and `status` of `/proc`.

`wchan` names the kernel function a task sleeps in: `wait_for_partner` is the blocked open of a FIFO (`fifo_open` on
older kernels), `pipe_read` and `pipe_write` (with `anon_` in front on 6.18, `pipe_wait` for both up to 5.4) are
transfers, `pipe_wait_readable` and `pipe_wait_writable` are splice(2) and its like, `do_wait` is a parent waiting for a
child. A blocked opener holds no descriptor yet, so it is in no census. `syscall` gives the arguments: the descriptor,
the child, or where the path lies in the process's memory. It takes PTRACE_MODE_ATTACH; without it the wait is still
seen, and what it is on is inferred only where there is just one answer.

Looking takes time, and tasks go on meanwhile: two processes that throw a ball to each other may both be seen waiting.
So each wait is looked at twice, with everything else in between; it counts only if the task has not run in the
meantime (its count of context switches tells). Then all waits were true at the same moment.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pipetui.kernel.procfs import Proc, Stat
from pipetui.kernel.resolve import AT_FDCWD, resolve
from pipetui.model import Access, Doing, Pipe, PipeId, TaskState, Waiter
from pipetui.watch.census import Census, far_away, take
from pipetui.watch.finder import pipe_of

_OPEN: tuple[Doing, ...] = ("open-read", "open-write")
_READ: tuple[Doing, ...] = ("read",)
_WRITE: tuple[Doing, ...] = ("write",)

#: What a task may do that sleeps in this function; the arguments of its system call decide between two.
_WAITS: dict[str, tuple[Doing, ...]] = {
    "wait_for_partner": _OPEN,
    "fifo_open": _OPEN,
    "pipe_read": _READ,
    "anon_pipe_read": _READ,
    "fifo_pipe_read": _READ,
    "pipe_wait_readable": _READ,
    "pipe_write": _WRITE,
    "anon_pipe_write": _WRITE,
    "fifo_pipe_write": _WRITE,
    "pipe_wait_writable": _WRITE,
    "pipe_wait": _READ + _WRITE,
    "do_wait": ("child",),
}
_STOPPED = frozenset({"do_signal_stop", "ptrace_stop", "do_jobctl_trap"})
_SLEEPING = re.compile(r"(do|hrtimer)_nanosleep|common_nsleep.*|(__\w+_)?sys_pause|(__\w+_)?sigsuspend|do_sigtimedwait")

#: The kinds of wait that a pipe's row shows.
ON_PIPES = frozenset({"open-read", "open-write", "read", "write"})


class _Calls(NamedTuple):
    """System call numbers of one architecture. `reads` and `writes` tell which argument is the descriptor."""

    open: int
    openat: int
    openat2: int
    wait4: int
    waitid: int
    reads: dict[int, int]
    writes: dict[int, int]


_X86 = _Calls(
    2, 257, 437, 61, 247,
    {0: 0, 19: 0, 295: 0, 327: 0, 275: 0, 276: 0, 278: 0},
    {1: 0, 20: 0, 296: 0, 328: 0, 275: 2, 276: 1, 278: 0, 40: 0},
)  # fmt: skip
_ARM = _Calls(
    -1, 56, 437, 260, 95,
    {63: 0, 65: 0, 69: 0, 286: 0, 76: 0, 77: 0, 75: 0},
    {64: 0, 66: 0, 70: 0, 287: 0, 76: 2, 77: 1, 75: 0, 71: 0},
)  # fmt: skip
_CALLS = {"x86_64": _X86, "aarch64": _ARM, "riscv64": _ARM, "loongarch64": _ARM}.get(os.uname().machine)

#: waitid(2): which children are meant.
_P_PID, _P_PGID, _P_PIDFD = 1, 2, 3

Fills = Mapping[PipeId, tuple[int, int]]


class RawTask(NamedTuple):
    """A task as `/proc` shows it; `call` and `switches` are looked up only for the waits that are understood."""

    pid: int
    tid: int
    wchan: str
    call: tuple[int, tuple[int, ...]] | None = None
    switches: int = -1


@dataclass
class WaitMemory:
    """Since when each task waits, for whoever looks again and again. `estimate` asks the scheduler the first time."""

    estimate: bool = True
    _known: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)
    _seen: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)

    def since(self, proc: Proc, task: RawTask, now: float) -> float | None:
        """Return when the wait began; a task that has run since the last look waits anew."""
        key = task.pid, task.tid
        known = self._known.get(key)
        if known is None or known[0] != task.switches:
            slept = proc.last_ran(*key) if self.estimate else 0.0
            if slept is None:
                return None
            known = task.switches, now - slept
        self._seen[key] = known
        return known[1]

    def end_of_look(self) -> None:
        """Forget the tasks that were not seen waiting in this look."""
        self._known, self._seen = self._seen, {}


@dataclass(frozen=True)
class Waits:
    """What the tasks of each process do, and the FIFOs that only a blocked opener told of."""

    tasks: dict[int, tuple[TaskState, ...]]
    opened: dict[PipeId, Pipe]


def read_tasks(proc: Proc, pids: Iterable[int]) -> list[RawTask]:
    """Look at every task once: the first of two looks."""
    found = []
    for pid in pids:
        for tid in proc.tasks(pid):
            wchan = proc.wchan(pid, tid)
            if wchan in _WAITS:
                found.append(RawTask(pid, tid, wchan, proc.syscall(pid, tid), proc.switches(pid, tid)))
            else:
                found.append(RawTask(pid, tid, wchan))
    return found


def openers(proc: Proc, kernel: Container[int] = ()) -> frozenset[int]:
    """Return the tasks that are blocked in opening a FIFO, whichever: a cheap look, one small file a task."""
    return frozenset(
        tid
        for pid in proc.pids()
        if pid not in kernel
        for tid in proc.tasks(pid)
        if _WAITS.get(proc.wchan(pid, tid)) is _OPEN
    )


def understand(
    proc: Proc,
    raw: Iterable[RawTask],
    census: Census,
    roster: Mapping[int, Stat],
    *,
    found: Iterable[Pipe] = (),
    fills: Fills | None = None,
    memory: WaitMemory | None = None,
) -> Waits:
    """Tell what each task waits for: the second look. `census` should be one of all pipes, anonymous ones too.

    `found` helps to name what a blocked opener waits for when it hides that.
    """
    reader = _Reader(proc, census, roster, found, fills or {})
    tasks: dict[int, list[TaskState]] = {}
    now = time.time()
    for task in raw:
        state = reader.state(task)
        if state.doing in ON_PIPES or state.doing == "child":
            if task.switches < 0 or proc.switches(task.pid, task.tid) != task.switches:
                state = TaskState(task.tid, "busy")  # it has moved while we looked
            elif memory is not None:
                state = replace(state, since=memory.since(proc, task, now))
        tasks.setdefault(task.pid, []).append(state)
    if memory is not None:
        memory.end_of_look()
    return Waits({pid: tuple(states) for pid, states in tasks.items()}, reader.opened)


def waiters(waits: Waits, commands: Mapping[int, str]) -> dict[PipeId, tuple[Waiter, ...]]:
    """Return the waiters of each pipe."""
    answer: dict[PipeId, list[Waiter]] = {}
    for pid, states in waits.tasks.items():
        for state in states:
            if state.pipe is not None and state.doing in ON_PIPES:
                waiter = Waiter(
                    pid,
                    state.tid,
                    state.doing,  # type: ignore[arg-type]
                    state.fd,
                    state.since,
                    state.certainty,
                    commands.get(pid, ""),
                )
                answer.setdefault(state.pipe, []).append(waiter)
    return {identity: tuple(found) for identity, found in answer.items()}


def waits(proc: Proc, census: Census, found: Iterable[Pipe] = ()) -> dict[PipeId, tuple[Waiter, ...]]:
    """Return the waiters of each pipe, looked up on their own."""
    pids = [pid for pid in proc.pids() if pid not in census.threads]
    raw = read_tasks(proc, pids)
    if any(task.wchan in _WAITS and task.call is None for task in raw):
        census = take(proc, anonymous=True)  # inferring takes knowing all pipes of a process
    told = understand(proc, raw, census, {}, found=found)
    return waiters(told, {pid: proc.command(pid) for pid, states in told.tasks.items() if _on_pipe(states)})


def _on_pipe(states: Iterable[TaskState]) -> bool:
    return any(state.doing in ON_PIPES for state in states)


class _Reader:
    """Makes sense of raw tasks with what is known of pipes and processes at the same moment."""

    def __init__(
        self, proc: Proc, census: Census, roster: Mapping[int, Stat], found: Iterable[Pipe], fills: Fills
    ) -> None:
        self._proc = proc
        self._census = census
        self._roster = roster
        self._fills = fills
        self._found = found
        self._far = far_away(proc)
        self._held: dict[int, dict[int, tuple[PipeId, Access]]] | None = None
        self._by_path: dict[str, PipeId] | None = None
        self._children: dict[int, list[int]] | None = None
        self.opened: dict[PipeId, Pipe] = {}

    def state(self, task: RawTask) -> TaskState:
        """Return what the task does."""
        kinds = _WAITS.get(task.wchan)
        if kinds is None:
            return TaskState(task.tid, _other(task.wchan))
        if kinds == ("child",):
            return self._awaiting(task)
        if kinds == _OPEN:
            return self._opening(task)
        return self._transferring(task, kinds)

    # --- open -----------------------------------------------------------------------------------------------------

    def _opening(self, task: RawTask) -> TaskState:
        told = _open_arguments(self._proc, task) if task.call is not None else None
        if told is None:
            return self._guess_opening(task)
        folder, path, flags = told
        doing: Doing = "open-write" if flags & os.O_ACCMODE == os.O_WRONLY else "open-read"
        shown = path if path.startswith("/") else os.path.join(self._proc.cwd(task.pid) or "", path)
        nowhere = TaskState(task.tid, doing, path=shown)
        if shown.startswith(self._far):
            return nowhere
        place = resolve(self._proc, task.pid, folder, path)
        if place is None or not stat.S_ISFIFO(place.status.st_mode):
            return nowhere  # removed since
        identity = PipeId(place.status.st_dev, place.status.st_ino)
        partner = "r" if doing == "open-write" else "w"
        if any(partner in end.access for end in self._census.ends.get(identity, ())):
            return nowhere  # it would have been let in: the FIFO it waits at is another, that had this name before
        if identity not in self._census.pipes:
            self.opened[identity] = pipe_of(place.path, place.status)
        return TaskState(task.tid, doing, identity, path=shown)

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

    def _transferring(self, task: RawTask, kinds: tuple[Doing, ...]) -> TaskState:
        held = self._ends_of(task.pid)
        if task.call is not None and _CALLS is not None:
            number, arguments = task.call
            for doing in kinds:
                index = (_CALLS.reads if doing == "read" else _CALLS.writes).get(number)
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
            if doing[0] in access and self._can_wait(identity, doing)
        }
        if len(possible) != 1:
            return TaskState(task.tid, kinds[0] if len(kinds) == 1 else "waiting", certainty="inferred")
        (((identity, doing), fd),) = possible.items()
        fds = [n for n, (pipe, access) in self._ends_of(task.pid).items() if pipe == identity and doing[0] in access]
        return TaskState(task.tid, doing, identity, fd if len(fds) == 1 else None, certainty="inferred")

    def _can_wait(self, identity: PipeId, doing: Doing) -> bool:
        """Whether the fill allows the wait: a reader waits only at an empty pipe, a writer never at one."""
        fill = self._fills.get(identity)
        return fill is None or (fill[0] == 0) == (doing == "read")

    def _ends_of(self, pid: int) -> dict[int, tuple[PipeId, Access]]:
        if self._held is None:
            self._held = {}
            for identity, ends in self._census.ends.items():
                for end in ends:
                    self._held.setdefault(end.pid, {})[end.fd] = identity, end.access
        return self._held.get(pid, {})

    # --- children -------------------------------------------------------------------------------------------------

    def _awaiting(self, task: RawTask) -> TaskState:
        every = tuple(self._children_of(task.pid))
        if task.call is None or _CALLS is None:
            return TaskState(task.tid, "child", children=every, certainty="inferred")
        number, arguments = task.call
        if number == _CALLS.wait4:
            which = arguments[0] & 0xFFFF_FFFF
            which -= (which & 0x8000_0000) << 1
            if which > 0:
                return TaskState(task.tid, "child", children=(which,))
            if which != -1:
                return TaskState(task.tid, "child", children=self._group(task.pid, every, -which))
        elif number == _CALLS.waitid:
            kind, which = arguments[0] & 0xFFFF_FFFF, arguments[1] & 0xFFFF_FFFF
            if kind == _P_PIDFD:
                which = self._proc.pid_of(task.pid, which)
            if kind in (_P_PID, _P_PIDFD):
                return TaskState(task.tid, "child", children=(which,))
            if kind == _P_PGID:
                return TaskState(task.tid, "child", children=self._group(task.pid, every, which))
        return TaskState(task.tid, "child", children=every)

    def _group(self, pid: int, children: Iterable[int], group: int) -> tuple[int, ...]:
        if group == 0:
            group = self._roster[pid].group if pid in self._roster else 0
        return tuple(child for child in children if self._roster[child].group == group)

    def _children_of(self, pid: int) -> list[int]:
        if self._children is None:
            self._children = {}
            for child, stat_ in self._roster.items():
                self._children.setdefault(stat_.parent, []).append(child)
        return self._children.get(pid, [])


def _other(wchan: str) -> Doing:
    if not wchan:
        return "busy"
    if wchan in _STOPPED:
        return "stopped"
    return "sleeping" if _SLEEPING.fullmatch(wchan) else "waiting"


def _open_arguments(proc: Proc, task: RawTask) -> tuple[int, str, int] | None:
    """Return (folder, path, flags) of a blocked open; None when the call is none that we know, or memory is hidden."""
    if _CALLS is None or task.call is None:
        return None
    number, arguments = task.call
    if number == _CALLS.open:
        folder, address, flags = AT_FDCWD, arguments[0], arguments[1]
    elif number == _CALLS.openat:
        folder, address, flags = arguments[:3]
    elif number == _CALLS.openat2:
        folder, address = arguments[:2]
        flags = int.from_bytes(proc.memory(task.pid, arguments[2], 8), "little")
    else:
        return None
    path, end, _ = proc.memory(task.pid, address, 4096).partition(b"\0")
    return (folder & 0xFFFF_FFFF, os.fsdecode(path), flags) if path and end else None
