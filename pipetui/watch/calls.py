"""The system calls in which a task waits, by their numbers on this machine's architecture (linux/unistd.h).

Programs of another architecture (32-bit ones on x86_64) have other numbers: what they wait for is not told.
"""

from __future__ import annotations

import os
from typing import NamedTuple


class Calls(NamedTuple):
    """Numbers of one architecture; -1 for a call that it does not have.

    `reads` and `writes` tell which argument is the descriptor. `restart` is restart_syscall(2), which poll(2) becomes
    when a signal stopped and continued it; its arguments stay.
    """

    open: int
    openat: int
    openat2: int
    wait4: int
    waitid: int
    reads: dict[int, int]
    writes: dict[int, int]
    poll: int
    ppoll: int
    select: int
    pselect: int
    epoll_wait: int
    epoll_pwait: int
    epoll_pwait2: int
    restart: int


_X86 = Calls(
    2, 257, 437, 61, 247,
    {0: 0, 19: 0, 295: 0, 327: 0, 275: 0, 276: 0, 278: 0},
    {1: 0, 20: 0, 296: 0, 328: 0, 275: 2, 276: 1, 278: 0, 40: 0},
    7, 271, 23, 270, 232, 281, 441, 219,
)  # fmt: skip
_ARM = Calls(
    -1, 56, 437, 260, 95,
    {63: 0, 65: 0, 69: 0, 286: 0, 76: 0, 77: 0, 75: 0},
    {64: 0, 66: 0, 70: 0, 287: 0, 76: 2, 77: 1, 75: 0, 71: 0},
    -1, 73, -1, 72, -1, 22, 441, 128,
)  # fmt: skip

#: The numbers here; None on an architecture that is not known.
CALLS = {"x86_64": _X86, "aarch64": _ARM, "riscv64": _ARM, "loongarch64": _ARM}.get(os.uname().machine)

#: waitid(2): which children are meant.
P_PID, P_PGID, P_PIDFD = 1, 2, 3

Call = tuple[int, tuple[int, ...]]
