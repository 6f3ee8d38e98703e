"""One message, or what comes on descriptor 0, into a FIFO; never hangs (how: `kernel/delivery.py`)."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

from pipetui.kernel.delivery import Delivery, open_writer_in_time
from pipetui.kernel.errors import NoReader, ReaderGone, Stalled
from pipetui.kernel.fd import Fd
from pipetui.protocol.operations import Negative, Opened, Send

_STDIN = 0
_CHUNK = 1 << 16


def answer(operation: Send) -> Iterator[Opened]:
    """Wait for a reader, then write. Negative where nobody reads, or no more."""
    try:
        with open_writer_in_time(operation.path, operation.timeout) as pipe:
            yield Opened()
            delivery = Delivery(pipe, operation.path, operation.timeout)
            if operation.data is not None:
                delivery.write(operation.data)
            else:
                _copy(pipe, delivery)
    except (NoReader, Stalled, ReaderGone) as error:
        raise Negative(str(error)) from None


def _copy(pipe: Fd, delivery: Delivery) -> None:
    """Send what comes until it ends; notice a reader that goes meanwhile."""
    poll = select.poll()
    poll.register(_STDIN, select.POLLIN)
    poll.register(pipe, 0)  # POLLERR alone: the last reader has gone
    while True:
        ready = dict(poll.poll())
        if _STDIN in ready:
            data = _read()
            if not data:
                return
            delivery.write(data)
        elif ready:
            raise delivery.reader_gone()


def _read() -> bytes:
    """Read some of stdin; somebody else may have made it nonblocking, and then may have taken what was there."""
    try:
        return os.read(_STDIN, _CHUNK)
    except BlockingIOError:
        select.select([_STDIN], [], [])
        return _read()
