"""Writing into a FIFO without ever hanging: wait for a reader, and for room, but only so long.

The FIFO is opened nonblocking again and again until a reader is there (the open fails with ENXIO before, fifo(7));
inotify(7) tells when somebody opens it, so the wait is short. Writes are nonblocking too: room in a full pipe is
waited for with poll(2), and a reader that leaves is an EPIPE, which Python gives instead of SIGPIPE.
"""

from __future__ import annotations

import os
import select
import time

from pipetui.kernel import fifo, inotify
from pipetui.kernel.errors import NoReader, PipeError, ReaderGone, Stalled
from pipetui.kernel.fd import Fd
from pipetui.model import PipeId

#: How long to sleep at most between two tries to open (seconds), where inotify does not wake us earlier.
_RETRY = 0.1


def open_writer_in_time(path: str, timeout: float, expected: PipeId | None = None) -> Fd:
    """Return a nonblocking write end as soon as there is a reader. Raises NoReader after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    with Opens(path) as opens:
        while True:
            try:
                return fifo.open_writer(path, expected=expected)
            except NoReader:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NoReader(f"no reader opened {path} within {timeout:g} s; nothing was sent") from None
                opens.wait(min(left, _RETRY))


class Opens:
    """Waits for somebody to open a path; where inotify can't be had, just for the time."""

    def __init__(self, path: str) -> None:
        self._watch: inotify.Inotify | None = None
        try:
            self._watch = inotify.Inotify()
            self._watch.add(path, inotify.OPEN | inotify.DONT_FOLLOW)
        except PipeError:
            self._close()

    def fileno(self) -> int | None:
        """Return what polls readable when the path was opened; None where that can't be known."""
        return self._watch.fileno() if self._watch else None

    def wait(self, timeout: float) -> None:
        """Return when the path was opened, at the latest after `timeout` seconds."""
        if self._watch is None:
            time.sleep(timeout)
            return
        select.select([self._watch], [], [], timeout)
        self.clear()

    def clear(self) -> None:
        """Forget the opens so far."""
        if self._watch is not None:
            self._watch.read()

    def _close(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def __enter__(self) -> Opens:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


class Delivery:
    """Writes into an open nonblocking write end and counts the bytes in `sent`."""

    def __init__(self, pipe: Fd, path: str, timeout: float) -> None:
        self.sent = 0
        self._pipe = pipe
        self._path = path
        self._timeout = timeout

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises Stalled after `timeout` seconds without any progress, ReaderGone."""
        rest = memoryview(data)
        poll = select.poll()
        poll.register(self._pipe, select.POLLOUT)
        while rest:
            try:
                count = os.write(self._pipe.fileno(), rest)
            except BlockingIOError:
                if not poll.poll(self._timeout * 1000):
                    why = f"{self._path} is full and nobody has read from it for {self._timeout:g} s"
                    raise Stalled(f"{why}; {self.sent:,} bytes were written") from None
                continue
            except BrokenPipeError:
                raise self.reader_gone() from None
            self.sent += count
            rest = rest[count:]

    def reader_gone(self) -> ReaderGone:
        """Return the error for a last reader that has left, with what was sent by then."""
        return ReaderGone(f"the last reader of {self._path} has gone; {self.sent:,} bytes were written")
