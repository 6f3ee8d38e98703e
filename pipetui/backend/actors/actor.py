"""What producers and consumers have in common: a forked process that reports to the hub and can be told things.

An actor blocks for real where its spec says so (in `open`, `read` or `write`), because that is what there is to
see. So it is steered by signals: SIGTERM ends it, SIGUSR1 says "look at your control pipe", and while there is
something unreported a timer (SIGALRM) ticks. A handler only works on the actor's state while the main line stands
inside `blocking()`; elsewhere it leaves a note that the main line reads at its next step. A signal that arrives in
the few instructions before a system call would be noticed late: the timer ticks until all is reported, and the hub
repeats its pokes until they are acknowledged, so nothing is missed for long. An idle actor has no timer.
"""

from __future__ import annotations

import os
import select
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, NamedTuple

from pipetui.backend.runtime.channel import Receiver, Sender
from pipetui.backend.runtime.orders import ACTOR_ORDER, ActorOrder
from pipetui.kernel import fifo, ioctl
from pipetui.kernel.errors import PipeError
from pipetui.kernel.fd import Fd
from pipetui.model import Counters, Phase, Piece, PipeId, Severity

#: Seconds between reports while there is something new.
REPORT_INTERVAL = 0.05

#: A message as it is reported: its number in the stream, when it was read (epoch), its payload, and what piece it is.
#: A plain tuple, since marshal knows no other.
Kept = tuple[int, float, bytes, Piece]


class Waiting(NamedTuple):
    """The state that a call's waiting is shown as, once it has waited for `after` seconds."""

    phase: Phase
    detail: str
    severity: Severity
    after: float = 0.0


class Finished(Exception):
    """Ends an actor's main line; the message is shown in its row."""


