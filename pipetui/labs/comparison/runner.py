"""Compares: visits every mechanism with every message size, several times, and tells what is known so far.

Each visit is a short measurement in processes of its own (`apart`). The visits go round: what disturbs a machine for
a few seconds does not fall on one mechanism alone, and there is a figure for everything after a third of the time.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipetui.labs.comparison import measure
from pipetui.labs.comparison.advice import advice
from pipetui.labs.comparison.apart import NoAnswer, apart
from pipetui.labs.comparison.mechanism import Mechanism, Round
from pipetui.model import BenchFigure, BenchGap, BenchMechanism, BenchReport, BenchTrip
from pipetui.text import size as in_words

#: How many times everything is visited.
PASSES = 3

#: The size of the messages that make round trips (bytes): a question and an answer.
TRIP_SIZE = 16

#: How long (seconds) a visit may take beyond what it is meant to: more than that and it hangs.
_TIMEOUT = 5.0


@dataclass(frozen=True)
class Visit:
    """One measurement: how fast messages of `size` go one way or, without a size, how long round trips take."""

    mechanism: type[Mechanism]
    size: int | None

    @property
    def words(self) -> str:
        """What is measured, for people."""
        what = "round trips" if self.size is None else f"messages of {in_words(self.size).replace('.0 ', ' ')}"
        return f"{self.mechanism.title}: {what}"

    def measure(self, seconds: float) -> dict[str, Any]:
        """Measure for so long; to be called in a process of its own."""
        message = _message(self.size or TRIP_SIZE)
        if self.size is None:
            return {"trips": measure.trips(measure.course(self.mechanism, message), seconds)}
        # pickling comes first: how memory was used before changes what it costs, and that must be alike for all
        pickling = measure.pickling(self.mechanism, message)
        return {"pickling": pickling, "rounds": measure.rounds(measure.course(self.mechanism, message), seconds)}


class _Known:
    """All that was measured so far."""

    def __init__(self) -> None:
        self.rounds: dict[Visit, list[Round]] = defaultdict(list)
        self.pickling: dict[Visit, float] = {}
        self.trips: dict[Visit, list[float]] = defaultdict(list)

    def add(self, visit: Visit, measured: dict[str, Any]) -> None:
        """Take what a visit brought."""
        if visit.size is None:
            self.trips[visit] += measured["trips"]
        else:
            self.rounds[visit] += [Round(*each) for each in measured["rounds"]]
            self.pickling[visit] = min(measured["pickling"], self.pickling.get(visit, float("inf")))

    def figures(self) -> tuple[BenchFigure, ...]:
        """Return a figure for each mechanism and size."""
        return tuple(_figure(visit, rounds, self.pickling[visit]) for visit, rounds in self.rounds.items())

    def round_trips(self) -> tuple[BenchTrip, ...]:
        """Return the round trips of each mechanism."""
        return tuple(_trip(visit, times) for visit, times in self.trips.items())


def compare(
    mechanisms: Sequence[type[Mechanism]], sizes: Sequence[int], seconds: float
) -> Generator[BenchReport, None, None]:
    """Compare within about `seconds`; yield a report before each visit and one at the end, which has the advice.

    To be called in a process of one thread. Closing the iterator ends whatever runs.
    """
    deadline = time.monotonic() + seconds
    # the largest first: what a chart is of is known soon
    round_ = [Visit(mechanism, size) for size in (*reversed(sizes), None) for mechanism in mechanisms]
    visits = round_ * PASSES
    known = _Known()
    names = tuple(BenchMechanism(each.name, each.title, bool(each.pickled(b""))) for each in mechanisms)
    report = BenchReport(names, tuple(sizes), visits=len(visits))
    for done, visit in enumerate(visits):
        report = replace(report, done=done, doing=visit.words)
        yield report
        if any(gap.mechanism == visit.mechanism.name for gap in report.gaps):
            continue
        share = max(0.0, deadline - time.monotonic()) / (len(visits) - done)
        try:
            measured = apart(partial(visit.measure, share), share * 4 + _TIMEOUT)
        except NoAnswer as problem:
            gap = BenchGap(visit.mechanism.name, f"{visit.words}: {problem}")
            report = replace(report, gaps=(*report.gaps, gap))
        else:
            known.add(visit, measured)
            report = replace(report, figures=known.figures(), trips=known.round_trips())
    report = replace(report, done=len(visits), doing="", over=True)
    yield replace(report, advice=advice(report))


def _message(size: int) -> bytes:
    """Return a message that is not the same byte over and over."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def _figure(visit: Visit, rounds: list[Round], pickling: float) -> BenchFigure:
    assert visit.size is not None
    messages = sum(each.messages for each in rounds)
    per_message = sum(each.seconds for each in rounds) / messages
    return BenchFigure(
        visit.mechanism.name,
        visit.size,
        visit.size / per_message,
        len(rounds),
        messages,
        sum(each.waits for each in rounds) / messages,
        min(1.0, pickling / per_message),
    )


def _trip(visit: Visit, times: list[float]) -> BenchTrip:
    ordered = sorted(times)
    slow = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return BenchTrip(visit.mechanism.name, TRIP_SIZE, statistics.median(ordered), slow, len(ordered))
