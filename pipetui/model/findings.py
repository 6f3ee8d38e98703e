"""What is wrong with pipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipetui.model.pipes import Certainty, PipeRef

Level = Literal["problem", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement about pipes and the processes at their ends: what is so, why the kernel makes it so, what to do.

    A "problem" can't resolve itself as far as the kernel shows, or has stood so long that no reading of it is healthy;
    a "warning" is most likely wrong; a "note" is worth knowing. `since` is when it began to be so, as far as that is
    known (at the latest then). `behind` are processes that wait for those of a deadlock without being part of it.
    """

    rule: str
    level: Level
    pipes: tuple[PipeRef, ...]
    pids: tuple[int, ...]
    headline: str
    why: str
    fix: str
    certainty: Certainty = "exact"
    since: float | None = None
    behind: tuple[int, ...] = ()
