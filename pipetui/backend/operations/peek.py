"""What is in a pipe now, copied by tee(2); nothing is consumed and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.backend.operations.target import pipe_id
from pipetui.kernel.errors import NotPermitted
from pipetui.kernel.peek import peek
from pipetui.kernel.procfs import Proc
from pipetui.protocol.operations import Nobody, Peek, Peeked, Some
from pipetui.watch.census import take
from pipetui.watch.world import unseen

_CHUNK = 1 << 18


def answer(operation: Peek) -> Iterator[Some | Peeked | Nobody]:
    """Look once. Raises Missing, NotAFifo, NotPermitted, and WouldDisturb where there is no reader."""
    identity = pipe_id(operation.pipe)
    proc = Proc()
    census = take(proc, anonymous=True)
    ends = census.ends.get(identity, ())
    if ends:
        seen = peek(ends, identity, operation.pipe, proc)
        for start in range(0, len(seen.data), _CHUNK):
            yield Some(seen.data[start : start + _CHUNK])
        yield Peeked(seen.queued, seen.capacity, seen.time)
    elif census.unreadable or proc.blind() or proc.contained():
        raise NotPermitted(f"{operation.pipe}: who has it open is unknown: {unseen(proc, census.unreadable)}")
    else:
        yield Nobody()
