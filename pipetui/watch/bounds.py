"""Bounds of what one look at the machine tells, however many processes and pipes it has; what is left out is said.

A look sees everything, and findings are judged from all of it. Only what is told is bounded: a hub keeps it, sends it
in frames of at most 16 MiB, and a client keeps it once more. A pipe that many processes have inherited has as many
ends, so ends count as much as pipes do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pipetui.model import Finding, Pipe, PipeId, Process
from pipetui.text import plural

#: So many of each are told at most; ends (and tasks that wait) of one pipe, and of all pipes together.
MOST_PIPES, MOST_PROCESSES, MOST_FINDINGS = 20_000, 5_000, 500
MOST_ENDS, MOST_ENDS_IN_ALL = 500, 100_000

#: Characters: a process's command line, those of all ends together, and one end's where that is too much. And of the
#: paths of pipes that all findings name.
LONGEST_COMMAND, MOST_WORDS, SHORT_COMMAND = 1 << 15, 1 << 21, 100
MOST_PATHS = 1 << 20

#: So many pipes, and their ends, are told at once: between portions a hub hears its client.
PORTION, PORTION_ENDS = 500, 5_000

Item = TypeVar("Item")


def of_pipes(pipes: Mapping[PipeId, Pipe]) -> tuple[dict[PipeId, Pipe], tuple[str, ...]]:
    """Return the pipes that are told, and what is left out, one sentence each."""
    notes = []
    if len(pipes) > MOST_PIPES:
        notes.append(f"only {MOST_PIPES:,} of {len(pipes):,} pipes are listed, first FIFOs and where somebody waits")
        first = sorted(pipes.values(), key=lambda pipe: (pipe.kind != "fifo", not pipe.waiters, pipe.id))
        pipes = {pipe.id: pipe for pipe in first[:MOST_PIPES]}
    crowds = [len(many) for pipe in pipes.values() for many in (pipe.ends, pipe.waiters)]
    crowd, most = max(crowds, default=0), MOST_ENDS
    if sum(min(most, each) for each in crowds) > MOST_ENDS_IN_ALL:
        most = max(4, MOST_ENDS_IN_ALL // len(crowds))
    if crowd > most:
        notes.append(f"only {most:,} ends of each pipe are listed; one has {crowd:,}")
        pipes = {identity: _thinned(pipe, most) for identity, pipe in pipes.items()}
    if sum(len(command) for pipe in pipes.values() for command in commands(pipe)) > MOST_WORDS:
        notes.append(f"command lines are cut to {SHORT_COMMAND} characters where pipes list their ends")
        pipes = {identity: _shortened(pipe) for identity, pipe in pipes.items()}
    return dict(pipes), tuple(notes)


def commands(pipe: Pipe) -> Iterator[str]:
    """Yield the command line of each end and each waiter of a pipe."""
    yield from (end.command for end in pipe.ends)
    yield from (waiter.command for waiter in pipe.waiters)


def _thinned(pipe: Pipe, most: int) -> Pipe:
    """Return the pipe with some of its ends and waiters, of each kind some: it must not seem to have no writer."""
    return replace(
        pipe,
        ends=_some(pipe.ends, most, lambda end: end.access),
        waiters=_some(pipe.waiters, most, lambda waiter: waiter.kind),
    )


def _some(items: tuple[Item, ...], most: int, kind: Callable[[Item], Any]) -> tuple[Item, ...]:
    if len(items) <= most:
        return items
    kinds = {kind(item) for item in items}
    room = dict.fromkeys(kinds, max(1, most // len(kinds)))
    kept = []
    for item in items:
        if room[kind(item)]:
            room[kind(item)] -= 1
            kept.append(item)
    return tuple(kept)


def _shortened(pipe: Pipe) -> Pipe:
    return replace(
        pipe,
        ends=tuple(replace(end, command=_cut(end.command, SHORT_COMMAND)) for end in pipe.ends),
        waiters=tuple(replace(waiter, command=_cut(waiter.command, SHORT_COMMAND)) for waiter in pipe.waiters),
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def of_pids(pids: Collection[int]) -> tuple[set[int], tuple[str, ...]]:
    """Return the processes that are told of, and what is left out."""
    if len(pids) <= MOST_PROCESSES:
        return set(pids), ()
    note = f"only {MOST_PROCESSES:,} of {len(pids):,} processes are listed"
    return set(sorted(pids)[:MOST_PROCESSES]), (note,)


def of_process(process: Process) -> Process:
    """Return a process whose command line can travel; one that was cut can't be sent a signal, which compares it."""
    if len(process.command) <= LONGEST_COMMAND:
        return process
    return replace(process, command=_cut(process.command, LONGEST_COMMAND))


def of_findings(findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return the findings that are told, the most severe first, and what is left out.

    One that is about very many pipes has counted them in its headline; it goes on with those that there is room for.
    """
    told = findings[:MOST_FINDINGS]
    room = MOST_PATHS // max(1, len(told))
    note = f"only {len(told):,} of {plural(len(findings), 'finding')} are told"
    notes = (note,) if len(told) < len(findings) else ()
    return tuple(_with_some_pipes(finding, room) for finding in told), notes


def _with_some_pipes(finding: Finding, room: int) -> Finding:
    for index, ref in enumerate(finding.pipes):
        room -= 50 + len(ref.path or "")
        if index and room < 0:
            return replace(finding, pipes=finding.pipes[:index])
    return finding


def portions(pipes: Iterable[Pipe]) -> Iterator[list[Pipe]]:
    """Divide pipes that are told into what is told at once."""
    portion: list[Pipe] = []
    ends = 0
    for pipe in pipes:
        if portion and (len(portion) >= PORTION or ends >= PORTION_ENDS):
            yield portion
            portion, ends = [], 0
        portion.append(pipe)
        ends += len(pipe.ends) + len(pipe.waiters)
    yield portion
