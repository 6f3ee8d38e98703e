"""How the age of a state decides how severe it is, and when it is worth another look.

A wait that has lasted for a moment is how pipes work. What it means after a while depends on what it is, so each rule
has its own steps; a rule whose next step is still to come says when that will be.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipetui.model import Level
from pipetui.watch.world import World

#: Ages in seconds: what is shorter than a moment is not told by anybody; what is as long as a while is no start-up.
MOMENT, WHILE, LONG, MINUTES = 0.5, 10.0, 60.0, 180.0


@dataclass(frozen=True, slots=True)
class Later:
    """A rule's word that a finding is due at `time` (epoch) if all stays as it is."""

    time: float


Step = tuple[float, Level]


def reached(world: World, since: float, *steps: Step) -> tuple[Level | None, Later | None]:
    """Return the level that something has reached that has been so since then, and when it reaches the next.

    `steps` are ages, ascending, each with the level from there on; before the first there is none.
    """
    level: Level | None = None
    for age, next_level in steps:
        if world.time - since < age:
            return level, Later(since + age)
        level = next_level
    return level, None
