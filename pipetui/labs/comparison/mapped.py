"""Shared memory: a mapping that both processes see, and two semaphores that say whose turn it is.

The textbook's bounded buffer: `free` counts the empty places, `full` the filled ones. Nobody waits while there is
room and something to read; the bytes are copied once in and once out, by no system call (mmap(2), sem_overview(7)).
"""

from __future__ import annotations

import itertools
import mmap

from pipetui.labs.comparison.forked import FORK
from pipetui.labs.comparison.mechanism import End, Message, Pair

#: How many messages the buffer holds.
PLACES = 16


class _Buffer:
    """One direction."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._memory = mmap.mmap(-1, PLACES * size)  # shared with every child that is forked later
        self._free, self._full = FORK.Semaphore(PLACES), FORK.Semaphore(0)
        # each process goes through the places in the same order, by a counter of its own
        self._starts = itertools.cycle(range(0, PLACES * size, size))

    def send(self, message: Message) -> None:
        self._free.acquire()
        start = next(self._starts)
        self._memory[start : start + self._size] = message
        self._full.release()

    def receive(self) -> bytes:
        self._full.acquire()
        start = next(self._starts)
        message = self._memory[start : start + self._size]
        self._free.release()
        return message


class Mapped(Pair):
    """Two bounded buffers, one each way."""

    name = "mmap"
    title = "mmap + semaphores"

    def __init__(self, size: int) -> None:
        self._there, self._back = _Buffer(size), _Buffer(size)

    def near(self) -> End:
        return End(self._there.send, self._back.receive)

    def far(self) -> End:
        return End(self._back.send, self._there.receive)
