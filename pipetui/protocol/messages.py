"""The wire between a hub and its client: what is said, and how it is framed on one byte stream each way.

A frame is a 4-byte big-endian length and that many bytes of JSON in ASCII: an object whose field `t` names its
class below. The first frame each way is `Hello` and `Welcome`; a version that differs ends the link with a
`Goodbye` that says so. After that the client is in charge of the pace: each `Ready` is answered by at most one
`Update`, when there is something to say. Requests carry a number that their answer repeats.

Bytes (payloads, paths) travel as strings with surrogate escapes (PEP 383); see `text.encode`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from pipetui.model import (
    ActorSpec,
    ActorState,
    BenchReport,
    ConsumerSpec,
    Finding,
    LabCard,
    LabRun,
    Line,
    LogCounts,
    LogFilter,
    Pace,
    Pipe,
    PipeId,
    PipeRow,
    Process,
    ProcessState,
    ProducerSpec,
    Status,
)
from pipetui.protocol.codec import WireError, tagged
from pipetui.protocol.frames import MAX_FRAME, Splitter, frame

#: Raised whenever what is said changes its meaning. Both ends must agree.
VERSION = 1

__all__ = ["MAX_FRAME", "VERSION", "Splitter", "WireError", "frame", "pack"]

# --- what a client says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first frame: the version of this wire it speaks, which roots to search, and whether to demo.

    With roots only the FIFOs below them are listed. Without, those in the usual places of the hub's host (see
    `watch/roots.py`) and all that any process holds. A demo lists its own. A client that only wants things done says
    that nothing is to be watched.
    """

    version: int
    roots: tuple[str, ...] = ()
    demo: bool = False
    watch: bool = True


@dataclass(frozen=True, slots=True)
class LogView:
    """What a screen shows of the log.

    `follow`: the newest `after` matching lines, then only what came since. Otherwise the page around the message
    number `anchor`: `before` matching lines before it and `after` from it on. `id` comes back in the page, so that
    a page of a view left behind is told apart; a new `id` makes the hub send the page anew. `width` is how many
    bytes of each payload are wanted.
    """

    id: int = 0
    filter: LogFilter = field(default_factory=LogFilter)
    follow: bool = True
    anchor: int = 0
    before: int = 0
    after: int = 50
    width: int = 400


@dataclass(frozen=True, slots=True)
class Ready:
    """Credit for one update, and what is on the screen. A newer `Ready` replaces one that waits.

    `anonymous` asks for anonymous pipes too, as long as they are on the screen: they cost the watcher more.
    """

    log: LogView = field(default_factory=LogView)
    interval: float = 0.1
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class StartProducer:
    request: int
    spec: ProducerSpec


@dataclass(frozen=True, slots=True)
class StartConsumer:
    request: int
    spec: ConsumerSpec


Action = Literal["pause", "resume", "stop", "kill", "dismiss"]


@dataclass(frozen=True, slots=True)
class Control:
    """Pause (SIGSTOP), resume (SIGCONT), stop (SIGTERM), kill (SIGKILL) or dismiss (forget the ended) an actor."""

    request: int
    actor: int
    action: Action


@dataclass(frozen=True, slots=True)
class Retune:
    """Change a running producer's rate (messages/s) or a consumer's delay (seconds a message)."""

    request: int
    actor: int
    rate: float | None = None
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Make an actor `factor` times as fast as it is when this arrives, a producer by its rate, a consumer by its delay.

    Who asks knows only what it was a while ago: so each of several such requests counts.
    """

    request: int
    actor: int
    factor: float


@dataclass(frozen=True, slots=True)
class CreateFifo:
    request: int
    path: str
    mode: int = 0o600


@dataclass(frozen=True, slots=True)
class RemoveFifo:
    """Remove the FIFO at `path`, only if it still is the one that was listed as `id`."""

    request: int
    path: str
    id: PipeId


@dataclass(frozen=True, slots=True)
class Send:
    """Write `payload` once into the FIFO; fails when no reader comes within `timeout` seconds."""

    request: int
    path: str
    payload: str
    timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for one whole message."""

    request: int
    number: int


@dataclass(frozen=True, slots=True)
class Find:
    """Ask for the nearest message after (or before) `start` that passes both `filter` and `find`."""

    request: int
    filter: LogFilter
    find: LogFilter
    start: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """Ask for whole messages that pass `filter`, from number `start` on, as many as fit in one answer."""

    request: int
    filter: LogFilter
    start: int = 1


@dataclass(frozen=True, slots=True)
class Peek:
    """Ask for the bytes that are queued in a pipe now; they stay there."""

    request: int
    id: PipeId


@dataclass(frozen=True, slots=True)
class Past:
    """Ask how full a pipe was in the last minutes."""

    request: int
    id: PipeId


@dataclass(frozen=True, slots=True)
class Examine:
    """Ask what a process and its family do: each task's wait, each pipe end."""

    request: int
    pid: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to a process, only if it still is the one with this command line."""

    request: int
    pid: int
    command: str
    number: int


@dataclass(frozen=True, slots=True)
class ListLabs:
    """Ask for the experiments that this hub can run."""

    request: int


@dataclass(frozen=True, slots=True)
class RunLab:
    """Run an experiment; `Done.actor` is the number of the run."""

    request: int
    name: str
    pace: Pace = "normal"


@dataclass(frozen=True, slots=True)
class StopLab:
    """End a run and all its processes, and forget it if it has ended."""

    request: int
    run: int


@dataclass(frozen=True, slots=True)
class TellLab:
    """Give a line to the process of a run that listens."""

    request: int
    run: int
    text: str


@dataclass(frozen=True, slots=True)
class MakeMine:
    """Make the FIFOs for playing on with an experiment's producers and consumers; nothing is started."""

    request: int
    name: str


