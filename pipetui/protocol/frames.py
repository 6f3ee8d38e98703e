"""Frames on a byte stream: a 4-byte big-endian length, and that many bytes. What they mean is not known here."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pipetui.protocol.codec import WireError

#: A longer frame is refused: nothing that is said needs it (a whole message of 1 MiB is at most 6 MiB of JSON).
MAX_FRAME = 16 << 20

_HEADER = struct.Struct(">I")


def frame(body: bytes) -> bytes:
    """Return `body` with its length in front."""
    if len(body) > MAX_FRAME:
        raise WireError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _HEADER.pack(len(body)) + body


class Splitter:
    """Cuts a byte stream into the bodies of its frames; raises `WireError` on a length over the limit."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the stream's next bytes and yield the body of each frame they complete."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            if length > self._limit:
                raise WireError(f"a frame of {length} bytes is over the limit of {self._limit}")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield body
