"""The table of FIFOs: its columns, and which rows a name filter leaves."""

from __future__ import annotations

from collections.abc import Mapping

from pipetui.model import Mood, PipeId, PipeRow
from pipetui.text import rate, safe, size
from pipetui.tui.cells import Parts, cut, fit_middle
from pipetui.tui.fill import gauge
from pipetui.tui.rows import Column, RowTable
from pipetui.tui.theme import Palette


def title(row: PipeRow) -> str:
    """Return a pipe's path for the screen, or what stands for it."""
    pipe = row.pipe
    path = safe(pipe.path) if pipe.path is not None else f"pipe:[{pipe.id.inode}]"
    return f"{path} (deleted)" if pipe.deleted else path


def short(path: str) -> str:
    """Return the name of a FIFO's path, safe."""
    return safe(path.rstrip("/").rsplit("/", 1)[-1] or path)


def crowd(row: PipeRow, access: str) -> int:
    """Return how many processes are at this side: those that hold an end and those that wait in open for it."""
    waiting = "open-read" if access == "r" else "open-write"
    pids = {end.pid for end in row.pipe.ends if access in end.access}
    return len(pids | {waiter.pid for waiter in row.pipe.waiters if waiter.kind == waiting})


def _path(row: PipeRow, look: Palette, width: int) -> Parts:
    return ((fit_middle(title(row), width), None),)


def _fill(row: PipeRow, look: Palette, width: int) -> Parts:
    return gauge(row.pipe.queued, row.pipe.capacity, row.mood, width, look, row.history)


def _bytes(value: float | None, look: Palette) -> Parts:
    return ((size(value), look.text if value else look.dim),)


def _times(value: float | None, look: Palette) -> Parts:
    """A count a second; the column's title says so, so it needs no unit."""
    return ((rate(value).removesuffix("/s"), look.text if value else look.dim),)


def _queued(row: PipeRow, look: Palette, width: int) -> Parts:
    return _bytes(row.pipe.queued, look)


def _capacity(row: PipeRow, look: Palette, width: int) -> Parts:
    return ((size(row.pipe.capacity), look.dim),)


def _written(row: PipeRow, look: Palette, width: int) -> Parts:
    return _times(row.write_rate, look)


def _read(row: PipeRow, look: Palette, width: int) -> Parts:
    return _times(row.read_rate, look)


def _count(row: PipeRow, access: str, look: Palette) -> Parts:
    count = crowd(row, access)
    return ((str(count), look.text if count else look.dim),)


def _state(row: PipeRow, look: Palette, width: int) -> Parts:
    return ((cut(safe(row.state), width), look.mood(row.mood) if row.state else None),)


COLUMNS: tuple[Column[PipeRow], ...] = (
    Column("FIFO", _path, minimum=14, natural=lambda row: len(title(row)), comfort=34),
    Column("FILL", _fill, 17, priority=1),
    Column("QUEUED", _queued, 9, "right", 3),
    Column("OF", _capacity, 9, "right", 6, roomy=True),
    Column("WRITES/S", _written, 9, "right", 4),
    Column("READS/S", _read, 9, "right", 5),
    Column("W", lambda row, look, width: _count(row, "w", look), 2, "right", 2),
    Column("R", lambda row, look, width: _count(row, "r", look), 2, "right", 2),
    Column("STATE", _state, minimum=26),
)

#: For screens too narrow for the bar: the name and the state are what matters.
_SEVERITY: dict[Mood, int] = {"stuck": 0, "waiting": 1, "active": 2, "calm": 3}


class FifoTable(RowTable[PipeId, PipeRow]):
    """The FIFOs, by path."""

    def __init__(self) -> None:
        super().__init__(COLUMNS, lambda key, row: (row.pipe.path or "\x7f", key), "fifos")


def fifos(rows: Mapping[PipeId, PipeRow]) -> dict[PipeId, PipeRow]:
    """Return the FIFOs among the pipes."""
    return {key: row for key, row in rows.items() if row.pipe.kind == "fifo"}


def matching(rows: Mapping[PipeId, PipeRow], name: str) -> dict[PipeId, PipeRow]:
    """Return the FIFOs whose path holds `name` (any case, if `name` is all lower case)."""
    rows = fifos(rows)
    if not name:
        return rows
    if name == name.lower():
        return {key: row for key, row in rows.items() if any(name in path.lower() for path in row.pipe.paths)}
    return {key: row for key, row in rows.items() if any(name in path for path in row.pipe.paths)}


def moods(rows: Mapping[PipeId, PipeRow]) -> dict[Mood, int]:
    """Return how many FIFOs are in each mood, the gravest first."""
    counts = dict.fromkeys(sorted(_SEVERITY, key=lambda mood: _SEVERITY[mood]), 0)
    for row in rows.values():
        counts[row.mood] += 1
    return counts
