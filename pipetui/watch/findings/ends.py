"""`split-readers` and `lost-reader`: who has ends open, and what comes of it (pipe(7))."""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.model import Finding, Level, Pipe
from pipetui.text import size
from pipetui.watch.findings.ages import MOMENT, Later, reached
from pipetui.watch.findings.wording import kill, named, people, tasks_on
from pipetui.watch.owners import owners
from pipetui.watch.stuck import possible_holders
from pipetui.watch.world import World, ref


def split_readers(world: World) -> Iterator[Finding]:
    """Tell of pipes that several processes read independently: each byte goes to only one of them.

    For workers that share a queue this is meant, and nothing tells them from readers that rob each other: a note.
    """
    for pipe in world.pipes:
        if len(pipe.ends) < 2:
            continue
        readers = {end.pid for end in pipe.ends if end.access == "r"}
        if len(readers) < 2:
            continue
        waiting_now = {process.pid for process, _ in tasks_on(world, pipe, "read")}
        apart = {pid for pid in readers if not world.ancestors(pid) & readers}
        both_read, strangers = len(waiting_now) > 1, pipe.kind == "fifo" and len(apart) > 1
        if not both_read and not strangers:
            continue
        pids = sorted(waiting_now if both_read else apart)
        yield Finding(
            "split-readers",
            "note",
            (ref(pipe),),
            tuple(pids),
            f"{people(world, pids)} read {named(pipe)} side by side, so each gets only some of the bytes",
            "A pipe keeps each byte for one reader only: whoever reads first takes it, and the others never see it "
            "(pipe(7)). For workers that share a queue this may be meant.",
            f"To give every reader all bytes, give each a FIFO of its own and copy into all: `tee A B > C < "
            f"{named(pipe)}`. Otherwise end all readers but one ({kill(pids[1:])}).",
            "exact" if both_read else "inferred",
        )


def lost_reader(world: World) -> Iterator[Finding | Later]:
    """Tell of writers whose readers have all gone; all such anonymous pipes of the same processes together.

    Between two readers of a FIFO there may be a moment without one. On an anonymous pipe none can come back, but it
    matters only to who would write there: a standard stream, not what was merely inherited.
    """
    lost: dict[tuple[object, ...], list[Pipe]] = {}
    for pipe in world.pipes:
        if any("r" in end.access for end in pipe.ends) or not pipe.ends:
            continue
        if any(waiter.kind == "open-read" for waiter in pipe.waiters):
            continue
        if pipe.kind == "anonymous" and not any(end.fd in (1, 2) for end in pipe.ends):
            continue
        lost.setdefault((pipe.id,) if pipe.kind == "fifo" else pipe.holders("w"), []).append(pipe)
    for pipes in lost.values():
        since = max(world.lonely.get(pipe.id, world.time) for pipe in pipes)
        unsure = any(possible_holders(world, pipe) for pipe in pipes) or world.contained or bool(world.blind)
        unsure = unsure or (pipes[0].kind == "fifo" and not world.everybody)
        level, later = reached(world, since, (MOMENT, "warning" if pipes[0].kind == "fifo" and not unsure else "note"))
        if later:
            yield later
        if level:
            yield _lost(world, pipes, level, unsure, since)


def _lost(world: World, pipes: list[Pipe], level: Level, unsure: bool, since: float) -> Finding:
    pids, fifo = tuple(owners(pipes[0], "w", world.parents)), pipes[0].kind == "fifo"
    names = named(pipes[0]) if len(pipes) == 1 else f"{len(pipes)} pipes ({named(pipes[0])}, …)"
    nobody = "nobody who can be seen from here reads" if unsure else "nobody reads"
    unread = sum(pipe.queued or 0 for pipe in pipes)
    left = f" {size(unread)} that were written are still unread, and lost once the writers close." if unread else ""
    fix = "Nothing, unless they write again. No reader can come back; to repair it, restart the writer."
    if fifo and not pipes[0].deleted:
        fix = f"Start the reader again before the next write, or end the writer: {kill(pids)}."
    return Finding(
        "lost-reader",
        level,
        tuple(ref(pipe) for pipe in pipes),
        pids,
        f"{people(world, pids)} hold{'s' if len(pids) == 1 else ''} {names} open for writing, but {nobody}",
        "A write to a pipe without a reader sends SIGPIPE, which ends a process that does not expect it, or fails "
        f"with EPIPE (pipe(7)).{left}",
        fix,
        "inferred" if unsure else "exact",
        since,
    )
