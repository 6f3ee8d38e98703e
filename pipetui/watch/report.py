"""What the watcher is told, and what it tells of a look: dataclasses, since both travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pipetui.model import Finding, Pipe, PipeId, Process


class Rate(NamedTuple):
    """Writes and reads a second on a FIFO; None where that is not known.

    It is not known where the FIFO can't be watched, where it has been watched for a moment only, and where there are
    too many of them to be watched: that is a flood.
    """

    id: PipeId
    writes: float | None = None
    reads: float | None = None
    flooded: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a look reached: how many processes could not be read, what was left out, and who may hold an end without
    being seen."""

    unreadable: int = 0
    partial: tuple[str, ...] = ()
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What changed since the last one. `findings` are all there are, None when they are as before.

    `reach` comes at the end of each look; between two looks, and before the last portion of one, it is None.
    """

    pipes: tuple[Pipe, ...] = ()
    gone: tuple[PipeId, ...] = ()
    processes: tuple[Process, ...] = ()
    ended: tuple[int, ...] = ()
    rates: tuple[Rate, ...] = ()
    findings: tuple[Finding, ...] | None = None
    reach: Reach | None = None


class Known(NamedTuple):
    """A FIFO that was found in a folder."""

    path: str
    id: PipeId


@dataclass(frozen=True)
class WatchOrder:
    """What the hub wants: FIFOs to know and paths to forget; whether FIFOs that processes hold `elsewhere` count too;
    whether `anonymous` pipes are on a screen. None leaves it as it is.
    """

    known: tuple[Known, ...] = ()
    forget: tuple[str, ...] = ()
    elsewhere: bool | None = None
    anonymous: bool | None = None
