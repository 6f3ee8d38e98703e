"""What is wrong, or worth knowing: a registry of rules, each a pure function of a world that yields findings.

A new rule is a new function and its entry in `RULES`. The levels: a "problem" can't resolve itself as far as the kernel
shows, or has stood so long that no reading of it is healthy; a "warning" is most likely wrong; a "note" is worth
knowing. What is idle by design yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pipetui.model import Finding
from pipetui.watch.findings.ages import Later
from pipetui.watch.findings.deadlock import deadlock
from pipetui.watch.findings.ends import lost_reader, split_readers
from pipetui.watch.findings.folders import stale, world_access
from pipetui.watch.findings.held_open import held_open
from pipetui.watch.findings.never_eof import never_eof
from pipetui.watch.findings.open_order import open_order
from pipetui.watch.findings.opening import no_reader, no_writer
from pipetui.watch.findings.stalled import stalled_reader
from pipetui.watch.world import World

Rule = Callable[[World], Iterable[Finding | Later]]

#: All rules by their names, the most severe first.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "deadlock": deadlock,
        "never-eof": never_eof,
        "open-order": open_order,
        "no-reader": no_reader,
        "stalled-reader": stalled_reader,
        "no-writer": no_writer,
        "held-open": held_open,
        "lost-reader": lost_reader,
        "split-readers": split_readers,
        "world-access": world_access,
        "stale": stale,
    }
)

_LEVELS = ("problem", "warning", "note")


class Verdict(NamedTuple):
    """All findings, the most severe first, and when (epoch) a look at the same state would find more, if ever."""

    findings: tuple[Finding, ...]
    again: float | None = None


def verdict(world: World) -> Verdict:
    """Apply all rules; the order is the same for the same world."""
    ranks = {name: rank for rank, name in enumerate(RULES)}
    found: list[Finding] = []
    later: list[float] = []
    for rule in RULES.values():
        for told in rule(world):
            if isinstance(told, Later):
                later.append(told.time)
            else:
                found.append(told)
    found.sort(key=lambda one: (_LEVELS.index(one.level), ranks[one.rule], one.pids, str(one.pipes[:1])))
    return Verdict(tuple(found), min(later, default=None))


def judge(world: World) -> tuple[Finding, ...]:
    """Return all findings, the most severe first."""
    return verdict(world).findings
