"""How full each held pipe is, through one borrowed end each; a pipe that nobody may borrow from stays unknown."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from pipetui.kernel.borrow import Borrower, Wanted
from pipetui.kernel.halves import in_halves
from pipetui.kernel.procfs import Proc
from pipetui.model import End, PipeId

#: From so many pipes on it pays to look at them in two processes.
_MANY = 5_000

#: A capacity counts as known for so long (seconds): F_SETPIPE_SZ changes it without a sign.
_KNOWN_FOR = 30.0


@dataclass(slots=True)
class _Known:
    capacity: int
    asked: float
    ends: frozenset[tuple[int, int]]


class Capacities:
    """How much each pipe holds at most, kept by who looks again and again, so that it is not asked at every look.

    A FIFO that everybody has closed forgets its capacity (fifo(7)), so what is known counts only while one of the ends
    is there that were there at the last look; and F_SETPIPE_SZ may change it, so it counts for half a minute only.
    """

    def __init__(self) -> None:
        self._known: dict[PipeId, _Known] = {}

    def get(self, pipe: PipeId, ends: Iterable[End]) -> int | None:
        """Return the capacity (bytes) of a pipe that is held by these ends now, if it is known."""
        known = self._known.get(pipe)
        if known is None:
            return None
        there = _numbers(ends)
        if known.ends.isdisjoint(there) or time.monotonic() - known.asked > _KNOWN_FOR:
            del self._known[pipe]
            return None
        known.ends = there
        return known.capacity

    def learn(self, found: Iterable[tuple[PipeId, Iterable[End], int]]) -> None:
        """Take over what pipes have just been found to hold, and forget what is too old to count."""
        now = time.monotonic()
        for pipe, ends, capacity in found:
            known = self._known.get(pipe)
            if known is None or known.capacity != capacity:
                self._known[pipe] = _Known(capacity, now, _numbers(ends))
        self._known = {pipe: known for pipe, known in self._known.items() if now - known.asked <= _KNOWN_FOR}


def with_flags(proc: Proc, ends: Mapping[PipeId, Iterable[End]]) -> dict[PipeId, tuple[End, ...]]:
    """Return the ends with O_NONBLOCK looked up in `/proc/PID/fdinfo`, where no end need be borrowed."""
    return {
        identity: tuple(
            End(end.pid, end.fd, end.access, proc.nonblocking(end.pid, end.fd), end.command) for end in found
        )
        for identity, found in ends.items()
    }


def fills(
    ends: Mapping[PipeId, Iterable[End]],
    proc: Proc | None = None,
    *,
    reopen: bool = True,
    twofold: bool = False,
    capacities: Capacities | None = None,
    empty: Collection[PipeId] = (),
) -> dict[PipeId, tuple[int, int]]:
    """Return (queued, capacity) in bytes of each pipe for which the kernel tells it passively.

    Each pipe has an end borrowed for a microsecond or two, so ask for those alone whose fill is shown.
    `reopen` allows the harmless reopen of a read end where borrowing is refused. It shows in inotify as an open and a
    close of a FIFO, so who watches those should drop what came meanwhile. `twofold` may fork a child where there are
    many pipes, as for a census. `capacities` is kept by who looks again and again: then an end is borrowed once a look
    and not twice. Nobody need ask how much is in a pipe that is known to be `empty`, because somebody waits for bytes
    from it.
    """
    wanted = list(_wanted(ends, capacities, empty))
    measured = partial(_measured, proc, reopen)
    answers = chain.from_iterable(in_halves(measured, wanted, worth_it=_MANY)) if twofold else measured(wanted)
    known = {one.pipe: answer for one, answer in zip(wanted, answers, strict=True) if answer is not None}
    if capacities is not None:
        capacities.learn((one.pipe, one.ends, known[one.pipe][1]) for one in wanted if one.pipe in known)
    return known


def _wanted(
    ends: Mapping[PipeId, Iterable[End]], capacities: Capacities | None, empty: Collection[PipeId]
) -> Iterator[Wanted]:
    for pipe, found in ends.items():
        holders = tuple(found)
        capacity = None if capacities is None else capacities.get(pipe, holders)
        yield Wanted(pipe, holders, 0 if pipe in empty else None, capacity)


def _measured(proc: Proc | None, reopen: bool, part: Sequence[Wanted]) -> list[tuple[int, int] | None]:
    """Return what marshal takes, since the answer may come from a child."""
    with Borrower(proc) as borrower:
        answers = borrower.fills(part, reopen=reopen)
    return [None if answer is None else (answer.queued, answer.capacity) for answer in answers]


def _numbers(ends: Iterable[End]) -> frozenset[tuple[int, int]]:
    return frozenset((end.pid, end.fd) for end in ends)
