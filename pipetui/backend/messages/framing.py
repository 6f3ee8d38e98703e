"""Cuts a byte stream into messages: lines, NUL-ended, fixed length, 4-byte length prefix, or the chunks of each read.

Every framer works in two gears. `feed` gives each frame whole. `skip` only counts, at memchr speed and without a
Python step per message, because a stream may be too fast to be shown; `newest` then cuts the last few frames out of
the buffer that was counted. Counts are exact in both gears. A frame longer than the limit comes in pieces marked
"split", so nothing grows without bound.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections import deque
from typing import NamedTuple

from pipetui.model import FRAME_LIMIT, Frame, Framing, Piece

Buffer = bytes | bytearray

_PREFIX = struct.Struct(">I")


#: From this length on (bytes), looking for each delimiter is cheaper than counting them all.
LONG = 2048


class Region(NamedTuple):
    """Where an unbroken piece of the stream begins in a buffer; `whole` if a frame begins there."""

    start: int
    whole: bool


class Framer(ABC):
    """The state between two reads: how many frames there were, and the bytes of the unfinished one."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self.limit = max(1, limit)
        self.count = 0
        self.splits = 0
        self._carry = bytearray()
        self._carried = 0  # true length of the unfinished frame; more than len(_carry) once its head was skipped
        self._splitting = False  # pieces of the unfinished frame have been given away

    @property
    def unfinished(self) -> int:
        """How many bytes of the unfinished frame have been seen."""
        return self._carried

    @abstractmethod
    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes. One whose head was skipped is counted but not returned."""

    @abstractmethod
    def skip(self, buffer: Buffer, region: int, start: int, end: int, hurry: bool = False) -> list[Frame] | None:
        """Count the frames in `buffer[start:end]`, which follows the stream's bytes in `buffer[region:start]`.

        Returns None, or the frames themselves where counting alone would not do; then `newest` must not be asked
        about anything before `end`. In a `hurry`, pieces of an endless frame are counted but not cut out.
        """

    @abstractmethod
    def newest(self, buffer: Buffer, region: Region, end: int, most: int, room: int) -> list[Frame]:
        """Return the newest whole frames of the counted `buffer[region.start:end]`: `most`, and `room` bytes of them.

        The newest frame is returned even if it alone exceeds `room`.
        """

    def moved(self) -> None:
        """The buffer is being filled from its front again: positions in it mean nothing any more."""

    @property
    def tail(self) -> int:
        """How many of the buffer's last bytes belong to an unfinished frame and have to stay in the buffer."""
        return self._carried

    def end(self) -> Frame | None:
        """The stream has ended: return the unfinished frame, marked "incomplete", if there is one."""
        if not self._carried:
            return None
        self.count += 1
        whole = len(self._carry) == self._carried
        payload = bytes(self._carry) if whole else b""
        self._forget()
        return Frame(payload, "incomplete", self.count)

    def _forget(self) -> None:
        self._carry.clear()
        self._carried = 0
        self._splitting = False

    def resume(self, buffer: Buffer, start: int, end: int) -> None:
        """Take the unfinished frame's bytes back out of a counted buffer, if they are all there."""
        if len(self._carry) != self._carried <= end - start:
            self._carry[:] = buffer[end - self._carried : end]

    def _keep(self, data: bytes) -> None:
        """Add bytes to the unfinished frame; its content is dropped once the head is unknown."""
        if len(self._carry) == self._carried:
            self._carry += data
        self._carried += len(data)

    def _complete(self, tail: bytes, frames: list[Frame]) -> None:
        """Close the unfinished frame with `tail`, unless its head was skipped; then it only counts."""
        self.count += 1
        if len(self._carry) == self._carried:
            frames.append(Frame(bytes(self._carry) + tail if self._carried else tail, "", self.count))
        self._forget()

    def _split(self, frames: list[Frame]) -> None:
        """Give away pieces of an unfinished frame that has outgrown the limit."""
        while self._carried > self.limit:
            self._splitting = True
            self.count += 1
            self.splits += 1
            if len(self._carry) == self._carried:
                frames.append(Frame(bytes(self._carry[: self.limit]), "split", self.count))
                del self._carry[: self.limit]
            self._carried -= self.limit


