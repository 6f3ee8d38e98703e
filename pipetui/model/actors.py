"""Our own producers and consumers: what they are to do, and what they do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pipetui.model.pipes import PipeId, Severity

Role = Literal["producer", "consumer"]
Framing = Literal["line", "nul", "fixed", "length", "chunk"]
Source = Literal["template", "file", "random"]

#: A frame longer than this many bytes is split into pieces, each marked (see `ConsumerSpec.limit`).
FRAME_LIMIT = 1 << 20

#: What becomes of a frame that was too long, or that nobody has ended.
Piece = Literal["", "split", "incomplete"]


class Frame(NamedTuple):
    """A message without its delimiter or prefix; `number` counts the stream's frames from 1."""

    payload: bytes
    piece: Piece
    number: int


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
