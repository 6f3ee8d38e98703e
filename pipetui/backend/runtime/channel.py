"""What a hub and its forked children say to each other: length-prefixed marshal values on a pipe each way.

Both ends are forks of one interpreter, so marshal's format is the same, and it is several times faster than JSON
for the bytes of messages. The child's end never blocks: what does not fit waits in `backlog`, and a child makes its
next report only when the last one has gone, so that a slow hub gets fewer and larger reports, never a queue.
"""

from __future__ import annotations

import marshal
import os
import select
from collections.abc import Iterator
from typing import Any

from pipetui.protocol.frames import Splitter, frame

#: How much is taken from a pipe at once (bytes): little, so that of hundreds of children with much to tell none
#: keeps the hub from its client for long.
READ_SIZE = 1 << 14


class Sender:
    """The writing end of a channel, over a nonblocking fd that it does not own."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._backlog = bytearray()

    @property
    def backlog(self) -> int:
        """Bytes that the pipe had no room for."""
        return len(self._backlog)

    def send(self, value: Any) -> None:
        """Write a marshallable value, as much of it as fits now. Raises BrokenPipeError when nobody listens."""
        self._backlog += frame(marshal.dumps(value))
        self.flush()

    def flush(self) -> bool:
        """Write more of the backlog; true when nothing is left."""
        try:
            while self._backlog:
                del self._backlog[: os.write(self._fd, self._backlog)]
        except BlockingIOError:
            pass
        return not self._backlog


def send_all(sender: Sender, fd: int, value: Any) -> None:
    """Send a value from a child that may wait until its hub has taken all of it."""
    sender.send(value)
    while not sender.flush():
        select.select([], [fd], [])


class Receiver:
    """The reading end of a channel, over a nonblocking fd that it does not own.

    `taken` counts the bytes read so far, `ended` turns true at EOF.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._splitter = Splitter()
        self.ended = False
        self.taken = 0

    def receive(self) -> Iterator[Any]:
        """Yield the values that have arrived by one read."""
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return
        self.ended = not data
        self.taken += len(data)
        for body in self._splitter.feed(data):
            yield marshal.loads(body)
