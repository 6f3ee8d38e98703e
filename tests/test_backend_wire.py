"""The wire: what is said arrives as it was meant, and nonsense from the other end is a clear error."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.model import (
    ActorState,
    ConsumerSpec,
    End,
    Line,
    LogFilter,
    Pipe,
    PipeId,
    PipeRow,
    ProducerSpec,
    Waiter,
)
from pipetui.protocol import messages as wire
from pipetui.protocol.messages import MAX_FRAME, Splitter, WireError, frame, pack, unpack_reply, unpack_request

texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.binary(max_size=20).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)
counts = st.integers(0, 1 << 62)
identities = st.builds(PipeId, counts, counts)
pipes = st.builds(
    Pipe,
    identities,
    st.sampled_from(["fifo", "anonymous"]),
    st.lists(texts, max_size=3).map(tuple),
    st.booleans(),
    mode=st.none() | st.integers(0, 0o777),
    queued=st.none() | counts,
    last_write=st.none() | st.floats(0, 1e10),
    ends=st.lists(st.builds(End, counts, counts, st.sampled_from(["r", "w", "rw"])), max_size=3).map(tuple),
    waiters=st.lists(st.builds(Waiter, counts, counts, st.sampled_from(["open-read", "read"])), max_size=2).map(tuple),
)
specs = st.builds(ProducerSpec, texts, rate=st.floats(0, 1e6)) | st.builds(ConsumerSpec, texts)
updates = st.builds(
    wire.Update,
    pipes=st.lists(st.builds(PipeRow, pipes, texts), max_size=3).map(tuple),
    actors=st.lists(st.builds(ActorState, counts, st.just("producer"), counts, specs), max_size=2).map(tuple),
    log=st.none()
    | st.builds(
        wire.LogPage,
        counts,
        st.lists(st.builds(Line, counts, st.floats(0, 1e9), texts, counts, payload=texts), max_size=3).map(tuple),
    ),
)
requests = (
    st.builds(wire.StartProducer, counts, st.builds(ProducerSpec, texts))
    | st.builds(wire.Ready, st.builds(wire.LogView, counts, st.builds(LogFilter, texts, st.booleans(), texts)))
    | st.builds(wire.RemoveFifo, counts, texts, identities)
)


def bodies(data: bytes) -> list[bytes]:
    return list(Splitter().feed(data))


@given(updates)
def test_an_update_arrives_as_it_was_sent(update: wire.Update) -> None:
    (body,) = bodies(pack(update))
    assert unpack_reply(body) == update


@given(requests)
def test_a_request_arrives_as_it_was_sent(request: wire.Request) -> None:
    (body,) = bodies(pack(request))
    assert unpack_request(body) == request


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
        unpack_reply(noise)
    with pytest.raises(WireError):
        unpack_request(noise)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(get_args(wire.Reply)), st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_an_object_with_wrong_fields_is_an_error_or_a_valid_message(kind: type, fields: dict[str, Any]) -> None:
    named = {name: fields.get(name, 1) for name in list(kind.__dataclass_fields__)[:3]}  # type: ignore[attr-defined]
    for guess in (fields, named):
        try:
            reply = unpack_reply(json.dumps({"t": kind.__name__, **guess}).encode())
        except WireError:
            continue
        (body,) = bodies(pack(reply))
        assert unpack_reply(body) == reply


@pytest.mark.parametrize(
    "body",
    [
        b'{"t":"Ready","interval":NaN}',
        b'{"t":"Ready","interval":1e999}',
        b'{"t":"Ready","log":{"id":true}}',
        b'{"t":"Ready","log":{"after":1e3}}',
        b'{"t":"Control","request":1,"actor":1,"action":"explode"}',
        b'{"t":"Control","request":1}',
        b'{"t":"Nothing"}',
        b'{"t":["Ready"]}',
        b'{"t":"Ready","extra":1}',
        b'{"t":"RemoveFifo","request":1,"path":"/x","id":[1]}',
        b"[" * 100_000,
        b"",
    ],
)
def test_each_kind_of_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        unpack_request(body)
