"""FIFOs: pipes that are found by a name (fifo(7)). The name matters only until both sides have opened it."""

from __future__ import annotations

import os
import tempfile

from pipetui.labs.comparison.mechanism import End, Pair
from pipetui.labs.comparison.pipe import end


class Fifo(Pair):
    """Two FIFOs, one each way."""

    name = "fifo"
    title = "FIFO"

    def __init__(self, size: int) -> None:
        self._size = size
        self._there, self._back = _both_ends(), _both_ends()

    def near(self) -> End:
        return end(self._there, self._back, self._size)

    def far(self) -> End:
        return end(self._back, self._there, self._size)


def _both_ends() -> tuple[int, int]:
    """Return the read end and the write end of a FIFO whose name is gone again, so that nothing can be left of it."""
    with tempfile.TemporaryDirectory(prefix="pipetui-") as folder:
        path = os.path.join(folder, "bench")
        os.mkfifo(path, 0o600)
        read = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a blocking open would wait for the writer (fifo(7))
        write = os.open(path, os.O_WRONLY)
    os.set_blocking(read, True)
    return read, write
