"""Framing: whatever the reads, the frames are the same, and counting agrees with cutting."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.backend.messages.framing import Framer, Region, make_framer
from pipetui.model import Frame, Framing

FRAMINGS: tuple[Framing, ...] = ("line", "nul", "fixed", "length")

#: Streams full of delimiters and short lengths, so that all the edges are met.
streams = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\n", b"\0", b"a", b"bcd", b"\0\0\0\x02hi", b"\0\0\0\0", b"\n\n", b"x" * 30]), max_size=40
).map(b"".join)


def cuts(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut a stream into reads of these sizes; the last takes the rest."""
    reads = []
    for size in sizes:
        reads.append(data[:size])
        data = data[size:]
    return [read for read in [*reads, data] if read]


def pieces(message: bytes, limit: int) -> list[tuple[bytes, str]]:
    """How a message over the limit is cut up."""
    found = []
    while len(message) > limit:
        found.append((message[:limit], "split"))
        message = message[limit:]
    return [*found, (message, "")]


def by_the_book(framing: Framing, data: bytes, limit: int) -> list[tuple[bytes, str]]:
    """Cut the whole stream at once, as slowly and plainly as possible."""
    whole: list[bytes] = []
    rest = b""
    unfinished = False
    if framing in ("line", "nul"):
        *whole, rest = data.split(b"\n" if framing == "line" else b"\0")
    elif framing == "fixed":
        while len(data) >= 7:
            whole.append(data[:7])
            data = data[7:]
        rest = data
    else:
        while len(data) >= 4:
            (length,) = struct.unpack(">I", data[:4])
            if len(data) < 4 + length:
                unfinished = True
                data = data[4:]
                break
            whole.append(data[4 : 4 + length])
            data = data[4 + length :]
        rest = data
    frames = [piece for message in whole for piece in pieces(message, limit)]
    if framing == "length" and not unfinished:
        return [*frames, (rest, "incomplete")] if rest else frames  # a piece of a prefix
    if rest or unfinished:
        *full, (last, _) = pieces(rest, limit)
        frames += [*full, (last, "incomplete")]
    return frames


def plain(frames: list[Frame]) -> list[tuple[bytes, str]]:
    return [(frame.payload, frame.piece) for frame in frames]


@pytest.mark.parametrize("framing", FRAMINGS)
@given(data=streams, sizes=st.lists(st.integers(1, 40), max_size=30), limit=st.integers(1, 50))
def test_frames_do_not_depend_on_how_the_bytes_arrive(
    framing: Framing, data: bytes, sizes: list[int], limit: int
) -> None:
    framer = make_framer(framing, 7, limit if framing != "fixed" else 1000)
    frames = [frame for read in cuts(data, sizes) for frame in framer.feed(read)]
    last = framer.end()
    frames += [last] if last else []
    assert plain(frames) == by_the_book(framing, data, limit if framing != "fixed" else 1000)
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))


@pytest.mark.parametrize("framing", FRAMINGS)
@given(data=streams, sizes=st.lists(st.integers(1, 40), max_size=30), limit=st.integers(1, 50), hurry=st.booleans())
def test_counting_agrees_with_cutting(framing: Framing, data: bytes, sizes: list[int], limit: int, hurry: bool) -> None:
    limit = limit if framing != "fixed" else 1000
    cutting, counting = make_framer(framing, 7, limit), make_framer(framing, 7, limit)
    buffer = bytearray(data)
    position = region = 0
    for read in cuts(data, sizes):
        cutting.feed(read)
        if counting.skip(buffer, region, position, position + len(read), hurry) is not None:
            region = position + len(read)
        position += len(read)
        assert (counting.count, counting.splits) == (cutting.count, cutting.splits)
        assert counting.unfinished == cutting.unfinished


def harvest(framer: Framer, buffer: bytearray, reads: list[bytes], most: int) -> list[Frame]:
    """Count all reads as a consumer does, then cut out the newest frames."""
    position = 0
    region = Region(0, True)
    aside: list[Frame] = []
    for read in reads:
        end = position + len(read)
        frames = framer.skip(buffer, region.start, position, end)
        if frames is not None:
            aside += frames
            region = Region(end, framer.unfinished == 0)
        position = end
    return (aside + framer.newest(buffer, region, position, most, 1 << 20))[-most:]


@pytest.mark.parametrize("framing", ["line", "nul", "fixed"])
@given(data=streams, sizes=st.lists(st.integers(1, 40), max_size=30), most=st.integers(1, 10))
def test_the_newest_of_a_counted_stream_are_its_last_frames(
    framing: Framing, data: bytes, sizes: list[int], most: int
) -> None:
    framer, reference = make_framer(framing, 7), make_framer(framing, 7)
    expected = reference.feed(data)[-most:]
    assert harvest(framer, bytearray(data), cuts(data, sizes), most) == expected


def test_the_newest_keep_to_their_room_but_one_is_always_given() -> None:
    framer = make_framer("line")
    data = bytearray(b"a" * 100 + b"\n" + b"b" * 100 + b"\n")
    framer.skip(data, 0, 0, len(data))
    newest = framer.newest(data, Region(0, True), len(data), 10, 50)
    assert plain(newest) == [(b"b" * 100, "")]


def test_a_line_longer_than_the_limit_comes_in_marked_pieces_also_when_only_counted() -> None:
    framer = make_framer("line", limit=10)
    data = bytearray(b"x" * 25 + b"\nshort\n")
    frames = framer.skip(data, 0, 0, len(data))
    assert frames is not None
    assert plain(frames) == [(b"x" * 10, "split"), (b"x" * 10, "split"), (b"x" * 5, ""), (b"short", "")]
    assert framer.splits == 2


def test_a_chunk_is_what_one_read_gave() -> None:
    framer = make_framer("chunk")
    assert plain(framer.feed(b"one\ntwo")) == [(b"one\ntwo", "")]
    buffer = bytearray(b"threefour")
    framer.skip(buffer, 0, 0, 5)
    framer.skip(buffer, 0, 5, 9)
    newest = framer.newest(buffer, Region(0, True), 9, 10, 1000)
    assert newest == [Frame(b"three", "", 2), Frame(b"four", "", 3)]


def test_a_length_prefix_of_four_gibibytes_holds_back_nothing() -> None:
    framer = make_framer("length", limit=100)
    frames = framer.feed(b"\xff\xff\xff\xff" + b"z" * 1000)
    assert len(frames) == 9  # the tenth piece is only complete when it is known not to be the last
    assert framer.unfinished <= 100
