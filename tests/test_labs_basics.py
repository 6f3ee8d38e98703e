"""The labs of pipes, fork and multiprocessing.Pipe come true, and don't when their mechanism is broken."""

from __future__ import annotations

import multiprocessing
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from lab_runs import rehearse

from pipetui.labs import (
    all_labs,
    anonymous_pipe,
    context,
    coprocess,
    mp_both_ways,
    mp_eof,
    mp_one_way,
    mp_poll,
    mp_unpicklable,
    numbers,
    unused_ends,
)
from pipetui.labs.context import LabContext, LabEvent
from pipetui.labs.lab import Lab, source
from pipetui.labs.play import play
from pipetui.model import Seen

MODULES = (
    anonymous_pipe,
    unused_ends,
    coprocess,
    numbers,
    mp_one_way,
    mp_both_ways,
    mp_poll,
    mp_eof,
    mp_unpicklable,
)
LABS = [module.LAB for module in MODULES]


def wrong(lab: Lab) -> dict[str, Seen]:
    """Play a lab and return what did not come true."""
    seen, _ = rehearse(lab)
    return {key: one for key, one in seen.items() if one.fine is False}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_it_comes_true_and_leaves_no_process_behind(lab: Lab) -> None:
    seen, events = rehearse(lab)
    assert [one for one in seen.values() if one.fine is not True] == []
    assert [event for event in events if event.kind == "trouble"] == []
    group = next(event.pid for event in events if event.kind == "main")
    assert [pid for pid in _pids() if _group(pid) == group] == []


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _group(pid: int) -> int:
    """Return a living process's group; 0 for one that has ended, and perhaps not been waited for by init."""
    try:
        state, _, group = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
    except OSError:
        return 0
    return 0 if state in "ZX" else int(group)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_every_question_can_be_answered_rightly(lab: Lab) -> None:
    expected = {observation.key: observation.expected for observation in lab.observations}
    for question in lab.questions:
        assert expected[question.key] in [choice.value for choice in question.choices]


def test_they_come_in_the_order_of_their_articles() -> None:
    names = [lab.name for lab in all_labs().values()]
    assert [name for name in names if name in {lab.name for lab in LABS}] == [lab.name for lab in LABS]


def test_its_processes_are_called_like_their_functions() -> None:
    _, events = rehearse(anonymous_pipe.LAB)
    assert {event.name for event in events if event.kind == "say"} == {"parent", "child"}


def test_the_program_answers_what_the_person_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(context._SECOND, "normal", 0.01)
    printed: list[str] = []
    reading, writing = os.pipe()

    def tell(event: LabEvent) -> None:
        if event.kind == "hear":
            os.write(writing, b".")
        elif event.kind == "say":
            printed.append(str(event.value))

    def orders() -> list[str]:
        os.read(reading, 1)
        return ["Grüße: \udcff"]

    play(coprocess.LAB, tmp_path, "normal", tell, reading, orders)
    os.close(reading)
    os.close(writing)
    assert len([text for text in printed if "got: [Grüße: " in text]) == 2


# --- broken mechanisms ----------------------------------------------------------------------------------------------


def test_a_child_that_writes_all_at_once_sends_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def child(wpipe: int) -> None:
        os.write(wpipe, b"how are you\n" * 3)

    monkeypatch.setattr(anonymous_pipe, "child", child)
    assert wrong(anonymous_pipe.LAB) == {}


def test_lines_need_newlines(monkeypatch: pytest.MonkeyPatch) -> None:
    def child(wpipe: int) -> None:
        for _ in range(3):
            os.write(wpipe, b"how are you ")

    monkeypatch.setattr(anonymous_pipe, "child", child)
    assert wrong(anonymous_pipe.LAB).keys() == {"lines"}


def test_a_parent_that_keeps_its_write_end_never_sees_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anonymous_pipe, "pipe_from_child", _without_close(anonymous_pipe.pipe_from_child))
    assert "eof" in wrong(replace(anonymous_pipe.LAB, limit=2.0))


def _without_close(function: Callable[[], int]) -> Callable[[], int]:
    def leaky() -> int:
        close, os.close = os.close, lambda fd: None
        try:
            return function()
        finally:
            os.close = close

    return leaky


def test_a_reader_that_is_tidy_after_all_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = unused_ends.reader
    monkeypatch.setattr(unused_ends, "reader", lambda r, w, _tidy: reader(r, w, True))
    monkeypatch.setattr(unused_ends.reader, "__name__", "reader")
    assert {"eof", "woken-reader"} <= wrong(unused_ends.LAB).keys()


