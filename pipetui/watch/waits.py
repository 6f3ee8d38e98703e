"""Who waits on which pipe: tasks that sleep in open, read or write, from `wchan` and `syscall` of `/proc`.

`wchan` names the kernel function a task sleeps in: `wait_for_partner` is the blocked open of a FIFO (`fifo_open` on
older kernels), `pipe_read` and `pipe_write` (with `anon_` in front on 6.18) are transfers. A blocked opener holds no
descriptor yet, so it is in no census. `syscall` gives the arguments: the descriptor, or where the path lies in the
process's memory. It takes PTRACE_MODE_ATTACH; without it the wait is still seen, and what it is on is inferred only
where there is just one answer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from pipetui.kernel.errors import NotPermitted
from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId, Waiter, WaitKind
from pipetui.watch.census import NEVER_FIFOS, Census, far_away

_OPENS = frozenset({"wait_for_partner", "fifo_open"})
_READS = frozenset({"pipe_read", "anon_pipe_read"})
_WRITES = frozenset({"pipe_write", "anon_pipe_write"})
_AT_FDCWD = 0xFFFF_FF9C


class _Calls(NamedTuple):
    """System call numbers of one architecture: which open by path, and which transfer on their first argument."""

    open: int
    openat: int
    openat2: int
    transfers: frozenset[int]


_X86 = _Calls(2, 257, 437, frozenset({0, 1, 19, 20, 295, 296, 327, 328}))
_ARM = _Calls(-1, 56, 437, frozenset({63, 64, 65, 66, 69, 70, 286, 287}))
_CALLS = {"x86_64": _X86, "aarch64": _ARM, "riscv64": _ARM, "loongarch64": _ARM}.get(os.uname().machine)

Found = dict[PipeId, tuple[Waiter, ...]]


def waits(proc: Proc, census: Census, found: Iterable[Pipe] = ()) -> Found:
    """Return the waiters of each pipe. `found` helps to name what a blocked opener waits for when it hides that."""
    by_path = {path: pipe.id for pipe in (*census.pipes.values(), *found) for path in pipe.paths}
    answer: dict[PipeId, list[Waiter]] = {}
    for pid in proc.pids():
        if pid in census.threads:
            continue
        for tid in proc.tasks(pid):
            wchan = proc.wchan(pid, tid)
            seen = None
            if wchan in _OPENS:
                seen = _opening(proc, census, by_path, pid, tid)
            elif wchan in _READS or wchan in _WRITES:
                seen = _transferring(proc, census, pid, tid, "read" if wchan in _READS else "write")
            if seen is not None:
                answer.setdefault(seen[0], []).append(seen[1])
    return {identity: tuple(waiters) for identity, waiters in answer.items()}


def _opening(
    proc: Proc, census: Census, by_path: dict[str, PipeId], pid: int, tid: int
) -> tuple[PipeId, Waiter] | None:
    command = proc.command(pid)
    call = proc.syscall(pid, tid)
    if call is not None:
        exact = _opened(proc, pid, *call)
        if exact is not None:
            return exact[0], Waiter(pid, tid, exact[1], command=command)
    named = _named(proc, pid, by_path)
    if named is None:
        return None
    ends = census.ends.get(named, ())
    readers, writers = any("r" in end.access for end in ends), any("w" in end.access for end in ends)
    if readers == writers:
        return None  # nothing tells which side it waits for
    kind: WaitKind = "open-read" if readers else "open-write"
    return named, Waiter(pid, tid, kind, certainty="inferred", command=command)


def _opened(proc: Proc, pid: int, number: int, arguments: tuple[int, ...]) -> tuple[PipeId, WaitKind] | None:
    """Return which FIFO a blocked open is on, and for what, from the arguments of the call."""
    if _CALLS is None:
        return None
    if number == _CALLS.open:
        folder, address, flags = _AT_FDCWD, arguments[0], arguments[1]
    elif number == _CALLS.openat:
        folder, address, flags = arguments[:3]
    elif number == _CALLS.openat2:
        folder, address = arguments[:2]
        flags = int.from_bytes(proc.memory(pid, arguments[2], 8), "little")
    else:
        return None
    path = proc.memory(pid, address, 4096).split(b"\0", 1)[0]
    identity = _resolved(proc, pid, folder & 0xFFFF_FFFF, os.fsdecode(path)) if path else None
    if identity is None:
        return None
    return identity, "open-write" if flags & os.O_ACCMODE == os.O_WRONLY else "open-read"


def _resolved(proc: Proc, pid: int, folder: int, path: str) -> PipeId | None:
    """Return the FIFO that `path` means to process `pid`: its own root, current folder and descriptors count."""
    own = f"{proc.root}/{pid}"
    if path.startswith("/proc/self/"):
        place = own + path[len("/proc/self") :]
    elif path.startswith("/dev/fd/"):
        place = f"{own}/fd/" + path[len("/dev/fd/") :]
    elif path.startswith("/"):
        place = f"{own}/root{path}"
    else:
        place = f"{own}/cwd/{path}" if folder == _AT_FDCWD else f"{own}/fd/{folder}/{path}"
    try:
        status = os.stat(place)
    except (OSError, ValueError):
        return None
    return PipeId(status.st_dev, status.st_ino) if stat.S_ISFIFO(status.st_mode) else None


def _named(proc: Proc, pid: int, by_path: dict[str, PipeId]) -> PipeId | None:
    """Return the one known FIFO that an argument of the process names; None when there are none or several."""
    cwd = proc.cwd(pid) or "/"
    named = {by_path.get(os.path.normpath(os.path.join(cwd, word))) for word in proc.command(pid).split(" ")[1:]}
    named.discard(None)
    return named.pop() if len(named) == 1 else None


def _transferring(proc: Proc, census: Census, pid: int, tid: int, kind: WaitKind) -> tuple[PipeId, Waiter] | None:
    call = proc.syscall(pid, tid)
    if call is not None and _CALLS is not None and call[0] in _CALLS.transfers:
        for identity, ends in census.ends.items():
            for end in ends:
                if end.pid == pid and end.fd == call[1][0]:
                    return identity, Waiter(pid, tid, kind, end.fd, command=end.command)
        return None  # an anonymous pipe that was not asked for
    return _only_one(proc, census, pid, tid, kind)


def _only_one(proc: Proc, census: Census, pid: int, tid: int, kind: WaitKind) -> tuple[PipeId, Waiter] | None:
    """Infer what a transfer waits on: the process holds just one pipe of any sort that it can transfer so."""
    letter = "r" if kind == "read" else "w"
    try:
        held = proc.held(pid, anonymous=True, never=NEVER_FIFOS, far=far_away(proc)).ends
    except NotPermitted:
        return None
    fds = {item.fd for item in held if letter in item.access}
    pipes = [
        (identity, end)
        for identity, ends in census.ends.items()
        for end in ends
        if end.pid == pid and letter in end.access
    ]
    if len({identity for identity, _ in pipes}) != 1 or fds != {end.fd for _, end in pipes}:
        return None
    identity, end = pipes[0]
    fd = end.fd if len(pipes) == 1 else None
    return identity, Waiter(pid, tid, kind, fd, certainty="inferred", command=end.command)
