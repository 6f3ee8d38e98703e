"""What the watcher tells of writes and reads, whoever found the FIFO and whatever becomes of its names."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipetui.kernel import fifo
from pipetui.kernel.fd import Fd
from pipetui.kernel.inotify import Inotify, WatchLimit
from pipetui.model import PipeId
from pipetui.watch.activity import MOST
from pipetui.watch.report import Known, Rate, WatchOrder
from pipetui.watch.watcher import Watcher


class Told:
    """A watcher, and what it has told of rates so far: what was not told is unknown."""

    def __init__(self) -> None:
        self.watcher = Watcher()
        self.rates: dict[PipeId, Rate] = {}

    def of(self, identity: PipeId) -> tuple[float | None, float | None]:
        rate = self.rates.get(identity, Rate(identity))
        return rate.writes, rate.reads

    def go_on(self) -> None:
        """Let the watcher do what is due now."""
        if select.select([self.watcher], [], [], min(0.02, self.watcher.timeout()))[0]:
            self.watcher.stir()
        for report in self.watcher.reports():
            self.rates.update({rate.id: rate for rate in report.rates})

    def until(self, true: Callable[[], bool], does: Callable[[], object] = lambda: None, within: float = 20.0) -> None:
        """Do something again and again, until something else is true."""
        deadline = time.monotonic() + within
        while not true():
            assert time.monotonic() < deadline, self.rates
            does()
            self.go_on()

    def look(self) -> None:
        """Look now, whatever is due."""
        self.watcher.look()
        self.go_on()


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    with closing(told.watcher._activity):
        yield told


class Ends:
    """A FIFO of which we hold both ends, as other programs would."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.id = fifo.create(path)
        self.reader: Fd = fifo.open_reader(path)
        self.writer: Fd = fifo.open_writer(path)

    def pass_one(self) -> None:
        """Pass a byte, twenty times a second at most."""
        os.write(self.writer.fileno(), b"x")
        os.read(self.reader.fileno(), 1)
        time.sleep(0.05)

    def flood(self) -> None:
        for _ in range(MOST):
            os.write(self.writer.fileno(), b"x")
            os.read(self.reader.fileno(), 1)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with closing(Ends(str(tmp_path / "pipe"))) as ends:
        yield ends


def moving(told: Told, identity: PipeId) -> Callable[[], bool]:
    def moves() -> bool:
        writes, reads = told.of(identity)
        return bool(writes and writes > 1 and reads and reads > 1)

    return moves


def quiet(told: Told, identity: PipeId) -> Callable[[], bool]:
    return lambda: told.of(identity) == (0.0, 0.0)


def found(ends: Ends, path: str = "") -> WatchOrder:
    return WatchOrder(known=(Known(path or ends.path, ends.id),))


def test_one_that_is_held_first_and_found_later_is_counted(told: Told, ends: Ends) -> None:
    told.look()
    told.watcher.obey(found(ends))
    told.look()
    told.look()
    told.until(moving(told, ends.id), ends.pass_one)
    told.until(quiet(told, ends.id))


def test_one_that_is_found_first_and_held_elsewhere_later_is_counted(told: Told, ends: Ends) -> None:
    told.watcher.obey(found(ends))
    told.look()
    os.unlink(ends.path)
    told.watcher.obey(WatchOrder(forget=(ends.path,)))
    told.look()
    told.until(moving(told, ends.id), ends.pass_one)
    ends.close()
    told.until(lambda: told.of(ends.id) == (None, None))
    told.look()
    assert not told.watcher._activity.watches(ends.id)


def test_a_fifo_with_two_names_is_counted_as_long_as_it_has_one(told: Told, ends: Ends) -> None:
    os.link(ends.path, ends.path + "2")
    told.watcher.obey(WatchOrder(elsewhere=False))
    for path in (ends.path, ends.path + "2"):
        told.watcher.obey(found(ends, path))
    told.look()
    told.watcher.obey(WatchOrder(forget=(ends.path,)))
    os.unlink(ends.path)
    told.look()
    told.until(moving(told, ends.id), ends.pass_one)
    told.watcher.obey(WatchOrder(forget=(ends.path + "2",)))
    told.look()
    assert told.of(ends.id) == (None, None), "nobody asks for it any more"


def test_one_that_took_anothers_name_is_not_mixed_up_with_it(told: Told, ends: Ends) -> None:
    told.watcher.obey(found(ends))
    told.look()
    os.rename(ends.path, ends.path + ".old")
    with closing(Ends(ends.path)) as successor:
        told.watcher.obey(found(successor))
        told.look()
        told.until(moving(told, successor.id), successor.pass_one)
        told.until(quiet(told, ends.id))
        told.until(quiet(told, successor.id))
        told.until(moving(told, ends.id), ends.pass_one)
        told.until(quiet(told, successor.id))


def test_a_rate_that_is_not_known_is_never_told_as_none(
    told: Told, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Inotify, path: str, mask: int) -> int:
        raise WatchLimit("no inotify watch is left")

    with monkeypatch.context() as limited:
        limited.setattr(Inotify, "add", full)
        told.watcher.obey(found(ends))
        told.look()
        started = time.monotonic()
        told.until(lambda: time.monotonic() > started + 1.5, ends.pass_one)
        assert told.of(ends.id) == (None, None)
    told.look()  # now there is a watch for it
    told.until(quiet(told, ends.id))


def test_a_flood_is_told_as_such_and_its_rate_as_unknown(told: Told, ends: Ends) -> None:
    told.watcher.obey(found(ends))
    told.look()
    told.until(quiet(told, ends.id))
    told.until(lambda: told.rates[ends.id].flooded, ends.flood)
    assert told.of(ends.id) == (None, None)
    told.until(lambda: not told.rates[ends.id].flooded)
    told.until(quiet(told, ends.id))
