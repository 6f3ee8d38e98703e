"""What one look leaves for the next: since when each task waits and each pipe has had one side only, and capacities."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipetui.kernel.procfs import Proc
from pipetui.model import PipeId
from pipetui.watch.fill import Capacities


@dataclass
class WaitMemory:
    """For whoever looks again and again; who looks once has an empty one.

    With `estimate` the scheduler is asked how long a task has slept that was not seen before (see
    `kernel/schedclock.py`); without, or where the kernel does not tell, it counts from the first look on.
    """

    estimate: bool = True
    _known: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)
    _seen: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)
    _lonely: dict[PipeId, float] = field(default_factory=dict)
    capacities: Capacities = field(default_factory=Capacities)

    def since(self, proc: Proc, pid: int, tid: int, runs: int) -> float:
        """Return since when (epoch) a task has slept; one that has run since the last look sleeps anew."""
        key = pid, tid
        known = self._known.get(key)
        if known is None or known[0] != runs:
            slept = proc.last_ran(pid, tid) if self.estimate else None
            known = runs, time.time() - (slept or 0.0)
        self._seen[key] = known
        return known[1]

    def lonely(self, pipes: Iterable[PipeId], now: float) -> Mapping[PipeId, float]:
        """Return since when pipes that lack one side have lacked it, at the latest; the others are forgotten."""
        self._lonely = {identity: self._lonely.get(identity, now) for identity in pipes}
        return self._lonely

    def end_of_look(self) -> None:
        """Forget the tasks that were not seen waiting in this look."""
        self._known, self._seen = self._seen, {}
