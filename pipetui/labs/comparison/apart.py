"""Runs a measurement in a process group of its own, which is killed when it has answered or its time is up.

Nothing of it can be left, however it or we end: its processes die with their parent (PR_SET_PDEATHSIG), and what they
use has no name that could outlive them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from pipetui.kernel.fd import Fd
from pipetui.kernel.lifetime import adopt_orphans, die_with_parent, set_name

#: What may end us in the middle of something, by an exception.
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class NoAnswer(Exception):
    """There is no result; the message says why, in one sentence."""


def apart(work: Callable[[], Any], timeout: float) -> Any:
    """Return what `work` returns (JSON) in a forked process.

    Raises NoAnswer if it fails or takes more than `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    read, write = (Fd(number) for number in os.pipe())
    adopt_orphans()
    parent = os.getpid()
    # Python drops an exception that a signal handler raises within os.fork: so signals have to wait until it is done
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    pid = os.fork()
    if pid == 0:
        _be_apart(work, parent, write.detach(), mask)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass  # it was quicker
        write.close()
        fine, value = json.loads(_line(read, deadline))
    finally:
        write.close()
        read.close()
        _end(pid)
    if not fine:
        raise NoAnswer(value)
    return value


def _be_apart(work: Callable[[], Any], parent: int, write: int, mask: Iterable[int]) -> NoReturn:
    """Be the process; never returns."""
    try:
        os.setpgid(0, 0)
        die_with_parent(parent)
        set_name("bench")
        for number in _INTERRUPTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            answer = json.dumps([True, work()])
        except OSError as error:
            answer = json.dumps([False, (error.strerror or str(error)).lower()])
        except Exception as error:
            answer = json.dumps([False, f"{type(error).__name__}: {error}"])
        with open(write, "w", encoding="ascii") as pipe:
            pipe.write(answer + "\n")
    finally:
        os._exit(0)


def _line(read: Fd, deadline: float) -> bytes:
    """Read one line. There is no waiting for the end of the file: children of the process may hold the pipe longer."""
    data = b""
    poller = select.poll()
    poller.register(read, select.POLLIN)
    while not data.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise NoAnswer("it took too long and was ended")
        piece = os.read(read.fileno(), 1 << 16)
        if not piece:
            raise NoAnswer("it ended without an answer")
        data += piece
    return data


def _end(pid: int) -> None:
    """Kill the whole process group and wait for it.

    Its leader was not waited for yet, so its number can't be anybody else's. With the leader's end we have become the
    parent of the others.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    try:
        os.waitpid(pid, 0)
        while True:
            os.waitpid(-pid, 0)
    except ChildProcessError:
        pass
