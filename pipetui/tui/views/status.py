"""The status line: the host, the counts, whether anything is wrong, whether the view is live."""

from __future__ import annotations

from collections import Counter

from rich.style import Style

from pipetui.client.hosts import HostPool
from pipetui.client.session import Session
from pipetui.model import Level, Severity
from pipetui.text import plural, safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts
from pipetui.tui.views.fifos import severities


def processes(pool: HostPool) -> int:
    """Return how many processes are at the ends of the listed pipes, ours included."""
    return sum(map(_processes, pool.sessions))


def _processes(session: Session) -> int:
    ours = {actor.pid for actor in session.actors.values() if actor.phase != "ended"}
    return len(session.processes.keys() | ours)


def notes(pool: HostPool) -> int:
    """Return how many notes there are: missing data and helper errors."""
    told = [session.status for session in pool.sessions if not (session.name and session.lost)]
    return sum(bool(each.unreadable_processes) + len(each.partial) + len(each.troubles) for each in told)


def away(pool: HostPool) -> list[Session]:
    """Return the hosts with names that are away."""
    return [session for session in pool.sessions if session.name and session.lost]


def figures(pool: HostPool, palette: Palette, width: int) -> Parts:
    """Return the left part: name, host, counts, and what is wrong."""
    parts: list[Part] = [(" pipetui", palette.title + palette.accent)]
    if width >= 60 and (host := _where(pool)):
        parts.append((f"  {host}", palette.text))
    if count := sum(session.read_only for session in pool.sessions):
        some = f"{count} of {len(pool.sessions)} " if count < len(pool.sessions) else ""
        parts.append((f"  {some}read-only", palette.waiting))
    counts = f"{plural(len(pool.fifos), 'FIFO')} · {plural(processes(pool), 'process', 'processes')}"
    parts.append((f"   {counts}", palette.dim))
    for words, style in (*_away(pool, palette), *_wrong(pool, palette)):
        parts += [(" · ", palette.dim), (words, style)]
    return tuple(parts)


def _where(pool: HostPool) -> str:
    """Return the host's name (its own, or the one it was asked for by), or how many there are."""
    only = pool.sessions[0]
    return plural(len(pool.sessions), "host") if pool.several else safe(only.name or only.host)


def _away(pool: HostPool, palette: Palette) -> list[tuple[str, Style]]:
    gone = away(pool)
    words = f"{safe(gone[0].name)} is away" if len(gone) == 1 else f"{len(gone)} hosts are away"
    return [(words, palette.stuck)] if gone else []


def _wrong(pool: HostPool, palette: Palette) -> list[tuple[str, Style]]:
    """Return what is wrong: the findings, or where there is nothing to find, who waits."""
    by_level = Counter(judged.finding.level for judged in pool.findings)
    levels: tuple[tuple[Level, Style], ...] = (("problem", palette.stuck), ("warning", palette.waiting))
    found = [(plural(by_level[level], level), style) for level, style in levels if by_level[level]]
    if found:
        return found
    counts = severities(pool.fifos)
    waits: tuple[Severity, ...] = ("stuck", "waiting")
    return [(f"{counts[severity]} {severity}", palette.severity(severity)) for severity in waits if counts[severity]]


def condition(pool: HostPool, palette: Palette, *, following: bool, more: int = 0) -> Parts:
    """Return the right part: live, frozen, scanning, and a mark when there are notes, `more` beside the hosts'."""
    parts: list[Part] = []
    if count := notes(pool) + more:
        troubled = palette.waiting if any(session.status.troubles for session in pool.sessions) else palette.dim
        parts.append((f"i: {plural(count, 'note')}   ", troubled))
    if len(away(pool)) == len(pool.sessions):
        return tuple(parts)
    if not any(session.host for session in pool.sessions):
        parts.append(("connecting… ", palette.waiting))
    elif any(session.status.scanning and session.there for session in pool.sessions):
        parts.append(("scanning… ", palette.dim))
    else:
        parts.append(("live ", palette.active) if following else ("log frozen ", palette.waiting))
    return tuple(parts)


def loss(pool: HostPool, palette: Palette, reconnect: str) -> Parts:
    """Return what is said instead when the only host is lost."""
    only = pool.sessions[0]
    how = "retries now" if only.name else "reconnects"
    return ((" pipetui  ", palette.title), (f"{safe(only.away)} — {reconnect} {how} ", palette.stuck))