class Actor(ABC):
    """One producer or consumer, in its own process. Subclasses write `work`, which ends by raising `Finished`."""

    def __init__(self, control: int, report: int) -> None:
        self._control = Receiver(control)
        self._control_fd = control
        self._sender = Sender(report)
        self._report_fd = report
        self.messages = self.bytes = self.eagain = self.epipe = self.eofs = self.incomplete = self.split = 0
        self.blocked = 0.0
        self.fd: Fd | None = None
        self._phase: Phase = "starting"
        self._detail = ""
        self._severity: Severity = "calm"
        self._pipe: PipeId | None = None
        self._acknowledged = 0
        self._inside = False  # the main line stands in a blocking call: handlers may work
        self._listening = False  # the main line waits for orders, too: handlers leave them to it
        self._poked = self._stopping = False
        self._pausing = False
        self._pausing_in: float | None = None  # the blocking call (by its beginning) in which that was ordered
        self._ticking = False
        self._next_report = 0.0
        self._last_report: tuple[Any, ...] = ()
        self._waiting_since = 0.0
        self._waiting: Waiting | None = None

    # --- for subclasses -------------------------------------------------------------------------------------------

    @abstractmethod
    def work(self) -> None:
        """Do what the actor is for; ends by raising `Finished`."""

    def obey(self, order: ActorOrder) -> None:
        """Take an order from the hub; pausing is done here."""

    def gathered(self) -> list[Kept]:
        """Return the messages for the report that is about to be sent."""
        return []

    def has_news(self) -> bool:
        """Say whether there are messages to report."""
        return False

    def announce(self, message: bytes) -> None:
        """Tell the hub at once what is about to be written, so that it can say later who wrote it.

        It is in the hub's pipe before the message is in the FIFO. Left out while a report is on its way: then the
        writer of this message stays unknown.
        """
        if self._sender.flush():
            self._sender.send(hash(message))

    def state(self, phase: Phase, detail: str = "", severity: Severity = "calm") -> None:
        """Say what the actor does now, in the hub's and the screen's words."""
        self._phase, self._detail, self._severity = phase, detail, severity

    def run(self) -> None:
        """Work until finished, then make the last report and end the process."""
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
            signal.signal(number, self._on_signal)
        try:
            self.work()
            reason = ""
        except Finished as end:
            reason = str(end)
        except PipeError as error:
            reason = str(error)
        self._finish(reason)

    def _finish(self, reason: str) -> None:
        """Make the last report, which may wait for the hub but not for long, and end."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._stopping = False
        self.state("ended", reason)
        deadline = time.monotonic() + 2
        try:
            while not self._sender.flush() and time.monotonic() < deadline:
                select.select([], [self._report_fd], [], 0.1)
            self._send_report()
            while not self._sender.flush() and time.monotonic() < deadline:
                select.select([], [self._report_fd], [], 0.1)
        except OSError:
            pass
        os._exit(0)

    # --- signals, orders, reports ---------------------------------------------------------------------------------

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            self._stopping = True
        else:
            self._poked = True
        if self._inside:
            self._inside = False  # a second signal must not work on what this one is changing
            try:
                self._attend(inside=True, ticked=number == signal.SIGALRM)
            finally:
                self._inside = True

    def _attend(self, *, inside: bool = False, ticked: bool = False) -> None:
        if self._stopping:
            self._finish("stopped")
        self._poked = False
        if not self._listening:
            self._take_orders()
        waiting = self._waiting
        if waiting and time.monotonic() - self._waiting_since >= waiting.after:
            self.state(waiting.phase, waiting.detail, waiting.severity)
        self.report()
        if self._pausing:
            self._pause_when_counted(inside, ticked)

    def _take_orders(self) -> None:
        for order in map(ACTOR_ORDER.decode, self._control.receive()):
            self._acknowledged = order.number
            if order.pause is not None:
                self._pausing, self._pausing_in = order.pause, None
            self.obey(order)
        if self._control.ended:
            os._exit(0)  # the hub is gone

    def _pause_when_counted(self, inside: bool, ticked: bool) -> None:
        """Stand still where all that was written or read is counted.

        From a handler it can't be told whether the call below it still waits or has just ended, uncounted. So it is
        left to the main line's next step; if two ticks of the timer find that in the same call, it does wait there.
        (One tick and one poke would not do: they may both be handled at the end of the call.)
        """
        if not inside or (ticked and self._pausing_in == self._waiting_since):
            self._stand_still()
            return
        if ticked:
            self._pausing_in = self._waiting_since
        self._poked = True
        self.tick()

    def _stand_still(self) -> None:
        """Report everything, and do nothing until the hub says so; it stops this process when it reads that."""
        before = (self._phase, self._detail, self._severity)
        self.state("paused", "paused", "waiting")
        signal.setitimer(signal.ITIMER_REAL, 0)
        while self._pausing and not self._stopping:
            self.report()
            select.select([self._control_fd], [], [], REPORT_INTERVAL)
            self._take_orders()
        self.state(*before)
        if self._stopping:
            self._finish("stopped")
        self._ticking = False
        self.tick()

    @contextmanager
    def blocking(self, waiting: Waiting) -> Iterator[None]:
        """Around a call that may block: signals are served inside, and the time counts as blocked.

        `waiting` becomes the actor's state while the call lasts; what was its state before is so again afterwards.
        """
        if self._stopping or self._poked:
            self._attend()
        before = (self._phase, self._detail, self._severity)
        self._waiting = waiting
        self._waiting_since = start = time.monotonic()
        self.tick()
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            self._waiting = None
            self.blocked += time.monotonic() - start
            self.state(*before)

    def tick(self) -> None:
        """Let the timer run until all is reported."""
        if not self._ticking:
            self._ticking = True
            signal.setitimer(signal.ITIMER_REAL, REPORT_INTERVAL, REPORT_INTERVAL)

    def step(self) -> float:
        """Take a moment between two messages: serve what signals have left, report when due; return the time."""
        now = time.monotonic()
        if self._stopping or self._poked:
            self._attend()
        elif now >= self._next_report:
            self.report()
        return now

    def pause(
        self,
        seconds: float | None,
        *,
        reading: int | None = None,
        writing: int | None = None,
        waiting: Waiting | None = None,
    ) -> bool:
        """Sleep until `seconds` have passed, an order has come, or an fd is ready; True only for the last.

        `waiting` is how a long sleep is shown, as in `blocking`.
        """
        if self._stopping or self._poked:
            self._attend()  # which may take an order
            return False
        before = (self._phase, self._detail, self._severity)
        self._waiting = waiting
        self._waiting_since = time.monotonic()
        poller = select.poll()
        poller.register(self._control_fd, select.POLLIN)
        if reading is not None:
            poller.register(reading, select.POLLIN)
        if writing is not None:
            poller.register(writing, select.POLLOUT)
        self.tick()
        # An order that a handler took here would leave the poll to last as long as before it.
        self._listening = self._inside = True
        try:
            ready = poller.poll(None if seconds is None else max(0, int(seconds * 1000 + 0.999)))
        finally:
            self._listening = self._inside = False
            self._waiting = None
            self.state(*before)
        for fd, _ in ready:
            if fd == self._control_fd:
                self._attend()
        return any(fd != self._control_fd for fd, _ in ready)

    def report(self) -> None:
        """Send what is new, unless the last report is still on its way; stop the timer when nothing is new."""
        self._next_report = time.monotonic() + REPORT_INTERVAL
        try:
            if not self._sender.flush():
                return
            if self._summary() == self._last_report and not self.has_news():
                if self._ticking and not self._state_unreported():
                    self._ticking = False
                    signal.setitimer(signal.ITIMER_REAL, 0)
                return
            self._send_report()
        except BrokenPipeError:
            os._exit(0)  # the hub is gone

    def _state_unreported(self) -> bool:
        return self._waiting is not None and self._waiting.detail != self._detail

    def _send_report(self) -> None:
        self._last_report = self._summary()
        self._sender.send((*self._last_report, self.blocked, self.gathered()))

    def _summary(self) -> tuple[Any, ...]:
        queued = capacity = None
        if self.fd is not None and not self.fd.closed:
            try:
                queued, capacity = ioctl.queued(self.fd.fileno()), ioctl.capacity(self.fd.fileno())
            except OSError:
                pass
        counts = (self.messages, self.bytes, self.eagain, self.epipe, self.eofs, self.incomplete, self.split)
        state = (self._phase, self._detail, self._severity)
        pipe = tuple(self._pipe) if self._pipe else None
        return (counts, state, pipe, queued, capacity, self._acknowledged)

    # --- the FIFO -------------------------------------------------------------------------------------------------

    def opened(self, fd: Fd) -> Fd:
        """Take over a freshly opened end as this actor's fd."""
        old, self.fd = self.fd, fd
        if old is not None:
            old.close()
        if self._pipe is None:
            status = os.fstat(fd.fileno())
            self._pipe = PipeId(status.st_dev, status.st_ino)
        return fd

    def closed(self) -> None:
        """Let go of the end."""
        if self.fd is not None:
            self.fd.close()
            self.fd = None

    def identify(self, path: str) -> None:
        """Note which FIFO this actor is about before it waits for the other side."""
        self._pipe = fifo.identify(path)

    @property
    def pipe(self) -> PipeId | None:
        """The FIFO that this actor opened first; a later open must find the same."""
        return self._pipe


def counters(counts: tuple[int, ...], blocked: float) -> Counters:
    """Return the counters that a report carried."""
    return replace(Counters(*counts), blocked=round(blocked, 2))
