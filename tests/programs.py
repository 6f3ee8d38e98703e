"""Real programs in a session of their own: to start them, to wait until they have come to rest, and to judge them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helper_processes import until

from pipetui.kernel.procfs import Proc
from pipetui.model import Finding, ProcessState
from pipetui.watch.diagnosis import diagnose
from pipetui.watch.findings import judge
from pipetui.watch.snapshot import Surveyor
from pipetui.watch.world import World, observe


@contextmanager
def program(code: str, *arguments: str | Path, shell: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program (or a bash script) in a session of its own; all of that session end with the block."""
    argv = ["bash", "-c", code, "bash"] if shell else [sys.executable, "-S", "-c", code]
    process = subprocess.Popen([*argv, *arguments], start_new_session=True, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        members = [process.pid, *family(process.pid)]  # the leader first, which may be forking
        while members:
            for pid in members:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            members = [pid for pid in family(process.pid) if not _is_dead(pid)]
        process.wait()


def _is_dead(pid: int) -> bool:
    told = Proc().stat(pid)
    return told is None or told.dead


def family(pid: int) -> list[int]:
    """Return the other processes of the session that `pid` leads."""
    proc = Proc()
    stats = {other: proc.stat(other) for other in proc.pids()}
    return [other for other, told in stats.items() if told and told.session == pid and other != pid]


def all_wait(pid: int, count: int) -> bool:
    """Whether a session has `count` processes now, each with all its tasks asleep."""
    members = [pid, *family(pid)]
    proc = Proc()
    return len(members) == count and all(
        proc.switches(member, task) >= 0 for member in members for task in proc.tasks(member)
    )


def settled(pid: int, count: int) -> World:
    """Wait until a session of `count` processes has come to rest, and return the world then."""
    steady: list[dict[int, ProcessState]] = []

    def same_twice() -> World | None:
        if not all_wait(pid, count):
            return None
        world = observe()
        states = {member: world.processes[member] for member in (pid, *family(pid)) if member in world.processes}
        if any(task.doing == "busy" for state in states.values() for task in state.tasks):
            return None
        steady.append(states)
        return world if len(steady) > 1 and steady[-1].keys() == steady[-2].keys() else None

    world = until(same_twice, f"{count} processes of session {pid} at rest")
    assert world is not None
    return world


def problems(world: World, pid: int) -> list[Finding]:
    """Return the problems that name a process of a session."""
    members = {pid, *family(pid)}
    return [one for one in judge(world) if one.level == "problem" and members & set(one.pids)]


def diagnosed(pid: int, *roots: Path, also: int = 0) -> list[Finding]:
    """Return what `pipetui doctor` finds on the processes of a session, or of two."""
    _, found = diagnose(Surveyor([str(root) for root in roots]).look)
    members = {pid, *family(pid), *([also, *family(also)] if also else ())}
    return [one for one in found if members & set(one.pids)]
