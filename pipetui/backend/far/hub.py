"""A hub for a client on another host: the same, with a pulse."""

from __future__ import annotations

import gc

from pipetui.backend.far.pulse import BEAT, PULSE
from pipetui.backend.hub import Hub
from pipetui.kernel.lifetime import set_name


class FarHub(Hub):
    """A hub that says something at least every `BEAT` seconds, so that a dead line is told from a quiet one."""

    def run(self) -> None:
        self._beat()
        super().run()

    def _beat(self) -> None:
        if not self._outlet.backlog:
            self._outlet.write(PULSE)
        if self._outlet.broken:
            self._loop.stop()
        self._loop.later(BEAT, self._beat)


def main() -> int:
    """Run a hub until its client has gone."""
    set_name("pipetui-hub")
    gc.freeze()  # children share these pages; nobody's collector shall touch them
    FarHub().run()
    return 0
