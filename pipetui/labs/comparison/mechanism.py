"""What is compared: a mechanism connects two processes, and a course is what is measured on it.

Most mechanisms are a `Pair`: made before the fork, with one end for each process, and each message sent by one call
and received whole by one call. `Peers` forks the second process and makes a course of that. A pool of workers has
processes of its own, so it is a course by itself.
"""

from __future__ import annotations

import resource
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, NamedTuple

#: What a message is sent and arrives as.
Message = bytes | bytearray


class End(NamedTuple):
    """What one process can do with a pair."""

    send: Callable[[Message], object]
    receive: Callable[[], Message]


class Round(NamedTuple):
    """Messages sent one way, back to back: how many, in how many seconds, and how often both sides waited for that."""

    messages: int
    seconds: float
    waits: int


class Mechanism(ABC):
    """A way to carry messages; `pickled` returns all objects that are pickled for one message, to be timed alone."""

    name: ClassVar[str]
    title: ClassVar[str]

    @staticmethod
    def pickled(message: bytes) -> tuple[object, ...]:
        """Return what is pickled and unpickled on the way of one message."""
        return ()


class Pair(Mechanism):
    """A mechanism between two processes, in both directions, for messages of `size` bytes."""

    @abstractmethod
    def __init__(self, size: int) -> None:
        """Make it, before the fork."""

    @abstractmethod
    def near(self) -> End:
        """Return the first process's end and close what belongs to the other; called once, after the fork."""

    @abstractmethod
    def far(self) -> End:
        """Return the second process's end and close what belongs to the other; called once, after the fork."""


class Course(ABC):
    """Two connected processes, on which one message is carried over and over."""

    @abstractmethod
    def stream(self, count: int) -> Round:
        """Send `count` messages one way; the round ends when the receiver has the last of them whole."""

    @abstractmethod
    def trips(self, count: int) -> list[float]:
        """Send a message there and back `count` times; return how long each took (seconds)."""


def waits() -> int:
    """Return how often all threads of this process have given up the processor to wait (getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
