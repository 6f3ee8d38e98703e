"""What commands ask of a machine, here or on another host, each with the types of its answers.

An operation is asked once and answers with a stream of dataclasses. A new one is a class here with its entry in
`OPERATIONS`, and a generator in `backend/operations/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from pipetui.model import Finding, Frame, Framing, Pipe, PipeId, ProcessState
from pipetui.protocol.effects import Effect

Until = Literal["empty", "full", "reader", "writer", "problem"]


class Negative(Exception):
    """The answer is no: nothing came in time, nobody reads. The message is one sentence."""


class Operation:
    """What a machine is asked to do: the dataclasses of its answers, and what it does to the machine."""

    __slots__ = ()
    answers: ClassVar[tuple[type, ...]]
    effect: ClassVar[Effect]
    streams: ClassVar[bool] = False  # whether it may answer for ever


@dataclass(frozen=True, slots=True)
class Complaint:
    """An answer of any operation: something could not be done, the rest is. `message` is one sentence."""

    message: str


# --- ls -----------------------------------------------------------------------------------------------------------


class Owners(NamedTuple):
    """Whose the two sides of a pipe are (pids): not who merely inherited a copy of an end."""

    writers: tuple[int, ...] = ()
    readers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipes:
    """Some of the pipes, with the owners of each; `found` are those of them that lie under the paths."""

    pipes: tuple[Pipe, ...]
    found: tuple[PipeId, ...]
    owners: tuple[Owners, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """The end of the list, and what is true of it as a whole; `unseen` says who may hold an end without being seen."""

    host: str
    time: float
    unreadable: int
    partial: tuple[str, ...]
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Ls(Operation):
    """List FIFOs below these paths (none: in the usual places), and anonymous pipes too if they are wanted."""

    effect: ClassVar[Effect] = "passive"
    answers: ClassVar[tuple[type, ...]] = (Complaint, Pipes, Listed)
    paths: tuple[str, ...] = ()
    anonymous: bool = False


# --- doctor -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, the most severe first, among how many pipes and processes.

    `unseen` says who may hold an end without being seen. For a process that was asked about: `process`, and its
    `story`, what it and those it waits for do, in lines.
    """

    host: str
    time: float
    unreadable: int
    partial: tuple[str, ...]
    findings: tuple[Finding, ...]
    pipes: int
    holders: int
    process: ProcessState | None = None
    story: tuple[str, ...] = ()
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Doctor(Operation):
    """Only findings on FIFOs under these paths (none: on every pipe), only on this process (None: on any)."""

    effect: ClassVar[Effect] = "passive"
    answers: ClassVar[tuple[type, ...]] = (Complaint, Diagnosis)
    paths: tuple[str, ...] = ()
    pid: int | None = None


# --- peek ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Some:
    """Some of the bytes, in their order."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Peeked:
    """The end of the bytes: how many were queued (more than were told, if ours could not be made large enough),
    of how many, and when."""

    queued: int
    capacity: int
    time: float


@dataclass(frozen=True, slots=True)
class Nobody:
    """No process has it open."""


@dataclass(frozen=True, slots=True)
class Peek(Operation):
    """What is in a pipe (see `target.pipe_id`)."""

    effect: ClassVar[Effect] = "passive"
    answers: ClassVar[tuple[type, ...]] = (Some, Peeked, Nobody)
    pipe: str


# --- watch --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WatchedPipe:
    """A pipe at one moment, and the findings that name it.

    `unseen` says who may hold an end without being seen; `writers` and `readers` are the owners of its sides. `looked`
    is when everything but the fill was seen.
    """

    pipe: Pipe
    findings: tuple[Finding, ...]
    whole: bool
    time: float
    unseen: str = ""
    writers: tuple[int, ...] = ()
    readers: tuple[int, ...] = ()
    looked: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch(Operation):
    """Which pipe (see `target.pipe_id`), until when, and how long at most (seconds; None: for ever)."""

    effect: ClassVar[Effect] = "passive"
    answers: ClassVar[tuple[type, ...]] = (WatchedPipe,)
    streams: ClassVar[bool] = True
    pipe: str
    until: Until | None = None
    timeout: float | None = None


# --- send ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """There is a reader: from now on bytes are wanted."""


@dataclass(frozen=True, slots=True)
class Send(Operation):
    """Into which FIFO, what (None: what comes on descriptor 0), and how long to wait for a reader, or for room."""

    answers: ClassVar[tuple[type, ...]] = (Opened,)
    effect: ClassVar[Effect] = "changes"
    streams: ClassVar[bool] = True
    path: str
    data: bytes | None
    timeout: float


# --- tail ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Messages:
    """What came, in its order."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Tail(Operation):
    """Which FIFO, what a message is (`fixed`: bytes of one), how many are wanted (None: all), and for how long
    nothing may come (seconds; None: for ever)."""

    answers: ClassVar[tuple[type, ...]] = (Messages,)
    effect: ClassVar[Effect] = "consumes"
    streams: ClassVar[bool] = True
    path: str
    framing: Framing = "line"
    fixed: int = 0
    count: int | None = None
    timeout: float | None = None


#: The name of each is that of its command, and of its module in `backend/operations/`.
OPERATIONS: Mapping[str, type[Operation]] = {
    kind.__name__.lower(): kind for kind in (Ls, Doctor, Peek, Watch, Send, Tail)
}


def name_of(operation: Operation) -> str:
    """Return the name of an operation."""
    return type(operation).__name__.lower()


@dataclass(frozen=True, slots=True)
class Ended:
    """The last answer of any operation on another host. `message` is one sentence for a person; empty when done."""

    outcome: Literal["done", "negative", "impossible"] = "done"
    message: str = ""
