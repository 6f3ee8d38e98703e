"""The nouns: what pipetui knows of pipes, of the processes at their ends and of what flows through.

All are frozen dataclasses without behaviour beyond what follows from their own fields, so that they can be
compared, hashed, sent over the wire and made up in tests. Units: bytes, seconds, and times as seconds since
the epoch. A value that could not be known passively is `None`, never a guess.

Text that came from outside (paths, command lines, payloads) is kept as it was: bytes that are not valid UTF-8
stand as surrogate escapes (PEP 383). Only `text.py` makes it fit to be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Access = Literal["r", "w", "rw"]
Kind = Literal["fifo", "anonymous"]
WaitKind = Literal["open-read", "open-write", "read", "write"]
Certainty = Literal["exact", "inferred"]
Level = Literal["problem", "warning", "note"]
Role = Literal["producer", "consumer"]
Framing = Literal["line", "nul", "fixed", "length", "chunk"]
Source = Literal["template", "file", "random"]

#: What a task does: one of the waits that are understood, "child" (it waits for a child to end), "poll" (without a time
#: limit, for nothing but pipes and processes), "stopped" (by a signal), "traced" (stopped by a debugger), "sleeping"
#: (for a time, or until a signal), "waiting" (for any other event: a lock, a socket, one of several), "busy".
Doing = Literal[
    "open-read", "open-write", "read", "write", "child", "poll", "stopped", "traced", "sleeping", "waiting", "busy"
]

#: How a state is to be taken: calm (nothing to do), waiting (somebody waits), stuck (it will not go on by itself).
Severity = Literal["calm", "active", "waiting", "stuck"]

#: A frame longer than this many bytes is split into pieces, each marked (see `ConsumerSpec.limit`).
FRAME_LIMIT = 1 << 20


#: What becomes of a frame that was too long, or that nobody has ended.
Piece = Literal["", "split", "incomplete"]


class Frame(NamedTuple):
    """A message without its delimiter or prefix; `number` counts the stream's frames from 1."""

    payload: bytes
    piece: Piece
    number: int


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
class Finding:
    """A judgement about pipes and the processes at their ends: what is so, why the kernel makes it so, what to do.

    A "problem" can't resolve itself as far as the kernel shows, or has stood so long that no reading of it is healthy;
    a "warning" is most likely wrong; a "note" is worth knowing. `since` is when it began to be so, as far as that is
    known (at the latest then). `behind` are processes that wait for those of a deadlock without being part of it.
    """

    rule: str
    level: Level
    pipes: tuple[PipeRef, ...]
    pids: tuple[int, ...]
    headline: str
    why: str
    fix: str
    certainty: Certainty = "exact"
    since: float | None = None
    behind: tuple[int, ...] = ()


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
class ProducerSpec:
    """A producer: what it writes into which FIFO, how fast, and what it does when nobody reads.

    `rate` is messages per second, 0 for as fast as possible; `burst` messages are written back to back, so a
    rate of 20 with a burst of 10 writes ten messages twice a second. `size` pads or cuts each template message
    to that many bytes with its newline (0: as it comes) and is the length of random messages. `count` 0 has no end.
    """

    path: str
    source: Source = "template"
    template: str = "Number {n:03d}"
    file: str = ""
    size: int = 0
    rate: float = 1.0
    count: int = 0
    burst: int = 1
    nonblocking: bool = False
    no_reader: Literal["wait", "stop"] = "wait"
    reader_gone: Literal["wait", "stop"] = "wait"
    name: str = "producer"


@dataclass(frozen=True, slots=True)
class ConsumerSpec:
    """A consumer: how it reads which FIFO and cuts the bytes into messages.

    `delay` is slept after each message (seconds). `follow` survives writers coming and going; otherwise the
    first EOF ends it. `fixed` is the frame length for the framing "fixed". A frame longer than `limit` bytes is
    split there and its pieces are marked.
    """

    path: str
    framing: Framing = "line"
    fixed: int = 64
    limit: int = FRAME_LIMIT
    nonblocking: bool = False
    delay: float = 0.0
    follow: bool = True
    name: str = "consumer"


ActorSpec = ProducerSpec | ConsumerSpec

