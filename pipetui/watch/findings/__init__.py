"""What is wrong, or worth knowing: a registry of rules, each a pure function of a world that yields findings.

A new rule is a new function and its entry in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from pipetui.model import Finding
from pipetui.watch.findings.deadlock import deadlock
from pipetui.watch.findings.ends import held_open, lost_reader, split_readers
from pipetui.watch.findings.folders import stale, world_access
from pipetui.watch.findings.never_eof import never_eof
from pipetui.watch.findings.opening import no_reader, no_writer
from pipetui.watch.findings.stalled import stalled_reader
from pipetui.watch.world import World

Rule = Callable[[World], Iterable[Finding]]

#: All rules by their names, the gravest first.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "deadlock": deadlock,
        "never-eof": never_eof,
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


def judge(world: World) -> tuple[Finding, ...]:
    """Return all findings, the most severe first; the order is the same for the same world."""
    ranks = {name: rank for rank, name in enumerate(RULES)}
    found = [finding for rule in RULES.values() for finding in rule(world)]
    return tuple(
        sorted(found, key=lambda one: (_LEVELS.index(one.level), ranks[one.rule], one.pids, str(one.pipes[:1])))
    )
