"""multiprocessing.Queue: a pipe, locks around it, and in the sender a thread that pickles and writes."""

from __future__ import annotations

import multiprocessing.queues

from pipetui.labs.comparison.forked import FORK
from pipetui.labs.comparison.mechanism import End, Message, Pair


class Queue(Pair):
    """Two queues without a limit, one each way."""

    name = "mp-queue"
    title = "multiprocessing.Queue"

    def __init__(self, size: int) -> None:
        self._there: multiprocessing.queues.Queue[Message] = FORK.Queue()
        self._back: multiprocessing.queues.Queue[Message] = FORK.Queue()

    @staticmethod
    def pickled(message: bytes) -> tuple[object, ...]:
        return (message,)

    def near(self) -> End:
        return End(self._there.put, self._back.get)

    def far(self) -> End:
        return End(self._back.put, self._there.get)
