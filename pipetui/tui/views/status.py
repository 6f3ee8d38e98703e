"""The status line: the host, the counts, whether anything is wrong, whether the view is live."""

from __future__ import annotations

from collections import Counter

from rich.style import Style

from pipetui.client.fleet import Fleet
from pipetui.client.session import Session
from pipetui.model import Level, Mood
from pipetui.text import plural, safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts
from pipetui.tui.views.fifos import severities


def processes(fleet: Fleet) -> int:
    """Return how many processes are at the ends of the listed pipes, ours included."""
    return sum(map(_processes, fleet.sessions))


def _processes(session: Session) -> int:
    ours = {actor.pid for actor in session.actors.values() if actor.phase != "ended"}
    return len(session.processes.keys() | ours)


def notes(fleet: Fleet) -> int:
    """Return how many notes there are: missing data and helper errors."""
    told = [session.status for session in fleet.sessions if not (session.name and session.lost)]
    return sum(bool(each.unreadable_processes) + len(each.partial) + len(each.troubles) for each in told)


def away(fleet: Fleet) -> list[Session]:
    """Return the hosts with names that are away."""
    return [session for session in fleet.sessions if session.name and session.lost]


def figures(fleet: Fleet, palette: Palette, width: int) -> Parts:
    """Return the left part: name, host, counts, and what is wrong."""
    parts: list[Part] = [(" pipetui", palette.title + palette.accent)]
    if width >= 60 and (host := _where(fleet)):
        parts.append((f"  {host}", palette.text))
    counts = f"{plural(len(fleet.fifos), 'FIFO')} · {plural(processes(fleet), 'process', 'processes')}"
    parts.append((f"   {counts}", palette.dim))
    for words, style in (*_away(fleet, palette), *_wrong(fleet, palette)):
        parts += [(" · ", palette.dim), (words, style)]
    return tuple(parts)


def _where(fleet: Fleet) -> str:
    """Return the host's name (its own, or the one it was asked for by), or how many there are."""
    only = fleet.sessions[0]
    return plural(len(fleet.sessions), "host") if fleet.several else safe(only.name or only.host)


def _away(fleet: Fleet, palette: Palette) -> list[tuple[str, Style]]:
    gone = away(fleet)
    words = f"{safe(gone[0].name)} is away" if len(gone) == 1 else f"{len(gone)} hosts are away"
    return [(words, palette.stuck)] if gone else []


def _wrong(fleet: Fleet, palette: Palette) -> list[tuple[str, Style]]:
    """Return what is wrong: the findings, or where there is nothing to find, who waits."""
    by_level = Counter(judged.finding.level for judged in fleet.findings)
    levels: tuple[tuple[Level, Style], ...] = (("problem", palette.stuck), ("warning", palette.waiting))
    found = [(plural(by_level[level], level), style) for level, style in levels if by_level[level]]
    if found:
        return found
    counts = severities(fleet.fifos)
    waits: tuple[Mood, ...] = ("stuck", "waiting")
    return [(f"{counts[severity]} {severity}", palette.severity(severity)) for severity in waits if counts[severity]]


def condition(fleet: Fleet, palette: Palette, *, following: bool, more: int = 0) -> Parts:
    """Return the right part: live, frozen, scanning, and a mark when there are notes, `more` beside the hosts'."""
    parts: list[Part] = []
    if count := notes(fleet) + more:
        troubled = palette.waiting if any(session.status.troubles for session in fleet.sessions) else palette.dim
        parts.append((f"i: {plural(count, 'note')}   ", troubled))
    if len(away(fleet)) == len(fleet.sessions):
        return tuple(parts)
    if not any(session.host for session in fleet.sessions):
        parts.append(("connecting… ", palette.waiting))
    elif any(session.status.scanning and session.there for session in fleet.sessions):
        parts.append(("scanning… ", palette.dim))
    else:
        parts.append(("live ", palette.active) if following else ("log frozen ", palette.waiting))
    return tuple(parts)


def loss(fleet: Fleet, palette: Palette, reconnect: str) -> Parts:
    """Return what is said instead when the only host is lost."""
    only = fleet.sessions[0]
    how = "retries now" if only.name else "reconnects"
    return ((" pipetui  ", palette.title), (f"{safe(only.away)} — {reconnect} {how} ", palette.stuck))
