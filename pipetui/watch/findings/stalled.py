"""`stalled-reader`: the pipe is full, a writer waits, and no reader reads (pipe(7), on capacity).

That a writer waits is how a pipe slows it down to its reader's pace, be that a pager's or that of somebody who sleeps
between two reads: after a while a note. A reader that was stopped by a signal reads only when somebody continues it: a
problem.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe, ProcessState, TaskState
from pipetui.text import size
from pipetui.watch.findings.ages import LONG, MOMENT, Later, reached
from pipetui.watch.findings.wording import (
    certain,
    fds,
    kill,
    listed,
    named,
    newest,
    oldest,
    people,
    since_when,
    tasks_on,
    who,
)
from pipetui.watch.owners import owners
from pipetui.watch.stuck import stuck
from pipetui.watch.world import World, ref


def stalled_reader(world: World) -> Iterator[Finding | Later]:
    """Tell of writers whose readers do not read."""
    for pipe in world.waited_on("write"):
        writers = tasks_on(world, pipe, "write")
        if tasks_on(world, pipe, "read"):
            continue
        pids = {process.pid for process, _ in writers}
        holders = [pid for pid in pipe.holders("r") if pid not in pids]
        if not holders or pids & stuck(world):
            continue
        states = [world.processes.get(pid) for pid in holders]
        readers = [pid for pid in owners(pipe, "r", world.parents) if pid in holders] or holders
        tasks = [task for _, task in writers]
        stops = [task for state in states if state and _is_stopped(state) for task in state.tasks]
        stopped = all(state is not None and _is_stopped(state) for state in states)
        if not stopped and any(_works(state) for state in states):
            continue
        since = max(oldest(world, tasks), newest(world, stops)) if stopped else oldest(world, tasks)
        level, later = reached(world, since, (MOMENT, "problem") if stopped else (LONG, "note"))
        if later:
            yield later
        if level:
            yield _finding(world, pipe, sorted(pids), readers, tasks, stopped, level, since)


def _finding(
    world: World,
    pipe: Pipe,
    pids: list[int],
    readers: list[int],
    tasks: list[TaskState],
    stopped: bool,
    level: Level,
    since: float,
) -> Finding:
    does = listed([f"{who(world, pid)} {_does(world, world.processes.get(pid))}" for pid in readers][:3])
    return Finding(
        "stalled-reader",
        level,
        (ref(pipe),),
        tuple(sorted({*pids, *readers})),
        f"{people(world, pids)} wait{'s' if len(pids) == 1 else ''} to write to {named(pipe)}"
        f": it is full, and {people(world, readers)} "
        f"do{'es' if len(readers) == 1 else ''} not read",
        f"A pipe holds {size(pipe.capacity) if pipe.capacity else 'a limited number of bytes'}; when it is full, a "
        f"write blocks until somebody reads (pipe(7)). {does}.{since_when(tasks)}",
        _fix(pipe, readers, stopped),
        "exact" if certain(tasks) else "inferred",
        since,
    )


def _fix(pipe: Pipe, readers: list[int], stopped: bool) -> str:
    if stopped:
        return "Let the reader go on: `kill -CONT " + " ".join(map(str, readers)) + "`."
    first = readers[0]
    return (
        f"Look at the reader: `pipetui doctor --pid {first}` tells what it does instead of reading "
        f"{fds(pipe, first, 'r')}. If it has hung, end it ({kill(readers)}): then the writer gets SIGPIPE."
    )


def _is_stopped(state: ProcessState) -> bool:
    return bool(state.tasks) and all(task.doing == "stopped" for task in state.tasks)


def _works(state: ProcessState | None) -> bool:
    """Whether a process is at work: it runs, or is itself held up further on."""
    return state is None or any(task.doing in ("busy", "write") for task in state.tasks)


def _does(world: World, state: ProcessState | None) -> str:
    """Return what a reader does instead of reading."""
    if state is None or not state.tasks:
        return "could not be looked at"
    if _is_stopped(state):
        return "was stopped by a signal"
    kinds = {task.doing for task in state.tasks}
    if "busy" in kinds:
        return "is busy with something else"
    if "write" in kinds:
        pipes = [world.by_id[task.pipe] for task in state.tasks if task.doing == "write" and task.pipe in world.by_id]
        return f"is itself waiting to write to {named(pipes[0])}" if pipes else "is itself waiting to write"
    if "child" in kinds and kinds <= {"child", "stopped"}:
        return "waits for a child"
    return "sleeps" if kinds <= {"sleeping", "child"} else "waits for something else"
