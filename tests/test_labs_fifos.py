"""The labs of the article on FIFOs come true, and notice it when their mechanism is broken."""

from __future__ import annotations

import os
import select
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from helper_processes import as_nobody
from lab_runs import rehearse, script

from pipetui.labs import (
    busy_loop,
    frame_request,
    half_duplex,
    many_readers,
    nonblocking_reader,
    nonblocking_writer,
    permissions,
    rendezvous,
)
from pipetui.labs.context import saw
from pipetui.model import Seen

MODULES = (
    rendezvous,
    half_duplex,
    many_readers,
    permissions,
    nonblocking_writer,
    frame_request,
    nonblocking_reader,
    busy_loop,
)


def give(monkeypatch: pytest.MonkeyPatch, module: ModuleType, library: ModuleType, **changes: object) -> None:
    """Let one module have a library of which something is different; all others have it as it is."""
    monkeypatch.setattr(module, library.__name__, SimpleNamespace(**{**vars(library), **changes}))


def failed(module: ModuleType, limit: float = 20.0) -> dict[str, object]:
    """Play a lab with its mechanism broken and return what was not fine; one that hangs takes all of `limit` (s)."""
    seen, _ = rehearse(replace(module.LAB, limit=limit))
    return {key: one.value for key, one in seen.items() if one.fine is False}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.LAB.name)
def test_the_lab_comes_true_and_leaves_no_process_behind(module: ModuleType) -> None:
    seen, events = rehearse(module.LAB)
    may_skip = module is permissions and os.geteuid() != 0
    assert all(one.fine or (may_skip and one.fine is None) for one in seen.values()), script(events)
    assert not [event for event in events if event.kind == "trouble"]
    assert not [event.pid for event in events if Path(f"/proc/{event.pid}").exists()]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.LAB.name)
def test_the_card_fits_a_screen(module: ModuleType) -> None:
    card = module.LAB.card()
    expected = {observation.key: observation.expected for observation in card.observations}
    assert len(card.title) <= 50
    assert card.story.count(". ") < 4
    assert card.reason.count(". ") < 6
    assert all(len(line) <= 88 for code in card.code for line in code.text.splitlines())
    for question in card.questions:
        assert expected[question.key] in [choice.value for choice in question.choices]
        assert not [choice.text for choice in question.choices if len(choice.text) > 60]


def test_a_lab_is_as_true_when_there_is_time_to_watch() -> None:
    seen, events = rehearse(rendezvous.LAB, "normal")
    assert all(one.fine for one in seen.values()), script(events)


def test_rendezvous_notices_an_open_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(path: str) -> None:
        os.close(os.open(path, os.O_RDWR))

    monkeypatch.setattr(rendezvous, "writer", hasty)
    monkeypatch.setattr(rendezvous, "reader", hasty)
    assert failed(rendezvous) == {"first": "goes on", "message": "not seen", "reader": "goes on"}


def test_half_duplex_notices_that_there_is_no_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(requests: str, answers: str) -> None:
        source = os.open(requests, os.O_RDONLY | os.O_NONBLOCK)
        os.close(os.open(answers, os.O_WRONLY))
        os.close(source)

    monkeypatch.setattr(half_duplex, "service", hasty)
    assert failed(half_duplex)["order"] == "they go on"


def test_half_duplex_notices_an_answer_that_went_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened_for_both(path: str) -> None:
        fd = os.open(path, os.O_RDWR)
        os.write(fd, b"2 + 3")
        saw("answer", "5")

    monkeypatch.setattr(half_duplex, "one_fifo", opened_for_both)
    assert failed(half_duplex) == {"answer": "5", "left": "2 + 3"}


def test_many_readers_notices_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    def copying_reader(path: str, tally: int) -> None:
        fd = os.open(path, os.O_RDONLY)
        while message := os.read(fd, many_readers.SIZE):
            os.write(tally, message * 2)

    monkeypatch.setattr(many_readers, "reader", copying_reader)
    assert failed(many_readers) == {"together": "400 messages"}


def test_many_readers_notices_messages_that_are_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def cutting_writer(path: str, name: str) -> None:
        many_writer(path, name, size=many_readers.SIZE - 1)

    many_writer = many_readers.writer
    monkeypatch.setattr(many_readers, "writer", cutting_writer)
    assert failed(many_readers).keys() == {"together", "whole"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_permissions_notices_a_mode_that_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, permissions, os, chmod=lambda path, mode: os.chmod(path, mode | 0o044))
    assert failed(permissions) == {"reading": "opens"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_permissions_notices_that_no_letter_can_be_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, permissions, os, chmod=lambda path, mode: os.chmod(path, mode & ~0o022))
    assert failed(permissions)["letter"] == "not seen"


def test_permissions_says_what_an_ordinary_user_can_not_try_and_tries_the_rest() -> None:
    seen, _ = as_nobody(lambda: rehearse(permissions.LAB))
    assert seen["reading"] == Seen("reading", "only root can become another user", None)
    assert seen["letter"].fine is None
    assert seen["mode"].fine
    assert seen["own"].fine


def test_nonblocking_writer_notices_that_the_rest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def never_more(*_: object) -> None:
        os._exit(0)

    give(monkeypatch, nonblocking_writer, select, select=never_more)
    assert failed(nonblocking_writer) == {"whole": False}


def test_nonblocking_writer_notices_an_open_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, nonblocking_writer, os, O_NONBLOCK=0)
    assert failed(nonblocking_writer, limit=4.0)["alone"] == "not seen"


def test_nonblocking_reader_notices_that_it_is_its_own_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, nonblocking_reader, os, O_RDONLY=os.O_RDWR)
    assert failed(nonblocking_reader) == {"no writer": "EAGAIN", "gone": "EAGAIN"}


def test_busy_loop_notices_a_loop_that_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, busy_loop, os, set_blocking=lambda fd, blocking: None)
    assert failed(busy_loop)["cpu"] in ("the same", "more")


def test_frame_request_notices_a_service_that_trusts_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    path = SimpleNamespace(join=os.path.join, basename=lambda name: name)
    give(monkeypatch, frame_request, os, path=path)
    assert failed(frame_request) == {"outside": 200, "untouched": False}


def test_frame_request_notices_a_service_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, frame_request, os, O_NONBLOCK=0)
    assert failed(frame_request, limit=4.0)["early"] == "not seen"
