"""What each task does, and which pipe it waits for: from `wchan`, `syscall` and `status` of `/proc`.

`wchan` names the kernel function a task sleeps in: `wait_for_partner` is the blocked open of a FIFO (`fifo_open` on
older kernels), `pipe_read` and `pipe_write` (with `anon_` in front on 6.18, `pipe_wait` for both up to 5.4) are
transfers, `pipe_wait_readable` and `pipe_wait_writable` are splice(2) and its like, `do_wait` is a parent waiting for a
child, `poll_schedule_timeout` and `do_epoll_wait` are polls. A blocked opener holds no descriptor yet, so it is in no
census. `syscall` gives the arguments: the descriptor, the child, or where the path lies in the process's memory. It
takes PTRACE_MODE_ATTACH; without it the wait is still seen, and what it is on is inferred only where there is just one
answer.

Looking takes time, and tasks go on meanwhile: two processes that throw a ball to each other may both be seen waiting.
So each wait is looked at twice, with everything else in between; it counts only if the task has not run in the
meantime (the kernel counts that) and sleeps still. Then all waits were true at the same moment.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from pipetui.kernel.procfs import Proc, Stat
from pipetui.model import Doing, Pipe, PipeId, TaskState, Waiter
from pipetui.watch.census import Census
from pipetui.watch.memory import WaitMemory
from pipetui.watch.taskreader import OPEN, RawTask, TaskReader

_READ: tuple[Doing, ...] = ("read",)
_WRITE: tuple[Doing, ...] = ("write",)

#: What a task may do that sleeps in this function; the arguments of its system call decide between two.
_WAITS: dict[str, tuple[Doing, ...]] = {
    "wait_for_partner": OPEN,
    "fifo_open": OPEN,
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
    "poll_schedule_timeout": ("poll",),
    "do_epoll_wait": ("poll",),
    "ep_poll": ("poll",),
    "do_signal_stop": ("stopped",),
    "do_jobctl_trap": ("stopped",),
}
_SLEEPING = re.compile(r"(do|hrtimer)_nanosleep|common_nsleep.*|(__\w+_)?sys_pause|(__\w+_)?sigsuspend|do_sigtimedwait")

#: The kinds of wait that a pipe's row shows.
ON_PIPES = frozenset({"open-read", "open-write", "read", "write"})


@dataclass(frozen=True)
class Waits:
    """What the tasks of each process do, the signals that each process catches, the FIFOs that only a blocked opener
    told of, and when those were made at which an opener is blocked."""

    tasks: dict[int, tuple[TaskState, ...]]
    opened: dict[PipeId, Pipe]
    caught: dict[int, int] = field(default_factory=dict)
    made: dict[PipeId, float] = field(default_factory=dict)


def read_tasks(proc: Proc, pids: Iterable[int]) -> list[RawTask]:
    """Look at every task once: the first of two looks."""
    found = []
    for pid in pids:
        for tid in proc.tasks(pid):
            wchan = proc.wchan(pid, tid)
            found.append(RawTask(pid, tid, wchan, -1 if _kinds(wchan) is None else proc.runs(pid, tid)))
    return found


def openers(proc: Proc, kernel: Container[int] = ()) -> frozenset[int]:
    """Return the tasks that are blocked in opening a FIFO, whichever: a cheap look, one small file a task."""
    return frozenset(
        tid
        for pid in proc.pids()
        if pid not in kernel
        for tid in proc.tasks(pid)
        if _kinds(proc.wchan(pid, tid)) is OPEN
    )


def understand(
    proc: Proc,
    raw: Iterable[RawTask],
    census: Census,
    roster: Mapping[int, Stat],
    *,
    found: Iterable[Pipe] = (),
    memory: WaitMemory | None = None,
) -> Waits:
    """Tell what each task waits for: the second look. `census` should be one of all pipes, anonymous ones too.

    `roster` must have been read after the first look, so that no child is missing for which somebody waits. `found`
    helps to name what a blocked opener waits for when it hides that.
    """
    reader = TaskReader(proc, census, roster, found, memory or WaitMemory())
    tasks: dict[int, list[TaskState]] = {}
    for task in raw:
        told = roster.get(task.pid)
        if told is None or told.dead:
            continue
        kinds = _kinds(task.wchan)
        state = _other(task) if kinds is None else reader.state(task, kinds)
        if state.doing != "busy" or not _is_zombie(proc, task):
            tasks.setdefault(task.pid, []).append(state)
    if memory is not None:
        memory.end_of_look()
    return Waits({pid: tuple(states) for pid, states in tasks.items()}, reader.opened, reader.caught, reader.made)


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
                    state.since if state.dated else None,
                    state.certainty,
                    commands.get(pid, ""),
                )
                answer.setdefault(state.pipe, []).append(waiter)
    return {identity: tuple(found) for identity, found in answer.items()}


def _kinds(wchan: str) -> tuple[Doing, ...] | None:
    """Return what a task may do that sleeps in this function; None for what is not understood.

    A compiler may have made a copy of a function for some constant argument: `poll_schedule_timeout.constprop.0`.
    """
    return _WAITS.get(wchan.partition(".")[0])


def _other(task: RawTask) -> TaskState:
    """Return what a task does that waits for nothing we understand."""
    if not task.wchan:
        return TaskState(task.tid, "busy")
    if task.wchan == "ptrace_stop":
        return TaskState(task.tid, "traced")
    if _SLEEPING.fullmatch(task.wchan):
        return TaskState(task.tid, "sleeping")
    return TaskState(task.tid, "waiting", wchan=task.wchan)


def _is_zombie(proc: Proc, task: RawTask) -> bool:
    """Whether this is a main thread that has ended while other threads go on: it does nothing any more."""
    return task.tid == task.pid and proc.status(task.pid, task.tid).state in ("Z", "X")
