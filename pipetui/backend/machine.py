"""The service of what a person does to single FIFOs, pipes and processes, and of looking at them closely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipetui.backend.inventory.service import Inventory
from pipetui.backend.service import Background, Handler, NotPossible, Service
from pipetui.kernel import fifo
from pipetui.kernel.delivery import Delivery, open_writer_in_time
from pipetui.kernel.errors import Gone
from pipetui.kernel.peek import peek
from pipetui.kernel.signals import send as send_signal
from pipetui.protocol.codec import codec
from pipetui.protocol.requests import (
    CreateFifo,
    Done,
    Examine,
    Examined,
    Peek,
    Peeked,
    RemoveFifo,
    Request,
    Send,
    Signal,
)
from pipetui.text import encode
from pipetui.watch.examination import examine

#: So long (seconds) at most a message that is to be sent waits for a reader.
LONGEST = 60.0

_EXAMINED = codec(Examined)


class Machine(Service):
    """Acts on the FIFOs, pipes and processes of the hub's host, one at a time."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {
            CreateFifo: _create,
            RemoveFifo: _remove,
            Send: _send,
            Peek: self._peek,
            Examine: _examine,
            Signal: _signal,
        }

    def _peek(self, request: Peek) -> Background:
        pipe = self._inventory.pipe(request.id)
        if pipe is None:
            raise Gone("the pipe is gone")
        name = pipe.path or f"pipe:[{pipe.id.inode}]"
        ends, identity = pipe.ends, pipe.id

        def look() -> tuple[bytes, int, int, float]:
            seen = peek(ends, identity, name)
            return seen.data, seen.queued, seen.capacity, seen.time

        return Background(look, lambda seen: Peeked(*seen))


def _create(request: CreateFifo) -> Done:
    if not 0 <= request.mode <= 0o777:
        raise NotPossible(f"{request.mode:o} is not a mode between 0 and 777")
    fifo.create(request.path, request.mode)
    return Done()


def _remove(request: RemoveFifo) -> Done:
    fifo.remove(request.path, request.id)
    return Done()


def _send(request: Send) -> Background:
    """Writing may have to wait for a reader."""
    identity = fifo.identify(request.path)
    timeout = max(0.0, min(request.timeout, LONGEST))

    def send() -> None:
        with open_writer_in_time(request.path, timeout, identity) as pipe:
            Delivery(pipe, request.path, timeout).write(encode(request.payload))

    return Background(send, lambda _: Done())


def _examine(request: Examine) -> Background:
    def look() -> Any:
        seen = examine(request.pid)
        return _EXAMINED.encode(Examined(seen.process, seen.family, seen.pipes))

    return Background(look, _EXAMINED.decode)


def _signal(request: Signal) -> Done:
    send_signal(request.pid, request.command, request.number)
    return Done()
