"""The publisher: what changed goes out at the client's pace, and nothing is held up by something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pipetui.backend import publisher
from pipetui.backend.publisher import Publisher, Rows, Source, Value
from pipetui.model import ActorState, ConsumerSpec, Process, Status
from pipetui.protocol.feeds import ACTORS, PROCESSES, STATUS
from pipetui.protocol.messages import Ready, Update, unpack_from_hub


@dataclass
class Clock:
    """A loop whose timers the test runs."""

    due: list[Callable[[], None]] = field(default_factory=list)

    def later(self, _seconds: float, callback: Callable[[], None]) -> object:
        self.due.append(callback)
        return type("Timer", (), {"pending": True})()

    def run(self) -> None:
        """Run what is due, and what that makes due, for a while."""
        for _ in range(100):
            due, self.due = self.due, []
            for callback in due:
                callback()


@dataclass
class Wire:
    """A writer that keeps what it is given."""

    updates: list[Update] = field(default_factory=list)
    backlog: int = 0
    broken: bool = False

    def write(self, data: bytes) -> None:
        update = unpack_from_hub(data[4:])
        assert isinstance(update, Update)
        self.updates.append(update)


def publish(*sources: Source) -> tuple[Publisher, Clock, Wire]:
    clock, wire = Clock(), Wire()
    return Publisher(clock, wire, sources, lambda: None), clock, wire  # type: ignore[arg-type]


def process(pid: int) -> Process:
    return Process(pid, "x" * 300)


def test_there_is_one_update_for_each_credit() -> None:
    rows = Rows(PROCESSES, process)
    made, clock, wire = publish(rows)
    rows.changed(1)
    clock.run()
    assert wire.updates == []
    made.ready(Ready())
    clock.run()
    assert [update.news(PROCESSES) is not None for update in wire.updates] == [True]
    rows.changed(2)
    clock.run()
    assert len(wire.updates) == 1
    made.ready(Ready())
    clock.run()
    assert len(wire.updates) == 2


def test_what_came_and_went_untold_holds_up_nobody() -> None:
    """There is nothing to say of the first thousand keys; what is after them has to be told all the same."""
    rows = Rows(PROCESSES, lambda pid: process(pid) if pid > 1500 else None)
    made, clock, wire = publish(rows)
    made.ready(Ready())
    for pid in range(1600):
        rows.changed(pid)
    clock.run()
    (update,) = wire.updates
    news = update.news(PROCESSES)
    assert news is not None
    assert len(news.rows) == 99
    assert not update.more


def test_keys_that_came_and_went_are_forgotten_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "MOST_CHANGED", 100)
    rows = Rows(PROCESSES, lambda _: None)
    for pid in range(100_000):
        rows.changed(pid)
    assert len(rows._changed) <= 10_001


def test_one_feed_holds_up_no_other() -> None:
    actor = ActorState(1, "consumer", 5, ConsumerSpec("/x"))
    many, few = Rows(PROCESSES, process), Rows(ACTORS, lambda _: actor)
    made, clock, wire = publish(many, few)
    for pid in range(20_000):
        many.changed(pid)
    few.changed(1)
    made.ready(Ready())
    clock.run()
    assert wire.updates[0].more
    assert wire.updates[0].news(ACTORS) is not None


def test_a_value_is_told_when_it_is_another_one() -> None:
    status = [Status("a")]
    value = Value(STATUS, lambda: status[0])
    made, clock, wire = publish(value)
    for _ in range(2):
        made.ready(Ready())
        value.changed()
        clock.run()
    assert len(wire.updates) == 1
    status[0] = Status("b")
    value.changed()
    clock.run()
    assert wire.updates[-1].value(STATUS) == Status("b")
