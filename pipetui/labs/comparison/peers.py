"""A course on a pair: this process sends, a forked one receives, and both keep the same clock.

`perf_counter` is CLOCK_MONOTONIC, which all processes of a machine share (clock_gettime(2)); so the receiver can say
when it had the last message. Orders and answers go over a socket of their own.
"""

from __future__ import annotations

import os
import socket
import struct
import time
import zlib
from itertools import repeat
from typing import NoReturn

from pipetui.kernel.lifetime import die_with_parent, set_name
from pipetui.labs.comparison.mechanism import Course, End, Message, Pair, Round, waits

#: An order: "s" to receive so many messages, "t" to send so many back.
_ORDER = struct.Struct("=cQ")

#: The answer: when the last message was there (perf_counter), how often the receiver waited, the last one's CRC-32.
_ANSWER = struct.Struct("=dQI")


class Peers(Course):
    """The first process. Its peer dies with it."""

    def __init__(self, pair: Pair, message: bytes) -> None:
        self._message = message
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        if os.fork() == 0:
            _be_peer(pair, parent, theirs, self._orders)
        theirs.close()
        self._end = pair.near()

    def stream(self, count: int) -> Round:
        send, message = self._end.send, self._message
        self._order(b"s", count)
        before = waits()
        start = time.perf_counter()
        for _ in repeat(None, count):
            send(message)
        end, theirs = self._answer()
        return Round(count, end - start, waits() - before + theirs)

    def trips(self, count: int) -> list[float]:
        (send, receive), message = self._end, self._message
        clock = time.perf_counter
        times = []
        self._order(b"t", count)
        for _ in repeat(None, count):
            start = clock()
            send(message)
            receive()
            times.append(clock() - start)
        self._answer()
        return times

    def _order(self, kind: bytes, count: int) -> None:
        self._orders.send(_ORDER.pack(kind, count))

    def _answer(self) -> tuple[float, int]:
        data = self._orders.recv(_ANSWER.size)
        if not data:
            raise EOFError("the receiving process has ended")
        end, theirs, checksum = _ANSWER.unpack(data)
        if checksum != zlib.crc32(self._message):
            raise RuntimeError("the last message arrived otherwise than it was sent")
        return end, theirs


def _be_peer(pair: Pair, parent: int, orders: socket.socket, other_end: socket.socket) -> NoReturn:
    """Be the second process; never returns."""
    try:
        die_with_parent(parent)
        set_name("bench-peer")
        other_end.close()
        end = pair.far()
        while data := orders.recv(_ORDER.size):
            kind, count = _ORDER.unpack(data)
            before = waits()
            last = _take(end, count) if kind == b"s" else _return(end, count)
            now = time.perf_counter()
            orders.send(_ANSWER.pack(now, waits() - before, zlib.crc32(last)))
    finally:
        os._exit(0)


def _take(end: End, count: int) -> Message:
    """Receive so many messages; return the last."""
    receive = end.receive
    for _ in repeat(None, count - 1):
        receive()
    return receive()


def _return(end: End, count: int) -> Message:
    """Send so many messages back; return the last."""
    send, receive = end
    last: Message = b""
    for _ in repeat(None, count):
        last = receive()
        send(last)
    return last
