"""Carries out one operation on this host for a command on another: descriptors 0 and 1 are the line to it.

A thread sends heartbeats and ends the process as soon as nobody listens any more (sshd closes its end of our stdout
when the link ends), whatever the operation waits for. Nothing here forks, so a thread does no harm.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import Any, NoReturn

from pipetui.backend.operations import carry_out
from pipetui.kernel.errors import PipeError
from pipetui.kernel.lifetime import set_name
from pipetui.protocol.codec import WireError
from pipetui.protocol.compression import Compressor
from pipetui.protocol.exchange import answers_of, pack_answer, unpack_operation
from pipetui.protocol.frames import MAX_FRAME
from pipetui.protocol.heartbeat import BEAT, HEARTBEAT
from pipetui.protocol.operations import Ended, Negative

_STDIN, _STDOUT = 0, 1


def main() -> NoReturn:
    """Do what the first frame asks for and tell the answers."""
    set_name("pipetui-far")
    try:
        operation = unpack_operation(_frame())
    except WireError as error:
        print(f"the client sent something that is not understood ({error})", file=sys.stderr)
        os._exit(1)
    line = _Line()
    answers = answers_of(operation)
    try:
        for told in carry_out(operation):
            line.write(pack_answer(answers, told))
        ended = Ended()
    except Negative as error:
        ended = Ended("negative", str(error))
    except PipeError as error:
        ended = Ended("impossible", str(error))
    except BrokenPipeError:
        os._exit(0)
    except OSError as error:
        ended = Ended("impossible", error.strerror or str(error))
    line.write(pack_answer(answers, ended))
    os._exit(0)  # there is nothing to put away, and somebody waits for our end


def _frame() -> bytes:
    length = int.from_bytes(_exactly(4), "big")
    if length > MAX_FRAME:
        raise WireError(f"a frame of {length} bytes")
    return _exactly(length)


def _exactly(count: int) -> bytes:
    """Read no byte more: what follows belongs to the operation."""
    data = b""
    while len(data) < count:
        some = os.read(_STDIN, count - len(data))
        if not some:
            os._exit(0)
        data += some
    return data


class _Line:
    """The way out, on which whole frames are written one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compressor = Compressor(1)
        threading.Thread(target=self._watch, name="heartbeat", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Write a frame; leave when nobody listens."""
        with self._lock:
            self._write(self._compressor.pack(data))

    @staticmethod
    def _write(data: bytes) -> None:
        view: Any = memoryview(data)
        try:
            while view:
                view = view[os.write(_STDOUT, view) :]
        except BlockingIOError:
            select.select([], [_STDOUT], [])
            _Line._write(view)
        except OSError:
            os._exit(0)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(_STDOUT, 0)  # POLLERR or POLLHUP alone
        while not poll.poll(BEAT * 1000):
            if self._lock.acquire(blocking=False):  # else something is being written anyway
                try:
                    self._write(self._compressor.pack(HEARTBEAT))
                finally:
                    self._lock.release()
        os._exit(0)
