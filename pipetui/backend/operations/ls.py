"""Every FIFO under some paths and those that processes hold, at one moment. Opens none."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator, Mapping

from pipetui.backend.operations.target import roots_of, unknown
from pipetui.model import Pipe
from pipetui.protocol.operations import Complaint, Listed, Ls, Owners, Pipes
from pipetui.watch.owners import holding
from pipetui.watch.snapshot import snapshot

#: So many pipes are told at once.
_MOST = 500


def _owners(pipe: Pipe, parents: Mapping[int, int]) -> Owners:
    return Owners(holding(pipe, "w", parents), holding(pipe, "r", parents)) if pipe.ends else Owners()


def answer(operation: Ls) -> Iterator[Complaint | Pipes | Listed]:
    """Look once. A path that is missing is a complaint; with nothing left to look at there is no `Listed`."""
    roots, complaints = roots_of(operation.paths)
    yield from complaints
    if operation.paths and not roots:
        return
    gc.disable()  # everything made here lives until the end; collecting is a third of the time with many FIFOs
    taken = snapshot(roots, anonymous=operation.anonymous)
    for start in range(0, len(taken.pipes), _MOST):
        some = taken.pipes[start : start + _MOST]
        yield Pipes(
            some,
            tuple(pipe.id for pipe in some if pipe.id in taken.found),
            tuple(_owners(pipe, taken.parents) for pipe in some),
        )
    if taken.unseen:
        yield from unknown(operation.paths, taken.pipes, taken.unseen)
    yield Listed(os.uname().nodename, time.time(), taken.unreadable, taken.partial, taken.unseen)
