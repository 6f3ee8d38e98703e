"""Producers and consumers, forked by a real hub onto real FIFOs: what they do, count, and how they end."""

from __future__ import annotations

import itertools
import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hubclient import HubClient, HubRefusedError
from waiting import TIMEOUT

from pipetui.backend.actors.consumer import Consumer
from pipetui.backend.runtime.channel import Sender
from pipetui.backend.runtime.orders import ACTOR_ORDER, ActorOrder
from pipetui.kernel import ioctl
from pipetui.kernel.fd import Fd
from pipetui.model import ActorState, ConsumerSpec, ProducerSpec
from pipetui.protocol import requests
from pipetui.text import decode


@pytest.fixture
def fifo(tmp_path: Path) -> str:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    return str(path)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubClient]:
    with HubClient([tmp_path]) as client:
        yield client


def payloads(hub: HubClient) -> list[str]:
    return [decode(line.payload) for line in hub.lines]


def ended(hub: HubClient, actor: int) -> bool:
    return state(hub, actor).phase == "ended"


def state(hub: HubClient, actor: int) -> ActorState:
    return hub.actors.get(actor) or ActorState(actor, "producer", 0, ProducerSpec(""))


def test_a_producer_and_a_consumer_meet_on_a_fifo(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, follow=False))
    producer = hub.start(ProducerSpec(fifo, count=5, rate=0))
    hub.wait_for(lambda: ended(hub, producer) and ended(hub, consumer))
    assert payloads(hub) == [f"Number 00{n}" for n in range(5)]
    assert state(hub, producer).counters.messages == 5
    assert state(hub, consumer).counters.bytes == 5 * len("Number 000\n")
    assert state(hub, consumer).counters.eofs == 1
    assert {line.writer for line in hub.lines} == {state(hub, producer).pid}
    assert {line.reader for line in hub.lines} == {state(hub, consumer).pid}


def test_a_blocking_producer_waits_in_open_until_somebody_reads(hub: HubClient, fifo: str) -> None:
    producer = hub.start(ProducerSpec(fifo, count=1))
    hub.wait_for(lambda: state(hub, producer).detail == "waits for a reader")
    assert state(hub, producer).phase == "opening"
    with open(fifo, "rb") as reader:
        assert reader.read() == b"Number 000\n"
    hub.wait_for(lambda: ended(hub, producer))
    assert state(hub, producer).exit_code == 0
    assert state(hub, producer).counters.blocked > 0


def test_a_nonblocking_producer_waits_too_but_is_told(hub: HubClient, fifo: str) -> None:
    producer = hub.start(ProducerSpec(fifo, count=1, nonblocking=True))
    hub.wait_for(lambda: state(hub, producer).detail == "waits for a reader")
    with open(fifo, "rb") as reader:
        assert reader.read() == b"Number 000\n"
    hub.wait_for(lambda: ended(hub, producer))


@pytest.mark.parametrize("nonblocking", [False, True])
def test_a_producer_may_stop_when_nobody_reads(hub: HubClient, fifo: str, nonblocking: bool) -> None:
    producer = hub.start(ProducerSpec(fifo, no_reader="stop", nonblocking=nonblocking))
    hub.wait_for(lambda: ended(hub, producer))
    assert "has no reader" in state(hub, producer).detail


@pytest.mark.parametrize("nonblocking", [False, True])
def test_a_producer_outlives_its_readers(hub: HubClient, fifo: str, nonblocking: bool) -> None:
    producer = hub.start(ProducerSpec(fifo, rate=50, nonblocking=nonblocking))
    for visit in range(2):
        with open(fifo, "rb") as reader:
            assert reader.readline().startswith(b"Number")
        hub.wait_for(lambda: state(hub, producer).counters.epipe == visit + 1)  # noqa: B023
    hub.wait_for(lambda: state(hub, producer).detail == "waits for the next reader")


