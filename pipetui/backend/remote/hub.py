"""A hub for a client on another host: the same, with a heartbeat."""

from __future__ import annotations

import gc

from pipetui.backend.hub import Hub
from pipetui.backend.runtime.loop import Loop
from pipetui.backend.runtime.writer import Writer
from pipetui.kernel.lifetime import set_name
from pipetui.protocol.compression import Compressor
from pipetui.protocol.heartbeat import BEAT, HEARTBEAT


class CompressedWriter(Writer):
    """A writer to a line that may be thin."""

    def __init__(self, loop: Loop, fd: int) -> None:
        super().__init__(loop, fd)
        self._compressor = Compressor(6)

    def write(self, data: bytes) -> None:
        super().write(self._compressor.pack(data))


class FarHub(Hub):
    """A hub that says something at least every `BEAT` seconds, so that a dead line is told from a quiet one."""

    def run(self) -> None:
        self._beat()
        super().run()

    def _beat(self) -> None:
        if not self._writer.backlog:
            self._writer.write(HEARTBEAT)
        if self._writer.broken:
            self._loop.stop()
        self._loop.later(BEAT, self._beat)


def main() -> int:
    """Run a hub until its client has gone."""
    set_name("pipetui-hub")
    gc.freeze()  # children share these pages; nobody's collector shall touch them
    FarHub(writer=CompressedWriter).run()
    return 0
