"""For how long a task has not run, from one look: `se.exec_start` in `/proc/PID/task/TID/sched`.

The scheduler notes there when it last accounted the task's running time, in milliseconds on the clock of the processor
on which that was. Those clocks differ from each other (by 218 ms on a machine of two, seen on Linux 6.18), so what is
now on such a clock is read from a note of our own, made on that processor. The answer may fall short by the time a
hypervisor took, and a task that was stopped and continued counts anew. A task that was moved to another processor while
it fell asleep reads 0 until it runs again (a fifth of the sleeping tasks on a busy Linux 6.18, whose scheduler dequeues
sleepers late): then nothing is known. Kernels without CONFIG_SCHED_DEBUG have no such
file: then nothing is known.
"""

from __future__ import annotations

import os
import time

#: For so long (seconds) it is known how a processor's clock goes: a hypervisor may take time from it. To read it takes
#: as long as the processor keeps us waiting.
_FRESH = 0.5


class SchedulerClock:
    """Reads the notes, and remembers for a moment how each processor's clock goes."""

    def __init__(self, root: str = "/proc") -> None:
        self._root = root
        self._offsets: dict[int, tuple[float, float]] = {}

    def since_it_ran(self, pid: int, tid: int) -> float | None:
        """Return the seconds since a sleeping task ran; None where the kernel won't say."""
        then, processor = self._ran(f"{pid}/task/{tid}"), self._processor(pid, tid)
        if then is None or processor is None:
            return None
        now = self._now(processor)
        return None if now is None else max(0.0, now - then)

    def _now(self, processor: int) -> float | None:
        """Return the time on a processor's clock, in seconds."""
        known = self._offsets.get(processor)
        moment = time.monotonic()
        if known is None or moment - known[0] > _FRESH:
            read = self._visit(processor)
            if read is None:
                return None
            self._offsets[processor] = known = moment, read - time.monotonic()
        return time.monotonic() + known[1]

    def _visit(self, processor: int) -> float | None:
        """Read our own note on that processor; on any other where we may not go there."""
        try:
            allowed = os.sched_getaffinity(0)
        except OSError:
            return self._ran("thread-self")
        try:
            os.sched_setaffinity(0, {processor})
        except OSError:
            return self._ran("thread-self")
        try:
            os.sched_yield()
            return self._ran("thread-self")
        finally:
            os.sched_setaffinity(0, allowed)

    def _ran(self, task: str) -> float | None:
        for line in self._read(f"{task}/sched").splitlines()[:4]:
            if line.startswith(b"se.exec_start"):
                return float(line.rpartition(b":")[2]) / 1000 or None
        return None

    def _processor(self, pid: int, tid: int) -> int | None:
        words = self._read(f"{pid}/task/{tid}/stat").rpartition(b") ")[2].split()
        return int(words[36]) if len(words) > 36 else None

    def _read(self, name: str) -> bytes:
        try:
            with open(f"{self._root}/{name}", "rb", buffering=0) as file:
                return file.read(1 << 14)
        except OSError:
            return b""
