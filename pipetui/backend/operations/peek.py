"""What is in a pipe now, copied by tee(2); nothing is consumed and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipetui.backend.operations.target import pipe_id
from pipetui.kernel.errors import NotPermitted
from pipetui.kernel.peek import peek
from pipetui.kernel.procfs import Proc
from pipetui.watch.census import take
from pipetui.watch.world import unseen

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Question:
    """Which pipe (see `target.pipe_id`)."""

    pipe: str


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


ANSWERS = (Some, Peeked, Nobody)


def answer(question: Question) -> Iterator[Some | Peeked | Nobody]:
    """Look once. Raises Missing, NotAFifo, NotPermitted, and WouldDisturb where there is no reader."""
    identity = pipe_id(question.pipe)
    proc = Proc()
    census = take(proc, anonymous=True)
    ends = census.ends.get(identity, ())
    if ends:
        seen = peek(ends, identity, question.pipe, proc)
        for start in range(0, len(seen.data), _CHUNK):
            yield Some(seen.data[start : start + _CHUNK])
        yield Peeked(seen.queued, seen.capacity, seen.time)
    elif census.unreadable or proc.blind() or proc.contained():
        raise NotPermitted(f"{question.pipe}: who has it open is unknown: {unseen(proc, census.unreadable)}")
    else:
        yield Nobody()
