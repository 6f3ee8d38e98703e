"""The findings of one moment, and why one process hangs. Touches nothing: no end is opened or borrowed.

What is too young to mean anything is looked at again, and so is what is said to be so for ever: that takes up to a
second (see `watch/diagnosis.py`).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

from pipetui.backend.operations.target import roots_of, unknown
from pipetui.kernel.errors import Gone, NotPermitted
from pipetui.model import ProcessState
from pipetui.protocol.operations import Complaint, Diagnosis, Doctor
from pipetui.watch.diagnosis import diagnose
from pipetui.watch.snapshot import Surveyor
from pipetui.watch.story import story
from pipetui.watch.world import World


def answer(operation: Doctor) -> Iterator[Complaint | Diagnosis]:
    """Look and judge. With nothing left to look at there is no `Diagnosis`. Raises Gone, NotPermitted."""
    roots, complaints = roots_of(operation.paths)
    yield from complaints
    if operation.paths and not roots:
        return
    gc.disable()  # everything made here lives until the end
    world, findings = diagnose(Surveyor(roots, asked=bool(operation.paths)).look)
    if world.unseen:
        yield from unknown(operation.paths, world.pipes, world.unseen)
    if world.blind and not world.processes:
        yield Complaint(world.blind)
    if operation.paths:
        findings = tuple(one for one in findings if any((ref.dev, ref.inode) in world.found for ref in one.pipes))
    process: ProcessState | None = None
    told: tuple[str, ...] = ()
    if operation.pid is not None:
        process = _known(world, operation.pid)
        told = tuple(story(world, operation.pid))
        findings = tuple(one for one in findings if operation.pid in (*one.pids, *one.behind))
    yield Diagnosis(
        os.uname().nodename,
        world.time,
        world.unreadable,
        world.partial,
        findings,
        len(world.pipes),
        len({end.pid for pipe in world.pipes for end in pipe.ends}),
        process,
        told,
        world.unseen,
    )


def _known(world: World, pid: int) -> ProcessState:
    if pid in world.processes:
        return world.processes[pid]
    if any(process.pid == pid for process in world.hidden):
        raise NotPermitted(f"process {pid} may not be looked at: ask as its user, or as root")
    raise Gone(f"there is no process {pid}, or it is a kernel thread")
