"""The wire: what is said arrives as it was meant, and nonsense from the other end is a clear error."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.backend.hub import Hub
from pipetui.protocol.codec import WireError
from pipetui.protocol.feeds import FEEDS, Feed, News
from pipetui.protocol.frames import MAX_FRAME, Splitter, frame
from pipetui.protocol.messages import (
    Answer,
    Call,
    Failed,
    FromClient,
    FromHub,
    Goodbye,
    Hello,
    Ready,
    Update,
    Welcome,
    pack,
    unpack_from_client,
    unpack_from_hub,
)
from pipetui.protocol.requests import ANSWERS, REQUESTS, answer_type

texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.binary(max_size=20).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)
st.register_type_strategy(str, texts)
st.register_type_strategy(int, st.integers(0, 1 << 62))
st.register_type_strategy(float, st.floats(0, 1e10))


def news(feed: Feed[Any, Any]) -> st.SearchStrategy[News[Any, Any]]:
    """Make news of a feed: from its entry alone, as everything that loops over the registry does."""
    rows = st.from_type(feed.row)
    if feed.key is None:
        return st.builds(lambda row: News((row,)), rows)
    return st.builds(
        News, st.lists(rows, max_size=2).map(tuple), st.lists(st.from_type(feed.key_type), max_size=2).map(tuple)
    )


updates = st.builds(Update, st.fixed_dictionaries({}, optional={name: news(feed) for name, feed in FEEDS.items()}))
calls = st.builds(Call, st.integers(0, 1 << 62), st.one_of([st.from_type(kind) for kind in REQUESTS]))
answers = st.builds(Answer, st.integers(0, 1 << 62), st.one_of([st.from_type(kind) for kind in ANSWERS]))
from_client = calls | st.builds(Hello) | st.builds(Ready)
from_hub = answers | st.builds(Failed) | st.builds(Goodbye) | st.builds(Welcome)


def bodies(data: bytes) -> list[bytes]:
    return list(Splitter().feed(data))


@given(updates)
def test_an_update_arrives_as_it_was_sent(update: Update) -> None:
    (body,) = bodies(pack(update))
    assert unpack_from_hub(body) == update


@given(from_hub)
def test_an_answer_arrives_as_it_was_sent(message: FromHub) -> None:
    (body,) = bodies(pack(message))
    assert unpack_from_hub(body) == message


@given(from_client)
def test_a_request_arrives_as_it_was_sent(message: FromClient) -> None:
    (body,) = bodies(pack(message))
    assert unpack_from_client(body) == message


@pytest.fixture
def hub() -> Iterator[Hub]:
    read, write = os.pipe()
    with open(read, "rb"), open(write, "wb"):
        made = Hub(read, write)
        yield made
        made._leave()


def test_every_request_has_one_handler_and_one_type_of_answer(hub: Hub) -> None:
    assert hub._handlers.keys() == set(REQUESTS)
    assert all(kind.__doc__ for kind in REQUESTS)
    assert {answer_type(kind) for kind in REQUESTS} == set(ANSWERS)


def test_every_feed_is_published_once(hub: Hub) -> None:
    published = [source.feed.name for service in hub._services for source in service.feeds()]
    assert sorted(published) == sorted(FEEDS)


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 30), max_size=40))
def test_frames_survive_any_cutting_of_the_stream(parts: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(frame(part) for part in parts)
    splitter = Splitter()
    got: list[bytes] = []
    for size in sizes:
        got += splitter.feed(stream[:size])
        stream = stream[size:]
    got += splitter.feed(stream)
    assert got == parts
    assert splitter.pending == 0


def test_a_frame_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError, match="limit"):
        bodies(b"\xff\xff\xff\xff")
    with pytest.raises(WireError, match="limit"):
        frame(bytes(MAX_FRAME + 1))


@given(st.binary(max_size=60))
def test_noise_is_an_error_and_never_another_exception(noise: bytes) -> None:
    with pytest.raises(WireError):
        unpack_from_hub(noise)
    with pytest.raises(WireError):
        unpack_from_client(noise)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(get_args(FromHub)), st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_an_object_with_wrong_fields_is_an_error_or_a_valid_message(kind: type, fields: dict[str, Any]) -> None:
    named = {name: fields.get(name, 1) for name in list(kind.__dataclass_fields__)[:3]}  # type: ignore[attr-defined]
    for guess in (fields, named):
        try:
            reply = unpack_from_hub(json.dumps({"t": kind.__name__, **guess}).encode())
        except WireError:
            continue
        (body,) = bodies(pack(reply))
        assert unpack_from_hub(body) == reply


@pytest.mark.parametrize(
    "body",
    [
        b'{"t":"Ready","interval":NaN}',
        b'{"t":"Ready","interval":1e999}',
        b'{"t":"Ready","log":{"id":true}}',
        b'{"t":"Ready","log":{"after":1e3}}',
        b'{"t":"Call","number":1,"request":{"t":"Control","actor":1,"action":"explode"}}',
        b'{"t":"Call","number":1,"request":{"t":"Control","actor":1}}',
        b'{"t":"Call","number":1,"request":{"t":"Hello","version":2}}',
        b'{"t":"Call","number":1}',
        b'{"t":"Nothing"}',
        b'{"t":["Ready"]}',
        b'{"t":"Ready","extra":1}',
        b'{"t":"Call","number":1,"request":{"t":"RemoveFifo","path":"/x","id":[1]}}',
        b"[" * 100_000,
        b"",
    ],
)
def test_each_kind_of_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        unpack_from_client(body)


@pytest.mark.parametrize(
    "feeds",
    [
        '{"nonsense":[[]]}',
        '{"pipes":[]}',
        '{"pipes":[[],[],[]]}',
        '{"pipes":{}}',
        '{"status":[[]]}',
        '{"status":[[{},{}]]}',
        '{"findings":[[[]],[]]}',
        '{"actors":[[],["x"]]}',
        "[]",
    ],
)
def test_each_kind_of_nonsense_about_feeds_is_refused(feeds: str) -> None:
    with pytest.raises(WireError):
        unpack_from_hub(f'{{"t":"Update","feeds":{feeds}}}'.encode())
