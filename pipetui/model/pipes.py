"""Pipes, who holds them and who waits for them, and what the screen lists of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Access = Literal["r", "w", "rw"]
Kind = Literal["fifo", "anonymous"]
WaitKind = Literal["open-read", "open-write", "read", "write"]
Certainty = Literal["exact", "inferred"]

#: What a task does: one of the waits that are understood, "child" (it waits for a child to end), "poll" (without a time
#: limit, for nothing but pipes and processes), "stopped" (by a signal), "traced" (stopped by a debugger), "sleeping"
#: (for a time, or until a signal), "waiting" (for any other event: a lock, a socket, one of several), "busy".
Doing = Literal[
    "open-read", "open-write", "read", "write", "child", "poll", "stopped", "traced", "sleeping", "waiting", "busy"
]

#: How a state is to be taken: calm (nothing to do), waiting (somebody waits), stuck (it will not go on by itself).
Severity = Literal["calm", "active", "waiting", "stuck"]


class PipeId(NamedTuple):
    """A pipe's identity: the device and inode of `fstat(2)`. The inode alone may occur on two filesystems."""

    dev: int
    inode: int


@dataclass(frozen=True, slots=True)
class End:
    """One file descriptor that a process has open on a pipe."""

    pid: int
    fd: int
    access: Access
    nonblocking: bool | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class Waiter:
    """One task that waits for the other side of a pipe: in `open(2)`, in a read or in a write."""

    pid: int
    tid: int
    kind: WaitKind
    fd: int | None = None
    since: float | None = None
    certainty: Certainty = "exact"
    command: str = ""


@dataclass(frozen=True, slots=True)
class Pipe:
    """A FIFO or an anonymous pipe, with the ends that processes hold and the tasks that wait on it."""

    id: PipeId
    kind: Kind = "fifo"
    paths: tuple[str, ...] = ()
    deleted: bool = False
    mode: int | None = None
    owner: str | None = None
    queued: int | None = None
    capacity: int | None = None
    last_write: float | None = None
    last_read: float | None = None
    ends: tuple[End, ...] = ()
    waiters: tuple[Waiter, ...] = ()

    @property
    def path(self) -> str | None:
        """The first of its paths; None for an anonymous pipe."""
        return self.paths[0] if self.paths else None

    def holders(self, access: Literal["r", "w"]) -> tuple[int, ...]:
        """The pids that hold an end of this access (an `rw` end counts as both), each once, ascending."""
        return tuple(sorted({end.pid for end in self.ends if access in end.access}))


class PipeRef(NamedTuple):
    """A pipe as a finding names it: its identity and, where it has one, its path."""

    dev: int
    inode: int
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """One descriptor that a task polls: an end of `pipe`, a pidfd for process `pid`, or something else (`what`).

    `events` says what it waits for at an end: that it can be read, written, both, or only that the other side closes
    it (empty). `fd` is None where its number can't be told (an epoll set knows files, not numbers).
    """

    fd: int | None = None
    pipe: PipeId | None = None
    events: Literal["", "r", "w", "rw"] = ""
    pid: int | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class TaskState:
    """What one task does now; for a wait on a pipe, on which pipe and through which descriptor.

    `pipe` is None for a wait whose pipe could not be told. `path` is what a blocked opener gave to the kernel.
    `children` are the pids of which any one's end ends a wait for children. `polls` is what is polled, also where other
    things than pipes are among it or there is a time limit (then it is "waiting"). `since` is when the wait began.
    `wchan` is the kernel function in which a task is "waiting". Where the kernel does not tell since when it waits, it
    is not `dated`, and `since` is when it was first seen so.
    """

    tid: int
    doing: Doing
    pipe: PipeId | None = None
    fd: int | None = None
    path: str = ""
    children: tuple[int, ...] = ()
    since: float | None = None
    certainty: Certainty = "exact"
    polls: tuple[Polled, ...] = ()
    wchan: str = ""
    dated: bool = True


@dataclass(frozen=True, slots=True)
class ProcessState:
    """A process, its parent, session and process group, and what each of its tasks does.

    `caught` are the signals for which it has handlers, unblocked in some task that waits (a mask, bit 0 is signal 1).
    """

    pid: int
    parent: int
    session: int
    command: str
    tasks: tuple[TaskState, ...] = ()
    caught: int = 0
    group: int = 0


@dataclass(frozen=True, slots=True)
class PipeRow:
    """A pipe as the screen lists it: the pipe, its state in words, writes and reads a second where they are known.

    `history` is how full it was in the last seconds, oldest first, in eighths of its capacity (0 to 8). `writers` and
    `readers` are the owners of each side, each in front of those that have a copy of its end (`watch/owners.py`).
    """

    pipe: Pipe
    state: str = ""
    severity: Severity = "calm"
    write_rate: float | None = None
    read_rate: float | None = None
    history: tuple[int, ...] = ()
    writers: tuple[tuple[int, ...], ...] = ()
    readers: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Process:
    """A process at a listed pipe. `cpu` is a share of one core (1.0 is one core busy).

    `above` is the nearest process above it that is at a listed pipe too, 0 without one.
    """

    pid: int
    command: str
    user: str | None = None
    cpu: float | None = None
    rss: int | None = None
    above: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What is true of the whole host: its name, what the view of it lacks, and what ails our own helpers.

    `unseen` says who may hold an end of a pipe without being seen, in words that go on after a colon; empty for nobody.
    """

    host: str = ""
    scanning: bool = False
    unreadable_processes: int = 0
    partial: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    unseen: str = ""
