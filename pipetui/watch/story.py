"""What a process does, task by task, and what those do that it waits for: in sentences, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Pipe, Polled, ProcessState, TaskState
from pipetui.text import age
from pipetui.watch.findings.wording import named, people, who
from pipetui.watch.world import World

#: A chain of parents that wait for children is followed so far.
_DEPTH = 6


def story(world: World, pid: int) -> Iterator[str]:
    """Tell what each task of a process does, and go on to the children that it waits for. Nothing is made safe."""
    pending, told = [(pid, 0)], {pid}
    while pending:
        current, depth = pending.pop(0)
        process = world.processes.get(current)
        if process is None:
            continue
        yield f"{'  ' * depth}{who(world, current)}, child of {who(world, process.parent)}:"
        for task in process.tasks:
            yield f"{'  ' * depth}  {_task(world, process, task)}"
        if not process.tasks:
            yield f"{'  ' * depth}  it has ended, and its parent has not asked for its exit code yet"
        below = [child for task in process.tasks if task.doing == "child" for child in task.children]
        if depth < _DEPTH:
            pending += [(child, depth + 1) for child in below if child not in told]
            told.update(below)


def _task(world: World, process: ProcessState, task: TaskState) -> str:
    """Return one sentence on what a task does and who could release it."""
    name = "" if len(process.tasks) == 1 else f"task {task.tid} "
    lasted = "" if task.since is None or world.time - task.since < 1 else f"for {age(world.time - task.since)}"
    sure = "" if task.certainty == "exact" else "inferred"
    told = ", ".join(word for word in (lasted, sure) if word)
    return f"{name}{_does(world, task)}{f' ({told})' if told else ''}"


def _does(world: World, task: TaskState) -> str:
    pipe = None if task.pipe is None else world.by_id.get(task.pipe)
    what = named(pipe) if pipe else task.path or "a pipe that could not be told"
    fd = "" if task.fd is None else f", its fd {task.fd}"
    match task.doing:
        case "open-read" | "open-write":
            other = "writing" if task.doing == "open-read" else "reading"
            return f"waits to open {what}; it goes on when some process opens that for {other}"
        case "read":
            return f"waits to read {what}{fd}; {_releasers(world, pipe, 'w', 'could write to it or close it')}"
        case "write":
            return (
                f"waits to write to {what}{fd}, which is full; {_releasers(world, pipe, 'r', 'could read it')}"
            )
        case "child":
            return f"waits for {people(world, task.children) or 'a child'} to end"
        case "poll":
            return f"waits for {_polled(world, task)}, without a time limit"
        case "stopped":
            return "has been stopped by a signal; `kill -CONT` lets it go on"
        case "traced":
            return "is held by a debugger or tracer"
        case "sleeping":
            return "sleeps for a time, or until a signal"
        case "waiting" if task.polls:
            limited = all(one.pipe is not None or one.pid is not None for one in task.polls)
            return f"waits for {_polled(world, task)}{', or until a time limit' if limited else ''}"
        case "waiting":
            return f"waits for {_other(task.wchan)}"
        case _:
            return "runs"


def _polled(world: World, task: TaskState) -> str:
    """Return what a task polls: the pipes with those who could release it there, the rest by name."""
    return " or ".join(_member(world, one) for one in task.polls)


def _member(world: World, polled: Polled) -> str:
    fd = "" if polled.fd is None else f", its fd {polled.fd}"
    if polled.pid is not None:
        return f"the end of {who(world, polled.pid)}"
    if polled.pipe is None:
        return f"{polled.what}{fd}"
    pipe = world.by_id.get(polled.pipe)
    name = named(pipe) if pipe else f"pipe:[{polled.pipe.inode}]"
    if polled.events == "w":
        return f"room in {name}{fd} ({_releasers(world, pipe, 'r', 'could read it')})"
    return f"bytes or EOF from {name}{fd} ({_releasers(world, pipe, 'w', 'could write to it or close it')})"


def _other(wchan: str) -> str:
    """Return what a kernel function waits for that has nothing to do with pipes, as far as its name tells."""
    if wchan.startswith("futex"):
        return "a lock, a condition or the end of another thread (futex), not for a pipe"
    if "poll" in wchan or "select" in wchan:
        return "one of several descriptors, none of them a pipe"
    if "tty" in wchan or wchan.startswith("wait_woken"):
        return "its terminal or a socket, not for a pipe"
    return f"something other than a pipe ({wchan})" if wchan else "something other than a pipe"


def _releasers(world: World, pipe: Pipe | None, access: str, can: str) -> str:
    if pipe is None:
        return "who has the other end is not known"
    holders = sorted({end.pid for end in pipe.ends if access in end.access})
    return f"{people(world, holders)} {can}" if holders else "nobody has the other end"
