"""The ring and its views: what is kept, what a screen sees of it, and that every message is accounted for."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from waiting import TIMEOUT

from pipetui.backend.messages.reader import LogReader
from pipetui.backend.messages.ring import OVERHEAD, Ring
from pipetui.model import Line, LogFilter
from pipetui.protocol.messages import LogView
from pipetui.text import decode


def put(ring: Ring, payload: bytes, *, fifo: str = "/f", lost: int = 0) -> int:
    """Add a message after `lost` that were not kept; return its number."""
    number = ring.advance(lost + 1, len(payload)) + lost + 1
    ring.add(Line(number, 0.0, fifo, 1, None, len(payload), payload))
    return number


def filled(count: int) -> Ring:
    ring = Ring()
    for number in range(1, count + 1):
        put(ring, f"message {number}".encode())
    return ring


def settled(reader: LogReader, view: LogView) -> list[str]:
    """Ask until the filter has seen everything; return the payloads of the last full page."""
    lines: list[str] = []
    while True:
        page = reader.page(view)
        if page is not None:
            new = [decode(line.payload) for line in page.lines]
            lines = lines + new if page.append else new
        if not reader.unfinished:
            return lines


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3)), max_size=60), st.integers(1, 20))
def test_every_message_is_kept_or_counted(sizes: list[tuple[int, int]], most: int) -> None:
    ring = Ring(max_bytes=5000, max_count=most)
    for size, lost in sizes:
        put(ring, b"x" * size, lost=lost)
        counts = ring.counts
        assert counts.seen == counts.kept + counts.not_kept + counts.evicted
        assert counts.kept <= most
        assert sum(len(line.payload) + OVERHEAD for line in ring.forwards(0)) <= 5000
    assert ring.counts.seen == sum(lost + 1 for _, lost in sizes)
    assert ring.counts.bytes == sum(size for size, _ in sizes)
    numbers = [line.number for line in ring.forwards(0)]
    assert numbers == sorted(set(numbers))
    assert [line.number for line in ring.backwards(ring.last + 1)] == numbers[::-1]
    for number in numbers:
        line = ring.get(number)
        assert line is not None
        assert line.number == number


def test_a_following_screen_gets_only_what_is_new() -> None:
    ring = filled(10)
    reader = LogReader(ring)
    view = LogView(id=1, after=5)
    first = reader.page(view)
    assert first is not None
    assert not first.append
    assert [line.number for line in first.lines] == [6, 7, 8, 9, 10]
    assert reader.page(view) is None
    put(ring, b"eleven")
    second = reader.page(view)
    assert second is not None
    assert second.append
    assert [line.payload for line in second.lines] == [b"eleven"]


def test_a_following_screen_is_told_how_many_it_missed() -> None:
    ring = filled(1)
    reader = LogReader(ring)
    view = LogView(id=1, after=5)
    reader.page(view)
    for number in range(20):
        put(ring, b"%d" % number)
    page = reader.page(view)
    assert page is not None
    assert (page.append, page.skipped, len(page.lines)) == (False, 15, 5)


def test_messages_that_were_not_kept_leave_a_line_that_counts_them() -> None:
    ring = filled(1)
    put(ring, b"after the flood", lost=999)
    page = LogReader(ring).page(LogView(after=10))
    assert page is not None
    assert [(line.number, line.gap) for line in page.lines] == [(1, 0), (1000, 999), (1001, 0)]


def test_a_frozen_page_does_not_move_while_messages_come_and_are_evicted() -> None:
    ring = Ring(max_count=20)
    for number in range(1, 21):
        put(ring, b"%d" % number)
    reader = LogReader(ring)
    view = LogView(id=1, follow=False, anchor=5, before=2, after=3)
    page = reader.page(view)
    assert page is not None
    assert [line.number for line in page.lines] == [3, 4, 5, 6, 7]
    assert (page.older, page.newer) == (True, 13)
    for number in range(50):
        put(ring, b"new %d" % number)
    page = reader.page(view)
    assert page is not None
    assert page.append
    assert not page.lines
    assert page.newer == 20


def test_a_filter_shows_what_matches_and_ignores_case_unless_asked() -> None:
    ring = Ring()
    for payload in (b"Alpha", b"beta", b"ALPHABET", b"gamma"):
        put(ring, payload)
    reader = LogReader(ring)
    assert settled(reader, LogView(id=1, filter=LogFilter("alpha"))) == ["Alpha", "ALPHABET"]
    assert settled(reader, LogView(id=2, filter=LogFilter("Alpha"))) == ["Alpha"]
    assert settled(reader, LogView(id=3, filter=LogFilter("^.{4,5}$", regex=True))) == ["Alpha", "beta", "gamma"]


def test_a_filter_by_fifo_keeps_to_it() -> None:
    ring = Ring()
    put(ring, b"one", fifo="/a")
    put(ring, b"two", fifo="/b")
    assert settled(LogReader(ring), LogView(filter=LogFilter(fifo="/b"))) == ["two"]


def test_a_filter_finds_new_messages_as_they_come() -> None:
    ring = filled(100)
    reader = LogReader(ring)
    view = LogView(id=1, after=3, filter=LogFilter("message 9"))
    assert settled(reader, view) == ["message 97", "message 98", "message 99"]
    put(ring, b"no match")
    put(ring, b"message 9000")
    assert settled(reader, view) == ["message 9000"]


def test_a_bad_regular_expression_is_said_and_hides_nothing() -> None:
    page = LogReader(filled(3)).page(LogView(filter=LogFilter("(", regex=True)))
    assert page is not None
    assert "regular expression" in page.trouble
    assert len(page.lines) == 3


def test_a_regular_expression_that_backtracks_for_ever_is_ended() -> None:
    ring = Ring()
    put(ring, b"a" * 40 + b"!")
    started = time.monotonic()
    page = LogReader(ring).page(LogView(filter=LogFilter("(a+)+$", regex=True)))
    assert time.monotonic() - started < TIMEOUT
    assert page is not None
    assert "too long" in page.trouble


def test_a_filter_on_a_full_ring_works_in_slices() -> None:
    ring = filled(50_000)
    reader = LogReader(ring)
    view = LogView(id=1, after=2, filter=LogFilter("message 1"))
    lines = settled(reader, view)
    assert lines == ["message 19998", "message 19999"]
