"""Every FIFO under some paths and those that processes hold, at one moment. Opens none."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pipetui.backend.operations import Complaint
from pipetui.backend.operations.target import roots_of, unknown
from pipetui.model import Pipe, PipeId
from pipetui.watch.owners import holding
from pipetui.watch.snapshot import snapshot

#: So many pipes are told at once.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Question:
    """Where to look (nowhere: in the usual places), and whether anonymous pipes are wanted too."""

    paths: tuple[str, ...] = ()
    anonymous: bool = False


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


ANSWERS = (Complaint, Pipes, Listed)


def _owners(pipe: Pipe, parents: Mapping[int, int]) -> Owners:
    return Owners(holding(pipe, "w", parents), holding(pipe, "r", parents)) if pipe.ends else Owners()


def answer(question: Question) -> Iterator[Complaint | Pipes | Listed]:
    """Look once. A path that is missing is a complaint; with nothing left to look at there is no `Listed`."""
    roots, complaints = roots_of(question.paths)
    yield from complaints
    if question.paths and not roots:
        return
    gc.disable()  # everything made here lives until the end; collecting is a third of the time with many FIFOs
    taken = snapshot(roots, anonymous=question.anonymous)
    for start in range(0, len(taken.pipes), _MOST):
        some = taken.pipes[start : start + _MOST]
        yield Pipes(
            some,
            tuple(pipe.id for pipe in some if pipe.id in taken.found),
            tuple(_owners(pipe, taken.parents) for pipe in some),
        )
    if taken.unseen:
        yield from unknown(question.paths, taken.pipes, taken.unseen)
    yield Listed(os.uname().nodename, time.time(), taken.unreadable, taken.partial, taken.unseen)
