"""What happens on FIFOs, told without opening them, and not at the cost of who writes fast."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from pipetui.kernel import fifo
from pipetui.watch.activity import LONGEST, MOST, PAUSE, WINDOW, Activity, Stirred, times


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "pipe")
    fifo.create(path)
    return path


def one(told: list[Stirred]) -> Stirred:
    (only,) = told
    return only


def test_opens_closes_writes_and_reads_are_counted(path: str) -> None:
    activity = Activity()
    assert activity.add(path)
    assert activity.timeout() is None
    with fifo.open_reader(path) as reader:
        assert select.select([activity], [], [], 5)[0]
        assert one(activity.read()) == Stirred(path, opens=1)
        writer = fifo.open_writer(path)
        assert one(activity.read()) == Stirred(path, opens=1)
        for _ in range(3):
            os.write(writer.fileno(), b"x")
            os.read(reader.fileno(), 1)
        assert one(activity.read()) == Stirred(path, writes=3, reads=3)
        writer.close()
    assert one(activity.read()) == Stirred(path, closes=2)
    assert activity.read() == []
    activity.close()


def flood(reader: int, writer: int) -> None:
    for _ in range(MOST):
        os.write(writer, b"x")
        os.read(reader, 1)


def test_a_flood_is_left_alone_for_longer_and_longer(path: str) -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.add(path)
    with fifo.open_reader(path) as reader, fifo.open_writer(path) as writer:
        pause = PAUSE
        for _ in range(6):
            flood(reader.fileno(), writer.fileno())
            assert not one(activity.read()).counted
            activity.read()
            flood(reader.fileno(), writer.fileno())
            assert activity.read() == []  # a writer at full speed makes no events any more
            assert activity.timeout() == pause
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            told = one(activity.read())
            assert (told.opens, told.closes, told.counted) == (1, 1, False)  # but who comes and goes is still told
            clock.now += pause
            activity.read()
            pause = min(LONGEST, pause * 2)
        clock.now += WINDOW * 2
        os.write(writer.fileno(), b"x")
        assert one(activity.read()) == Stirred(path, writes=1)
        assert activity.timeout() is None
    activity.close()


def test_only_opens_and_closes_when_counting_is_not_wanted(path: str) -> None:
    activity = Activity()
    activity.add(path, count=False)
    with fifo.open_reader(path) as reader, fifo.open_writer(path) as writer:
        activity.read()
        flood(reader.fileno(), writer.fileno())
        assert activity.read() == []
        assert activity.timeout() is None
    activity.close()


def test_what_goes_away_is_forgotten(path: str) -> None:
    activity = Activity()
    assert not activity.add(path + "no")
    activity.add(path)
    os.unlink(path)
    activity.read()
    activity.remove(path)
    activity.remove(path)
    fifo.create(path)
    assert activity.add(path)
    fifo.open_reader(path).close()
    assert one(activity.read()) == Stirred(path, opens=1, closes=1)
    activity.remove(path)
    fifo.open_reader(path).close()
    assert activity.read() == []
    activity.close()


def test_the_times_of_a_fifo_tell_when_nobody_counts(path: str) -> None:
    before = times(path)
    assert before is not None
    with fifo.open_reader(path), fifo.open_writer(path) as writer:
        os.write(writer.fileno(), b"x")
    after = times(path)
    assert after is not None
    assert after[0] >= before[0]
    assert times(path + "no") is None
