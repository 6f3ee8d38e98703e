"""Sends one message into a FIFO and never hangs: waits for a reader and for room, both only until a deadline.

Run in a child by the hub, and directly by the command line.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import closing

from pipetui.backend.channel import Sender
from pipetui.backend.wire import Send
from pipetui.kernel import fifo
from pipetui.kernel.errors import Failed, NoReader, PipeError, translated
from pipetui.kernel.fd import Fd
from pipetui.kernel.inotify import OPEN, Inotify
from pipetui.model import PipeId
from pipetui.text import encode

#: A reader that comes is noticed by inotify; where that can't be had, by looking this often (seconds).
LOOK_AGAIN = 0.05


def open_in_time(path: str, deadline: float, expected: PipeId | None = None) -> Fd:
    """Return a nonblocking write end as soon as there is a reader. Raises `NoReader` at the deadline."""
    with closing(Inotify()) as watch:
        try:
            watch.add(path, OPEN)
        except PipeError:
            pass
        while True:
            try:
                return fifo.open_writer(path, expected=expected)
            except NoReader:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                select.select([watch.fileno()], [], [], min(left, LOOK_AGAIN))
                watch.read()


def write_in_time(fd: int, data: bytes, path: str, deadline: float) -> None:
    """Write all of `data`. Raises `Failed` at the deadline, `ReaderGone` when the last reader leaves."""
    left = memoryview(data)
    while left:
        try:
            with translated(path):
                left = left[os.write(fd, left) :]
        except PipeError as error:
            if not isinstance(error.__cause__, BlockingIOError):
                raise
            wait = deadline - time.monotonic()
            if wait <= 0:
                sent = len(data) - len(left)
                raise Failed(f"{path} is full and nobody reads: {sent:,} of {len(data):,} bytes were sent") from None
            select.select([], [fd], [], wait)


def main(request: Send, expected: PipeId, _control: int, report: int) -> None:
    """Carry out a `Send` request in a child; report the problem, or an empty sentence."""
    deadline = time.monotonic() + max(0.0, min(request.timeout, 60.0))
    problem = ""
    try:
        with open_in_time(request.path, deadline, expected) as fd:
            write_in_time(fd.fileno(), encode(request.payload), request.path, deadline)
    except PipeError as error:
        problem = str(error)
    Sender(report).send(problem)
