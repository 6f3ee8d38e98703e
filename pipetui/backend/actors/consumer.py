"""A forked consumer: drains its FIFO as fast as the kernel gives, and shows the newest of what it read.

Reads go into one large buffer, each behind the last, and are counted there (`Framer.skip`). When a report is due,
the newest messages are cut out of what lies in the buffer; before the buffer is filled from its front again, those
of a stream of modest speed are cut out too, so that nothing of it is missed. The log never costs more than a small
share of the stream, whatever its speed.

At EOF a consumer that follows opens a fresh read end before it closes the old one (fifo(7), poll(2)): a fd whose
last writer left reports POLLHUP for ever, a fresh one reports nothing until a writer comes, and there never is a
moment without a reader in which a writer would get SIGPIPE.
"""

from __future__ import annotations

import os
import time

from pipetui.backend.actors.actor import Actor, Finished, Kept, Waiting
from pipetui.backend.messages.framing import Region, make_framer
from pipetui.backend.runtime.orders import ActorOrder
from pipetui.kernel import fifo
from pipetui.kernel.fd import Fd
from pipetui.model import ConsumerSpec, Frame

#: Room in the buffer for one frame of the greatest length and this much more.
BUFFER_SPACE = 1 << 20
#: From here on the buffer is filled from its front again where that is cheap: a small buffer stays in the CPU's cache.
EARLY = 1 << 18
#: Reading never begins with less room than this, what a pipe holds by default.
LEAST_SPACE = 1 << 16

#: What a report carries at most: messages, and bytes of them (one message may be larger).
KEEP_MESSAGES = 500
KEEP_BYTES = 1 << 16
#: While a stream is this slow (bytes an interval), its messages are kept up to this many bytes.
MODEST = 1 << 20

#: Above this (bytes an interval) the log gets only KEEP_BYTES, and pieces of a message without end are only counted.
FLOOD = 1 << 22

#: A delayed consumer reads no more than this at once, as programs with buffered input do: the rest stays in the pipe.
DELAYED_READ = 4096

_NO_DATA = Waiting("waiting", "waits for data", "calm", after=1.5)
_NO_WRITER = Waiting("waiting", "waits for a writer", "waiting")
_NO_MORE_WRITER = Waiting("waiting", "waits for the next writer", "waiting")


