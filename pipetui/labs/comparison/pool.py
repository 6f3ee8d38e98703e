"""ProcessPoolExecutor: a message is the argument of a task for a worker, and what comes back is the task's result.

Beneath are a queue of tasks, a queue of results and two threads; both ways are pickled.
"""

from __future__ import annotations

import itertools
import os
import time
import zlib
from concurrent.futures import ProcessPoolExecutor

from pipetui.kernel.lifetime import die_with_parent
from pipetui.labs.comparison.forked import FORK
from pipetui.labs.comparison.mechanism import Course, Mechanism, Round, waits


class Pool(Mechanism, Course):
    """One worker, which is given messages and answers with their length."""

    name = "pool"
    title = "ProcessPoolExecutor"

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._pool = ProcessPoolExecutor(1, FORK, initializer=die_with_parent, initargs=(os.getpid(),))
        if self._pool.submit(zlib.crc32, message).result() != zlib.crc32(message):
            raise RuntimeError("the worker has read something else than what was sent")

    @staticmethod
    def pickled(message: bytes) -> tuple[object, ...]:
        """The function goes by its name, and so do the numbers of task and result: what counts is the message."""
        return ((0, len, (message,), {}), (0, len(message)))

    def stream(self, count: int) -> Round:
        before = waits() + self._pool.submit(waits).result()
        start = time.perf_counter()
        lengths = sum(self._pool.map(len, itertools.repeat(self._message, count)))
        seconds = time.perf_counter() - start
        waited = waits() + self._pool.submit(waits).result() - before
        if lengths != count * len(self._message):
            raise RuntimeError("messages were lost")
        return Round(count, seconds, waited)

    def trips(self, count: int) -> list[float]:
        times = []
        for _ in range(count):
            start = time.perf_counter()
            self._pool.submit(len, self._message).result()
            times.append(time.perf_counter() - start)
        return times
