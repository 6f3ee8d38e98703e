"""The hub's process: stdin and stdout are the wire, stderr is for what went wrong."""

from __future__ import annotations

import gc

from pipetui.backend.hub import Hub
from pipetui.kernel.lifetime import set_name


def main() -> int:
    """Run a hub until its client has gone."""
    set_name("pipetui-hub")
    gc.freeze()  # children share these pages; nobody's collector shall touch them
    Hub().run()
    return 0
