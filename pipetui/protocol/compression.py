"""What the far side says is one zlib stream (RFC 1950), flushed after each thing said: lines to other hosts are thin.

Updates of a monitor resemble each other, so one stream makes them 5 to 20 times shorter, also where ssh compresses
nothing (its `Compression` is off by default, and the first connection of a shared one decides).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from pipetui.protocol.codec import WireError

#: So much is unpacked at a time (bytes): a few bytes may be a thousand times as many, and others want to run too.
_PIECE = 1 << 18


class Compressor:
    """Packs. `level`: 1 is fast, 9 is small (zlib)."""

    def __init__(self, level: int) -> None:
        self._stream = zlib.compressobj(level)

    def pack(self, data: bytes) -> bytes:
        """Return what is to be sent for `data` now; everything up to here can then be unpacked."""
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class Decompressor:
    """Unpacks what a `Compressor` packed, however it is cut."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """Take the stream's next bytes and yield what they hold, in pieces. Raises WireError for what is none."""
        try:
            while data:
                yield self._stream.decompress(data, _PIECE)
                data = self._stream.unconsumed_tail
        except zlib.error as error:
            raise WireError(f"no zlib stream: {error}") from None
        if self._stream.eof:
            raise WireError("the end of the zlib stream")
