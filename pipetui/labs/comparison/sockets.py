"""Sockets as byte streams: a connected pair of Unix sockets (unix(7)), and TCP over the loopback interface (tcp(7))."""

from __future__ import annotations

import socket

from pipetui.labs.comparison.mechanism import End, Pair


class _Sockets(Pair):
    """Two connected stream sockets; each carries both directions."""

    _near: socket.socket
    _far: socket.socket

    def near(self) -> End:
        self._far.close()
        return self._end(self._near)

    def far(self) -> End:
        self._near.close()
        return self._end(self._far)

    def _end(self, end: socket.socket) -> End:
        def receive() -> bytes:
            return end.recv(self._size, socket.MSG_WAITALL)  # returns when the whole message is there (recv(2))

        return End(end.sendall, receive)

    def __init__(self, size: int) -> None:
        self._size = size


class UnixSocket(_Sockets):
    """A socketpair(2) of the Unix domain."""

    name = "unix-socket"
    title = "Unix socket"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


class Tcp(_Sockets):
    """A TCP connection from this machine to itself."""

    name = "tcp"
    title = "TCP loopback"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
            self._near = socket.create_connection(server.getsockname())
            self._far, _ = server.accept()
        for each in (self._near, self._far):
            # no waiting for more small messages to fill a segment (Nagle): each is sent at once
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
