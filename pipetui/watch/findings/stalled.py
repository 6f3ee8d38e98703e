"""`stalled-reader`: the pipe is full, a writer waits, and no reader reads (pipe(7), on capacity).

That a writer waits is how a pipe slows it down to its reader's pace, so a moment of it is nothing, and a reader that
works is only a bottleneck (a note). Stopped readers, or ones that have rested for a minute, are a problem.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe, ProcessState
from pipetui.text import size
from pipetui.watch.findings.wording import (
    certain,
    fds,
    kill,
    lasted,
    listed,
    named,
    people,
    resting,
    since_when,
    tasks_on,
    who,
)
from pipetui.watch.stuck import largest, waiting
from pipetui.watch.world import World, ref

#: Shorter waits (seconds) are a pipe at work; from the second on, a resting reader is a problem.
MOMENT, LONG = 1.0, 60.0


def stalled_reader(world: World) -> Iterator[Finding]:
    """Tell of writers whose readers do not read."""
    stuck = None
    for pipe in world.pipes:
        if not any(waiter.kind == "write" for waiter in pipe.waiters):
            continue
        if stuck is None:
            stuck = largest(waiting(world))
        writers = tasks_on(world, pipe, "write")
        readers = [pid for pid in pipe.holders("r") if pid not in {process.pid for process, _ in writers}]
        if not readers or tasks_on(world, pipe, "read") or any(process.pid in stuck for process, _ in writers):
            continue
        states = [world.processes.get(pid) for pid in readers]
        stopped = all(_is_stopped(state) for state in states)
        tasks = [task for _, task in writers]
        seconds = lasted(world, tasks)
        if not stopped and seconds is not None and seconds < MOMENT:
            continue
        level: Level = "warning"
        if stopped or (seconds is not None and seconds >= LONG and all(map(resting, states))):
            level = "problem"
        elif any(_works(state) for state in states):
            level = "note"
        pids = sorted({process.pid for process, _ in writers})
        does = listed(
            [f"{who(world, pid)} {_does(world, state)}" for pid, state in zip(readers, states, strict=True)][:3]
        )
        yield Finding(
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
        )


def _fix(pipe: Pipe, readers: list[int], stopped: bool) -> str:
    if stopped:
        return "Let the reader go on: `kill -CONT " + " ".join(map(str, readers)) + "`."
    first = readers[0]
    return (
        f"Look at the reader: `pipetui doctor --pid {first}` tells what it does instead of reading "
        f"{fds(pipe, first, 'r')}. If it has hung, end it ({kill(readers)}): then the writer gets SIGPIPE."
    )


def _is_stopped(state: ProcessState | None) -> bool:
    return state is not None and bool(state.tasks) and all(task.doing == "stopped" for task in state.tasks)


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
