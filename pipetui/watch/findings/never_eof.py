"""`never-eof`: a reader waits for the end, and the only write ends left are its own (pipe(7)).

On an anonymous pipe nobody else can ever come, so that is a problem, and nearly always a forgotten close(2). A FIFO
whose readers hold it open for writing waits for its next writer: that is how it is kept open between clients, and a
note, for whoever wonders why no EOF comes. So does one that is held open by who has started the reader and waits for
its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe, TaskState
from pipetui.watch.findings.ages import MOMENT, Later, reached
from pipetui.watch.findings.certainty import doubt, level_of, sureness
from pipetui.watch.findings.wording import (
    certain,
    fds,
    listed,
    named,
    newest,
    oldest,
    people,
    since_when,
    tasks_on,
    who,
)
from pipetui.watch.stuck import Knot, kept_open, knots
from pipetui.watch.world import World, ref, sides


def never_eof(world: World) -> Iterator[Finding | Later]:
    """Tell of readers that keep themselves from seeing EOF."""
    for knot in knots(world):
        pipe = forgotten_pipe(world, knot.core)
        if pipe is not None:
            level, later = level_of(world, knot)
            if later:
                yield later
            if level:
                yield _finding(world, knot, pipe, level)
    for pipe in world.waited_on("read"):
        if kept_open(world, pipe):
            yield from _served(world, pipe)


def forgotten_pipe(world: World, core: frozenset[int]) -> Pipe | None:
    """Return the one pipe that all tasks of a core wait to read; None when they wait for anything else."""
    pipes = {_read(world, pid, task) for pid in core for task in world.processes[pid].tasks}
    return pipes.pop() if len(pipes) == 1 else None


def _read(world: World, pid: int, task: TaskState) -> Pipe | None:
    """Return the pipe that a task waits to read, if it waits for nothing else."""
    identity = task.pipe if task.doing == "read" else None
    if task.doing == "poll" and len(task.polls) == 1 and list(sides(world, pid, task.polls[0])) == ["read"]:
        identity = task.polls[0].pipe
    return None if identity is None else world.by_id.get(identity)


def _finding(world: World, knot: Knot, pipe: Pipe, level: Level) -> Finding:
    core = knot.core
    tasks = [task for pid in core for task in world.processes[pid].tasks]
    one = len(core) == 1
    ends = _write_ends(world, pipe)
    why = (
        "A reader gets EOF when the last write end of the pipe is closed (pipe(7)). The only write "
        f"ends left are {'its' if one else 'their'} own ({ends}), so neither bytes nor EOF can come."
    )
    if not knot.sure:
        why += f" None of them has run for minutes. {doubt(world, core)}"
    fix = (
        f"Close {ends}: a process that reads a pipe should close its copy of the write end first, after fork(2) and "
        "before it reads."
    )
    return Finding(
        "never-eof",
        level,
        (ref(pipe),),
        tuple(sorted(core)),
        f"{people(world, core)} wait{'s' if one else ''} to read {named(pipe)} and "
        f"hold{'s' if one else ''} the only write end{'s' if len(pipe.holders('w')) > 1 else ''}",
        why + since_when(tasks),
        fix if knot.sure else f"Nothing, if a signal handler writes to it. Otherwise: {fix[:1].lower()}{fix[1:]}",
        sureness(world, knot),
        newest(world, tasks),
        tuple(sorted(knot.tail)),
    )


def _served(world: World, pipe: Pipe) -> Iterator[Finding | Later]:
    """Tell of those who wait for the next writer of a FIFO that its readers keep open."""
    readers = tasks_on(world, pipe, "read")
    tasks = [task for _, task in readers]
    pids = tuple(sorted({process.pid for process, _ in readers}))
    one = len(pids) == 1
    since = oldest(world, tasks)
    level, later = reached(world, since, (MOMENT, "note"))
    if later:
        yield later
    if level:
        ends = _write_ends(world, pipe)
        yield Finding(
            "never-eof",
            level,
            (ref(pipe),),
            pids,
            f"{people(world, pids)} wait{'s' if one else ''} for the next writer of {named(pipe)}, and EOF can't come",
            "A reader gets EOF when the last write end is closed (pipe(7)), and this FIFO is held open for writing by "
            f"its readers or by who waits for their end ({ends}). That is how a FIFO is kept open between its clients."
            f"{since_when(tasks)}",
            f"Nothing, if intended; otherwise close {ends}.",
            "exact" if certain(tasks) else "inferred",
            since,
        )


def _write_ends(world: World, pipe: Pipe) -> str:
    return listed([f"{fds(pipe, pid, 'w')} of {who(world, pid)}" for pid in pipe.holders("w")])
