"""`no-reader` and `no-writer`: somebody waits in open(2) for the other side of a FIFO (fifo(7)).

A reader that waits for its first writer may be a server at rest, for as long as that takes: a note. A writer that waits
has something to say and nobody to say it to. On a FIFO that has never carried a byte that is most likely wrong, and
after a while a problem. On one that has been in use, the reader may come again: then it takes longer to be a warning,
and longest for a writer that was served just before it began to wait, as one that serves whoever opens its FIFO is. A
FIFO's mtime tells of its last write. A thread that waits while its process goes on (runtimes park one on a debugger
pipe for life) is a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipetui.model import Finding, Pipe, ProcessState, TaskState
from pipetui.watch.findings.ages import LONG, MINUTES, MOMENT, WHILE, Later, Step, reached
from pipetui.watch.findings.open_order import ordered
from pipetui.watch.findings.wording import certain, kill, named, oldest, people, quoted, since_when
from pipetui.watch.stuck import is_whole
from pipetui.watch.world import World, ref

#: A FIFO's times are this exact (seconds): a write so soon after it was made can't be told from none.
_SAME = 0.005
#: A wait that began so soon (seconds) after the last write is that of the writer which was served then.
_SERVED = 1.0
_Openers = list[tuple[ProcessState, TaskState]]


def no_reader(world: World) -> Iterator[Finding | Later]:
    """Tell of writers whose open waits for a reader."""
    for pipe, openers in _openers(world, "open-write"):
        path = pipe.path if pipe and pipe.path else openers[0][1].path
        yield from _findings(
            world, "no-reader", pipe, openers, _steps_without_reader(world, pipe, openers),
            f"wait{_s(openers)} to write to {named(pipe) if pipe else path}, which nobody reads",
            "open(2) of a FIFO for writing blocks until some process opens it for reading (fifo(7)). Until then the "
            "writer has no descriptor yet, so tools that list open files can't show it.",
            f"Start the reader; to read it from here: `pipetui tail {quoted(path)}` (consumes). Or end the "
            f"writer: {kill(process.pid for process, _ in openers)}. A writer that must never wait opens with "
            "O_NONBLOCK and gets ENXIO instead.",
        )  # fmt: skip


def no_writer(world: World) -> Iterator[Finding | Later]:
    """Tell of readers whose open waits for a writer."""
    for pipe, openers in _openers(world, "open-read"):
        path = pipe.path if pipe and pipe.path else openers[0][1].path
        yield from _findings(
            world, "no-writer", pipe, openers, ((MOMENT, "note"),),
            f"wait{_s(openers)} to read {named(pipe) if pipe else path}, which nobody writes to",
            "open(2) of a FIFO for reading blocks until some process opens it for writing (fifo(7)). A server that "
            "waits for its first client looks the same.",
            f"Start the writer, or send something: `pipetui send {quoted(path)} TEXT`. Or end the reader: "
            f"{kill(process.pid for process, _ in openers)}. A reader that must not wait opens with O_NONBLOCK.",
        )  # fmt: skip


def _openers(world: World, doing: str) -> Iterable[tuple[Pipe | None, _Openers]]:
    """Return the blocked opens of one kind, by pipe; those whose pipe can't be told stand alone.

    Openers that wait for each other are told of together (`open-order`).
    """
    apart = ordered(world)
    for pipe in world.waited_on(doing):
        openers = [one for one in world.waiting_on[pipe.id, doing] if one[0].pid not in apart]
        if openers:
            yield pipe, openers
    for process in world.processes.values():
        for task in process.tasks:
            if task.doing == doing and task.path and (task.pipe is None or task.pipe not in world.by_id):
                yield None, [(process, task)]


def _steps_without_reader(world: World, pipe: Pipe | None, openers: _Openers) -> tuple[Step, ...]:
    if pipe is None:
        return ()
    made, written, since = world.made.get(pipe.id), pipe.last_write, oldest(world, [task for _, task in openers])
    used = written is not None and (written != pipe.last_read if made is None else written > made + _SAME)
    if not used or written is None:
        return (MOMENT, "warning"), (WHILE, "problem")
    if since - written < _SERVED:
        return (MOMENT, "note"), (MINUTES, "warning")
    return (MOMENT, "note"), (WHILE, "warning")


def _findings(
    world: World,
    rule: str,
    pipe: Pipe | None,
    openers: _Openers,
    steps: tuple[Step, ...],
    words: str,
    why: str,
    fix: str,
) -> Iterator[Finding | Later]:
    tasks = [task for _, task in openers]
    pids = tuple(sorted({process.pid for process, _ in openers}))
    since = oldest(world, tasks)
    if pipe is None and certain(tasks):
        steps = (MOMENT, "warning"), (LONG, "problem")
        why += " That path leads to no FIFO any more, or to another one that was made after the wait began."
        words = f"wait{_s(openers)} to open an earlier FIFO of the name {openers[0][1].path}"
        them = "the process" if len(pids) == 1 else "the processes"
        fix = (
            f"Nobody can open a FIFO that has lost its name, not even by making a new one of that name: end {them} "
            f"({kill(pids)}) and start again."
        )
    elif pipe is None:
        steps = ((MOMENT, "note"),)
        why += " What the path leads to could not be looked at."
    if not any(is_whole(process, task) for process, task in openers):
        steps = ((MOMENT, "note"),)
        why += " Only a thread waits here; the process goes on."
    level, later = reached(world, since, *steps)
    if later:
        yield later
    if level:
        yield Finding(
            rule,
            level,
            (ref(pipe),) if pipe else (),
            pids,
            f"{people(world, pids)} {words}",
            why + since_when(tasks),
            fix,
            "exact" if certain(tasks) and pipe is not None else "inferred",
            since,
        )


def _s(openers: _Openers) -> str:
    return "s" if len({process.pid for process, _ in openers}) == 1 else ""
