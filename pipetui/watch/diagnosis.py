"""Judges one look after the other: what is called a standing deadlock has stood in two looks, and a wait that is too
young to mean anything is looked at again.

A single look takes its time, and what it saw first may be over when it sees the rest. It guards against that by itself
(see `waits.py`); for what is said to be so for ever, a second look has to find the same tasks asleep since the same
moment and the same holders.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pipetui.model import Finding
from pipetui.watch.findings import Verdict, verdict
from pipetui.watch.world import World

#: The rules whose findings say that something can never happen.
_FOR_EVER = frozenset({"deadlock", "never-eof"})

#: For so long (seconds) in all who looks once waits for what is too young at first; and so often it looks at most.
TIMEOUT = 0.9
_LOOKS = 6

_Key = tuple[object, ...]


class Judge:
    """Keeps what the look before has found."""

    def __init__(self) -> None:
        self._stood: frozenset[_Key] = frozenset()

    def judge(self, world: World) -> Verdict:
        """Return what is found; `again` is now if something has to be confirmed by another look."""
        found = verdict(world)
        keys = {_key(one): one for one in found.findings if _is_for_ever(one)}
        new = [one for key, one in keys.items() if key not in self._stood]
        self._stood = frozenset(keys)
        if not new:
            return found
        return Verdict(tuple(one for one in found.findings if one not in new), world.time)


def diagnose(look: Callable[[], World], timeout: float = TIMEOUT) -> tuple[World, tuple[Finding, ...]]:
    """Look, judge, and look again where that may find more, waiting for up to `timeout` seconds in all.

    The looks themselves don't count: on a busy machine they take long, and what they find has to be confirmed as well.
    But where a look takes longer than that, as among thousands of processes, nothing else is worth another one.
    """
    judge = Judge()
    for left in range(_LOOKS - 1, -1, -1):
        began = time.monotonic()
        world = look()
        found = judge.judge(world)
        wait = timeout + 1 if found.again is None else max(0.0, found.again - time.time())
        is_to_be_confirmed = found.again is not None and found.again <= world.time
        if wait > timeout or not left or (time.monotonic() - began > TIMEOUT and not is_to_be_confirmed):
            break
        timeout -= wait
        time.sleep(wait)
    return world, found.findings


def _is_for_ever(one: Finding) -> bool:
    return one.rule in _FOR_EVER and one.level == "problem"


def _key(one: Finding) -> _Key:
    """Return what must be the same in two looks: those concerned, and since when they all have waited."""
    return one.rule, one.pids, one.pipes, one.since
