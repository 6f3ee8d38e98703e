"""One sentence on what to choose, from the figures of this machine.

Four cases: bytes in large messages, many small messages, questions and answers, and objects, which somebody has to
pickle. Where several mechanisms are about as good, the simplest of them is named: they are compared in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from pipetui.model import BenchMechanism, BenchReport
from pipetui.text import size as in_words

#: Who reaches so much of the best is as good as the best: what is between them may be noise.
_AS_GOOD = 0.85


def advice(report: BenchReport) -> str:
    """Return one sentence; empty when there was nothing to choose from."""
    if len({one.mechanism for one in report.figures}) < 2:
        return ""
    cases = [_large(report), _small(report), _answers(report), _objects(report)]
    takes: dict[str, list[str]] = {}
    for case in cases:
        if case is not None:
            mechanism, words = case
            takes.setdefault(mechanism.title, []).append(words)
    return f"On this machine, now: {_and([f'{title} for {_and(words)}' for title, words in takes.items()], ', and ')}."


#: The mechanism to take in a case, and the case in words, with the figure that speaks for it.
_Case = tuple[BenchMechanism, str]


def _large(report: BenchReport) -> _Case | None:
    rate = partial(_rate, report, size=max(report.sizes))
    found = _first_as_good(report.mechanisms, rate)
    return (found, f"large messages ({_speed(rate(found.name))})") if found else None


def _small(report: BenchReport) -> _Case | None:
    rate = partial(_rate, report, size=min(report.sizes))
    found = _first_as_good(report.mechanisms, rate) if len(report.sizes) > 1 else None
    return (found, f"small ones ({_speed(rate(found.name))})") if found else None


def _answers(report: BenchReport) -> _Case | None:
    def soon(name: str) -> float:
        trip = report.trip(name)
        return 1 / trip.median if trip else 0.0

    found = _first_as_good(report.mechanisms, soon)
    return (found, f"questions and answers ({_micro(1 / soon(found.name))})") if found else None


def _objects(report: BenchReport) -> _Case | None:
    """The quickest that pickles, and what that costs beside the quickest that does not, for small messages."""
    size = min(report.sizes)
    rate = partial(_rate, report, size=size)
    found = _first_as_good([each for each in report.mechanisms if each.pickles], rate)
    one = report.figure(found.name, size) if found else None
    if found is None or one is None:
        return None
    words = f"{one.pickling:.0%} of it pickling"
    bytes_only = [rate(each.name) for each in report.mechanisms if not each.pickles]
    if any(bytes_only):
        words = f"{max(bytes_only) / one.rate:.1f} times as long for {in_words(size).replace('.0 ', ' ')}, {words}"
    return found, f"objects ({words})"


def _first_as_good(among: Sequence[BenchMechanism], worth: Callable[[str], float]) -> BenchMechanism | None:
    """Return the first mechanism that is worth about as much as the best; None if nothing is known."""
    best = max((worth(each.name) for each in among), default=0.0)
    if not best:
        return None
    return next(each for each in among if worth(each.name) >= _AS_GOOD * best)


def _rate(report: BenchReport, name: str, size: int) -> float:
    one = report.figure(name, size)
    return one.rate if one else 0.0


def _speed(rate: float) -> str:
    """Return bytes a second: `38 MB/s`, `1.5 GB/s`."""
    return f"{rate / 1e9:.1f} GB/s" if rate >= 1e9 else f"{rate / 1e6:.3g} MB/s"


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.3g} µs" if seconds < 1e-4 else f"{seconds * 1e6:,.0f} µs"


def _and(words: list[str], last: str = " and ") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}{last}{words[-1]}"