def test_a_writer_that_is_tidy_after_all_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = unused_ends.writer
    monkeypatch.setattr(unused_ends, "writer", lambda r, w, _tidy: writer(r, w, True))
    monkeypatch.setattr(unused_ends.writer, "__name__", "writer")
    assert wrong(unused_ends.LAB).keys() == {"epipe", "woken-writer"}


def test_a_program_that_flushes_has_its_answer_in_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(here: LabContext) -> None:
        script = Path(here.path("pipetest.py"))
        text = source(coprocess.pipetest).replace(']")', ']", flush=True)')
        assert "flush" in text
        script.write_text(f"import os, sys\n{text}\npipetest()\n")
        command = [sys.executable, "-I", str(script), "spam"]
        here.start(coprocess.parent, command, "Hello", "plain")
        here.start(coprocess.parent, command, "Hello", "unbuffered")

    assert wrong(replace(coprocess.LAB, main=main)).keys() == {"plain-answer"}


def test_a_program_that_mixes_its_remarks_with_its_answers_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(here: LabContext) -> None:
        script = Path(here.path("pipetest.py"))
        text = source(coprocess.pipetest).replace("got: [", "I have printed my answer\\nChild got: [")
        script.write_text(f"import os, sys\n{text}\npipetest()\n")
        command = [sys.executable, "-I", str(script), "spam"]
        here.start(coprocess.parent, command, "Hello", "plain")
        here.start(coprocess.parent, [command[0], "-u", *command[1:]], "Hello", "unbuffered")

    assert wrong(replace(coprocess.LAB, main=main)).keys() == {"plain-apart", "unbuffered-apart"}


def test_a_reader_that_also_writes_never_sees_the_numbers_end() -> None:
    def keeper(path: str) -> None:
        numbers.make_fifo(path)
        os.open(path, os.O_RDWR)  # one more writer, who never writes
        numbers.parent(path)

    def main(here: LabContext) -> None:
        here.start(keeper, here.path("numbers"))

    assert "end" in wrong(replace(numbers.LAB, main=main, limit=2.0))


def test_a_file_in_the_way_is_not_taken_for_a_fifo(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        numbers.make_fifo(str(tmp_path / "file"))
    assert numbers.make_fifo(str(tmp_path / "fifo")) == "made"
    assert numbers.make_fifo(str(tmp_path / "fifo")) == "FileExistsError"
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_a_connection_is_called_by_what_the_kernel_says_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    _swap_pipe(monkeypatch, lambda pipe, duplex: pipe(not duplex))
    assert wrong(mp_one_way.LAB).keys() == {"one-way", "both-ways"}


def _swap_pipe(monkeypatch: pytest.MonkeyPatch, swapped: Callable[[Any, bool], Any]) -> None:
    context = type(multiprocessing.get_context("fork"))
    pipe = multiprocessing.Pipe
    monkeypatch.setattr(context, "Pipe", lambda _self, duplex=True: swapped(pipe, duplex), raising=False)


def test_servers_that_do_not_wait_do_not_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    def server(mine: Connection, yours: Connection) -> None:
        yours.close()
        if mine.poll():
            mine.send(f"Thanks for {mine.recv()!r}")

    monkeypatch.setattr(mp_both_ways, "server", server)
    assert "first" in wrong(mp_both_ways.LAB)


def test_a_server_that_keeps_the_clients_end_survives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = mp_both_ways.server

    def forgetful(mine: Connection, yours: Connection) -> None:
        os.dup(yours.fileno())
        server(mine, yours)

    monkeypatch.setattr(mp_both_ways, "server", forgetful)
    assert "server" in wrong(replace(mp_both_ways.LAB, limit=2.0))


def test_a_worker_that_stays_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    def worker(mine: Connection, yours: Connection) -> None:
        yours.send(0)  # it talks to itself through the end that it should have closed
        mine.recv()

    monkeypatch.setattr(mp_poll, "worker", worker)
    assert "answer" in wrong(replace(mp_poll.LAB, limit=2.0))


def test_a_receiver_that_is_tidy_after_all_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = mp_eof.receiver
    monkeypatch.setattr(mp_eof, "receiver", lambda r, w, _tidy: receiver(r, w, True))
    assert wrong(mp_eof.LAB).keys() == {"forgotten", "woken"}


def test_a_lambda_that_could_be_pickled_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def sender(receiving: Connection, sending: Connection) -> None:
        receiving.close()
        for thing in ("before", mp_unpicklable.greet):
            sending.send(thing)

    monkeypatch.setattr(mp_unpicklable, "sender", sender)
    assert wrong(mp_unpicklable.LAB).keys() == {"lambda", "lock", "works"}