def test_a_producer_may_stop_when_its_reader_goes(hub: HubClient, fifo: str) -> None:
    producer = hub.start(ProducerSpec(fifo, rate=50, reader_gone="stop"))
    with open(fifo, "rb") as reader:
        reader.readline()
    hub.wait_for(lambda: ended(hub, producer))
    assert state(hub, producer).detail == "the reader has gone"
    assert state(hub, producer).counters.epipe == 1


def test_a_full_pipe_holds_a_producer_up_and_counts(hub: HubClient, fifo: str) -> None:
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        producer = hub.start(ProducerSpec(fifo, rate=0, size=4096, nonblocking=True))
        hub.wait_for(lambda: state(hub, producer).detail.startswith("the pipe is full"))
        capacity = ioctl.capacity(reader)
        assert state(hub, producer).counters.bytes == capacity
        assert state(hub, producer).counters.eagain >= 1
        hub.wait_for(lambda: (row := hub.pipe(fifo)) is not None and row.pipe.queued == capacity)
    finally:
        os.close(reader)


def test_a_blocked_writer_says_so(hub: HubClient, fifo: str) -> None:
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        producer = hub.start(ProducerSpec(fifo, rate=0, size=4096))
        hub.wait_for(lambda: state(hub, producer).detail.startswith("the pipe is full"))
        assert state(hub, producer).phase == "waiting"
    finally:
        os.close(reader)


@pytest.mark.parametrize("nonblocking", [False, True])
def test_a_consumer_survives_writers_that_come_and_go(hub: HubClient, fifo: str, nonblocking: bool) -> None:
    consumer = hub.start(ConsumerSpec(fifo, nonblocking=nonblocking))
    for number in range(3):
        with open(fifo, "w") as writer:
            writer.write(f"visit {number}\n")
        hub.wait_for(lambda: state(hub, consumer).counters.eofs == number + 1)  # noqa: B023
    hub.wait_for(lambda: len(hub.lines) == 3)
    assert payloads(hub) == ["visit 0", "visit 1", "visit 2"]
    assert state(hub, consumer).detail == "waits for the next writer"


def test_a_writer_between_two_others_never_gets_sigpipe(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo))
    for number in range(200):
        with open(fifo, "w") as writer:
            writer.write(f"{number}\n")
    hub.wait_for(lambda: state(hub, consumer).counters.messages == 200)


def test_an_unfinished_last_message_is_shown_as_such(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, follow=False))
    with open(fifo, "w") as writer:
        writer.write("whole\nhalf")
    hub.wait_for(lambda: ended(hub, consumer))
    assert [(line.payload, line.piece) for line in hub.lines] == [(b"whole", ""), (b"half", "incomplete")]
    assert state(hub, consumer).counters.incomplete == 1


def test_a_line_without_end_comes_in_pieces(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, limit=1000, follow=False))
    with open(fifo, "w") as writer:
        writer.write("x" * 2500 + "\n")
    hub.wait_for(lambda: ended(hub, consumer))
    assert [(line.length, line.piece) for line in hub.lines] == [(1000, "split"), (1000, "split"), (500, "")]
    assert state(hub, consumer).counters.split == 2


@pytest.mark.parametrize(
    ("framing", "data", "expected"),
    [
        ("nul", b"one\0two\0", ["one", "two"]),
        ("fixed", b"abcdefgh", ["abcd", "efgh"]),
        ("length", b"\0\0\0\x03one\0\0\0\0\0\0\0\x03two", ["one", "", "two"]),
        ("chunk", b"no records\nhere", ["no records\nhere"]),
    ],
)
def test_each_framing_cuts_in_its_way(
    hub: HubClient, fifo: str, framing: str, data: bytes, expected: list[str]
) -> None:
    consumer = hub.start(ConsumerSpec(fifo, framing=framing, fixed=4, follow=False))  # type: ignore[arg-type]
    with open(fifo, "wb") as writer:
        writer.write(data)
    hub.wait_for(lambda: ended(hub, consumer))
    assert payloads(hub) == expected


