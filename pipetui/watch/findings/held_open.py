"""`held-open`: a reader waits for bytes or EOF, and whoever still holds a write end will hardly write (pipe(7)).

A process that inherited the end of a pipe from a job which has ended is most likely a daemon that was left behind: the
reader waits for its end without knowing. It is known by its parent: the processes in between have died, so it was given
to init or a subreaper (prctl(2)). A reader that is the next stage, `(server &) | tee log`, may be meant to wait: that
is a warning after minutes only. Other holders that rest are idle by design (`sleep 300 | grep x`), unless the end is
none of their standard streams: then it may have been forgotten, and after a while that is worth a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe, ProcessState, TaskState
from pipetui.watch.findings.ages import LONG, MINUTES, MOMENT, Later, Step, reached
from pipetui.watch.findings.wording import (
    certain,
    fds,
    kill,
    listed,
    named,
    oldest,
    people,
    resting,
    since_when,
    tasks_on,
    who,
)
from pipetui.watch.owners import owners
from pipetui.watch.stuck import kept_open, possible_holders, stuck
from pipetui.watch.world import World, ref

_INIT = 1


def held_open(world: World) -> Iterator[Finding | Later]:
    """Tell of readers that wait while all who hold a write end were left behind, or have forgotten it."""
    for pipe in world.waited_on("read"):
        readers = tasks_on(world, pipe, "read")
        pids = {process.pid for process, _ in readers}
        holders = [pid for pid in pipe.holders("w") if pid not in pids]
        if not holders or kept_open(world, pipe) or pids & stuck(world) or possible_holders(world, pipe):
            continue
        left = _left_behind(world, pipe, [process for process, _ in readers], holders)
        if not left and not _forgotten(world, pipe, holders):
            continue
        meant = any(end.fd == 0 and end.pid in pids for end in pipe.ends)
        tasks = [task for _, task in readers]
        since = oldest(world, tasks)
        level, later = reached(world, since, *_steps(left, meant))
        if later:
            yield later
        if level:
            whose = [pid for pid in owners(pipe, "w", world.parents) if pid in holders] or holders
            yield _finding(world, pipe, sorted(pids), whose, left, level, tasks)


def _steps(left: bool, meant: bool) -> tuple[Step, ...]:
    if left and meant:
        return (LONG, "note"), (MINUTES, "warning")
    return ((MOMENT, "warning"),) if left else ((LONG, "note"),)


def _finding(
    world: World, pipe: Pipe, pids: list[int], holders: list[int], left: bool, level: Level, tasks: list[TaskState]
) -> Finding:
    ends = listed([f"{fds(pipe, pid, 'w')} of {who(world, pid)}" for pid in holders])
    one = len(holders) == 1
    held = f"{people(world, holders)} hold{'s' if one else ''} {named(pipe)} open"
    waits = f"{people(world, pids)} wait{'s' if len(pids) == 1 else ''} for bytes or EOF"
    why = (
        "A reader gets EOF only when every write end is closed, those included that a process merely inherited "
        f"(pipe(7), fork(2)). Left open: {ends}."
    )
    fix = f"If nothing more is to come, close {ends}, or end {'it' if one else 'them'} ({kill(holders)})."
    if left:
        why += " The job that it was inherited from has ended."
        fix += " Start a daemon with its output elsewhere: `daemon > log 2>&1 &`."
    else:
        fix += " A program that starts others should open such ends with O_CLOEXEC, a shell close them with `N>&-`."
    return Finding(
        "held-open",
        level,
        (ref(pipe),),
        tuple(sorted({*pids, *holders})),
        f"{held}{', left over from a job that has ended' if left else ' without writing'}, and {waits}",
        why + since_when(tasks),
        fix,
        "exact" if certain(tasks) and world.everybody and not left else "inferred",
        oldest(world, tasks),
    )


def _left_behind(world: World, pipe: Pipe, readers: list[ProcessState], holders: list[int]) -> bool:
    """Whether an anonymous pipe is held open by processes alone whose job has ended, while the reader's goes on."""
    if pipe.kind != "anonymous" or any(_is_orphan(world, reader) for reader in readers):
        return False
    parents = {reader.parent for reader in readers}
    return all(_was_left(world, world.processes.get(pid), {one.pid for one in readers}, parents) for pid in holders)


def _was_left(world: World, holder: ProcessState | None, readers: set[int], parents: set[int]) -> bool:
    if holder is None or holder.parent in readers:
        return False
    if holder.pid == holder.session:  # its present parent may have started it so, and the reader too
        return holder.parent == _INIT and _INIT not in parents
    return _is_orphan(world, holder)


def _is_orphan(world: World, process: ProcessState) -> bool:
    """Whether the parent of a process has died: it is in the session of the one it was forked from (setsid(2))."""
    if process.pid == process.session or process.parent == 0:
        return False
    parent = world.processes.get(process.parent)
    sessions = {one.session for one in world.hidden if one.pid == process.parent}
    if parent is not None:
        sessions = {parent.session}
    return bool(sessions) and process.session not in sessions


def _forgotten(world: World, pipe: Pipe, holders: list[int]) -> bool:
    """Whether all holders of a FIFO rest, and have it by another number than those of standard output and error.

    An anonymous pipe that somebody holds so is more likely meant to: its reader wants to see the other's end.
    """
    if pipe.kind == "anonymous":
        return False
    standard = any("w" in end.access and end.fd in (1, 2) for end in pipe.ends)
    return not standard and all(resting(world.processes.get(pid)) for pid in holders)
