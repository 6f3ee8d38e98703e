"""What happens on FIFOs, told without opening them, and not at the cost of who writes fast."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from pipetui.kernel import fifo
from pipetui.kernel.inotify import Inotify, WatchLimit
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
    identity = fifo.identify(path)
    assert activity.add(path) == identity
    assert activity.timeout() is None
    with fifo.open_reader(path) as reader:
        assert select.select([activity], [], [], 5)[0]
        assert one(activity.read()) == Stirred(identity, opens=1)
        writer = fifo.open_writer(path)
        assert one(activity.read()) == Stirred(identity, opens=1)
        for _ in range(3):
            os.write(writer.fileno(), b"x")
            os.read(reader.fileno(), 1)
        assert one(activity.read()) == Stirred(identity, writes=3, reads=3)
        writer.close()
    assert one(activity.read()) == Stirred(identity, closes=2)
    assert activity.read() == []
    activity.close()


def flood(reader: int, writer: int) -> None:
    for _ in range(MOST):
        os.write(writer, b"x")
        os.read(reader, 1)


def test_a_flood_is_left_alone_for_longer_and_longer(path: str) -> None:
    clock = Clock()
    activity = Activity(clock)
    identity = activity.add(path)
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
        assert identity is not None
        assert one(activity.read()) == Stirred(identity, writes=1)
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
    identity = activity.add(path)
    assert identity is not None
    os.unlink(path)
    activity.read()
    activity.remove(identity)
    activity.remove(identity)
    fifo.create(path)
    identity = activity.add(path)
    assert identity is not None
    fifo.open_reader(path).close()
    assert one(activity.read()) == Stirred(identity, opens=1, closes=1)
    activity.remove(identity)
    fifo.open_reader(path).close()
    assert activity.read() == []
    activity.close()


def test_a_fifo_with_two_names_has_one_watch_which_outlives_each_name(path: str) -> None:
    activity = Activity()
    identity = activity.add(path)
    assert identity is not None
    os.link(path, path + "2")
    assert activity.add(path + "2") == identity
    os.unlink(path)
    activity.read()
    fifo.open_reader(path + "2").close()
    assert one(activity.read()) == Stirred(identity, opens=1, closes=1)
    activity.close()


def test_a_fifo_that_was_replaced_is_not_taken_for_the_one_before_it(path: str) -> None:
    clock = Clock()
    activity = Activity(clock)
    old = activity.add(path)
    with fifo.open_reader(path) as reader, fifo.open_writer(path) as writer:
        os.rename(path, path + ".old")
        new = fifo.create(path)
        assert activity.add(path, expected=old) is None
        activity.read()
        assert old is not None
        os.write(writer.fileno(), b"x")
        assert one(activity.read()) == Stirred(old, writes=1)
        assert activity.add(path, expected=new) == new
        flood(reader.fileno(), writer.fileno())
        activity.read()
        assert activity.paused(old) or not activity.watches(old)
        with fifo.open_reader(path) as other, fifo.open_writer(path) as another:
            activity.read()
            flood(other.fileno(), another.fileno())
            assert activity.read(), "writes on the new one are counted, whatever became of the old one"
            assert activity.paused(new)
    activity.close()


def test_a_fifo_without_a_name_is_watched_through_a_descriptor(path: str) -> None:
    clock = Clock()
    activity = Activity(clock)
    with fifo.open_reader(path) as reader, fifo.open_writer(path) as writer:
        identity = fifo.identify(path)
        os.unlink(path)
        assert activity.add(f"/proc/{os.getpid()}/fd/{writer.fileno()}", expected=identity) == identity
        flood(reader.fileno(), writer.fileno())
        assert not one(activity.read()).counted
        clock.now += PAUSE
        activity.read()
        os.write(writer.fileno(), b"x")
        assert one(activity.read()) == Stirred(identity, writes=1)
    activity.close()


def test_an_inode_number_that_is_given_anew_is_another_fifo(path: str) -> None:
    activity = Activity()
    old = activity.add(path)
    for _ in range(50):  # until the filesystem gives the same number again, if it does that at all
        os.unlink(path)
        if fifo.create(path) == old:
            break
    new = activity.add(path, expected=fifo.identify(path))
    assert new is not None
    activity.read()  # of the old one, that it is gone
    fifo.open_reader(path).close()
    assert one(activity.read()) == Stirred(new, opens=1, closes=1)
    activity.close()


def test_what_no_watch_is_left_for_is_not_said_to_be_counted(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Inotify, path: str, mask: int) -> int:
        raise WatchLimit("no inotify watch is left")

    clock = Clock()
    activity = Activity(clock)
    identity = fifo.identify(path)
    with monkeypatch.context() as limited:
        limited.setattr(Inotify, "add", full)
        assert activity.add(path) is None
    assert activity.counted_for(identity) is None
    assert activity.add(path) == identity
    clock.now += 3
    assert activity.counted_for(identity) == 3
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
