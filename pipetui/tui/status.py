"""What the status line says: the host, how much there is, whether anything is wrong, whether this is live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.style import Style

from pipetui.client.session import Session
from pipetui.model import Level, Mood, PipeId, PipeRow
from pipetui.text import plural, safe
from pipetui.tui.cells import Part, Parts
from pipetui.tui.fifos import fifos, moods
from pipetui.tui.theme import Palette


def processes(session: Session) -> int:
    """Return how many processes are at the ends of the listed pipes, ours included."""
    ours = {actor.pid for actor in session.actors.values() if actor.phase != "ended"}
    return len(session.processes.keys() | ours)


def notes(session: Session) -> int:
    """Return how many things this view lacks or suffers from."""
    status = session.status
    return bool(status.unreadable_processes) + len(status.partial) + len(status.troubles)


def figures(session: Session, look: Palette, width: int) -> Parts:
    """Return the left part: name, host, counts, and what is wrong."""
    parts: list[Part] = [(" pipetui", look.title + look.accent)]
    if session.host and width >= 60:
        parts.append((f"  {safe(session.host)}", look.text))
    listed = fifos(session.pipes)
    counts = f"{plural(len(listed), 'FIFO')} · {plural(processes(session), 'process', 'processes')}"
    parts.append((f"   {counts}", look.dim))
    for words, style in _wrong(session, listed, look):
        parts += [(" · ", look.dim), (words, style)]
    return tuple(parts)


def _wrong(session: Session, listed: Mapping[PipeId, PipeRow], look: Palette) -> list[tuple[str, Style]]:
    """Return what is wrong: the findings, or where there is nothing to find, who waits."""
    by_level = Counter(finding.level for finding in session.findings)
    levels: tuple[tuple[Level, Style], ...] = (("problem", look.stuck), ("warning", look.waiting))
    found = [(plural(by_level[level], level), style) for level, style in levels if by_level[level]]
    if found:
        return found
    by_mood = moods(listed)
    waits: tuple[Mood, ...] = ("stuck", "waiting")
    return [(f"{by_mood[mood]} {mood}", look.mood(mood)) for mood in waits if by_mood[mood]]


def condition(session: Session, look: Palette, *, following: bool, reconnect: str) -> Parts:
    """Return the right part: live, frozen, scanning, lost, and a mark when there are notes."""
    parts: list[Part] = []
    if session.lost:
        return ((f"{safe(session.lost)} — {reconnect} reconnects ", look.stuck),)
    if count := notes(session):
        troubled = look.waiting if session.status.troubles else look.dim
        parts.append((f"i: {plural(count, 'note')}   ", troubled))
    if not session.host:
        parts.append(("connecting… ", look.waiting))
    elif session.status.scanning:
        parts.append(("scanning… ", look.dim))
    else:
        parts.append(("live ", look.active) if following else ("log frozen ", look.waiting))
    return tuple(parts)
