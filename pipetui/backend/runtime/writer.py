"""Writes to the client without ever blocking and without changing a flag that others share.

O_NONBLOCK belongs to the open file description (open(2)), and stdout's is shared with whoever started us. So a pipe
is opened once more through `/proc/self/fd`, which gives a description of our own; a socket is written with
MSG_DONTWAIT; anything else gets at most PIPE_BUF bytes when poll says that there is room.
"""

from __future__ import annotations

import os
import select
import socket
import stat

from pipetui.backend.runtime.loop import Loop
from pipetui.kernel.fd import Fd


class Writer:
    """A queue of bytes on their way to one descriptor. Raises nothing: `broken` tells when nobody listens."""

    def __init__(self, loop: Loop, fd: int) -> None:
        self._loop = loop
        self._backlog = bytearray()
        self._own: Fd | None = None
        self._socket: socket.socket | None = None
        self._fd = fd
        self.broken = False
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(fd))
            self._fd = self._socket.fileno()
        elif stat.S_ISFIFO(mode):
            try:
                self._own = Fd(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
                self._fd = self._own.fileno()
            except OSError:
                pass

    @property
    def backlog(self) -> int:
        """Bytes that are still to be written."""
        return len(self._backlog)

    def write(self, data: bytes) -> None:
        """Queue bytes, and write what there is room for."""
        self._backlog += data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._backlog and not self.broken:
                del self._backlog[: self._write_some()]
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True
            self._backlog.clear()
        self._loop.on_writable(self._fd, self._flush if self._backlog else None)

    def _write_some(self) -> int:
        if self._socket is not None:
            return self._socket.send(self._backlog, socket.MSG_DONTWAIT)
        if self._own is not None:
            return os.write(self._fd, self._backlog)
        if not select.select([], [self._fd], [], 0)[1]:
            raise BlockingIOError
        return os.write(self._fd, self._backlog[: select.PIPE_BUF])

    def finish(self, timeout: float) -> None:
        """Write the rest, for at most `timeout` seconds, and let go."""
        if self._backlog and not self.broken:
            select.select([], [self._fd], [], timeout)
            self._flush()
        self._loop.forget(self._fd)
        if self._own is not None:
            self._own.close()
        if self._socket is not None:
            self._socket.close()
