"""What one look leaves for the next: since when each task waits and each pipe has had one side only, and capacities."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId
from pipetui.watch.fill import Capacities


@dataclass
class WaitMemory:
    """For whoever looks again and again; who looks once has an empty one.

    The scheduler is asked how long a task has slept that was not seen before (see `kernel/schedclock.py`); where the
    kernel does not tell, it counts from the first look on.
    """

    _known: dict[tuple[int, int], tuple[int, float, bool]] = field(default_factory=dict)
    _seen: dict[tuple[int, int], tuple[int, float, bool]] = field(default_factory=dict)
    _lonely: dict[PipeId, tuple[object, float]] = field(default_factory=dict)
    capacities: Capacities = field(default_factory=Capacities)

    def since(self, proc: Proc, pid: int, tid: int, runs: int) -> tuple[float, bool]:
        """Return since when (epoch) a task has slept, at the latest, and whether that moment is known.

        One that has run since the last look sleeps anew.
        """
        key = pid, tid
        known = self._known.get(key)
        if known is None or known[0] != runs:
            slept = proc.last_ran(pid, tid)
            known = runs, time.time() - (slept or 0.0), slept is not None
        self._seen[key] = known
        return known[1:]

    def lonely(self, pipes: Iterable[Pipe], now: float) -> Mapping[PipeId, float]:
        """Return since when pipes that lack one side have lacked it, as far as was seen; the others are forgotten.

        Other ends or times than in the look before show that there was more in between.
        """
        before, self._lonely = self._lonely, {}
        for pipe in pipes:
            signs = pipe.ends, pipe.last_read, pipe.last_write
            known = before.get(pipe.id)
            self._lonely[pipe.id] = known if known is not None and known[0] == signs else (signs, now)
        return {identity: since for identity, (_, since) in self._lonely.items()}

    def end_of_look(self) -> None:
        """Forget the tasks that were not seen waiting in this look."""
        self._known, self._seen = self._seen, {}
