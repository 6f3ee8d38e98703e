"""`pipetui send`: one message, or stdin, into a FIFO; never hangs.

The FIFO is opened nonblocking again and again until a reader is there (the open fails with ENXIO before, fifo(7));
inotify(7) tells when somebody opens it, so the wait is short. Writes are nonblocking too: a full pipe is waited for
with poll(2), and a reader that leaves is an EPIPE, which Python gives instead of SIGPIPE.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from typing import NoReturn

from pipetui.cli.exits import ExitCode, Leave
from pipetui.cli.values import seconds
from pipetui.kernel import fifo, inotify
from pipetui.kernel.errors import NoReader, PipeError
from pipetui.kernel.fd import Fd

NAME = "send"
HELP = "Write one message, or all of stdin, into a FIFO. Never hangs: without a reader it gives up (exit 1)."
EXAMPLE = """
pipetui send /tmp/log.fifo "hello"
journalctl -n 100 | pipetui send /tmp/log.fifo --timeout 30
"""

#: How long to sleep at most between two tries to open (seconds), where inotify does not wake us earlier.
_RETRY = 0.1
_CHUNK = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("path", metavar="PATH", help="an existing FIFO")
    parser.add_argument(
        "text", nargs="?", metavar="TEXT", help="the message, sent with a newline (default: all of stdin)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="S",
        help="give up after so many seconds without a reader, or without room in a full pipe (default 5)",
    )


def run(args: argparse.Namespace) -> int:
    """Wait for a reader, then write."""
    with _open(args.path, args.timeout) as pipe:
        sender = _Sender(pipe, args.path, args.timeout)
        if args.text is not None:
            sender.write(os.fsencode(args.text) + b"\n")
        else:
            sender.copy(sys.stdin.fileno())
    return ExitCode.OK


def _open(path: str, timeout: float) -> Fd:
    """Open the FIFO as soon as it has a reader; leave with exit 1 when none comes in time."""
    deadline = time.monotonic() + timeout
    with _Opens(path) as opens:
        while True:
            try:
                return fifo.open_writer(path)
            except NoReader:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Leave(
                        ExitCode.NEGATIVE, f"no reader opened {path} within {timeout:g} s; nothing was sent"
                    ) from None
                opens.wait(min(left, _RETRY))


class _Opens:
    """Waits for somebody to open a path; without inotify, just for the time."""

    def __init__(self, path: str) -> None:
        self._watch: inotify.Inotify | None = None
        try:
            self._watch = inotify.Inotify()
            self._watch.add(path, inotify.OPEN | inotify.DONT_FOLLOW)
        except PipeError:
            self._close()

    def wait(self, timeout: float) -> None:
        """Return when the path was opened, at the latest after `timeout` seconds."""
        if self._watch is None:
            time.sleep(timeout)
            return
        select.select([self._watch], [], [], timeout)
        self._watch.read()

    def _close(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def __enter__(self) -> _Opens:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


class _Sender:
    """Writes into an open FIFO and counts; leaves with exit 1 when the reader stops reading or goes."""

    def __init__(self, pipe: Fd, path: str, timeout: float) -> None:
        self._pipe = pipe
        self._path = path
        self._timeout = timeout
        self._sent = 0

    def write(self, data: bytes) -> None:
        """Write all of `data`; the timeout starts anew with each bit of progress."""
        rest = memoryview(data)
        poll = select.poll()
        poll.register(self._pipe, select.POLLOUT)
        while rest:
            try:
                count = os.write(self._pipe.fileno(), rest)
            except BlockingIOError:
                if not poll.poll(self._timeout * 1000):
                    self._leave(f"{self._path} is full and nobody has read from it for {self._timeout:g} s")
                continue
            except BrokenPipeError:
                self._leave(f"the last reader of {self._path} has gone")
            self._sent += count
            rest = rest[count:]

    def copy(self, source: int) -> None:
        """Send what comes from the descriptor `source` until it ends; notice a reader that goes meanwhile."""
        poll = select.poll()
        poll.register(source, select.POLLIN)
        poll.register(self._pipe, 0)  # POLLERR alone: the last reader has gone
        while True:
            ready = dict(poll.poll())
            if source in ready:
                data = _read(source)
                if not data:
                    return
                self.write(data)
            elif ready:
                self._leave(f"the last reader of {self._path} has gone")

    def _leave(self, why: str) -> NoReturn:
        raise Leave(ExitCode.NEGATIVE, f"{why}; {self._sent:,} bytes were written")


def _read(source: int) -> bytes:
    """Read some of stdin; somebody else may have made it nonblocking, and then may have taken what was there."""
    try:
        return os.read(source, _CHUNK)
    except BlockingIOError:
        select.select([source], [], [])
        return _read(source)
