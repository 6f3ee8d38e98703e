"""`deadlock`: processes of which each waits for another of them and for nobody else (see `stuck.py`).

A core of which all wait to read one pipe, with all its write ends among them, is `never-eof`, told by its own rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipetui.model import Finding, Level, Pipe, Polled, TaskState
from pipetui.text import plural
from pipetui.watch.findings.ages import Later
from pipetui.watch.findings.certainty import doubt, level_of, sureness
from pipetui.watch.findings.never_eof import forgotten_pipe
from pipetui.watch.findings.wording import fds, kill, listed, named, newest, people, quoted, since_when, who
from pipetui.watch.stuck import Knot, knots
from pipetui.watch.world import World, ref, sides

#: So many members are named one by one.
_MOST = 5


def deadlock(world: World) -> Iterator[Finding | Later]:
    """Tell of each set of processes that can only be released by each other."""
    for knot in knots(world):
        if forgotten_pipe(world, knot.core) is None:
            level, later = level_of(world, knot)
            if later:
                yield later
            if level:
                yield _finding(world, knot, level)


def _finding(world: World, knot: Knot, level: Level) -> Finding:
    core, tail = knot.core, knot.tail
    tasks = [(pid, task) for pid in sorted(core) for task in world.processes[pid].tasks]
    pipes = _pipes(world, (task for _, task in tasks))
    fifos = [pipe for pipe in pipes if pipe.kind == "fifo" and not pipe.deleted]
    headline = (
        f"{people(world, core)} waits for itself and can't continue"
        if len(core) == 1
        else f"{people(world, core, _MOST)} wait for each other; {'neither' if len(core) == 2 else 'none'} can continue"
    )
    if fifos:
        headline += f" unless a new process opens {listed([named(pipe) for pipe in fifos])}"
    if not knot.sure:
        headline += ", unless a signal handler frees one of them"
    sentences = [_waits(world, pid, task) for pid, task in tasks[:_MOST]]
    if len(tasks) > _MOST:
        sentences.append(f"And so on: {plural(len(tasks) - _MOST, 'more wait')}.")
    sentences.append(
        "Everyone who could release one of them is waiting too (pipe(7), wait(2))."
        if len(core) > 1
        else "Nobody else could release it (pipe(7))."
    )
    if not knot.sure:
        sentences.append(f"None of them has run for minutes. {doubt(world, core)}")
    if tail:
        sentences.append(f"{people(world, tail)} in turn wait{'s' if len(tail) == 1 else ''} for them.")
    return Finding(
        "deadlock",
        level,
        tuple(ref(pipe) for pipe in pipes),
        tuple(sorted(core)),
        headline,
        " ".join(sentences) + since_when([task for _, task in tasks]),
        _fix(world, tasks),
        sureness(world, knot),
        newest(world, [task for _, task in tasks]),
        tuple(sorted(tail)),
    )


def _waits(world: World, pid: int, task: TaskState) -> str:
    """Return one sentence on what a task waits for, and why that does not come."""
    me = who(world, pid)
    if task.doing == "child":
        return f"{me} waits for {people(world, task.children)} to end."
    if task.doing == "poll":
        return f"{me} polls, without a time limit: {'; '.join(_polled(world, pid, one) for one in task.polls)}."
    pipe = _pipe(world, task)
    fd = "" if task.fd is None else f" (its fd {task.fd})"
    if task.doing == "write":
        readers = people(world, pipe.holders("r"))
        return f"{me} waits to write to {named(pipe)}{fd}, which is full, and only {readers} can read it."
    return (
        f"{me} waits to read {named(pipe)}{fd}, which is empty, and only {people(world, pipe.holders('w'))} "
        "could write to it or close it."
    )


def _polled(world: World, pid: int, polled: Polled) -> str:
    if polled.pid is not None:
        return f"the end of {who(world, polled.pid)}"
    pipe = None if polled.pipe is None else world.by_id.get(polled.pipe)
    if pipe is None:
        return "a pipe"
    others = {side: people(world, pipe.holders("w" if side == "read" else "r")) for side in sides(world, pid, polled)}
    wants = {"read": "to read {}", "write": "to write {}" if "w" in polled.events else "for the readers of {} to go"}
    return " or ".join(f"{wants[side].format(named(pipe))} (its other side: {them})" for side, them in others.items())


def _fix(world: World, tasks: list[tuple[int, TaskState]]) -> str:
    """Return what to change, and what sets them free now."""
    advice = []
    parents = {pid for pid, task in tasks if task.doing in ("child", "poll")}
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
        advice.append(f"To unblock them now, take the bytes out: `cat {source} > /dev/null` (they are lost);")
        return " ".join([*advice, f"or end one of them: {kill([pid])}."])
    return " ".join([*advice, f"To unblock them now, end one of them: {kill([tasks[0][0]])}."])


def _pipe(world: World, task: TaskState) -> Pipe:
    assert task.pipe is not None
    return world.by_id[task.pipe]


def _pipes(world: World, tasks: Iterable[TaskState]) -> list[Pipe]:
    identities = dict.fromkeys(task.pipe for task in tasks if task.pipe is not None)
    return [world.by_id[identity] for identity in identities]