def test_a_message_of_a_mebibyte_can_be_fetched_whole(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, follow=False))
    message = "é" * (1 << 18)
    with open(fifo, "w") as writer:
        writer.write(message + "\n")
    hub.wait_for(lambda: ended(hub, consumer) and bool(hub.lines))
    line = hub.fetch(hub.lines[0].number)
    assert line is not None
    assert decode(line.payload) == message
    assert line.length == 1 << 19


def test_a_slow_consumer_leaves_the_rest_in_the_pipe(hub: HubClient, fifo: str) -> None:
    hub.start(ConsumerSpec(fifo, delay=30))
    producer = hub.start(ProducerSpec(fifo, rate=0, size=1024))
    hub.wait_for(lambda: state(hub, producer).detail.startswith("the pipe is full"))
    hub.wait_for(lambda: (row := hub.pipe(fifo)) is not None and (row.pipe.queued or 0) > 50_000)


def test_a_delay_and_a_rate_can_be_changed_while_they_wait(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, delay=1000))
    producer = hub.start(ProducerSpec(fifo, rate=0.001))
    hub.wait_for(lambda: state(hub, consumer).counters.messages == 1)
    hub.retune(producer, rate=500)
    hub.retune(consumer, delay=0)
    hub.wait_for(lambda: state(hub, consumer).counters.messages > 20)
    assert state(hub, producer).spec.rate == 500  # type: ignore[union-attr]


