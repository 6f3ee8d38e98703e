"""Pipes: one each way (pipe(7))."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from select import PIPE_BUF

from pipetui.labs.comparison.mechanism import End, Message, Pair


class Pipe(Pair):
    """Two pipes, written and read by plain system calls."""

    name = "pipe"
    title = "pipe"

    def __init__(self, size: int) -> None:
        self._size = size
        self._there, self._back = os.pipe(), os.pipe()

    def near(self) -> End:
        return end(self._there, self._back, self._size)

    def far(self) -> End:
        return end(self._back, self._there, self._size)


def end(out: tuple[int, int], back: tuple[int, int], size: int) -> End:
    """Return the end that writes into one pipe and reads from the other, each a pair of read end and write end."""
    os.close(out[0])
    os.close(back[1])
    return End(partial(os.write, out[1]), reader(back[0], size))


def reader(fd: int, size: int) -> Callable[[], Message]:
    """Return what reads one message of `size` bytes.

    Writes of up to PIPE_BUF bytes arrive whole (pipe(7)), so one read of that size is one message. A larger one comes
    in pieces, at most as many bytes at once as the pipe holds.
    """

    def read() -> bytes:
        return os.read(fd, size)

    message = bytearray(size)
    room = memoryview(message)

    def gather() -> bytearray:
        count = 0
        while count < size:
            got = os.readv(fd, [room[count:]])
            if not got:
                raise EOFError("the writer has gone")
            count += got
        return message

    return read if size <= PIPE_BUF else gather
