"""The hub's process: stdin and stdout are the link to its client, stderr is for what went wrong."""

from __future__ import annotations

import gc
import sys

from pipetui.backend.hub import Hub
from pipetui.kernel.errors import PipeError
from pipetui.kernel.lifetime import set_name


def main() -> int:
    """Run a hub until its client has gone."""
    set_name("pipetui-hub")
    gc.freeze()  # children share these pages; nobody's collector shall touch them
    try:
        Hub().run()
    except PipeError as error:
        return _give_up(str(error))
    except OSError as error:
        return _give_up((error.strerror or str(error)).lower())
    return 0


def _give_up(why: str) -> int:
    """Say why; the client shows the last line."""
    print(f"the hub can't go on: {why}", file=sys.stderr)
    return 3
