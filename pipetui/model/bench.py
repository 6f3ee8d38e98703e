"""What the comparison of mechanisms has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BenchMechanism:
    """A way to carry messages between two processes: its name on the command line and its title for people.

    `pickles`: every message is pickled by the sender and unpickled by the receiver.
    """

    name: str
    title: str
    pickles: bool = False


@dataclass(frozen=True, slots=True)
class BenchFigure:
    """How fast one mechanism carries messages of one size, one way, sent back to back.

    `size` is in bytes and `rate` in bytes a second, over all of `rounds` rounds; `messages` is how many they carried
    together. `waits` is how many times sender and receiver together gave up the processor to wait, a message
    (voluntary context switches, getrusage(2)). `pickling` is the share (0 to 1) that pickling and unpickling one
    message alone takes of the time a message took.
    """

    mechanism: str
    size: int
    rate: float
    rounds: int
    messages: int
    waits: float
    pickling: float = 0.0

    @property
    def seconds(self) -> float:
        """How long a message took (seconds)."""
        return self.size / self.rate


@dataclass(frozen=True, slots=True)
class BenchTrip:
    """How long one message takes there and back: `size` in bytes; `median` and `slow`, which 99 % undercut, in seconds.

    `trips` is how many were timed.
    """

    mechanism: str
    size: int
    median: float
    slow: float
    trips: int


@dataclass(frozen=True, slots=True)
class BenchGap:
    """A mechanism that could not be measured here, and why, in one sentence."""

    mechanism: str
    reason: str


@dataclass(frozen=True, slots=True)
class BenchReport:
    """A comparison as far as it has come: `done` of `visits` measurements, and what is measured now (`doing`).

    `sizes` are the message sizes (bytes, ascending). `advice` is one sentence, there when it is `over`. `trouble` is a
    sentence about a comparison that ended otherwise than by itself.
    """

    mechanisms: tuple[BenchMechanism, ...] = ()
    sizes: tuple[int, ...] = ()
    figures: tuple[BenchFigure, ...] = ()
    trips: tuple[BenchTrip, ...] = ()
    gaps: tuple[BenchGap, ...] = ()
    done: int = 0
    visits: int = 0
    doing: str = ""
    advice: str = ""
    over: bool = False
    trouble: str = ""

    def figure(self, mechanism: str, size: int) -> BenchFigure | None:
        """Return the figure of a mechanism for messages of `size` bytes, if it is known."""
        return next((one for one in self.figures if (one.mechanism, one.size) == (mechanism, size)), None)

    def trip(self, mechanism: str) -> BenchTrip | None:
        """Return the round trips of a mechanism, if they are known."""
        return next((one for one in self.trips if one.mechanism == mechanism), None)
