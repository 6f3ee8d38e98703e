"""Who is at a pipe's ends: our producers and consumers first, then the processes that are not ours."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pipetui.client.hosts import HostPipe, HostPool
from pipetui.client.session import Session
from pipetui.model import ActorState, PipeId, PipeRow, Process, Role, Severity, WaitKind
from pipetui.text import byte_rate, number, rate, safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Parts, cut
from pipetui.tui.views.columns import Column

#: Ours by actor number, the others by pid.
HolderKey = tuple[Literal["actor", "process"], int]

#: The same among those of all hosts: with the number of its host.
PoolHolderKey = tuple[Literal["actor", "process"], int, int]


@dataclass(frozen=True, slots=True)
class Holder:
    """One row of the producers or consumers. `actor` is set for ours, `process` where the census knows more.

    `session` is its host; `away` says why it is shown as it was.
    """

    pid: int
    command: str
    words: str = ""
    severity: Severity = "calm"
    actor: ActorState | None = None
    process: Process | None = None
    session: Session | None = None
    away: str = ""


_WAITS: dict[WaitKind, str] = {
    "open-read": "waits for a writer",
    "open-write": "waits for a reader",
    "read": "waits for data",
    "write": "waits: pipe is full",
}


def ending(actor: ActorState) -> str:
    """Return how an actor ended, in words."""
    if actor.exit_signal is not None:
        try:
            return f"ended by {signal.Signals(actor.exit_signal).name}"
        except ValueError:
            return f"ended by signal {actor.exit_signal}"
    return "ended" if actor.exit_code is None else f"ended, exit {actor.exit_code}"


def _ours(actor: ActorState, process: Process | None, gone: bool) -> Holder:
    words = actor.detail or (ending(actor) if actor.phase == "ended" else actor.phase)
    if actor.phase == "ended" and actor.detail and actor.exit_code != 0:
        words = f"{ending(actor)}: {actor.detail}"
    if gone:
        words = f"{words} · {actor.spec.path} is gone"
    return Holder(actor.pid, actor.spec.name, words, actor.severity, actor, process)


def is_at(actor: ActorState, row: PipeRow) -> bool:
    """Say whether an actor works on this pipe."""
    return actor.pipe == row.pipe.id if actor.pipe is not None else actor.spec.path in row.pipe.paths


def holders(
    row: PipeRow | None,
    role: Role,
    actors: Mapping[int, ActorState],
    processes: Mapping[int, Process],
    pipes: Mapping[PipeId, PipeRow],
) -> dict[HolderKey, Holder]:
    """Return who is at the write (read) ends of `row`; our actors whose FIFO is not listed any more stand always."""
    found: dict[HolderKey, Holder] = {}
    listed = {path for other in pipes.values() for path in other.pipe.paths} if actors else set()
    for actor in actors.values():
        if actor.role == role:
            gone = actor.pipe not in pipes and actor.spec.path not in listed
            if gone or (row is not None and is_at(actor, row)):
                found["actor", actor.id] = _ours(actor, processes.get(actor.pid), gone)
    if row is not None:
        ours = {actor.pid for actor in actors.values() if actor.phase != "ended"}
        found.update(_outside(row, role, ours, processes))
    return found


def pool_holders(pool: HostPool, chosen: HostPipe | None, role: Role) -> dict[PoolHolderKey, Holder]:
    """Return who is at one side of the chosen FIFO, and our actors on any host whose FIFO is not listed any more."""
    found: dict[PoolHolderKey, Holder] = {}
    for host, session in enumerate(pool.sessions):
        here = chosen is not None and chosen.session is session
        if not here and not session.actors:
            continue
        row = chosen.row if here and chosen else None
        away = chosen.away if here and chosen else session.away if session.name else ""
        for (kind, which), holder in holders(row, role, session.actors, session.processes, session.pipes).items():
            words = holder.words if here or not session.name else f"{holder.words} on {session.name}"
            found[kind, which, host] = replace(holder, words=words, session=session, away=away)
    return found


def _outside(row: PipeRow, role: Role, ours: set[int], processes: Mapping[int, Process]) -> dict[HolderKey, Holder]:
    access = "w" if role == "producer" else "r"
    kinds: tuple[WaitKind, ...] = ("open-write", "write") if role == "producer" else ("open-read", "read")
    commands = {end.pid: end.command for end in row.pipe.ends if access in end.access}
    waits = {waiter.pid: waiter for waiter in row.pipe.waiters if waiter.kind in kinds}
    for pid, waiter in waits.items():
        commands.setdefault(pid, waiter.command)
    found: dict[HolderKey, Holder] = {}
    for pid in commands.keys() - ours:
        process = processes.get(pid)
        waiting = waits.get(pid)
        words = _WAITS[waiting.kind] if waiting else "holds an end"
        if waiting and waiting.certainty == "inferred":
            words += " (inferred)"
        command = commands[pid] or (process.command if process else "")
        severity: Severity = "waiting" if waiting and waiting.kind != "read" else "calm"
        found["process", pid] = Holder(pid, command, words, severity, None, process)
    return found


def short_command(command: str) -> str:
    """Return a command line without the folder of its program, safe."""
    program, space, rest = command.partition(" ")
    return safe((program.rsplit("/", 1)[-1] or program) + space + rest)


def _pid(row: Holder, palette: Palette, width: int) -> Parts:
    ended = row.actor is not None and row.actor.phase == "ended"
    mark = ("○ " if ended else "● ") if row.actor else "  "
    return ((mark, palette.accent), (f"{row.pid:>{width - 2}}", palette.dim if ended else None))


def _command(row: Holder, palette: Palette, width: int) -> Parts:
    return ((cut(short_command(row.command), width), palette.accent if row.actor else None),)


def _user(row: Holder, palette: Palette, width: int) -> Parts:
    return ((cut(safe((row.process and row.process.user) or "–"), width), palette.dim),)


def _cpu(row: Holder, palette: Palette, width: int) -> Parts:
    cpu = row.process.cpu if row.process else None
    return (("–" if cpu is None else f"{cpu * 100:.0f}%", palette.text if cpu else palette.dim),)


def _memory(row: Holder, palette: Palette, width: int) -> Parts:
    return ((size(row.process.rss if row.process else None), palette.dim),)


def _rate(row: Holder, palette: Palette, width: int) -> Parts:
    value = row.actor.rate if row.actor else None
    return ((rate(value), palette.text if value else palette.dim),)


def _flow(row: Holder, palette: Palette, width: int) -> Parts:
    value = row.actor.byte_rate if row.actor else None
    return ((byte_rate(value), palette.text if value else palette.dim),)


def _messages(row: Holder, palette: Palette, width: int) -> Parts:
    return ((compact(row.actor.counters.messages), None),) if row.actor else (("–", palette.dim),)


def compact(count: int) -> str:
    """Return a count in at most 7 cells: `999,999`, `1.2 M`, `50.0 M`."""
    return number(count) if count < 1_000_000 else f"{count / 1e6:,.1f} M"


def _state(row: Holder, palette: Palette, width: int) -> Parts:
    return ((cut(safe(row.away or row.words), width), palette.severity(row.severity)),)


def _is_ours(row: Holder) -> bool:
    return row.actor is not None


def columns(role: Role) -> tuple[Column[Holder], ...]:
    """Return the columns for producers or consumers."""
    return (
        Column("PID", _pid, align="right", minimum=6, natural=lambda row: 2 + len(str(row.pid))),
        Column(
            "COMMAND", _command, minimum=8, natural=lambda row: min(40, len(short_command(row.command))), comfort=14
        ),
        Column("USER", _user, 8, priority=6),
        Column("CPU", _cpu, 5, "right", 4),
        Column("MEM", _memory, 9, "right", 7),
        Column("RATE", _rate, 7, "right", 1, only_for=_is_ours),
        Column("BYTES/S", _flow, 11, "right", 5, only_for=_is_ours),
        Column("SENT" if role == "producer" else "READ", _messages, 7, "right", 2, only_for=_is_ours),
        Column("STATE", _state, minimum=18),
    )
