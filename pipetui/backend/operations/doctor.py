"""The findings of one moment, and why one process hangs. Touches nothing: no end is opened or borrowed.

What is too young to mean anything is looked at again, and so is what is said to be so for ever: that takes up to a
second (see `watch/diagnosis.py`).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass

from pipetui.backend.operations import Complaint
from pipetui.backend.operations.target import roots_of, unknown
from pipetui.kernel.errors import Gone, NotPermitted
from pipetui.model import Finding, ProcessState
from pipetui.watch.diagnosis import diagnose
from pipetui.watch.snapshot import Surveyor
from pipetui.watch.story import story
from pipetui.watch.world import World


@dataclass(frozen=True, slots=True)
class Question:
    """Only findings on FIFOs under these paths (none: on every pipe), only on this process (None: on any)."""

    paths: tuple[str, ...] = ()
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, the gravest first, among how many pipes and processes.

    `unseen` says who may hold an end without being seen. For a process that was asked about: `process`, and its
    `story`, what it and those it waits for do, in lines.
    """

    host: str
    time: float
    unreadable: int
    partial: tuple[str, ...]
    findings: tuple[Finding, ...]
    pipes: int
    holders: int
    process: ProcessState | None = None
    story: tuple[str, ...] = ()
    unseen: str = ""


ANSWERS = (Complaint, Diagnosis)


def answer(question: Question) -> Iterator[Complaint | Diagnosis]:
    """Look and judge. With nothing left to look at there is no `Diagnosis`. Raises Gone, NotPermitted."""
    roots, complaints = roots_of(question.paths)
    yield from complaints
    if question.paths and not roots:
        return
    gc.disable()  # everything made here lives until the end
    world, findings = diagnose(Surveyor(roots, asked=bool(question.paths)).look)
    if world.unseen:
        yield from unknown(question.paths, world.pipes, world.unseen)
    if world.blind and not world.processes:
        yield Complaint(world.blind)
    if question.paths:
        findings = tuple(one for one in findings if any((ref.dev, ref.inode) in world.found for ref in one.pipes))
    process: ProcessState | None = None
    told: tuple[str, ...] = ()
    if question.pid is not None:
        process = _known(world, question.pid)
        told = tuple(story(world, question.pid))
        findings = tuple(one for one in findings if question.pid in (*one.pids, *one.behind))
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
