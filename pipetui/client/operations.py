"""Asks another host to carry out an operation, for commands: a generator of its answers, without an event loop.

Nothing that comes is trusted: every answer is decoded by the types of the operation and its values are checked; all
that a host can do is to end its own link, with one sentence.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from typing import Any

from pipetui.client.checks import check
from pipetui.client.lost import LinkLost
from pipetui.client.ssh import OPERATION, Remote, until_the_first_word
from pipetui.protocol.codec import WireError
from pipetui.protocol.compression import Decompressor
from pipetui.protocol.exchange import answers_of, pack_operation, unpack_answer
from pipetui.protocol.frames import Splitter
from pipetui.protocol.heartbeat import SILENCE
from pipetui.protocol.operations import Complaint, Ended, Negative, Operation, Send

__all__ = ["Impossible", "LinkLost", "Negative", "ask"]

_STDIN, _STDOUT = 0, 1
_CHUNK = 1 << 16

#: More than this (bytes) is refused as the answer of an operation that looks once.
_MOST = 256 << 20
_ITS_OWN = frozenset({"pipetui", OPERATION, "pipetui.kernel.lifetime", "pipetui.kernel.fd"})


class Impossible(Exception):
    """The other host can't do it; the message is one sentence that names it."""


def ask(
    remote: Remote, operation: Operation, *, silence: float = SILENCE, timeout: float | None = None
) -> Iterator[Any]:
    """Yield the answers of an operation on a host; its ssh ends with that.

    Raises Negative, Impossible, and LinkLost when there is no link or it has ended. For `send`, bytes are taken from
    our stdin as soon as they are wanted there. BrokenPipeError: nobody reads our stdout any more.
    """
    try:
        call = _Call(remote, operation, silence, timeout)  # while ssh connects
        remote.greet(timeout, _needed())
        yield from call.answers()
    finally:
        remote.leave()


def _needed() -> frozenset[str]:
    """Return the modules that the far side will import: those that we have imported for the operation, and its own."""
    return frozenset(name for name in sys.modules if name.startswith("pipetui.")) | _ITS_OWN


class _Call:
    """One operation on its way, and what comes back."""

    def __init__(self, remote: Remote, operation: Operation, silence: float, timeout: float | None) -> None:
        self._remote = remote
        self._silence = silence
        self._limit = until_the_first_word(OPERATION) if timeout is None else timeout
        self._codec = answers_of(operation)
        self._most = None if operation.streams else _MOST
        self._pending = memoryview(pack_operation(operation))
        self._takes_bytes = isinstance(operation, Send) and operation.data is None
        self._pumping = False
        self._listened_to = True
        assert remote.process.stdin
        assert remote.process.stdout
        assert remote.process.stderr
        self._to, self._from = remote.process.stdin.fileno(), remote.process.stdout.fileno()
        self._err: int | None = remote.process.stderr.fileno()

    def answers(self) -> Iterator[Any]:
        """Yield what is answered until the operation has ended."""
        os.set_blocking(self._to, False)
        splitter, host = Splitter(), self._remote.host
        try:
            for piece in self._pieces():
                for body in filter(None, splitter.feed(piece)):  # an empty one is only a heartbeat
                    told = unpack_answer(self._codec, body)
                    check(told)
                    if isinstance(told, Ended):
                        self._end(told)
                        return
                    self._pumping = self._takes_bytes
                    yield Complaint(f"{host}: {told.message}") if isinstance(told, Complaint) else told
        except WireError as error:
            raise LinkLost(f"{host} sent something that is not understood ({error})") from None

    def _pieces(self) -> Iterator[bytes]:
        """Yield what comes, unpacked. Raises WireError, and what `_next` raises."""
        decompressor, size = Decompressor(), 0
        data = self._remote.rest
        while True:
            for piece in decompressor.unpack(data):
                size += len(piece)
                if self._most is not None and size > self._most:
                    raise WireError(f"an answer of more than {self._most >> 20} MiB")
                yield piece
            data = self._next()

    def _end(self, ended: Ended) -> None:
        if ended.outcome == "negative":
            raise Negative(f"{self._remote.host}: {ended.message}")
        if ended.outcome == "impossible":
            raise Impossible(f"{self._remote.host}: {ended.message}")

    def _next(self) -> bytes:
        """Return what comes next, and do meanwhile what else there is to do. Raises LinkLost, BrokenPipeError."""
        deadline = time.monotonic() + self._limit
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready = dict(self._interest().poll(left * 1000))
            if self._from in ready:
                data = os.read(self._from, 1 << 18)
                if not data:
                    raise LinkLost(self._remote.await_exit_reason())
                self._limit = self._silence
                return data
            if not ready and not left:
                raise LinkLost(self._remote.silent(self._limit))
            if ready.get(_STDOUT, 0) & select.POLLNVAL:
                self._listened_to = False
            elif _STDOUT in ready:
                raise BrokenPipeError
            if self._err in ready and not self._remote.read_stderr():
                self._err = None
            if self._to in ready:
                self._push()
            if _STDIN in ready:
                self._pump()

    def _interest(self) -> select.poll:
        """Return what there is to wait for now. Stdin waits until what was taken of it before has gone."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if self._err is not None:
            poll.register(self._err, select.POLLIN)
        if self._listened_to:
            poll.register(_STDOUT, 0)  # POLLERR alone
        if self._pending:
            poll.register(self._to, select.POLLOUT)
        elif self._pumping:
            poll.register(_STDIN, select.POLLIN)
        return poll

    def _push(self) -> None:
        try:
            self._pending = self._pending[os.write(self._to, self._pending) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # why, its output will tell
            self._pending, self._takes_bytes, self._pumping = memoryview(b""), False, False

    def _pump(self) -> None:
        """Take some of stdin; at its end, end that of the far side."""
        try:
            data = os.read(_STDIN, _CHUNK)
        except BlockingIOError:  # somebody else has made it nonblocking and taken what was there
            return
        self._pending = memoryview(data)
        if not data:
            self._takes_bytes = self._pumping = False
            assert self._remote.process.stdin
            self._remote.process.stdin.close()
