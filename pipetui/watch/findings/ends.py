"""`held-open`, `split-readers` and `lost-reader`: who has ends open, and what that keeps from happening (pipe(7))."""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe
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
from pipetui.watch.stuck import largest, possible_holders, waiting
from pipetui.watch.world import World, ref

#: From so many seconds on, an end that a resting process holds open is worth a warning.
_LONG = 60.0
#: A daemon left behind on a pipe that somebody reads is told after so many seconds.
_LEFT_BEHIND = 10.0


def held_open(world: World) -> Iterator[Finding]:
    """Tell of readers that wait for bytes or EOF while all who hold a write end rest."""
    stuck = None
    for pipe in world.pipes:
        if not any(waiter.kind == "read" for waiter in pipe.waiters):
            continue
        readers = tasks_on(world, pipe, "read")
        tasks = [task for _, task in readers]
        pids = {process.pid for process, _ in readers}
        holders = [pid for pid in pipe.holders("w") if pid not in pids]
        seconds = lasted(world, tasks)
        if not holders or len(holders) < len(pipe.holders("w")) or possible_holders(world, pipe):
            continue
        if not all(_idles(world, pid, seconds) for pid in holders):
            continue
        stuck = largest(waiting(world)) if stuck is None else stuck
        if pids & stuck:
            continue
        ends = listed([f"{fds(pipe, pid, 'w')} of {who(world, pid)}" for pid in holders])
        level: Level = "warning" if seconds is not None and seconds >= _LONG else "note"
        yield Finding(
            "held-open",
            level,
            (ref(pipe),),
            tuple(sorted({*pids, *holders})),
            f"{people(world, holders)} hold{'s' if len(holders) == 1 else ''} {named(pipe)} open without writing, and "
            f"{people(world, pids)} wait{'s' if len(pids) == 1 else ''} for it",
            "A reader gets EOF only when every write end is closed, those included that a process merely inherited "
            f"(pipe(7), fork(2)). Left open: {ends}.{since_when(tasks)}",
            f"If nothing is to come any more, close {ends}, or end {'it' if len(holders) == 1 else 'them'} "
            f"({kill(holders)}). A program that starts others should open such ends with O_CLOEXEC, a shell close them "
            "with `N>&-`.",
            "exact" if certain(tasks) and not world.hidden else "inferred",
        )


def _idles(world: World, pid: int, seconds: float | None) -> bool:
    """Whether a holder will hardly write: it rests, or it is a daemon left behind on the output of what started it."""
    process = world.processes.get(pid)
    if resting(process):
        return True
    orphan = process is not None and process.parent == 1 and process.session == pid
    return orphan and seconds is not None and seconds >= _LEFT_BEHIND


def split_readers(world: World) -> Iterator[Finding]:
    """Tell of pipes that several processes read independently: each byte goes to only one of them."""
    for pipe in world.pipes:
        readers = {end.pid for end in pipe.ends if end.access == "r"}
        if len(readers) < 2:
            continue
        waiting_now = {process.pid for process, _ in tasks_on(world, pipe, "read")} if pipe.waiters else set()
        apart = {pid for pid in readers if not world.ancestors(pid) & readers}
        both_read, strangers = len(waiting_now) > 1, pipe.kind == "fifo" and len(apart) > 1
        if not both_read and not strangers:
            continue
        pids = sorted(waiting_now if both_read else apart)
        yield Finding(
            "split-readers",
            "warning" if strangers else "note",
            (ref(pipe),),
            tuple(pids),
            f"{people(world, pids)} read {named(pipe)} side by side, and each gets only a part of the bytes",
            "A pipe keeps each byte for one reader only: whoever reads first takes it, and the others never see it "
            "(pipe(7)). For workers that share a queue this may be meant.",
            f"To give everybody everything, give each reader a FIFO of its own and copy into all: `tee A B > C < "
            f"{named(pipe)}`. Else end all readers but one ({kill(pids[1:])}).",
            "exact" if both_read else "inferred",
        )


def lost_reader(world: World) -> Iterator[Finding]:
    """Tell of writers whose readers have all gone; all such anonymous pipes of the same processes together."""
    lost: dict[tuple[object, ...], list[Pipe]] = {}
    for pipe in world.pipes:
        if pipe.ends and not pipe.holders("r") and not any(waiter.kind == "open-read" for waiter in pipe.waiters):
            key = (pipe.id,) if pipe.kind == "fifo" else pipe.holders("w")
            lost.setdefault(key, []).append(pipe)
    for pipes in lost.values():
        yield _lost(world, pipes)


def _lost(world: World, pipes: list[Pipe]) -> Finding:
    pids, fifo = pipes[0].holders("w"), pipes[0].kind == "fifo"
    unsure = any(possible_holders(world, pipe) for pipe in pipes) or (fifo and bool(world.hidden))
    names = named(pipes[0]) if len(pipes) == 1 else f"{len(pipes)} pipes ({named(pipes[0])}, …)"
    unread = sum(pipe.queued or 0 for pipe in pipes)
    left = f" {size(unread)} that were written are still unread, and lost once the writers close." if unread else ""
    fix = "Nothing, as long as they write no more. No reader can come back: to repair it, start the writer anew."
    if fifo and not pipes[0].deleted:
        fix = f"Start the reader again before the next write, or end the writer: {kill(pids)}."
    return Finding(
        "lost-reader",
        "warning" if fifo and not unsure else "note",
        tuple(ref(pipe) for pipe in pipes),
        pids,
        f"{people(world, pids)} hold{'s' if len(pids) == 1 else ''} {names} open for writing, but nobody reads",
        "A write to a pipe without a reader sends SIGPIPE, which ends a process that does not expect it, or fails "
        f"with EPIPE (pipe(7)).{left}",
        fix,
        "inferred" if unsure else "exact",
    )
