"""What a hub can be asked, each with the type of its answer and with what it does to the machine.

A new request is a class here with its entry in `REQUESTS`, and a handler in the service that carries it out (see
`backend/service.py`). What may answer it, what a read-only hub refuses, and the checks of a client follow from this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, get_args

from pipetui.model import (
    ActorSpec,
    ConsumerSpec,
    LabCard,
    Line,
    LogFilter,
    Pace,
    Pipe,
    PipeId,
    ProcessState,
    ProducerSpec,
)
from pipetui.protocol.effects import Effect

AnswerT = TypeVar("AnswerT", covariant=True)


class Request(Generic[AnswerT]):
    """What a hub is asked: `class Peek(Request[Peeked])` is answered by `Peeked`, or refused in one sentence."""

    __slots__ = ()
    effect: ClassVar[Effect]

    def accepts(self, answer: Any) -> bool:
        """Whether this answers it."""
        return isinstance(answer, answer_type(type(self)))


def answer_type(kind: type[Request[Any]]) -> type:
    """Return the type of the answers to a kind of request."""
    (base,) = (base for base in kind.__orig_bases__ if getattr(base, "__origin__", None) is Request)  # type: ignore[attr-defined]
    (answer,) = get_args(base)
    assert isinstance(answer, type)
    return answer


# --- answers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out."""


@dataclass(frozen=True, slots=True)
class Started:
    """It was started: the number of an actor, or of a lab's run."""

    number: int


@dataclass(frozen=True, slots=True)
class Scaled:
    """A producer's rate (messages/s) or a consumer's delay (seconds a message), as it is now."""

    rate: float | None = None
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole message, or None when the hub no longer has it."""

    line: Line | None


@dataclass(frozen=True, slots=True)
class Found:
    """The number of a message, or None."""

    number: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Whole messages, and from where to ask on (None at the end)."""

    lines: tuple[Line, ...]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class Peeked:
    """The queued bytes as far as they fit, how many there are, of how many, and when (epoch)."""

    payload: bytes
    queued: int
    capacity: int
    time: float


class Sample(NamedTuple):
    """How full a pipe was at one moment (bytes)."""

    queued: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Samples:
    """A sample a second, the newest last; none if the pipe was empty all the while."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """The process (None if it is gone), its ancestors and descendants, and their pipes."""

    process: ProcessState | None
    family: tuple[ProcessState, ...] = ()
    pipes: tuple[Pipe, ...] = ()


@dataclass(frozen=True, slots=True)
class Labs:
    """The experiments, in the order in which they are best done."""

    labs: tuple[LabCard, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Actors on FIFOs that were made for them, to be changed and started."""

    specs: tuple[ActorSpec, ...]


ANSWERS = (Done, Started, Scaled, Whole, Found, Page, Peeked, Samples, Examined, Labs, Prepared)

# --- producers and consumers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartProducer(Request[Started]):
    """Fork a producer."""

    effect: ClassVar[Effect] = "changes"
    spec: ProducerSpec


@dataclass(frozen=True, slots=True)
class StartConsumer(Request[Started]):
    """Fork a consumer."""

    effect: ClassVar[Effect] = "consumes"
    spec: ConsumerSpec


ActorAction = Literal["pause", "resume", "stop", "kill", "dismiss"]


@dataclass(frozen=True, slots=True)
class Control(Request[Done]):
    """Pause (SIGSTOP), resume (SIGCONT), stop (SIGTERM), kill (SIGKILL) or dismiss (forget the ended) an actor."""

    effect: ClassVar[Effect] = "changes"
    actor: int
    action: ActorAction


@dataclass(frozen=True, slots=True)
class Retune(Request[Done]):
    """Change a running producer's rate (messages/s; 0 is as fast as possible) or a consumer's delay (seconds)."""

    effect: ClassVar[Effect] = "changes"
    actor: int
    rate: float | None = None
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Scale(Request[Scaled]):
    """Make an actor `factor` times as fast as it is when this arrives, a producer by its rate, a consumer by its delay.

    Who asks knows only what it was a while ago: so each of several such requests counts.
    """

    effect: ClassVar[Effect] = "changes"
    actor: int
    factor: float


