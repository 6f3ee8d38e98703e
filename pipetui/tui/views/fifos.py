"""The table of FIFOs: its columns, and which rows a name filter leaves."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len

from pipetui.client.hosts import FifoKey, HostPipe
from pipetui.model import PipeRow, Severity
from pipetui.text import rate, safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Parts, cut, fit_middle
from pipetui.tui.views.columns import Column
from pipetui.tui.views.fill import gauge


def title(row: PipeRow) -> str:
    """Return a pipe's path for the screen, or what stands for it."""
    pipe = row.pipe
    path = safe(pipe.path) if pipe.path is not None else f"pipe:[{pipe.id.inode}]"
    return f"{path} (deleted)" if pipe.deleted else path


def short(path: str) -> str:
    """Return the name of a FIFO's path, safe."""
    return safe(path.rstrip("/").rsplit("/", 1)[-1] or path)


def process_count(row: PipeRow, access: str) -> int:
    """Return how many processes are at this side: those that hold an end and those that wait in open for it."""
    waiting = "open-read" if access == "r" else "open-write"
    pids = {end.pid for end in row.pipe.ends if access in end.access}
    return len(pids | {waiter.pid for waiter in row.pipe.waiters if waiter.kind == waiting})


def _host(listed: HostPipe, palette: Palette, width: int) -> Parts:
    return ((cut(safe(listed.session.name), width), palette.dim),)


def _path(listed: HostPipe, palette: Palette, width: int) -> Parts:
    return ((fit_middle(title(listed.row), width), None),)


def _fill(listed: HostPipe, palette: Palette, width: int) -> Parts:
    row = listed.row
    return gauge(row.pipe.queued, row.pipe.capacity, row.severity, width, palette, row.history)


def _bytes(value: float | None, palette: Palette) -> Parts:
    return ((size(value), palette.text if value else palette.dim),)


def _times(value: float | None, palette: Palette) -> Parts:
    """A count a second; the column's title says so, so it needs no unit."""
    return ((rate(value).removesuffix("/s"), palette.text if value else palette.dim),)


def _queued(listed: HostPipe, palette: Palette, width: int) -> Parts:
    return _bytes(listed.row.pipe.queued, palette)


def _capacity(listed: HostPipe, palette: Palette, width: int) -> Parts:
    return ((size(listed.row.pipe.capacity), palette.dim),)


def _written(listed: HostPipe, palette: Palette, width: int) -> Parts:
    return _times(listed.row.write_rate, palette)


def _read(listed: HostPipe, palette: Palette, width: int) -> Parts:
    return _times(listed.row.read_rate, palette)


def _count(listed: HostPipe, access: str, palette: Palette) -> Parts:
    count = process_count(listed.row, access)
    return ((str(count), palette.text if count else palette.dim),)


def _state(listed: HostPipe, palette: Palette, width: int) -> Parts:
    row = listed.row
    return ((cut(safe(listed.away or row.state), width), palette.severity(row.severity) if row.state else None),)


HOST: Column[HostPipe] = Column(
    "HOST", _host, minimum=5, natural=lambda listed: min(16, cell_len(safe(listed.session.name)))
)

COLUMNS: tuple[Column[HostPipe], ...] = (
    Column("FIFO", _path, minimum=14, natural=lambda listed: len(title(listed.row)), comfort=34),
    Column("FILL", _fill, 17, priority=1),
    Column("QUEUED", _queued, 9, "right", 3),
    Column("OF", _capacity, 9, "right", 6, wide_only=True),
    Column("WRITES/S", _written, 9, "right", 4),
    Column("READS/S", _read, 9, "right", 5),
    Column("W", lambda listed, palette, width: _count(listed, "w", palette), 2, "right", 2),
    Column("R", lambda listed, palette, width: _count(listed, "r", palette), 2, "right", 2),
    Column("STATE", _state, minimum=26),
)

#: For screens too narrow for the bar: the name and the state are what matters.
_SEVERITY: dict[Severity, int] = {"stuck": 0, "waiting": 1, "active": 2, "calm": 3}


def matching(fifos: Mapping[FifoKey, HostPipe], name: str) -> Mapping[FifoKey, HostPipe]:
    """Return the FIFOs whose path holds `name` (any case, if `name` is all lower case)."""
    if not name:
        return fifos
    folds = name == name.lower()

    def has(listed: HostPipe) -> bool:
        host = f"{listed.session.name}:" if listed.session.name else ""
        paths = (host + path for path in listed.row.pipe.paths)
        return any(name in (path.lower() if folds else path) for path in paths)

    return {key: listed for key, listed in fifos.items() if has(listed)}


def severities(fifos: Mapping[FifoKey, HostPipe]) -> dict[Severity, int]:
    """Return how many FIFOs are of each severity, the most severe first; for a host that is away it is not known."""
    counts = dict.fromkeys(sorted(_SEVERITY, key=lambda severity: _SEVERITY[severity]), 0)
    for listed in fifos.values():
        if not listed.away:
            counts[listed.row.severity] += 1
    return counts
