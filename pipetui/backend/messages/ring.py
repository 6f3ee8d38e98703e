"""The messages that the hub keeps: the newest, bounded by bytes and by count; all others are counted.

Every message that any consumer reads has a number, from 1 on, whether it is kept or not. So a jump between two
kept numbers is itself the record of what was not kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from pipetui.model import Line, LogCounts

#: Bounds of the ring (bytes, messages).
MAX_BYTES = 64 << 20
MAX_COUNT = 100_000

#: What a kept message costs beyond its payload, about: the objects that make it up.
OVERHEAD = 250


class Ring:
    """Lines of the log in order of their numbers; the oldest give way."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_count: int = MAX_COUNT) -> None:
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._lines: list[Line] = []
        self._head = 0  # lines before this have been evicted
        self._cost = 0
        self._seen = self._seen_bytes = self._evicted = self._added = 0

    def __len__(self) -> int:
        return len(self._lines) - self._head

    @property
    def counts(self) -> LogCounts:
        """What became of all messages so far."""
        return LogCounts(self._seen, len(self), self._seen - self._added, self._evicted, self._seen_bytes)

    @property
    def first(self) -> int:
        """The oldest kept number; one more than the last seen when nothing is kept."""
        return self._lines[self._head].number if len(self) else self._seen + 1

    @property
    def last(self) -> int:
        """The number of the newest message seen, kept or not."""
        return self._seen

    def advance(self, messages: int, count: int) -> int:
        """Note that `messages` more, of `count` bytes together, were read; return the number before the first."""
        before = self._seen
        self._seen += messages
        self._seen_bytes += count
        return before

    def add(self, line: Line) -> None:
        """Keep a message; its number must be above all before it."""
        self._lines.append(line)
        self._added += 1
        self._cost += len(line.payload) + OVERHEAD
        while self._cost > self._max_bytes or len(self) > self._max_count:
            old = self._lines[self._head]
            self._cost -= len(old.payload) + OVERHEAD
            self._lines[self._head] = _EMPTY
            self._head += 1
            self._evicted += 1
        if self._head > 1000 and self._head * 2 > len(self._lines):
            del self._lines[: self._head]
            self._head = 0

    def get(self, number: int) -> Line | None:
        """Return the kept message of this number."""
        index = self._index(number)
        if index < len(self._lines) and self._lines[index].number == number:
            return self._lines[index]
        return None

    def forwards(self, start: int) -> Iterator[Line]:
        """Yield the kept messages from number `start` on, oldest first."""
        for index in range(self._index(start), len(self._lines)):
            yield self._lines[index]

    def backwards(self, start: int) -> Iterator[Line]:
        """Yield the kept messages before number `start`, newest first."""
        for index in range(self._index(start) - 1, self._head - 1, -1):
            yield self._lines[index]

    def count_from(self, start: int) -> int:
        """Return how many kept messages have the number `start` or more."""
        return len(self._lines) - self._index(start)

    def _index(self, number: int) -> int:
        return bisect_left(self._lines, (number,), self._head)


_EMPTY = Line(0, 0.0, "", 0)
