"""How sure it is that processes can never go on, and how severe that makes it."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from pipetui.model import Certainty, Level
from pipetui.watch.findings.ages import MINUTES, Later, reached
from pipetui.watch.findings.wording import certain, listed, newest, who
from pipetui.watch.stuck import Knot, freeing
from pipetui.watch.world import World

#: So many signals are named.
_NAMED = 4


def level_of(world: World, knot: Knot) -> tuple[Level | None, Later | None]:
    """Return the level of a knot: a problem, or while a handler may free it, nothing at first and then a warning."""
    if knot.sure:
        return "problem", None
    tasks = [task for pid in knot.core for task in world.processes[pid].tasks]
    return reached(world, newest(world, tasks), (MINUTES, "warning"))


def sureness(world: World, knot: Knot) -> Certainty:
    """Return "exact" if nothing was inferred, nobody hidden may have a hand in it, and no handler may free it."""
    read = all(certain(world.processes[pid].tasks) for pid in knot.core)
    return "exact" if knot.sure and read and world.everybody else "inferred"


def doubt(world: World, core: Iterable[int]) -> str:
    """Return a sentence on the handlers that may free a member."""
    catching = {pid: mask for pid in sorted(core) if (mask := freeing(world.processes[pid]))}
    if not catching:
        return "Whether they can still be freed is not certain."
    pid, mask = next(iter(catching.items()))
    names = [_name(number) for number in range(1, 65) if mask >> number - 1 & 1]
    shown = listed(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])} and others"
    return f"A signal could still free them: {who(world, pid)} handles {shown}."


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
