"""How findings name processes and pipes, and what several rules ask of a world."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable

from pipetui.model import Pipe, ProcessState, TaskState
from pipetui.text import plural
from pipetui.watch.state import name_of
from pipetui.watch.world import World

_INTERPRETER = re.compile(r"(python|perl|ruby|node|bash|dash|sh|zsh)[\d.]*$")


def who(world: World, pid: int) -> str:
    """Return `cat (123)`, or for an interpreter `python3 job.py (123)`."""
    command = world.command(pid)
    if not command:
        return f"process {pid}"
    name = name_of(command)
    script = command.split(" ")[1:2]
    if script and _INTERPRETER.match(name) and script[0] and not script[0].startswith("-"):
        name += " " + script[0].rsplit("/", 1)[-1]
    return f"{name} ({pid})"


def people(world: World, pids: Iterable[int], most: int = 3) -> str:
    """Return `a (1), b (2) and c (3)`; more than `most` are counted."""
    names = [who(world, pid) for pid in sorted(set(pids))]
    if len(names) > most:
        names = [*names[: most - 1], plural(len(names) - most + 1, "other process", "other processes")]
    return listed(names)


def listed(names: list[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def named(pipe: Pipe) -> str:
    """Return the pipe's path, or `pipe:[4711]`."""
    if pipe.path is None:
        return f"pipe:[{pipe.id.inode}]" if pipe.kind == "anonymous" else f"the FIFO with inode {pipe.id.inode}"
    return f"{pipe.path} (removed)" if pipe.deleted else pipe.path


def quoted(path: str) -> str:
    """Return a path as a shell takes it."""
    return shlex.quote(path)


def fds(pipe: Pipe, pid: int, access: str) -> str:
    """Return `fd 3` or `fds 3 and 5`: the descriptors of a process on one side of a pipe."""
    numbers = sorted({end.fd for end in pipe.ends if end.pid == pid and access in end.access})
    return ("fd " if len(numbers) == 1 else "fds ") + listed([str(number) for number in numbers])


def tasks_on(world: World, pipe: Pipe, doing: str) -> list[tuple[ProcessState, TaskState]]:
    """Return the tasks that wait on a pipe in one way."""
    return world.waiting_on.get((pipe.id, doing), [])


def oldest(world: World, tasks: Iterable[TaskState]) -> float:
    """Return since when the first of some tasks has waited."""
    return min((_since(world, task) for task in tasks), default=world.time)


def newest(world: World, tasks: Iterable[TaskState]) -> float:
    """Return since when the last of some tasks has waited: since when all of them do."""
    return max((_since(world, task) for task in tasks), default=world.time)


def _since(world: World, task: TaskState) -> float:
    return world.time if task.since is None else min(task.since, world.time)


def since_when(tasks: Iterable[TaskState]) -> str:
    """Return ` Since 14:05:33.`, or nothing when that is not known. A time does not change as a duration does."""
    since = [task.since for task in tasks if task.since is not None and task.dated]
    return time.strftime(" Since %H:%M:%S.", time.localtime(min(since))) if since else ""


def certain(tasks: Iterable[TaskState]) -> bool:
    """Whether each of some waits was read, not inferred."""
    return all(task.certainty == "exact" for task in tasks)


def resting(process: ProcessState | None) -> bool:
    """Whether a process neither runs nor waits for events: each of its tasks sleeps, is stopped or awaits a child."""
    return (
        process is not None
        and bool(process.tasks)
        and all(task.doing in ("sleeping", "stopped", "child") for task in process.tasks)
    )


def kill(pids: Iterable[int]) -> str:
    """Return the command that ends some processes."""
    return "`kill " + " ".join(str(pid) for pid in sorted(set(pids))) + "`"
