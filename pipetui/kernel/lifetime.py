"""How a child's life is tied to its parent's, and what it keeps of it.

PR_SET_PDEATHSIG makes the kernel kill a child when the thread that forked it ends (prctl(2)); it is asked for after
the fork, so a parent that died before leaves a changed getppid(2) and nothing else. A pidfd becomes readable when
its process ends (pidfd_open(2)).
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterable

from pipetui.kernel.fd import Fd

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """In a fresh child: get a signal when `parent` (the pid that forked us) ends; end at once if it already has."""
    _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def set_name(name: str) -> None:
    """Set what `ps` and `/proc/PID/comm` call this thread; the kernel keeps 15 bytes."""
    _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(os.fsencode(name)[:15]), 0, 0, 0)


def pidfd_open(pid: int) -> Fd | None:
    """Return a descriptor that polls readable when the process ends; None where there is none to be had.

    A child of ours that has ended but was not waited for still has one.
    """
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        return None
    try:
        return Fd(opener(pid))
    except OSError:
        return None


def close_all_except(keep: Iterable[int]) -> None:
    """In a fresh child: close every descriptor from 3 on that is not in `keep`, so that no pipe end is inherited."""
    kept = set(keep)
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(3, os.sysconf("SC_OPEN_MAX")))
    for number in numbers:
        if number >= 3 and number not in kept:
            try:
                os.close(number)
            except OSError:
                pass


def stand_back(niceness: int) -> None:
    """Let this whole session yield to others: where autogroups are on, nice(2) only counts within one (sched(7)).

    The kernel lets an ordinary user do this ten times a second at most, and only upwards; refused, nothing changes.
    """
    try:
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(niceness))
    except OSError:
        pass


def adopt_orphans() -> None:
    """Become the parent of whatever our descendants leave behind (PR_SET_CHILD_SUBREAPER), so that it can be found."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans() -> None:
    """Kill all children of this process, again and again until there are none; where a kernel lists none, only wait."""
    listed = True
    while True:
        try:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                for pid in file.read().split():
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            listed = False
        try:
            if os.waitpid(-1, 0 if listed else os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return