# --- FIFOs, pipes and processes -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateFifo(Request[Done]):
    """Make a FIFO."""

    effect: ClassVar[Effect] = "changes"
    path: str
    mode: int = 0o600


@dataclass(frozen=True, slots=True)
class RemoveFifo(Request[Done]):
    """Remove the FIFO at `path`, only if it still is the one that was listed as `id`."""

    effect: ClassVar[Effect] = "changes"
    path: str
    id: PipeId


@dataclass(frozen=True, slots=True)
class Send(Request[Done]):
    """Write `payload` once into the FIFO; refused when no reader comes within `timeout` seconds."""

    effect: ClassVar[Effect] = "changes"
    path: str
    payload: str
    timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class Peek(Request[Peeked]):
    """Look at the bytes that are queued in a pipe now; they stay there."""

    effect: ClassVar[Effect] = "passive"
    id: PipeId


@dataclass(frozen=True, slots=True)
class Past(Request[Samples]):
    """How full a pipe was in the last minutes."""

    effect: ClassVar[Effect] = "passive"
    id: PipeId


@dataclass(frozen=True, slots=True)
class Examine(Request[Examined]):
    """What a process and its family do: each task's wait, each pipe end."""

    effect: ClassVar[Effect] = "passive"
    pid: int


@dataclass(frozen=True, slots=True)
class Signal(Request[Done]):
    """Send a signal to a process, only if it still is the one with this command line."""

    effect: ClassVar[Effect] = "changes"
    pid: int
    command: str
    number: int


# --- messages -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetch(Request[Whole]):
    """One whole message."""

    effect: ClassVar[Effect] = "passive"
    number: int


@dataclass(frozen=True, slots=True)
class Find(Request[Found]):
    """The nearest message after (or before) `start` that passes both `filter` and `find`."""

    effect: ClassVar[Effect] = "passive"
    filter: LogFilter
    find: LogFilter
    start: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Export(Request[Page]):
    """Whole messages that pass `filter`, from number `start` on, as many as fit in one answer."""

    effect: ClassVar[Effect] = "passive"
    filter: LogFilter
    start: int = 1

    def accepts(self, answer: Any) -> bool:
        """Whether this answers it: an export goes forward, or it would never end."""
        return isinstance(answer, Page) and (answer.next is None or answer.next > self.start)


# --- labs and the comparison --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListLabs(Request[Labs]):
    """The experiments that this hub can run."""

    effect: ClassVar[Effect] = "passive"


@dataclass(frozen=True, slots=True)
class RunLab(Request[Started]):
    """Run an experiment."""

    effect: ClassVar[Effect] = "changes"
    name: str
    pace: Pace = "normal"


@dataclass(frozen=True, slots=True)
class StopLab(Request[Done]):
    """End a run and all its processes, and forget it if it has ended."""

    effect: ClassVar[Effect] = "changes"
    run: int


@dataclass(frozen=True, slots=True)
class TellLab(Request[Done]):
    """Give a line to the process of a run that listens."""

    effect: ClassVar[Effect] = "changes"
    run: int
    text: str


@dataclass(frozen=True, slots=True)
class PrepareLab(Request[Prepared]):
    """Make the FIFOs for playing on with an experiment's producers and consumers; nothing is started."""

    effect: ClassVar[Effect] = "changes"
    name: str


@dataclass(frozen=True, slots=True)
class RunBench(Request[Done]):
    """Compare mechanisms for about `seconds`; no names or no sizes (bytes) are all of them. The feed tells the rest."""

    effect: ClassVar[Effect] = "slows"
    seconds: float = 25.0
    mechanisms: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StopBench(Request[Done]):
    """End the comparison with all its processes; what it has found stays."""

    effect: ClassVar[Effect] = "changes"


REQUESTS: tuple[type[Request[Any]], ...] = (
    StartProducer,
    StartConsumer,
    Control,
    Retune,
    Scale,
    CreateFifo,
    RemoveFifo,
    Send,
    Peek,
    Past,
    Examine,
    Signal,
    Fetch,
    Find,
    Export,
    ListLabs,
    RunLab,
    StopLab,
    TellLab,
    PrepareLab,
    RunBench,
    StopBench,
)
