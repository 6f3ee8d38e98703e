"""A forked producer: writes messages into a FIFO at a rate, and shows what the kernel answers.

A blocking producer waits where programs wait: in `open` for a reader (fifo(7)) and in `write` for room (pipe(7)).
A nonblocking one is told ENXIO and EAGAIN instead, counts them, and sleeps until inotify or poll say that it is
worth another try. When the last reader leaves, either gets EPIPE.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from pipetui.backend.actors.actor import Actor, Finished, Waiting
from pipetui.backend.actors.template import compile_template
from pipetui.backend.runtime.orders import ActorOrder
from pipetui.kernel import fifo
from pipetui.kernel.delivery import Opens
from pipetui.kernel.errors import NoReader
from pipetui.model import ProducerSpec

_NO_READER = Waiting("opening", "waits for a reader", "waiting")
_NO_MORE_READER = Waiting("waiting", "waits for the next reader", "waiting")
_FULL = Waiting("waiting", "the pipe is full: waits for room", "waiting", after=0.2)

#: The length of a random message whose spec gives none.
RANDOM_SIZE = 64

#: Up to this rate (messages/s) each message is announced to the hub, which can then tell several writers apart.
ANNOUNCED = 200.0

#: A nonblocking producer without a reader looks again this often (seconds) where inotify can't tell it.
LOOK_AGAIN = 1.0


def messages(spec: ProducerSpec) -> Iterator[bytes]:
    """Yield what a spec's source gives, each message with its newline where it has one."""
    if spec.source == "random":
        while True:
            yield os.urandom(spec.size or RANDOM_SIZE)
    if spec.source == "file":
        yield from _file_lines(spec.file)
        return
    render = compile_template(spec.template)
    number = 0
    while True:
        message = render(number).encode("utf-8", "surrogateescape")
        if spec.size:
            message = message[: spec.size - 1].ljust(spec.size - 1, b".")
        yield message + b"\n"
        number += 1


def _file_lines(path: str) -> Iterator[bytes]:
    try:
        with Path(path).open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Finished(f"{path} is not a regular file")
            for line in file:
                yield line if line.endswith(b"\n") else line + b"\n"
    except OSError as error:
        raise Finished(f"{path}: {error.strerror}") from None


class Producer(Actor):
    """Carries out a `ProducerSpec`."""

    def __init__(self, spec: ProducerSpec, control: int, report: int) -> None:
        super().__init__(control, report)
        self._spec = spec
        self._rate = spec.rate
        self._turn = 0.0

    def obey(self, order: ActorOrder) -> None:
        if order.rate is not None:
            self._rate = order.rate
            self._turn = 0.0

    def work(self) -> None:
        self.identify(self._spec.path)
        self._open(_NO_READER)
        self.state("running", "writing")
        self.report()  # the hub knows of this writer before anybody can read what it writes
        for number, message in enumerate(messages(self._spec)):
            if self._spec.count and number >= self._spec.count:
                raise Finished("all written")
            if self._rate > 0 and number % self._spec.burst == 0:
                self._await_turn()
            self.step()
            if 0 < self._rate <= ANNOUNCED:
                self.announce(message.removesuffix(b"\n"))
            self._deliver(message)
        raise Finished("all written")

    def _await_turn(self) -> None:
        """Sleep until the next burst is due; a producer that was held up does not make up for it."""
        while True:
            now = self.step()  # may take an order: another rate, another turn
            if self._rate <= 0 or (left := self._turn - now) <= 0:
                break
            self.pause(left)
        now = time.monotonic()
        self._turn = max(self._turn, now - 1.0) if self._turn else now
        if self._rate > 0:
            self._turn += self._spec.burst / self._rate

    # --- opening --------------------------------------------------------------------------------------------------

    def _open(self, waiting: Waiting) -> None:
        if self._spec.nonblocking or self._spec.no_reader == "stop":
            self._open_nonblocking(waiting)
        if not self._spec.nonblocking:
            with self.blocking(waiting):
                fd = fifo.open_writer(self._spec.path, blocking=True, expected=self.pipe)
            self.opened(fd)

    def _open_nonblocking(self, waiting: Waiting) -> None:
        """Try to open; without a reader give up, or try again whenever somebody has opened the FIFO."""
        with Opens(self._spec.path) as opens:
            while True:
                try:
                    self.opened(fifo.open_writer(self._spec.path, expected=self.pipe))
                    return
                except NoReader:
                    if self._spec.no_reader == "stop" and waiting is _NO_READER:
                        raise
                self.pause(LOOK_AGAIN, reading=opens.fileno(), waiting=waiting)
                opens.clear()

    # --- writing --------------------------------------------------------------------------------------------------

    def _deliver(self, message: bytes) -> None:
        """Write one message whole; after EPIPE again to the next reader, who has seen nothing of it."""
        while True:
            try:
                self._write(message)
                break
            except BrokenPipeError:
                self.epipe += 1
                self.closed()
                if self._spec.reader_gone == "stop":
                    raise Finished("the reader has gone") from None
                self._open(_NO_MORE_READER)
        self.messages += 1

    def _write(self, message: bytes) -> None:
        assert self.fd is not None
        fd = self.fd.fileno()
        left = memoryview(message)
        while left:
            self._waiting = _FULL
            self._waiting_since = start = time.monotonic()
            self.tick()
            self._inside = True
            try:
                written = os.write(fd, left)
            except BlockingIOError:
                self._inside = False
                self.eagain += 1
                self.pause(None, writing=fd, waiting=_FULL)
                self.blocked += time.monotonic() - start
                continue
            finally:
                self._inside = False
                self._waiting = None
            self.blocked += self._held_up(start)
            if self._phase != "running":
                self.state("running", "writing")
            self.bytes += written
            left = left[written:]

    @staticmethod
    def _held_up(start: float) -> float:
        """Return how long a write that began at `start` has waited; the time of the write itself does not count."""
        lasted = time.monotonic() - start
        return lasted if lasted > 0.001 else 0.0


def main(spec: ProducerSpec, control: int, report: int) -> None:
    """Run a producer in this process until it ends."""
    Producer(spec, control, report).run()