@dataclass(frozen=True, slots=True)
class RunBench:
    """Compare mechanisms for about `seconds`; no names or no sizes (bytes) are all of them.

    Reports come with the updates.
    """

    request: int
    seconds: float = 25.0
    mechanisms: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StopBench:
    """End the comparison with all its processes; what it has found stays."""

    request: int


Request = (
    Hello
    | Ready
    | StartProducer
    | StartConsumer
    | Control
    | Retune
    | Scale
    | CreateFifo
    | RemoveFifo
    | Send
    | Fetch
    | Find
    | Export
    | Peek
    | Past
    | Examine
    | Signal
    | ListLabs
    | RunLab
    | StopLab
    | TellLab
    | MakeMine
    | RunBench
    | StopBench
)

# --- what a hub says ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """The hub's first frame."""

    version: int
    host: str
    pid: int
    program: str = ""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The hub's last frame: why it ends the link."""

    reason: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of the log for the view `view`.

    `append`: the lines follow those sent before; otherwise they replace them. `skipped` counts matching lines
    between what was sent before and these that were left out because more came than fit on the screen.
    `newer` and `older` count the matching lines after the last and before the first of a page that is not followed.
    `trouble` says why the filter can't be used.
    """

    view: int
    lines: tuple[Line, ...] = ()
    append: bool = False
    skipped: int = 0
    newer: int = 0
    older: bool = False
    counts: LogCounts = field(default_factory=LogCounts)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What changed since the last update: whole rows by key, keys that are gone, and the log of the view.

    `findings` are all there are now, the most severe first; None when they are as before. `bench` is the whole report
    of the comparison, None when it is as before.
    """

    status: Status | None = None
    pipes: tuple[PipeRow, ...] = ()
    pipes_gone: tuple[PipeId, ...] = ()
    actors: tuple[ActorState, ...] = ()
    actors_gone: tuple[int, ...] = ()
    processes: tuple[Process, ...] = ()
    processes_gone: tuple[int, ...] = ()
    log: LogPage | None = None
    more: bool = False
    findings: tuple[Finding, ...] | None = None
    labs: tuple[LabRun, ...] = ()
    labs_gone: tuple[int, ...] = ()
    bench: BenchReport | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The request was carried out; `actor` is the number of an actor (or of a lab's run) that it started."""

    request: int
    actor: int | None = None


@dataclass(frozen=True, slots=True)
class Scaled:
    """The answer to `Scale`: a producer's rate (messages/s) or a consumer's delay (seconds a message), as it is now."""

    request: int
    rate: float | None = None
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The request could not be carried out; `message` is one sentence for a person."""

    request: int
    message: str


@dataclass(frozen=True, slots=True)
class Whole:
    """The answer to `Fetch`: the message, or None when the ring no longer has it."""

    request: int
    line: Line | None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to `Find`: a message number, or None."""

    request: int
    number: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to `Export`: whole messages, and from where to ask on (None at the end)."""

    request: int
    lines: tuple[Line, ...]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class Peeked:
    """The answer to `Peek`: the queued bytes as far as they fit, how many there are, of how many, and when (epoch)."""

    request: int
    payload: str
    queued: int
    capacity: int
    time: float


class Sample(NamedTuple):
    """How full a pipe was at one moment (bytes)."""

    queued: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Samples:
    """The answer to `Past`: a sample a second, the newest last."""

    request: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """The answer to `Examine`: the process (None if it is gone), its ancestors and descendants, and their pipes."""

    request: int
    process: ProcessState | None
    family: tuple[ProcessState, ...] = ()
    pipes: tuple[Pipe, ...] = ()


@dataclass(frozen=True, slots=True)
class Labs:
    """The answer to `ListLabs`, in the order in which they are best done."""

    request: int
    labs: tuple[LabCard, ...]


@dataclass(frozen=True, slots=True)
class Mine:
    """The answer to `MakeMine`: actors on FIFOs that were made for them, to be changed and started."""

    request: int
    specs: tuple[ActorSpec, ...]


Reply = (
    Welcome
    | Goodbye
    | Update
    | Done
    | Scaled
    | Failed
    | Whole
    | Found
    | Page
    | Peeked
    | Samples
    | Examined
    | Labs
    | Mine
)
Answer = Done | Scaled | Failed | Whole | Found | Page | Peeked | Samples | Examined | Labs | Mine

REQUESTS = tagged(get_args(Request))
REPLIES = tagged(get_args(Reply))

# --- framing ------------------------------------------------------------------------------------------------------


def pack(message: Any) -> bytes:
    """Return a request or reply as one frame."""
    codec = REQUESTS if isinstance(message, get_args(Request)) else REPLIES
    return frame(json.dumps(codec.encode(message), separators=(",", ":")).encode("ascii"))


def unpack_request(body: bytes) -> Request:
    """Return the request in a frame's body, or raise `WireError`."""
    request: Request = REQUESTS.decode(_load(body))
    return request


def unpack_reply(body: bytes) -> Reply:
    """Return the reply in a frame's body, or raise `WireError`."""
    reply: Reply = REPLIES.decode(_load(body))
    return reply


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {str(error)[:80]}") from None
