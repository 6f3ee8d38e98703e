"""`never-eof`: a reader waits for the end, and the only write ends left are its own (pipe(7)).

On an anonymous pipe nobody else can ever come, so that is a problem, and nearly always a forgotten close(2). On a FIFO
holding one's own write end is also the known way to keep it open between clients: a note for an end opened for reading
and writing, a warning for one opened for writing. A nonblocking write end on an anonymous pipe is most likely the
process's own alarm bell, rung by its signal handlers: a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe
from pipetui.watch.findings.wording import certain, fds, listed, named, people, since_when, who
from pipetui.watch.stuck import cores, largest, waiting
from pipetui.watch.world import World, ref


def never_eof(world: World) -> Iterator[Finding]:
    """Tell of readers that keep themselves from seeing EOF."""
    waits = waiting(world)
    for core, _ in cores(waits, largest(waits)):
        pipe = forgotten_pipe(world, core)
        if pipe is not None:
            yield _finding(world, core, pipe)


def forgotten_pipe(world: World, core: frozenset[int]) -> Pipe | None:
    """Return the one pipe that all tasks of a core wait to read; None when they wait for anything else."""
    tasks = [task for pid in core for task in world.processes[pid].tasks]
    pipes = {task.pipe for task in tasks}
    if len(pipes) != 1 or any(task.doing != "read" for task in tasks):
        return None
    (identity,) = pipes
    return world.by_id.get(identity) if identity is not None else None


def _finding(world: World, core: frozenset[int], pipe: Pipe) -> Finding:
    tasks = [task for pid in core for task in world.processes[pid].tasks]
    one = len(core) == 1
    ends = listed([f"{fds(pipe, pid, 'w')} of {who(world, pid)}" for pid in pipe.holders("w")])
    level = _level(pipe)
    why = (
        "A reader gets EOF when the last write end of the pipe is closed (pipe(7)). The only write "
        f"ends left are {'its' if one else 'their'} own ({ends}), so neither bytes nor EOF can come"
    )
    why += ", unless a new process opens the FIFO." if pipe.kind == "fifo" and not pipe.deleted else "."
    why += since_when(tasks)
    fix = f"Close {ends}: a process that reads a pipe should close its copy of the write end first"
    fix += ", after fork(2) and before it reads." if pipe.kind == "anonymous" else "."
    if level == "note":
        fix = f"Nothing, if this is meant: it is how a FIFO is kept open between clients. Else close {ends}."
        if pipe.kind == "anonymous":
            fix = f"Nothing, if a signal handler writes to it. Else close {ends}."
    exact = certain(tasks) and not world.hidden
    return Finding(
        "never-eof",
        level,
        (ref(pipe),),
        tuple(sorted(core)),
        f"{people(world, core)} wait{'s' if one else ''} to read {named(pipe)} and "
        f"hold{'s' if one else ''} the only write end{'s' if len(pipe.holders('w')) > 1 else ''}",
        why,
        fix,
        "exact" if exact else "inferred",
    )


def _level(pipe: Pipe) -> Level:
    writing = [end for end in pipe.ends if "w" in end.access]
    if pipe.kind == "anonymous":
        return "note" if all(end.nonblocking for end in writing) else "problem"
    if pipe.deleted:
        return "problem"
    return "note" if any(end.access == "rw" for end in writing) else "warning"
