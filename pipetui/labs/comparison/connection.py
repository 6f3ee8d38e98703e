"""multiprocessing.Pipe: two connections, of which each pickles whatever object it is given."""

from __future__ import annotations

from pipetui.labs.comparison.forked import FORK
from pipetui.labs.comparison.mechanism import End, Pair


class Connection(Pair):
    """A pair of Unix sockets beneath; `send` pickles, `recv` unpickles."""

    name = "mp-pipe"
    title = "multiprocessing.Pipe"

    def __init__(self, size: int) -> None:
        self._near, self._far = FORK.Pipe()

    @staticmethod
    def pickled(message: bytes) -> tuple[object, ...]:
        return (message,)

    def near(self) -> End:
        self._far.close()
        return End(self._near.send, self._near.recv)

    def far(self) -> End:
        self._near.close()
        return End(self._far.send, self._far.recv)
