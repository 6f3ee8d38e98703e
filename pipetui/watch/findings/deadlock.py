"""`deadlock`: processes of which each waits for another of them and for nobody else (see `stuck.py`).

A core of which all wait to read one pipe, with all its write ends among them, is `never-eof`, told by its own rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipetui.model import Finding, Pipe, TaskState
from pipetui.text import plural
from pipetui.watch.findings.never_eof import forgotten_pipe
from pipetui.watch.findings.wording import certain, fds, kill, listed, named, people, quoted, who
from pipetui.watch.stuck import cores, largest, waiting
from pipetui.watch.world import World, ref

#: So many members are told one by one.
_TOLD = 5


def deadlock(world: World) -> Iterator[Finding]:
    """Tell of each set of processes that can only be released by each other."""
    waits = waiting(world)
    for core, tail in cores(waits, largest(waits)):
        if forgotten_pipe(world, core) is None:
            yield _finding(world, core, tail)


def _finding(world: World, core: frozenset[int], tail: frozenset[int]) -> Finding:
    tasks = [(pid, task) for pid in sorted(core) for task in world.processes[pid].tasks]
    pipes = _pipes(world, (task for _, task in tasks))
    fifos = [pipe for pipe in pipes if pipe.kind == "fifo" and not pipe.deleted]
    alone = len(core) == 1
    headline = (
        f"{people(world, core)} waits for itself and can't go on"
        if alone
        else f"{people(world, core, _TOLD)} wait for each other, and none can go on"
    )
    if fifos:
        headline += f", unless a new process opens {listed([named(pipe) for pipe in fifos])}"
    sentences = [_waits(world, pid, task) for pid, task in tasks[:_TOLD]]
    if len(tasks) > _TOLD:
        sentences.append(f"And so on, {plural(len(tasks) - _TOLD, 'more wait')}.")
    sentences.append("Whoever could release one of them is itself waiting, so none ever moves (pipe(7), wait(2)).")
    if tail:
        sentences.append(f"{people(world, tail)} in turn wait{'s' if len(tail) == 1 else ''} for them.")
    exact = certain(task for _, task in tasks) and not world.hidden
    return Finding(
        "deadlock",
        "note" if any(_may_be_served(world, task) for _, task in tasks) else "problem",
        tuple(ref(pipe) for pipe in pipes),
        tuple(sorted(core | tail)),
        headline,
        " ".join(sentences),
        _fix(world, tasks),
        "exact" if exact else "inferred",
    )


def _waits(world: World, pid: int, task: TaskState) -> str:
    """Return one sentence on what a task waits for, and why that does not come."""
    me = who(world, pid)
    if task.doing == "child":
        return f"{me} waits for {people(world, task.children)} to end."
    pipe = _pipe(world, task)
    fd = "" if task.fd is None else f" (its fd {task.fd})"
    if task.doing == "write":
        readers = people(world, pipe.holders("r"))
        return f"{me} waits to write to {named(pipe)}{fd}, which is full, and only {readers} can read it."
    return (
        f"{me} waits to read {named(pipe)}{fd}, which is empty, and only {people(world, pipe.holders('w'))} "
        "could write to it or close it."
    )


def _fix(world: World, tasks: list[tuple[int, TaskState]]) -> str:
    """Return what to change, and what sets them free now."""
    advice = []
    parents = {pid for pid, task in tasks if task.doing == "child"}
    writes = [(pid, task, _pipe(world, task)) for pid, task in tasks if task.doing == "write"]
    for _, _, pipe in writes:
        advice += [
            f"{who(world, pid)} should read {fds(pipe, pid, 'r')} before or while it waits for its child "
            "(in Python: subprocess's communicate() instead of wait())."
            for pid in parents.intersection(pipe.holders("r"))
        ]
    if not advice:
        advice.append(
            "One of them should not block: read what is there before writing more, or close ends it does not use."
        )
    for pid, _, pipe in writes[:1]:
        reader = next(end for end in pipe.ends if "r" in end.access)
        source = quoted(pipe.path) if pipe.path and not pipe.deleted else f"/proc/{reader.pid}/fd/{reader.fd}"
        advice.append(f"To set them free now, take the bytes out: `cat {source} > /dev/null` (they are lost);")
        return " ".join([*advice, f"or end one of them: {kill([pid])}."])
    return " ".join([*advice, f"To set them free now, end one of them: {kill([tasks[0][0]])}."])


def _may_be_served(world: World, task: TaskState) -> bool:
    """Whether a task is a server at rest: it reads a FIFO that is held open for reading and writing on purpose."""
    if task.doing != "read":
        return False
    pipe = _pipe(world, task)
    return pipe.kind == "fifo" and not pipe.deleted and any(end.access == "rw" for end in pipe.ends)


def _pipe(world: World, task: TaskState) -> Pipe:
    assert task.pipe is not None
    return world.by_id[task.pipe]


def _pipes(world: World, tasks: Iterable[TaskState]) -> list[Pipe]:
    identities = dict.fromkeys(task.pipe for task in tasks if task.pipe is not None)
    return [world.by_id[identity] for identity in identities]
