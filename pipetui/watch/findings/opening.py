"""`no-reader` and `no-writer`: somebody waits in open(2) for the other side of a FIFO (fifo(7)).

A writer that waits has something to say and can't go on: a problem, if it holds up the whole process. A reader that
waits for its first writer may be a server at rest: a warning. A mere thread that waits (runtimes park one on a debugger
pipe for life) is a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipetui.model import Finding, Level, Pipe, ProcessState, TaskState
from pipetui.watch.findings.wording import certain, kill, named, people, quoted, since_when, tasks_on
from pipetui.watch.stuck import is_whole
from pipetui.watch.world import World, ref

_Openers = list[tuple[ProcessState, TaskState]]


def no_reader(world: World) -> Iterator[Finding]:
    """Tell of writers whose open waits for a reader."""
    for pipe, openers in _openers(world, "open-write"):
        path = pipe.path if pipe and pipe.path else openers[0][1].path
        yield _finding(
            world, "no-reader", pipe, openers, "problem",
            f"wait{_s(openers)} to write to {named(pipe) if pipe else path}, which nobody reads",
            "open(2) of a FIFO for writing blocks until some process opens it for reading (fifo(7)). Until then the "
            "writer has no descriptor yet, so tools that list open files can't show it.",
            f"Start the reader; `pipetui tail {quoted(path)}` is one, and prints what comes (it consumes). Or end the "
            f"writer: {kill(process.pid for process, _ in openers)}. A writer that must never wait opens with "
            "O_NONBLOCK and gets ENXIO instead.",
        )  # fmt: skip


def no_writer(world: World) -> Iterator[Finding]:
    """Tell of readers whose open waits for a writer."""
    for pipe, openers in _openers(world, "open-read"):
        path = pipe.path if pipe and pipe.path else openers[0][1].path
        yield _finding(
            world, "no-writer", pipe, openers, "warning",
            f"wait{_s(openers)} to read {named(pipe) if pipe else path}, which nobody writes to",
            "open(2) of a FIFO for reading blocks until some process opens it for writing (fifo(7)). A server that "
            "waits for its first client looks the same.",
            f"Start the writer, or send something: `pipetui send {quoted(path)} TEXT`. Or end the reader: "
            f"{kill(process.pid for process, _ in openers)}. A reader that must not wait opens with O_NONBLOCK.",
        )  # fmt: skip


def _openers(world: World, doing: str) -> Iterable[tuple[Pipe | None, _Openers]]:
    """Return the blocked opens of one kind, by pipe; those whose pipe can't be told stand alone."""
    for pipe in world.pipes:
        if pipe.waiters and (openers := tasks_on(world, pipe, doing)):
            yield pipe, openers
    for process in world.processes.values():
        for task in process.tasks:
            if task.doing == doing and task.path and (task.pipe is None or task.pipe not in world.by_id):
                yield None, [(process, task)]


def _finding(
    world: World, rule: str, pipe: Pipe | None, openers: _Openers, level: Level, says: str, why: str, fix: str
) -> Finding:
    tasks = [task for _, task in openers]
    pids = tuple(sorted({process.pid for process, _ in openers}))
    whole = any(is_whole(process, task) for process, task in openers)
    if pipe is None:
        why += " The path leads to no FIFO that could be reached from here: it was removed or replaced while they wait."
        fix = f"Nobody can open a FIFO that has no name any more: end the process ({kill(pids)}) and start it again."
    if not whole:
        level = "note"
        why += " Only a thread waits here; the process goes on."
    why += since_when(tasks)
    headline = f"{people(world, pids)} {says}"
    exact = certain(tasks) and pipe is not None
    return Finding(
        rule, level, (ref(pipe),) if pipe else (), pids, headline, why, fix, "exact" if exact else "inferred"
    )


def _s(openers: _Openers) -> str:
    return "s" if len({process.pid for process, _ in openers}) == 1 else ""