class Consumer(Actor):
    """Carries out a `ConsumerSpec`."""

    def __init__(self, spec: ConsumerSpec, control: int, report: int) -> None:
        super().__init__(control, report)
        self._spec = spec
        self._delay = spec.delay
        self._framer = make_framer(spec.framing, spec.fixed, spec.limit)
        self._buffer = bytearray(spec.limit + BUFFER_SPACE)
        self._view = memoryview(self._buffer)
        self._region = Region(0, True)
        self._position = 0
        self._shown = 0  # index of the last frame that was kept or passed over
        self._kept: list[Kept] = []
        self._interval_bytes = 0

    def obey(self, order: ActorOrder) -> None:
        if order.delay is not None:
            self._delay = order.delay

    def work(self) -> None:
        self.identify(self._spec.path)
        self._open()
        while True:
            self.state("running", "reading")
            self._drain()
            self._at_eof()

    # --- opening and EOF ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._spec.nonblocking:
            self.opened(fifo.open_reader(self._spec.path, expected=self.pipe))
            self._await(_NO_WRITER)
        else:
            with self.blocking(_NO_WRITER._replace(phase="opening")):
                fd = fifo.open_reader(self._spec.path, blocking=True, expected=self.pipe)
            self.opened(fd)

    def _await(self, waiting: Waiting) -> None:
        """Sleep until a fresh read end has something to say: data, or a writer that came and went."""
        assert self.fd is not None
        while not self.pause(None, reading=self.fd.fileno(), waiting=waiting):
            pass

    def _at_eof(self) -> None:
        """The last writer has gone and the pipe is empty."""
        self.eofs += 1
        self._gather()
        self._framer.resume(self._buffer, self._region.start, self._position)
        frame = self._framer.end()
        if frame is not None:
            self.incomplete += 1
            self._keep([frame])
        self._restart()
        self._count()
        if not self._spec.follow:
            raise Finished("end of file")
        assert self.fd is not None
        again = f"/proc/self/fd/{self.fd.fileno()}"  # the same FIFO, even if its name is gone by now
        # Not a blocking open: it would sleep on over the bytes of a writer that came and went just before it.
        self.opened(Fd(os.open(again, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)))
        self._await(_NO_MORE_WRITER)
        if not self._spec.nonblocking:
            os.set_blocking(self.fd.fileno(), True)

    # --- reading --------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Read until EOF."""
        assert self.fd is not None
        fd = self.fd.fileno()
        while True:
            count = self._read_delayed(fd) if self._delay > 0 else self._read_fast(fd)
            if count == 0:
                return
            if count is None:
                self.eagain += 1
                self.pause(None, reading=fd, waiting=_NO_DATA)

    def _read_fast(self, fd: int) -> int | None:
        """Read and count as fast as the kernel gives, until EOF (0), EAGAIN (None) or a delay is ordered (1).

        One long function on purpose: at 64 KiB a read, each call more in this loop costs half a percent of the speed.
        """
        clock, readv, view, framer, buffer = time.monotonic, os.readv, self._view, self._framer, self._buffer
        skip = framer.skip
        while self._delay <= 0:
            now = clock()
            if now >= self._next_report or self._poked or self._stopping:
                self.step()
            if not self._ticking:
                self.tick()
            self._waiting, self._waiting_since = _NO_DATA, now
            start = self._position
            self._inside = True
            try:
                count = readv(fd, [view[start:]])
            except BlockingIOError:
                return None
            finally:
                self._inside = False
                self._waiting = None
            if not count:
                return 0
            if self._phase != "running":
                self.state("running", "reading")
            self._position = end = start + count
            self.bytes += count
            self._interval_bytes += count
            frames = skip(buffer, self._region.start, start, end, self._interval_bytes > FLOOD)
            self.messages = framer.count
            if frames is not None:
                self._set_aside(frames)
            if self._interval_bytes <= DELAYED_READ:
                self._gather()  # at once, while that is cheap, for a true time stamp
            if end > EARLY and (framer.tail < LEAST_SPACE or len(buffer) - end < LEAST_SPACE):
                self._from_the_front()
        return 1

    def _set_aside(self, frames: list[Frame]) -> None:
        """Keep frames that had to be cut out at once; what follows them begins anew."""
        self._keep(frames[-KEEP_MESSAGES:])
        self._shown = self._framer.count
        self.split = self._framer.splits
        self._region = Region(self._position, self._framer.unfinished == 0)

    def _read_delayed(self, fd: int) -> int | None:
        """Read a little and take its messages one by one, each with the delay; the rest stays in the pipe."""
        self.step()
        self._gather()
        self._framer.resume(self._buffer, self._region.start, self._position)
        self._restart()
        self._waiting, self._waiting_since = _NO_DATA, time.monotonic()
        self.tick()
        self._inside = True
        try:
            data = os.read(fd, DELAYED_READ)
        except BlockingIOError:
            return None
        finally:
            self._inside = False
            self._waiting = None
        self.state("running", "reading")
        self.bytes += len(data)
        for frame in self._framer.feed(data):
            self._keep([frame])
            self.messages = self._shown = frame.number
            self.split = self._framer.splits
            start = time.monotonic()
            while True:
                now = self.step()  # may take an order: another delay
                if (left := start + self._delay - now) <= 0:
                    break
                self.pause(left)
        self._region = Region(0, self._framer.unfinished == 0)
        return len(data)

    def _from_the_front(self) -> None:
        """Fill the buffer from its front again; the unfinished frame's bytes move there, if they are all here."""
        if self._interval_bytes <= MODEST:
            self._gather()
        tail = self._framer.tail
        if tail <= self._position - self._region.start:
            self._buffer[:tail] = self._buffer[self._position - tail : self._position]
            self._region = Region(0, True)
            self._position = tail
        else:
            self._region = Region(0, False)
            self._position = 0
        self._framer.moved()

    def _restart(self) -> None:
        self._region = Region(0, self._framer.unfinished == 0)
        self._position = 0
        self._framer.moved()

    def _count(self) -> None:
        self.messages = self._framer.count
        self.split = self._framer.splits

    # --- messages for the log -------------------------------------------------------------------------------------

    def _keep(self, frames: list[Frame]) -> None:
        now = time.time()
        self._kept += [(frame.number, now, frame.payload, frame.piece) for frame in frames]
        if len(self._kept) > 4 * KEEP_MESSAGES or self._interval_bytes > 2 * MODEST:
            self._kept = self._newest(self._kept, MODEST)

    def _gather(self) -> None:
        """Cut the newest messages that are not kept yet out of the buffer."""
        new = self._framer.count - self._shown
        if new:
            room = MODEST if self._interval_bytes <= MODEST else KEEP_BYTES
            most = min(new, KEEP_MESSAGES)
            self._keep(self._framer.newest(self._buffer, self._region, self._position, most, room))
            self._shown = self._framer.count

    def has_news(self) -> bool:
        return bool(self._kept)

    def gathered(self) -> list[Kept]:
        self._gather()
        kept, self._kept = self._newest(self._kept, MODEST if self._interval_bytes <= FLOOD else KEEP_BYTES), []
        self._interval_bytes = 0
        return kept

    @staticmethod
    def _newest(kept: list[Kept], room: int) -> list[Kept]:
        """Return the newest of what was kept: at least one, then as many as a report and `room` (bytes) hold."""
        first = len(kept)
        while first > 0 and len(kept) - first < KEEP_MESSAGES:
            room -= len(kept[first - 1][2])
            if room < 0 and first < len(kept):
                break
            first -= 1
        return kept[first:]


def main(spec: ConsumerSpec, control: int, report: int) -> None:
    """Run a consumer in this process until it ends."""
    Consumer(spec, control, report).run()
