"""What a request or a command does to the machine, and whether that is wanted here."""

from __future__ import annotations

import os
from typing import Literal

#: Nothing that anybody notices, or it slows others down, or keeps an end of somebody's pipe open, takes bytes out of a
#: pipe, or changes something: a FIFO, a process, what is in a pipe.
Effect = Literal["passive", "slows", "holds an end", "consumes", "changes"]

#: Set to anything but 0, this lets nobody act through pipetui: not from this environment, and not from another host.
VARIABLE = "PIPETUI_READ_ONLY"

#: What is said to whoever wants to act all the same.
REFUSED = "pipetui is read-only here"


def read_only() -> bool:
    """Whether the environment says that nobody may act."""
    return os.environ.get(VARIABLE, "") not in ("", "0")
