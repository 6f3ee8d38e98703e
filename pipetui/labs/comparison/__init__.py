"""The comparison: the same messages through eight mechanisms, how fast they go and how long an answer takes.

Adding a mechanism is adding a file here and its class to `MECHANISMS`.
"""

from __future__ import annotations

from pipetui.labs.comparison.connection import Connection
from pipetui.labs.comparison.fifo import Fifo
from pipetui.labs.comparison.mapped import Mapped
from pipetui.labs.comparison.mechanism import Mechanism
from pipetui.labs.comparison.pipe import Pipe
from pipetui.labs.comparison.pool import Pool
from pipetui.labs.comparison.queue import Queue
from pipetui.labs.comparison.runner import compare
from pipetui.labs.comparison.sockets import Tcp, UnixSocket

__all__ = ["MECHANISMS", "SECONDS", "SIZES", "compare"]

#: All of them by name, the simplest first.
MECHANISMS: dict[str, type[Mechanism]] = {
    each.name: each for each in (Pipe, Fifo, UnixSocket, Tcp, Connection, Queue, Mapped, Pool)
}

#: The message sizes (bytes).
SIZES = (16, 256, 4 << 10, 64 << 10, 1 << 20)

#: How long a comparison takes when nobody says otherwise (seconds).
SECONDS = 25.0
