"""How a comparison is drawn in characters: a chart of bars, tables, a line of progress. For the screen and the command.

Everything is made of lines of words with a tone, so that a screen can colour them and a command just joins them.
Speeds are in MB/s (a million bytes a second), round trips in microseconds. Bars have a log scale: from the slowest to
the fastest there are several powers of ten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pipetui.model import BenchMechanism, BenchReport
from pipetui.text import safe
from pipetui.text import size as in_words

Tone = Literal["text", "dim", "title", "bar", "best"]
Words = tuple[str, Tone]
DrawnLine = tuple[Words, ...]

#: The narrowest chart that can be read (cells); less is not drawn any smaller.
NARROWEST = 60

_EIGHTHS = " ▏▎▍▌▋▊▉"

#: How wide the column of a figure is, and that of a title at most.
_FIGURE, _TITLE = 7, 21

#: From this width of its bars on, the right half of a chart says how large the messages are.
_WITH_SIZE = 18


def figure_words(value: float) -> str:
    """Return a figure with about three digits: `0.12`, `3.46`, `24.2`, `1,480`."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def size_words(size: int) -> str:
    """Return a message size: `16 B`, `4 KiB`, `1 MiB`."""
    return in_words(size).replace(".0 ", " ")


def chosen(report: BenchReport, wanted: int | None = None) -> int:
    """Return the message size that the chart is of: the one that is wanted, else 64 KiB, else the largest."""
    if wanted in report.sizes:
        return wanted
    return 64 << 10 if 64 << 10 in report.sizes else max(report.sizes, default=0)


class LogScale(NamedTuple):
    """A log scale from 10**low to 10**high; only what it begins with is a whole power."""

    low: int
    high: float

    @classmethod
    def over(cls, values: Sequence[float]) -> LogScale:
        """Return the smallest scale on which each of these has a bar that can be seen."""
        values = [value for value in values if value > 0]
        if not values:
            return cls(0, 1)
        low = math.floor(math.log10(min(values)) - 0.2)
        return cls(low, max(low + 1, math.log10(max(values))))

    def share(self, value: float) -> float:
        """Return how much of the width a value takes (0 to 1)."""
        if value <= 0:
            return 0.0
        return min(1.0, max(0.0, (math.log10(value) - self.low) / (self.high - self.low)))

    def ruler(self, width: int) -> str:
        """Return the powers of ten, each at its place, as many as there is room for."""
        line = ""
        for power in range(self.low, math.floor(self.high) + 1):
            words = _power(power)
            start = round((power - self.low) / (self.high - self.low) * width)
            start = min(start, width - len(words))
            if start > len(line) or not line:
                line = line.ljust(start) + words
        return line.ljust(width)


def _power(power: int) -> str:
    if power >= 6:
        return f"{10 ** (power - 6)}M"
    return f"{10 ** (power - 3)}k" if power >= 3 else f"{10.0**power:g}"


