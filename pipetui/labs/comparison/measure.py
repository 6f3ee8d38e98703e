"""What is measured on a course, within a given time: rounds of messages, round trips, and pickling alone."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.reduction import ForkingPickler

from pipetui.labs.comparison.mechanism import Course, Mechanism, Pair, Round
from pipetui.labs.comparison.peers import Peers

#: Into how many rounds the time is cut, and how long one is at most (seconds).
_ROUNDS = 8
_LONGEST = 0.1

#: How many messages a round may have: more than any mechanism carries in its time.
_MOST = 1 << 22

#: How many round trips are made between two looks at the clock, and how long pickling is timed (seconds).
_TRIPS = 50
_PICKLING = 0.002


#: What was connected stays so until the process is killed, with all that belongs to it.
_kept: list[Course] = []


def course(mechanism: type[Mechanism], message: bytes) -> Course:
    """Connect two processes that carry `message`. To be called in a process of one thread, for it is forked."""
    if issubclass(mechanism, Pair):
        made: Course = Peers(mechanism(len(message)), message)
    else:
        assert issubclass(mechanism, Course)
        maker: Callable[[bytes], Course] = mechanism
        made = maker(message)
    _kept.append(made)
    return made


def rounds(on: Course, seconds: float) -> list[Round]:
    """Measure for so long: find how many messages make a good round, then repeat it.

    Rounds that were too short to tell anything are not among those that are returned, as long as there are others; nor
    is the first message, which threads and pages of memory are made for.
    """
    on.stream(1)
    deadline = time.monotonic() + seconds
    aim = min(_LONGEST, seconds / _ROUNDS)
    count = 1
    good: list[Round] = []
    while True:
        one = on.stream(count)
        if one.seconds > aim / 2:
            good.append(one)
        else:
            growth = min(10.0, max(2.0, aim / max(one.seconds, 1e-9)))
            count = min(_MOST, int(count * growth))
        if time.monotonic() >= deadline:
            return good or [one]


def trips(on: Course, seconds: float) -> list[float]:
    """Time round trips for so long; the first ones, in which everything is still cold, do not count."""
    deadline = time.monotonic() + seconds
    on.trips(_TRIPS)
    times = on.trips(_TRIPS)
    while time.monotonic() < deadline:
        times += on.trips(_TRIPS)
    return times


def pickling(mechanism: type[Mechanism], message: bytes) -> float:
    """Return how long pickling and unpickling all that is pickled for one message takes by itself (seconds).

    Each is timed on its own, as sender and receiver do only one of them.
    """
    total = 0.0
    for thing in mechanism.pickled(message):
        pickled = bytes(ForkingPickler.dumps(thing))
        total += _best(partial(ForkingPickler.dumps, thing)) + _best(partial(pickle.loads, pickled))
    return total


def _best(work: Callable[[], object]) -> float:
    """Return how long a call takes (seconds), the best of many: what disturbs it can only make it longer."""
    best = float("inf")
    deadline = time.perf_counter() + _PICKLING
    while True:
        start = time.perf_counter()
        work()
        end = time.perf_counter()
        best = min(best, end - start)
        if end > deadline:
            return best
