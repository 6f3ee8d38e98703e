"""How full each held pipe is, through one borrowed end each; a pipe that nobody may borrow from stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from pipetui.kernel.borrow import Borrower, measure
from pipetui.kernel.halves import in_halves
from pipetui.kernel.procfs import Proc
from pipetui.model import End, PipeId

#: So many ends of one pipe are tried before it counts as unknown.
_TRIES = 4
#: From so many pipes on it pays to look at them in two processes.
_MANY = 5_000

NO_READER = "nobody has a read end open, and opening one would change what its writers get"
REFUSED = "the kernel lets this user neither borrow nor reopen an end of it"


def with_flags(proc: Proc, ends: Mapping[PipeId, Iterable[End]]) -> dict[PipeId, tuple[End, ...]]:
    """Return the ends with O_NONBLOCK looked up: of a borrowed copy or, where that is refused, in `fdinfo`."""
    answer = {}
    with Borrower(proc) as borrower:
        by_process = sorted(((end.pid, end.fd, identity, end) for identity, found in ends.items() for end in found))
        flags: dict[tuple[int, int], bool | None] = {}
        for pid, fd, identity, end in by_process:  # one process after the other, so that few handles are needed
            seen = borrower.inspect(end, identity, False)
            flags[pid, fd] = seen[0] if seen else proc.nonblocking(pid, fd)
    for identity, found in ends.items():
        answer[identity] = tuple(End(end.pid, end.fd, end.access, flags[end.pid, end.fd], end.command) for end in found)
    return answer


def fills(
    ends: Mapping[PipeId, Iterable[End]],
    proc: Proc | None = None,
    *,
    reopen: bool = True,
    why_not: dict[PipeId, str] | None = None,
    twofold: bool = False,
) -> dict[PipeId, tuple[int, int]]:
    """Return (queued, capacity) in bytes of each pipe for which the kernel tells it passively.

    `reopen` allows the harmless reopen of a read end where borrowing is refused. It shows in inotify as an open and a
    close of a FIFO, so who watches those should drop what came meanwhile. `why_not` gets a sentence for each pipe
    that stays unknown. `twofold` may fork a child where there are many pipes, as for a census.
    """

    def measured(part: Sequence[tuple[PipeId, Iterable[End]]]) -> list[tuple[int, int] | None]:
        with Borrower(proc) as borrower:
            return [_measured(borrower, identity, holders, reopen) for identity, holders in part]

    wanted = list(ends.items())
    answers = chain.from_iterable(in_halves(measured, wanted, worth_it=_MANY)) if twofold else measured(wanted)
    known: dict[PipeId, tuple[int, int]] = {}
    for (identity, holders), answer in zip(wanted, answers, strict=True):
        if answer is not None:
            known[identity] = answer
        elif why_not is not None:
            why_not[identity] = REFUSED if any("r" in end.access for end in holders) else NO_READER
    return known


def _measured(borrower: Borrower, identity: PipeId, holders: Iterable[End], reopen: bool) -> tuple[int, int] | None:
    for end in list(holders)[:_TRIES]:
        seen = borrower.inspect(end, identity, True)
        if seen is not None and seen[1] is not None:
            return seen[1]
    opened = borrower.reopen(holders, identity) if reopen else None
    if opened is None:
        return None
    with opened:
        return measure(opened)
