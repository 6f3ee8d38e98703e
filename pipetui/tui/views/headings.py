"""The text in the lines above the panes and in empty panes: which hosts are missing and why, which messages are shown,
and what happened to the others."""

from __future__ import annotations

from pipetui.client.hosts import HostPipe, HostPool
from pipetui.model import LogFilter, Role
from pipetui.text import amount, number, safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.log_window import LogWindow
from pipetui.tui.views.cells import Part, Parts
from pipetui.tui.views.fifos import short
from pipetui.tui.views.highlight import trouble

#: So many of the paths that were given are named where nothing was found.
MOST_ROOTS = 4


def missing(pool: HostPool, palette: Palette) -> tuple[Parts, ...]:
    """Return which of several hosts are not there, and why; for a narrow line only how many."""
    away = [session for session in pool.sessions if not session.there] if pool.several else []
    if not away:
        return ()
    parts: list[Part] = []
    for session in away:
        parts += [(" · ", palette.dim), (safe(session.away), palette.stuck if session.lost else palette.waiting)]
    few: Part = (f"{number(len(away))} of {number(len(pool.sessions))} hosts are away", palette.stuck)
    return tuple(parts[1:]), (few,)


def no_fifos(pool: HostPool, name_filter: str, roots: tuple[str, ...], create: str) -> tuple[str, ...]:
    """Return what is said where no FIFO is listed."""
    if name_filter:
        return (f"No FIFO path contains “{safe(name_filter)}”; esc clears the filter.",)
    if lost := [safe(session.away) for session in pool.sessions if session.name and session.lost]:
        return tuple(lost)
    if any(not session.host or session.status.scanning for session in pool.sessions):
        return ("Looking for FIFOs…",)
    named = [safe(root) for root in roots[:MOST_ROOTS]]
    named += [f"{len(roots) - MOST_ROOTS:,} more"] if len(roots) > MOST_ROOTS else []
    under = f" under {', '.join(named)}" if roots else ""
    how = (f"Press {create} to create one, or quit and run `pipetui demo`.",) if create else ()
    return (f"No FIFOs found{under}.", *how)


def log_words(window: LogWindow, finding: LogFilter, pool: HostPool, palette: Palette) -> Parts:
    """Return which messages are shown, what is looked for in them, and whether they stand still."""
    wanted = window.filter
    words: list[Part] = [(f" only {_called(wanted.fifo, pool)}" if wanted.fifo else " all FIFOs", palette.dim)]
    kind, pattern = "regex" if wanted.regex else "filter", safe(wanted.pattern)
    words.append((f" · {kind} “{pattern}”", palette.accent) if pattern else (" · no filter", palette.dim))
    if wrong := trouble(wanted) or window.trouble:
        words.append((f" · {safe(wrong)}", palette.stuck))
    if finding.pattern:
        words.append((f" · find “{safe(finding.pattern)}”", palette.accent))
    if bad := trouble(finding):
        words.append((f" · {safe(bad)}", palette.stuck))
    if window.following:
        return (*words, (" · following", palette.dim))
    words += [(" · ", palette.dim), ("frozen", palette.waiting)]
    return (*words, ("  ", None), (f" {number(window.below)} new ", palette.badge)) if window.below else tuple(words)


def _called(address: str, pool: HostPool) -> str:
    """Return the name of a FIFO by its address in the pool, with its host if there are several."""
    hosts = (session.name for session in pool.sessions if pool.several and address.startswith(f"{session.name}:/"))
    host = next(hosts, "")
    return f"{safe(host)}:{short(address[len(host) + 1 :])}" if host else short(address)


def log_counts(window: LogWindow, palette: Palette) -> tuple[Parts, ...]:
    """Return what became of the messages, and for a narrow line only what was not kept."""
    counts = window.counts
    lost: Part = (f"{amount(counts.not_kept)} not kept", palette.waiting if counts.not_kept else palette.dim)
    parts: list[Part] = [(f"{amount(counts.seen)} seen · ", palette.dim), lost]
    if counts.evicted:
        parts.append((f" · {amount(counts.evicted)} dropped by age", palette.dim))
    if window.passed:
        parts.append((f" · {amount(window.passed)} not shown", palette.dim))
    return tuple(parts), (*parts[:2],), (lost,)


def no_messages(window: LogWindow, read: str) -> tuple[str, ...]:
    """Return what is said where there are no messages; `read` is the key that starts a consumer, if it is offered."""
    if window.filter.pattern or window.filter.fifo:
        return ("No messages match the filter; esc clears it.",)
    if window.counts.seen:
        return ("The newest messages are no longer in the log.",)
    how = (f"Press {read} to start one on the selected FIFO.",) if read else ()
    return ("No messages yet: only a consumer sees messages.", *how)


def filter_words(shown: int, total: int, name: str, palette: Palette) -> Parts:
    """Return how many FIFOs pass the filter by name, if there is one."""
    if not name:
        return ()
    words = f"{number(shown)} of {number(total)} match “"
    return ((words, palette.dim), (safe(name), palette.accent), ("”", palette.dim))


def fifo_name(listed: HostPipe, *, with_host: bool) -> str:
    """Return a FIFO's name without its folder, if wanted with its host."""
    name = short(listed.row.pipe.path or "")
    return f"{safe(listed.session.name)}:{name}" if with_host else name


def no_holders(role: Role, listed: HostPipe | None, start: str) -> str:
    """Return what is said where nobody writes to (reads) the selected FIFO; `start` is the key that changes that."""
    if listed is None:
        return "Select a FIFO to see its writers and readers."
    others = "writers" if role == "producer" else "readers"
    unseen = listed.session.status.unseen
    nobody = f"{others.capitalize()} unknown: {safe(unseen)}." if unseen else f"No {others}."
    return f"{nobody} Press {start} to start a {role}." if start else nobody
