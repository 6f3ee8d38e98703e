"""Moments that nothing should interrupt: real-time priority where that is permitted, no signal, no garbage collection.

A thread in SCHED_FIFO is not preempted by ordinary ones (sched(7)); root may ask for it, and whoever has an
RLIMIT_RTPRIO. It and the mask of signals belong to the calling thread, so other threads go on as they were. A signal
that comes meanwhile is late, not lost: so a Ctrl+Z, too, stops us afterwards.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

#: Nobody should stay uninterrupted for longer (seconds): an ordinary process that has to wait so long notices nothing.
LONGEST = 0.001

#: What can be put back by the policy and its priority alone; another policy is left as it is.
_ORDINARY = (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE)
_LOWEST = os.sched_param(1)

#: Signals that stop a process or that programs have handlers for. All of them would do, but cost several times more.
_LATE = (
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGALRM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH),
)

_Schedule = tuple[int, os.sched_param]


@contextmanager
def uninterrupted() -> Iterator[bool]:
    """Run the block in real-time priority, if that is permitted (then it yields True), without signals or collection.

    Meant for less than `LONGEST`; never to be nested, and nothing may be forked in it: a child would stay so.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _LATE)
    collecting = gc.isenabled()
    before = _ordinary()
    try:
        gc.disable()
        yield before is not None and _raised()
    finally:
        if before is not None:
            _restore(before)
        if collecting:
            gc.enable()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _ordinary() -> _Schedule | None:
    """Return how this thread is scheduled; None if it has a priority of its own, or this libc can't tell."""
    try:
        policy = os.sched_getscheduler(0)
        known = policy & ~os.SCHED_RESET_ON_FORK in _ORDINARY
        return (policy, os.sched_getparam(0)) if known else None
    except OSError:
        return None


def _raised() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, _LOWEST)
    except OSError:  # not permitted, to this user or in this container
        return False
    return True


def _restore(before: _Schedule) -> None:
    try:
        os.sched_setscheduler(0, *before)
    except OSError:  # rules for getting into SCHED_IDLE are stricter than for leaving it
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
