"""Who is at the two sides of a pipe: each process with its descriptors and what it waits for, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from pipetui.model import ActorState, PipeRow, Process, Role, Severity
from pipetui.text import plural, safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, beside, clip, cut, wrap_words
from pipetui.tui.views.holders import holders, is_at, short_command
from pipetui.tui.views.links import link
from pipetui.tui.views.pipelines import pressure
from pipetui.tui.views.times import moment


@dataclass(frozen=True, slots=True)
class SideProcess:
    """One process at one side of a pipe."""

    pid: int
    command: str
    words: str
    severity: Severity
    descriptors: str
    ours: bool


_SINCE = {"producer": ("open-write", "write"), "consumer": ("open-read", "read")}


def side_processes(
    row: PipeRow, role: Role, actors: Mapping[int, ActorState], processes: Mapping[int, Process]
) -> list[SideProcess]:
    """Return who is at the write (read) side of a pipe, ours first."""
    found = []
    for holder in holders(row, role, actors, processes, {row.pipe.id: row}).values():
        if holder.actor is not None and (holder.actor.phase == "ended" or not is_at(holder.actor, row)):
            continue
        since = next((w.since for w in row.pipe.waiters if w.pid == holder.pid and w.kind in _SINCE[role]), None)
        words = f"{holder.words} since\u00a0{moment(since)}" if since is not None else holder.words
        ours, fds = holder.actor is not None, descriptors(row, holder.pid, role)
        found.append(SideProcess(holder.pid, holder.command, words, holder.severity, fds, ours))
    return sorted(found, key=lambda process: (not process.ours, process.pid))


def descriptors(row: PipeRow, pid: int, role: Role) -> str:
    """Return the descriptors of a process at one side: `fd 3, fd 7 (reads and writes), nonblocking`."""
    access = "w" if role == "producer" else "r"
    ends = [end for end in row.pipe.ends if end.pid == pid and access in end.access]
    words = [f"fd {end.fd}" + (" (reads and writes)" if end.access == "rw" else "") for end in ends]
    if ends and all(end.nonblocking for end in ends):
        words.append("nonblocking")
    return ", ".join(words)


def _process_lines(process: SideProcess, palette: Palette, width: int) -> list[Parts]:
    mark = "● " if process.ours else "  "
    room = max(8, width - 4 - len(str(process.pid)) - 3)
    name = f"{cut(short_command(process.command) or 'process', room)} ({process.pid})"
    lines: list[Parts] = [
        ((mark, palette.accent), link(name, process.pid, palette.accent if process.ours else palette.text))
    ]
    if process.descriptors:
        lines.append((("    " + cut(process.descriptors, width - 4), palette.dim),))
    if process.words not in ("", "holds an end"):
        style = palette.dim if process.severity == "calm" else palette.severity(process.severity)
        pieces = wrap_words(safe(process.words), width - 4)
        lines += [(("    " + piece.replace("\u00a0", " "), style),) for piece in pieces]
    return lines


def side(processes: list[SideProcess], missing: str, palette: Palette, width: int) -> list[Parts]:
    """Return one side as lines."""
    if not processes:
        return [(("  " + missing, palette.dim),)]
    return [line for process in processes for line in _process_lines(process, palette, width)]


def flow(row: PipeRow, left: Parts, right: Parts, palette: Palette, width: int) -> Parts:
    """Return `left ━━ 64.0 KiB full ━━▶ right` in `width` cells."""
    level = pressure(row)
    words = "" if row.pipe.queued is None else f" {size(row.pipe.queued)}{' full' if level == 'full' else ''} "
    style = {"full": palette.waiting, "some": palette.accent}.get(level, palette.dim)
    if level == "full" and row.severity == "stuck":
        style = palette.stuck
    line = "━" if level == "full" else "─"
    room = width - sum(cell_len(part) for part, _ in (*left, *right)) - cell_len(words) - 3
    half = max(1, room // 2)
    arrow: tuple[Part, ...] = ((" " + line * half, style), (words, style), (line * max(1, room - half) + "▶ ", style))
    return (*left, *arrow, *right)


def ends_lines(
    row: PipeRow, actors: Mapping[int, ActorState], processes: Mapping[int, Process], palette: Palette, width: int
) -> list[Parts]:
    """Return both sides: beside each other, or on a very narrow screen one below the other."""
    writers, readers = (
        side_processes(row, "producer", actors, processes),
        side_processes(row, "consumer", actors, processes),
    )
    heads: list[Parts] = [
        ((plural(len(writers), "WRITER", "WRITERS"), palette.title),),
        ((plural(len(readers), "READER", "READERS"), palette.title),),
    ]
    half = (width - 2) // 2
    sides = (side(writers, "no writers", palette, half), side(readers, "no readers", palette, half))
    if width < 60:
        return [heads[0], *sides[0], (), heads[1], *sides[1]]
    head = flow(row, heads[0], clip(heads[1], half - 2), palette, width)
    return [head, *beside(sides[0], sides[1], half, palette, "  ")]