class DelimitedFramer(Framer):
    """Frames that end with one byte: lines, or NUL-ended records (`find -print0`)."""

    def __init__(self, delimiter: bytes, limit: int = FRAME_LIMIT) -> None:
        super().__init__(limit)
        self._delimiter = delimiter
        self._long = False  # frames have been longer than LONG lately

    def feed(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        *complete, rest = data.split(self._delimiter)
        for part in complete:
            if self._carried + len(part) > self.limit:
                self._keep(part)
                self._split(frames)
                self._complete(b"", frames)
            elif self._carried:
                self._complete(part, frames)
            else:
                self.count += 1
                frames.append(Frame(part, "", self.count))
        self._keep(rest)
        if self._carried > self.limit:
            self._split(frames)
        return frames

    def skip(self, buffer: Buffer, region: int, start: int, end: int, hurry: bool = False) -> list[Frame] | None:
        if self._splitting or self._outgrows(buffer, start, end):
            if hurry and buffer.find(self._delimiter, start, end) < 0:
                self._carry.clear()
                self._carried += end - start
                self._split([])
                return []
            self.resume(buffer, region, start)
            return self.feed(bytes(buffer[start:end]))
        ended = self._count_delimiters(buffer, start, end)
        self._carry.clear()
        if ended:
            self.count += ended
            self._carried = end - 1 - buffer.rfind(self._delimiter, start, end)
        else:
            self._carried += end - start
        return None

    def _count_delimiters(self, buffer: Buffer, start: int, end: int) -> int:
        """Count by `find` while frames are long: it is memchr(3), 20 times as fast a byte as `count` (CPython 3.13)."""
        found = 0
        if self._long:
            most = (end - start) // LONG + 1
            at = buffer.find(self._delimiter, start, end)
            while at >= 0 and found < most:
                found += 1
                start = at + 1
                at = buffer.find(self._delimiter, start, end)
            if at < 0:
                return found
        rest = buffer.count(self._delimiter, start, end)
        self._long = rest * LONG < end - start
        return found + rest

    def _outgrows(self, buffer: Buffer, start: int, end: int) -> bool:
        """Say whether any frame may get longer than the limit in these bytes."""
        if self._carried + end - start <= self.limit:
            return False
        if end - start > self.limit:
            return True
        first = buffer.find(self._delimiter, start, end)
        return self._carried + (end if first < 0 else first) - start > self.limit

    def newest(self, buffer: Buffer, region: Region, end: int, most: int, room: int) -> list[Frame]:
        frames: list[Frame] = []
        stop = end - self._carried - 1  # where the last delimiter stands
        index = self.count
        while stop >= region.start and len(frames) < most:
            before = buffer.rfind(self._delimiter, region.start, stop)
            if before < 0:
                if not region.whole:
                    break
                before = region.start - 1
            room -= stop - before
            if room < 0 and frames:
                break
            frames.append(Frame(bytes(buffer[before + 1 : stop]), "", index))
            index -= 1
            stop = before
        frames.reverse()
        return frames


class FixedFramer(Framer):
    """Frames of the same length."""

    def __init__(self, length: int, limit: int = FRAME_LIMIT) -> None:
        super().__init__(limit)
        self._length = length

    def feed(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        position = 0
        if self._carried:
            position = self._length - self._carried
            if len(data) < position:
                self._keep(data)
                return frames
            self._complete(data[:position], frames)
        while len(data) - position >= self._length:
            self.count += 1
            frames.append(Frame(data[position : position + self._length], "", self.count))
            position += self._length
        self._keep(data[position:])
        return frames

    def skip(self, buffer: Buffer, region: int, start: int, end: int, hurry: bool = False) -> list[Frame] | None:
        ended, self._carried = divmod(self._carried + end - start, self._length)
        self.count += ended
        self._carry.clear()
        return None

    def newest(self, buffer: Buffer, region: Region, end: int, most: int, room: int) -> list[Frame]:
        stop = end - self._carried
        many = max(0, min((stop - region.start) // self._length, most, max(1, room // self._length)))
        first = stop - many * self._length
        return [
            Frame(bytes(buffer[at : at + self._length]), "", self.count - many + 1 + step)
            for step, at in enumerate(range(first, stop, self._length))
        ]


class LengthFramer(Framer):
    """Frames with a 4-byte big-endian length in front, as many protocols have them."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        super().__init__(limit)
        self._prefix = bytearray()
        self._missing: int | None = None  # bytes still to come of the frame whose prefix is complete

    @property
    def unfinished(self) -> int:
        return self._carried + len(self._prefix)

    def feed(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        position = 0
        while position < len(data) or self._missing == 0:
            if self._missing is None:
                take = data[position : position + _PREFIX.size - len(self._prefix)]
                self._prefix += take
                position += len(take)
                if len(self._prefix) == _PREFIX.size:
                    self._missing = _PREFIX.unpack(self._prefix)[0]
                    self._prefix.clear()
                continue
            part = data[position : position + self._missing]
            position += len(part)
            self._missing -= len(part)
            self._keep(part)
            self._split(frames)
            if self._missing == 0:
                self._missing = None
                self._complete(b"", frames)
        return frames

    def skip(self, buffer: Buffer, region: int, start: int, end: int, hurry: bool = False) -> list[Frame] | None:
        return self.feed(bytes(buffer[start:end]))  # every prefix has to be walked anyway

    def newest(self, buffer: Buffer, region: Region, end: int, most: int, room: int) -> list[Frame]:
        return []

    @property
    def tail(self) -> int:
        return 0

    def end(self) -> Frame | None:
        frame = super().end()
        if frame is None and (self._prefix or self._missing is not None):
            self.count += 1
            frame = Frame(bytes(self._prefix), "incomplete", self.count)
        self._prefix.clear()
        self._missing = None
        return frame


class ChunkFramer(Framer):
    """Each read is a message: for streams without records, and to see how the kernel hands bytes over."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        super().__init__(limit)
        self._last: deque[tuple[int, int, Piece]] = deque(maxlen=512)

    def feed(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        self._last.clear()
        for start in range(0, len(data), self.limit):
            self.count += 1
            split = len(data) > self.limit
            self.splits += split
            frames.append(Frame(data[start : start + self.limit], "split" if split else "", self.count))
        return frames

    def skip(self, buffer: Buffer, region: int, start: int, end: int, hurry: bool = False) -> list[Frame] | None:
        for at in range(start, end, self.limit):
            self.count += 1
            self.splits += end - start > self.limit
            self._last.append((at, min(end, at + self.limit), "split" if end - start > self.limit else ""))
        return None

    def newest(self, buffer: Buffer, region: Region, end: int, most: int, room: int) -> list[Frame]:
        frames: list[Frame] = []
        index = self.count
        for low, high, piece in reversed(self._last):
            room -= high - low
            if len(frames) >= most or (room < 0 and frames):
                break
            frames.append(Frame(bytes(buffer[low:high]), piece, index))
            index -= 1
        self._last.clear()
        frames.reverse()
        return frames

    def moved(self) -> None:
        self._last.clear()

    @property
    def tail(self) -> int:
        return 0


def make_framer(framing: Framing, fixed: int = 64, limit: int = FRAME_LIMIT) -> Framer:
    """Return the framer for a `ConsumerSpec`'s framing."""
    match framing:
        case "line":
            return DelimitedFramer(b"\n", limit)
        case "nul":
            return DelimitedFramer(b"\0", limit)
        case "fixed":
            return FixedFramer(fixed, limit)
        case "length":
            return LengthFramer(limit)
        case "chunk":
            return ChunkFramer(limit)
