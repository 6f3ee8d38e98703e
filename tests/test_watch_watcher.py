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


class Recorder:
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
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    with closing(recorder.watcher._activity):
        yield recorder


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


def moving(recorder: Recorder, identity: PipeId) -> Callable[[], bool]:
    def moves() -> bool:
        writes, reads = recorder.of(identity)
        return bool(writes and writes > 1 and reads and reads > 1)

    return moves


def quiet(recorder: Recorder, identity: PipeId) -> Callable[[], bool]:
    return lambda: recorder.of(identity) == (0.0, 0.0)


def found(ends: Ends, path: str = "") -> WatchOrder:
    return WatchOrder(known=(Known(path or ends.path, ends.id),))


def test_one_that_is_held_first_and_found_later_is_counted(recorder: Recorder, ends: Ends) -> None:
    recorder.look()
    recorder.watcher.obey(found(ends))
    recorder.look()
    recorder.look()
    recorder.until(moving(recorder, ends.id), ends.pass_one)
    recorder.until(quiet(recorder, ends.id))


def test_one_that_is_found_first_and_held_elsewhere_later_is_counted(recorder: Recorder, ends: Ends) -> None:
    recorder.watcher.obey(found(ends))
    recorder.look()
    os.unlink(ends.path)
    recorder.watcher.obey(WatchOrder(forget=(ends.path,)))
    recorder.look()
    recorder.until(moving(recorder, ends.id), ends.pass_one)
    ends.close()
    recorder.until(lambda: recorder.of(ends.id) == (None, None))
    recorder.look()
    assert not recorder.watcher._activity.watches(ends.id)


def test_a_fifo_with_two_names_is_counted_as_long_as_it_has_one(recorder: Recorder, ends: Ends) -> None:
    os.link(ends.path, ends.path + "2")
    recorder.watcher.obey(WatchOrder(elsewhere=False))
    for path in (ends.path, ends.path + "2"):
        recorder.watcher.obey(found(ends, path))
    recorder.look()
    recorder.watcher.obey(WatchOrder(forget=(ends.path,)))
    os.unlink(ends.path)
    recorder.look()
    recorder.until(moving(recorder, ends.id), ends.pass_one)
    recorder.watcher.obey(WatchOrder(forget=(ends.path + "2",)))
    recorder.look()
    assert recorder.of(ends.id) == (None, None), "nobody asks for it any more"


def test_one_that_took_anothers_name_is_not_mixed_up_with_it(recorder: Recorder, ends: Ends) -> None:
    recorder.watcher.obey(found(ends))
    recorder.look()
    os.rename(ends.path, ends.path + ".old")
    with closing(Ends(ends.path)) as successor:
        recorder.watcher.obey(found(successor))
        recorder.look()
        recorder.until(moving(recorder, successor.id), successor.pass_one)
        recorder.until(quiet(recorder, ends.id))
        recorder.until(quiet(recorder, successor.id))
        recorder.until(moving(recorder, ends.id), ends.pass_one)
        recorder.until(quiet(recorder, successor.id))


def test_a_rate_that_is_not_known_is_never_told_as_none(
    recorder: Recorder, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Inotify, path: str, mask: int) -> int:
        raise WatchLimit("no inotify watch is left")

    with monkeypatch.context() as limited:
        limited.setattr(Inotify, "add", full)
        recorder.watcher.obey(found(ends))
        recorder.look()
        started = time.monotonic()
        recorder.until(lambda: time.monotonic() > started + 1.5, ends.pass_one)
        assert recorder.of(ends.id) == (None, None)
    recorder.look()  # now there is a watch for it
    recorder.until(quiet(recorder, ends.id))


def test_a_flood_is_told_as_such_and_its_rate_as_unknown(recorder: Recorder, ends: Ends) -> None:
    recorder.watcher.obey(found(ends))
    recorder.look()
    recorder.until(quiet(recorder, ends.id))
    recorder.until(lambda: recorder.rates[ends.id].flooded, ends.flood)
    assert recorder.of(ends.id) == (None, None)
    recorder.until(lambda: not recorder.rates[ends.id].flooded)
    recorder.until(quiet(recorder, ends.id))
