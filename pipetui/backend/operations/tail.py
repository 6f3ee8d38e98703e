"""A reader of a FIFO that gives each message and survives writers that come and go.

A reader's descriptor reports a hang-up for ever once the last writer has left, so at each EOF a fresh one is opened
before the old one is closed: it reports nothing until a writer comes, and there was never a moment without a reader.
One trap: a writer that came and left just before the fresh open has left bytes but no hang-up on it (Linux compares
the pipe's count of writers with that at the open). So after bytes, a read tells whether that was all, never a poll.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator

from pipetui.backend.messages.framing import Framer, make_framer
from pipetui.kernel import fifo
from pipetui.kernel.errors import Failed, PipeError
from pipetui.model import FRAME_LIMIT, Frame
from pipetui.protocol.operations import Messages, Negative, Tail

_LISTENER = 1
_CHUNK = 1 << 16
#: How often to look whether the FIFO is still there while nobody has it open (seconds): nobody can open it when not.
_LOOK = 1.0


def answer(operation: Tail) -> Iterator[Messages]:
    """Read until there are as many as wanted. Raises Gone, Missing, and Negative when nothing came in time."""
    if operation.framing == "fixed" and not 1 <= operation.fixed <= FRAME_LIMIT:
        raise Failed(f"a message of {operation.fixed} bytes can't be")
    left = operation.count
    framer = make_framer(operation.framing, operation.fixed, FRAME_LIMIT)
    with _Reader(operation.path, operation.timeout, framer) as reader:
        while left is None or left > 0:
            frames = reader.next()
            if left is not None:
                frames = frames[:left]
                left -= len(frames)
            if frames:
                yield Messages(tuple(frames))


class _Reader:
    """The read end, kept over any number of writers, and the framer of what comes through it."""

    def __init__(self, path: str, timeout: float | None, framer: Framer) -> None:
        self._path = path
        self._timeout = timeout
        self._framer = framer
        self._identity = fifo.identify(path)
        self._pipe = fifo.open_reader(path, expected=self._identity)
        self._ended = False
        self._more = False  # the last read gave bytes: only another read can tell whether EOF follows

    def next(self) -> list[Frame]:
        """Wait for bytes or EOF and return the frames they complete (maybe none). Raises Gone, Missing."""
        if self._ended:
            self._renew()
        if not self._more:
            self._wait()
        try:
            data = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:  # a writer is there and has written no more
            self._more = False
            return []
        self._more = bool(data)
        if data:
            return self._framer.feed(data)
        self._ended = True  # renewed only at the next call: what was read must be printed even if the FIFO is gone
        last = self._framer.end()
        return [last] if last else []

    def _renew(self) -> None:
        """Open a fresh descriptor, then close the one that would report the hang-up for ever."""
        fresh = fifo.open_reader(self._path, expected=self._identity)
        self._pipe.close()
        self._pipe, self._ended = fresh, False

    def _wait(self) -> None:
        """Return when a read is worth a try; leave when it takes too long or nobody reads our stdout any more."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        poll.register(_LISTENER, 0)  # POLLERR alone: nobody reads our output any more
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            left = _LOOK if deadline is None else min(_LOOK, max(0.0, deadline - time.monotonic()))
            ready = dict(poll.poll(left * 1000))
            if self._pipe.fileno() in ready:
                return
            if ready:
                raise BrokenPipeError
            if deadline is not None and time.monotonic() >= deadline:
                raise Negative(f"nothing came through {self._path} for {self._timeout:g} s")
            if self._replaced():
                return  # a read tells whether a writer is left; if none is, it ends here

    def _replaced(self) -> bool:
        """Whether the name no longer is this FIFO: then nobody new can come."""
        try:
            return fifo.identify(self._path) != self._identity
        except PipeError:
            return True

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
