"""Work in two halves gives what the whole gives, whatever becomes of the child."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from itertools import chain

import pytest

from pipetui.kernel.halves import in_halves


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def squares(part: Sequence[int]) -> list[tuple[int, int]]:
    return [(number * number, os.getpid()) for number in part]


def test_each_half_is_done_by_a_process_of_its_own() -> None:
    answer = list(chain(*in_halves(squares, range(1000))))
    assert [square for square, _ in answer] == [number * number for number in range(1000)]
    assert len({pid for _, pid in answer}) == 2
    assert answer[0][1] == os.getpid()


def test_little_work_and_other_threads_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {pid for _, pid in chain(*in_halves(squares, range(10)))} == {os.getpid()}
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert {pid for _, pid in chain(*in_halves(squares, range(1000)))} == {os.getpid()}


def test_a_child_that_dies_costs_only_time() -> None:
    here = os.getpid()

    def deadly(part: Sequence[int]) -> list[tuple[int, int]]:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return squares(part)

    assert list(chain(*in_halves(deadly, range(1000)))) == squares(range(1000))


def test_where_no_child_can_be_had_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError("fork: retry")

    monkeypatch.setattr(os, "fork", refuse)
    assert list(chain(*in_halves(squares, range(1000)))) == squares(range(1000))