@pytest.mark.parametrize("when", ["while it looks how long to sleep", "just before it sleeps"])
def test_a_delay_that_is_changed_at_an_unlucky_moment_counts_at_once(
    fifo: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever takes an order, nothing may then sleep for as long as before it."""
    with ExitStack() as ends:
        orders, order, _, report = (ends.enter_context(Fd(fd)) for pair in (os.pipe(), os.pipe()) for fd in pair)
        os.set_blocking(orders.fileno(), False)
        pipe = ends.enter_context(Fd(os.open(fifo, os.O_RDWR)))
        os.write(pipe.fileno(), b"one\n")
        consumer = Consumer(ConsumerSpec(fifo, delay=1000.0), orders.fileno(), report.fileno())
        monkeypatch.setattr(consumer, "tick", lambda: None)
        calls = itertools.count()

        def give_order() -> None:
            if next(calls) == 0:
                Sender(order.fileno()).send(ACTOR_ORDER.encode(ActorOrder(1, delay=0.0)))
                consumer._poked = True

        step, pause = consumer.step, consumer.pause

        def stepping() -> float:
            if consumer.messages and when.startswith("while"):
                give_order()
            return step()

        def pausing(seconds: float | None, **more: Any) -> bool:
            give_order()
            assert seconds is not None
            return pause(min(seconds, TIMEOUT), **more)

        monkeypatch.setattr(consumer, "step", stepping)
        monkeypatch.setattr(consumer, "pause", pausing)
        began = time.monotonic()
        consumer._read_delayed(pipe.fileno())
        assert time.monotonic() - began < TIMEOUT / 2


def test_steps_of_speed_are_counted_however_fast_they_come(hub: HubClient, fifo: str) -> None:
    producer, consumer = hub.start(ProducerSpec(fifo, rate=1)), hub.start(ConsumerSpec(fifo, delay=0.5))
    hub.wait_for(lambda: state(hub, producer).phase == "running")
    for _ in range(5):
        hub.call(requests.Scale(producer, 2))
        hub.call(requests.Scale(consumer, 0.5))
    hub.wait_for(lambda: state(hub, producer).spec == ProducerSpec(fifo, rate=32))
    hub.wait_for(lambda: state(hub, consumer).spec == ConsumerSpec(fifo, delay=16))
    assert [hub.scale(producer, 2)[0] for _ in range(3)] == [64, 128, 256]


def test_an_actor_survives_an_order_that_comes_before_it_is_set_up(hub: HubClient, fifo: str) -> None:
    started = []
    for _ in range(20):
        number = hub.start(ConsumerSpec(fifo))
        hub.call(requests.Scale(number, 0.5))
        started.append(number)
    hub.wait_for(lambda: all(state(hub, number).phase == "opening" for number in started))
    for number in started:
        hub.control(number, "kill")


def test_steps_of_speed_have_bounds(hub: HubClient, fifo: str) -> None:
    producer, consumer = hub.start(ProducerSpec(fifo, rate=0)), hub.start(ConsumerSpec(fifo))
    with pytest.raises(HubRefusedError, match="writes as fast as possible already"):
        hub.scale(producer, 2)
    with pytest.raises(HubRefusedError, match="reads as fast as possible already"):
        hub.scale(consumer, 2)
    assert hub.scale(producer, 0.5) == (10_000, None)
    assert hub.scale(producer, 1e9) == (1_000_000, None)
    assert hub.scale(producer, 1e-300) == (1 / 3600, None)
    assert hub.scale(producer, 1e-300) == (1 / 3600, None)
    assert hub.scale(consumer, 0.5) == (None, 0.01)
    assert hub.scale(consumer, 1e-300) == (None, 3600)
    assert hub.scale(consumer, 1e300) == (None, 0)
    for nonsense in (0, -1):
        with pytest.raises(HubRefusedError, match="the factor must be above 0"):
            hub.scale(producer, nonsense)


def is_stopped(pid: int) -> bool:
    return "\nState:\tT" in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize("rate", [100, 2000])
def test_what_was_sent_before_a_pause_is_what_was_read(hub: HubClient, fifo: str, rate: int) -> None:
    consumer = hub.start(ConsumerSpec(fifo))
    producer = hub.start(ProducerSpec(fifo, rate=rate))
    for _ in range(5):
        before = state(hub, consumer).counters.messages
        hub.wait_for(lambda: state(hub, consumer).counters.messages > before + 3)  # noqa: B023
        hub.control(producer, "pause")
        hub.wait_for(lambda: is_stopped(state(hub, producer).pid))
        hub.wait_for(lambda: state(hub, consumer).rate == 0)
        assert state(hub, producer).counters.messages == state(hub, consumer).counters.messages
        assert state(hub, producer).phase == "paused"
        hub.control(producer, "resume")
        hub.wait_for(lambda: state(hub, producer).phase == "running")


@pytest.mark.parametrize("where", ["open", "write", "read"])
def test_a_pause_stops_an_actor_wherever_it_waits_and_it_goes_on(hub: HubClient, fifo: str, where: str) -> None:
    other = os.open(fifo, os.O_RDWR | os.O_NONBLOCK) if where != "open" else -1
    try:
        actor = hub.start(ConsumerSpec(fifo) if where == "read" else ProducerSpec(fifo, rate=0, size=4096))
        waits = {"open": "waits for a reader", "write": "the pipe is full", "read": "waits for data"}[where]
        hub.wait_for(lambda: state(hub, actor).detail.startswith(waits))
        for _ in range(3):  # the last of several quick ones counts
            hub.control(actor, "pause")
            hub.control(actor, "resume")
            hub.control(actor, "pause")
            hub.wait_for(lambda: is_stopped(state(hub, actor).pid))
            assert state(hub, actor).detail == "paused"
            hub.control(actor, "resume")
            hub.control(actor, "pause")
            hub.control(actor, "resume")
            hub.wait_for(lambda: not is_stopped(state(hub, actor).pid))
            hub.wait_for(lambda: state(hub, actor).detail.startswith(waits))
        if where == "open":
            other = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        elif where == "write":
            os.read(other, 65536)
        else:
            os.write(other, b"one\n")
        before = state(hub, actor).counters.messages
        hub.wait_for(lambda: state(hub, actor).counters.messages > before)
    finally:
        if other >= 0:
            os.close(other)


@pytest.mark.parametrize("rate", [50, 0])
def test_a_pair_that_is_paused_flows_no_more(hub: HubClient, fifo: str, rate: int) -> None:
    consumer = hub.start(ConsumerSpec(fifo))
    producer = hub.start(ProducerSpec(fifo, rate=rate))
    hub.wait_for(lambda: (row := hub.pipe(fifo)) is not None and row.state == "flowing")
    for actor in (producer, consumer):
        hub.control(actor, "pause")
    hub.wait_for(lambda: (row := hub.pipe(fifo)) is not None and row.state != "flowing")
    hub.control(producer, "resume")
    hub.control(consumer, "resume")
    hub.wait_for(lambda: (row := hub.pipe(fifo)) is not None and row.state == "flowing")


def test_a_paused_producer_stands_still_and_goes_on_where_it_was(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo))
    producer = hub.start(ProducerSpec(fifo, rate=100))
    hub.wait_for(lambda: state(hub, consumer).counters.messages > 3)
    hub.control(producer, "pause")
    hub.wait_for(lambda: state(hub, producer).phase == "paused")
    hub.wait_for(lambda: state(hub, consumer).rate == 0)
    before = state(hub, consumer).counters.messages
    hub.control(producer, "resume")
    hub.wait_for(lambda: state(hub, consumer).counters.messages > before + 3)
    assert state(hub, producer).phase == "running"
    numbers = [int(text.split()[1]) for text in payloads(hub)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("where", ["open", "read", "write", "sleep"])
def test_stop_ends_an_actor_wherever_it_waits(hub: HubClient, fifo: str, where: str, paused: bool) -> None:
    other = os.open(fifo, os.O_RDWR | os.O_NONBLOCK) if where != "open" else -1
    try:
        spec: ConsumerSpec | ProducerSpec = ConsumerSpec(fifo)
        if where in ("write", "sleep"):
            spec = ProducerSpec(fifo, rate=0 if where == "write" else 0.001, size=4096)
        actor = hub.start(spec)
        expected = {"open": "opening", "read": "running", "write": "waiting", "sleep": "running"}[where]
        hub.wait_for(lambda: state(hub, actor).phase == expected)
        if paused:
            hub.control(actor, "pause")
            hub.wait_for(lambda: state(hub, actor).phase == "paused")
        hub.control(actor, "stop")
        hub.wait_for(lambda: ended(hub, actor))
        assert (state(hub, actor).exit_code, state(hub, actor).detail) == (0, "stopped")
    finally:
        if other >= 0:
            os.close(other)


def test_a_killed_actor_shows_how_and_stays_until_dismissed(hub: HubClient, fifo: str) -> None:
    actor = hub.start(ConsumerSpec(fifo))
    with pytest.raises(HubRefusedError, match="still running"):
        hub.control(actor, "dismiss")
    hub.control(actor, "kill")
    hub.wait_for(lambda: ended(hub, actor))
    assert state(hub, actor).exit_signal == signal.SIGKILL
    assert state(hub, actor).detail == "killed by SIGKILL"
    with pytest.raises(HubRefusedError, match="already ended"):
        hub.control(actor, "pause")
    hub.control(actor, "dismiss")
    hub.wait_for(lambda: actor not in hub.actors)


def test_a_producer_gives_the_lines_of_a_file(hub: HubClient, fifo: str, tmp_path: Path) -> None:
    source = tmp_path / "lines.txt"
    source.write_text("first\nsecond\nlast without newline")
    hub.start(ConsumerSpec(fifo))
    producer = hub.start(ProducerSpec(fifo, source="file", file=str(source), rate=0))
    hub.wait_for(lambda: ended(hub, producer) and len(hub.lines) == 3)
    assert payloads(hub) == ["first", "second", "last without newline"]
    assert state(hub, producer).detail == "all written"


def test_random_bytes_and_padded_messages_have_the_size_asked_for(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, framing="fixed", fixed=100))
    for spec in (ProducerSpec(fifo, source="random", size=100, count=1), ProducerSpec(fifo, size=100, count=1)):
        producer = hub.start(spec)
        hub.wait_for(lambda: ended(hub, producer))  # noqa: B023
    hub.wait_for(lambda: state(hub, consumer).counters.messages == 2)
    assert [line.length for line in hub.lines] == [100, 100]
    assert payloads(hub)[1].startswith("Number 000....")


def test_a_burst_is_written_at_once(hub: HubClient, fifo: str) -> None:
    hub.start(ConsumerSpec(fifo))
    producer = hub.start(ProducerSpec(fifo, rate=0.001, burst=7))
    hub.wait_for(lambda: state(hub, producer).counters.messages == 7)
    hub.wait_for(lambda: len(hub.lines) == 7)


def test_two_of_our_producers_are_told_apart(hub: HubClient, fifo: str) -> None:
    hub.start(ConsumerSpec(fifo))
    producers = [hub.start(ProducerSpec(fifo, rate=50, template=f"{name} {{n}}")) for name in ("left", "right")]
    hub.wait_for(lambda: len(hub.lines) > 30)
    pids = {name: state(hub, actor).pid for name, actor in zip(("left", "right"), producers, strict=True)}
    for line in list(hub.lines)[10:]:
        assert line.writer == pids[decode(line.payload).split()[0]]


def test_a_flood_is_counted_to_the_last_message_though_few_are_kept(hub: HubClient, fifo: str) -> None:
    consumer = hub.start(ConsumerSpec(fifo, follow=False))
    total = 300_000
    pid = os.fork()
    if pid == 0:
        try:
            with open(fifo, "wb") as writer:
                writer.writelines(b"%d\n" % number for number in range(total))
        finally:
            os._exit(0)
    hub.wait_for(lambda: ended(hub, consumer))
    os.waitpid(pid, 0)
    assert state(hub, consumer).counters.messages == total
    hub.wait_for(lambda: hub.counts.seen == total)
    assert hub.counts.seen == hub.counts.kept + hub.counts.not_kept + hub.counts.evicted
    assert hub.lines[-1].payload == b"%d" % (total - 1)
    assert hub.lines[-1].number == total
    for line in hub.export():
        assert int(line.payload) == line.number - 1


def test_nonsense_is_refused_in_one_sentence(hub: HubClient, fifo: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    bad: list[tuple[ConsumerSpec | ProducerSpec, str]] = [
        (ProducerSpec(fifo, rate=-1), "rate"),
        (ProducerSpec(fifo, burst=0), "burst"),
        (ProducerSpec(fifo, size=-1), "size"),
        (ProducerSpec(fifo, template="{who}"), "unknown field"),
        (ProducerSpec(fifo, source="file", file="/nowhere"), "does not exist"),
        (ConsumerSpec(fifo, delay=-1), "delay"),
        (ConsumerSpec(fifo, framing="fixed", fixed=0), "frame length"),
        (ConsumerSpec(fifo, limit=0), "limit"),
        (ConsumerSpec(str(tmp_path / "missing")), "does not exist"),
        (ConsumerSpec(str(tmp_path / "file")), "not a FIFO"),
        (ConsumerSpec(str(tmp_path)), "not a FIFO"),
    ]
    for spec, words in bad:
        with pytest.raises(HubRefusedError, match=words) as refusal:
            hub.start(spec)
        assert "\n" not in str(refusal.value)


def test_a_created_fifo_is_private_and_only_that_one_is_removed(hub: HubClient, tmp_path: Path) -> None:
    path = tmp_path / "made"
    hub.create_fifo(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    hub.wait_for(lambda: hub.pipe(path))
    row = hub.pipe(path)
    assert row is not None
    os.mkfifo(tmp_path / "other")
    os.rename(tmp_path / "other", path)
    with pytest.raises(HubRefusedError, match="replaced"):
        hub.remove_fifo(path, row.pipe.id)
    assert path.is_fifo()


def test_a_message_is_sent_once_or_refused_in_time(hub: HubClient, fifo: str) -> None:
    with pytest.raises(HubRefusedError, match="no reader"):
        hub.send(fifo, "hello\n", timeout=0.05)
    consumer = hub.start(ConsumerSpec(fifo))
    hub.wait_for(lambda: state(hub, consumer).phase == "opening")
    hub.send(fifo, "hello\n")
    hub.wait_for(lambda: payloads(hub) == ["hello"])