def bar(share: float, width: int) -> str:
    """Return a bar that takes a share (0 to 1) of `width` cells, padded to all of them."""
    whole, rest = divmod(round(share * width * 8), 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def progress(report: BenchReport, width: int) -> str:
    """Return how far it has come, and what is measured now."""
    share = report.done / report.visits if report.visits else 0.0
    room = max(10, min(30, width // 3))
    line = f"{bar(share, room)} {share:4.0%}  {safe(report.doing)}"
    return line[:width]


# --- the chart --------------------------------------------------------------------------------------------------------


def chart(report: BenchReport, size: int, width: int) -> list[DrawnLine]:
    """Return bars for the speed with messages of `size`, and beside them bars for round trips."""
    width = max(NARROWEST, width)
    label = _label(report)
    room = width - label - 2 * (_FIGURE + 1) - 3
    left, right = room - room // 2, room // 2
    speeds = {one.mechanism: one.rate / 1e6 for one in report.figures if one.size == size}
    trips = {one.mechanism: one.median * 1e6 for one in report.trips}
    speed_scale, trip_scale = LogScale.over(list(speeds.values())), LogScale.over(list(trips.values()))
    most, soonest = max(speeds.values(), default=0), min(trips.values(), default=0)
    there_and_back = "µs round trip"
    if report.trips and right >= _WITH_SIZE:
        there_and_back += f", {size_words(report.trips[0].size)}"
    lines: list[DrawnLine] = [
        (
            (" " * (label + 1), "text"),
            (f"MB/s, {size_words(size)} each".ljust(left + _FIGURE + 3), "title"),
            (there_and_back, "title"),
        )
    ]
    for each in report.mechanisms:
        speed, trip = speeds.get(each.name), trips.get(each.name)
        lines.append(
            (
                (f"{_titled(each, label)} ", "text"),
                (bar(speed_scale.share(speed) if speed else 0, left), "bar"),
                (f" {_cell(speed, _FIGURE)}  ", "best" if speed == most else "text"),
                (bar(trip_scale.share(trip) if trip else 0, right), "bar"),
                (f" {_cell(trip, _FIGURE)}", "best" if trip == soonest else "text"),
            )
        )
    rulers = f"{speed_scale.ruler(left)}{' ' * (_FIGURE + 3)}{trip_scale.ruler(right)}"
    lines.append(((" " * (label + 1), "text"), (rulers.rstrip(), "dim")))
    return lines


def _label(report: BenchReport) -> int:
    return min(_TITLE, max((len(each.title) for each in report.mechanisms), default=0))


def _titled(mechanism: BenchMechanism, width: int) -> str:
    """Return its title in exactly so many characters; it may come from another host, so it is made safe."""
    return f"{safe(mechanism.title)[:width]:<{width}}"


def _cell(value: float | None, width: int) -> str:
    return f"{'–' if value is None else figure_words(value):>{width}}"


# --- the tables -------------------------------------------------------------------------------------------------------

#: How wide a column of each table is.
_SPEED, _COST = 8, 11


def speeds(report: BenchReport) -> list[DrawnLine]:
    """Return the table of all speeds (MB/s) and of the round trips' median and 99th percentile (microseconds)."""
    label = _label(report)
    head = "".join(f"{size_words(size):>{_SPEED}}" for size in report.sizes)
    head = f"{'MB/s':<{label}}{head}{'median µs':>{_SPEED + 2}}{'p99':>{_SPEED}}"
    lines: list[DrawnLine] = [((head, "title"),)]
    best = {size: max((one.rate for one in report.figures if one.size == size), default=0) for size in report.sizes}
    soonest = min((trip.median for trip in report.trips), default=0)
    for each in report.mechanisms:
        parts: list[Words] = [(_titled(each, label), "text")]
        for size in report.sizes:
            one = report.figure(each.name, size)
            tone: Tone = "best" if one and one.rate == best[size] else "text"
            parts.append((_cell(one.rate / 1e6 if one else None, _SPEED), tone))
        trip = report.trip(each.name)
        tone = "best" if trip and trip.median == soonest else "text"
        parts.append((_cell(trip.median * 1e6 if trip else None, _SPEED + 2), tone))
        parts.append((_cell(trip.slow * 1e6 if trip else None, _SPEED), "text"))
        lines.append(tuple(parts))
    return lines


def costs(report: BenchReport) -> list[DrawnLine]:
    """Return the table of waits a message, and of the share of pickling, for each size."""
    label = _label(report)
    head = "".join(f"{size_words(size):>{_COST}}" for size in report.sizes)
    lines: list[DrawnLine] = [((f"{'waits, pickling':<{label}}{head}", "title"),)]
    for each in report.mechanisms:
        parts: list[Words] = [(_titled(each, label), "text")]
        for size in report.sizes:
            one = report.figure(each.name, size)
            pickling = f"{one.pickling:.0%}" if one and each.pickles else ""
            parts.append((f"{_cell(one.waits if one else None, _COST - 5)}{pickling:>5}", "text"))
        lines.append(tuple(parts))
    return lines


#: What the second table says.
COSTS = "Waits: how often both sides gave up the CPU, per message. Pickling: its share of the time."


def joined(lines: Sequence[DrawnLine]) -> list[str]:
    """Return lines without their tones."""
    return ["".join(words for words, _ in line).rstrip() for line in lines]