Phase = Literal["starting", "opening", "running", "waiting", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class Counters:
    """What an actor has counted since it started; only ever growing. `blocked` is seconds spent in open or write."""

    messages: int = 0
    bytes: int = 0
    eagain: int = 0
    epipe: int = 0
    eofs: int = 0
    incomplete: int = 0
    split: int = 0
    blocked: float = 0.0


@dataclass(frozen=True, slots=True)
class ActorState:
    """One of our forked producers or consumers: how it is doing, and after its end, how it ended."""

    id: int
    role: Role
    pid: int
    spec: ActorSpec
    phase: Phase = "starting"
    detail: str = ""
    severity: Severity = "calm"
    pipe: PipeId | None = None
    counters: Counters = field(default_factory=Counters)
    rate: float = 0.0
    byte_rate: float = 0.0
    exit_code: int | None = None
    exit_signal: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the message log.

    `number` counts every message that our consumers have read, from 1. `gap` above 0 makes the line stand for
    that many messages (the last of them is `number`) that were counted but not kept. `payload` is the whole
    message or, in a listing, its first bytes; `length` is the message's true length without its delimiter. What a lab's
    process said is a line without a reader (0), and `fifo` is the lab's name.
    """

    number: int
    time: float
    fifo: str
    reader: int
    writer: int | None = None
    length: int = 0
    payload: str = ""
    piece: Literal["", "split", "incomplete"] = ""
    gap: int = 0


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which messages a log shows: those whose payload holds `pattern` and that came through `fifo` (both optional).

    A plain pattern ignores case when it is all lower case; `regex` makes it a Python regular expression.
    """

    pattern: str = ""
    regex: bool = False
    fifo: str = ""


@dataclass(frozen=True, slots=True)
class LogCounts:
    """What became of all messages: `seen` = `kept` + `not_kept` (too many at once) + `evicted` (the ring is full)."""

    seen: int = 0
    kept: int = 0
    not_kept: int = 0
    evicted: int = 0
    bytes: int = 0


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


# --- labs -----------------------------------------------------------------------------------------------------------

#: How fast a lab goes: as fast as it can, as it is told, or slowly enough to watch each step.
Pace = Literal["fast", "normal", "slow"]

#: What a lab can find out. Two facts are the same when they are equal.
Fact = str | int | bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer to a question: the fact that makes it true, and its words."""

    value: Fact
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A turning point of a lab: what will happen? The answer is the fact that the run finds under `key`."""

    key: str
    text: str
    choices: tuple[Choice, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Observation:
    """Something that must come true in a lab: the fact under `key` equals `expected`."""

    key: str
    text: str
    expected: Fact = True


@dataclass(frozen=True, slots=True)
class Code:
    """The source of one of a lab's functions."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class LabCard:
    """A lab as a screen shows it. `article` is where it comes from, `answers` the users' questions that it answers."""

    name: str
    article: str
    title: str
    question: str
    story: str
    code: tuple[Code, ...]
    questions: tuple[Question, ...]
    observations: tuple[Observation, ...]
    reason: str
    man: tuple[str, ...]
    answers: tuple[str, ...] = ()
    listens: bool = False


@dataclass(frozen=True, slots=True)
class LabPart:
    """A process of a running lab and the part that it plays."""

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a process of a lab said: when (epoch), who, and what."""

    time: float
    pid: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a lab found out. `fine` is None for what could not be tried here; then `value` is the reason."""

    key: str
    value: Fact
    fine: bool | None


@dataclass(frozen=True, slots=True)
class LabRun:
    """One run of a lab: its living processes, the newest of what they said, and what was seen so far.

    `passed` is None until it has ended; then it says whether all observations came true. `trouble` is a sentence
    about a run that ended otherwise than by itself. `listening` says that a process waits for a line from the person.
    """

    id: int
    lab: str
    pace: Pace = "normal"
    parts: tuple[LabPart, ...] = ()
    said: tuple[Said, ...] = ()
    seen: tuple[Seen, ...] = ()
    listening: bool = False
    passed: bool | None = None
    trouble: str = ""


# --- the comparison -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BenchMechanism:
    """A way to carry messages between two processes: its name on the command line and its title for people.

    `pickles`: every message is pickled by the sender and unpickled by the receiver.
    """

    name: str
    title: str
    pickles: bool = False


@dataclass(frozen=True, slots=True)
class BenchFigure:
    """How fast one mechanism carries messages of one size, one way, sent back to back.

    `size` is in bytes and `rate` in bytes a second, over all of `rounds` rounds; `messages` is how many they carried
    together. `waits` is how many times sender and receiver together gave up the processor to wait, a message
    (voluntary context switches, getrusage(2)). `pickling` is the share (0 to 1) that pickling and unpickling one
    message alone takes of the time a message took.
    """

    mechanism: str
    size: int
    rate: float
    rounds: int
    messages: int
    waits: float
    pickling: float = 0.0

    @property
    def seconds(self) -> float:
        """How long a message took (seconds)."""
        return self.size / self.rate


@dataclass(frozen=True, slots=True)
class BenchTrip:
    """How long one message takes there and back: `size` in bytes; `median` and `slow`, which 99 % undercut, in seconds.

    `trips` is how many were timed.
    """

    mechanism: str
    size: int
    median: float
    slow: float
    trips: int


@dataclass(frozen=True, slots=True)
class BenchGap:
    """A mechanism that could not be measured here, and why, in one sentence."""

    mechanism: str
    reason: str


@dataclass(frozen=True, slots=True)
class BenchReport:
    """A comparison as far as it has come: `done` of `visits` measurements, and what is measured now (`doing`).

    `sizes` are the message sizes (bytes, ascending). `advice` is one sentence, there when it is `over`. `trouble` is a
    sentence about a comparison that ended otherwise than by itself.
    """

    mechanisms: tuple[BenchMechanism, ...] = ()
    sizes: tuple[int, ...] = ()
    figures: tuple[BenchFigure, ...] = ()
    trips: tuple[BenchTrip, ...] = ()
    gaps: tuple[BenchGap, ...] = ()
    done: int = 0
    visits: int = 0
    doing: str = ""
    advice: str = ""
    over: bool = False
    trouble: str = ""

    def figure(self, mechanism: str, size: int) -> BenchFigure | None:
        """Return the figure of a mechanism for messages of `size` bytes, if it is known."""
        return next((one for one in self.figures if (one.mechanism, one.size) == (mechanism, size)), None)

    def trip(self, mechanism: str) -> BenchTrip | None:
        """Return the round trips of a mechanism, if they are known."""
        return next((one for one in self.trips if one.mechanism == mechanism), None)
