"""The labs about other ways to talk and about what pipes are beyond the articles: true, and not true when broken."""

from __future__ import annotations

import fcntl
import os
import queue
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.context import BaseContext
from pathlib import Path
from types import ModuleType

import pytest
from lab_runs import rehearse, script

from pipetui.backend.actors.validation import check
from pipetui.labs import (
    keep_open,
    message_queue,
    never_eof,
    pipe_buf,
    pipe_size,
    process_pool,
    shared_file,
    sigpipe,
    sockets,
    subprocess_deadlock,
    tee_and_splice,
)
from pipetui.labs.context import LabContext, saw, say
from pipetui.labs.lab import Lab
from pipetui.model import Seen

MODULES: tuple[ModuleType, ...] = (
    sockets,
    shared_file,
    process_pool,
    message_queue,
    pipe_buf,
    sigpipe,
    never_eof,
    subprocess_deadlock,
    keep_open,
    pipe_size,
    tee_and_splice,
)
LABS: list[Lab] = [module.LAB for module in MODULES]


def wrong(lab: Lab) -> dict[str, object]:
    """Play a lab and return what came out otherwise than it must, by its key."""
    seen, _ = rehearse(lab)
    return {key: one.value for key, one in seen.items() if one.fine is False}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_it_comes_true_and_leaves_no_process_behind(lab: Lab) -> None:
    seen, events = rehearse(lab)
    assert [one for one in seen.values() if one.fine is False] == [], script(events)
    assert [event for event in events if event.kind == "trouble"] == []
    group = next(event.pid for event in events if event.kind == "main")
    assert _living(group) == []


def _living(group: int) -> list[str]:
    """Return the pids of the living processes of a group."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, _, its = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it has just gone
        if int(its) == group and state not in "ZX":
            found.append(name)
    return found


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_person_can_choose_what_comes_true(lab: Lab) -> None:
    expected = {observation.key: observation.expected for observation in lab.observations}
    assert 1 <= len(lab.questions) <= 3
    assert len(lab.title) <= 50
    for question in lab.questions:
        values = [choice.value for choice in question.choices]
        assert expected[question.key] in values
        assert len(set(values)) == len(values) in (2, 3, 4)
        assert all(len(choice.text) <= 60 for choice in question.choices)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_the_code_is_short_enough_to_read(lab: Lab) -> None:
    card = lab.card()
    assert 1 <= len(card.code) <= 3
    for code in card.code:
        lines = code.text.splitlines()
        assert len(lines) <= 25, code.name
        assert max(len(line) for line in lines) <= 88, code.name


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_its_actors_can_be_started(lab: Lab, tmp_path: Path) -> None:
    assert lab.actors
    for spec in lab.actors:
        path = tmp_path / spec.path
        if not path.exists():
            os.mkfifo(path)
        check(replace(spec, path=str(path)))


@pytest.mark.parametrize("lab", [process_pool.LAB, message_queue.LAB], ids=lambda lab: lab.name)
def test_no_process_forks_beside_its_threads(lab: Lab) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such a fork warns from Python 3.12 on
        assert wrong(lab) == {}


# --- broken mechanisms ----------------------------------------------------------------------------------------------


def test_a_server_that_closes_at_eof_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def server(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            while connection.recv(100):
                pass

    monkeypatch.setattr(sockets, "server", server)
    assert wrong(sockets.LAB) == {"boundaries": "not seen", "after": "is lost"}


def test_without_a_network_the_tcp_part_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_loopback", lambda: False)
    seen, _ = rehearse(sockets.LAB)
    assert {key for key, one in seen.items() if one.fine is None} == {"boundaries", "after"}
    assert seen["closed"] == Seen("closed", "EPIPE", True)


def test_a_file_that_is_appended_to_is_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def child(path: str, opened: int, go: int, ready: int) -> None:
        with open(path, "a", encoding="utf-8") as file:
            os.write(opened, b"!")
            os.read(go, 1)
            file.write("message from child")
        os.write(ready, b"!")

    monkeypatch.setattr(shared_file, "child", child)
    assert wrong(shared_file.LAB)["early"] == "message of yesterday"


def test_a_lock_that_does_not_lock_loses_an_addition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda _file, _how: None)
    assert wrong(shared_file.LAB)["locked"] == 1


def test_threads_are_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_pool, "ProcessPoolExecutor", lambda many, mp_context: ThreadPoolExecutor(many))
    assert wrong(process_pool.LAB) == {"shares": "5", "parent": True, "noted": 5}


def test_one_worker_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def lone(_: int, mp_context: BaseContext) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=mp_context)

    monkeypatch.setattr(process_pool, "ProcessPoolExecutor", lone)
    assert len(wrong(replace(process_pool.LAB, limit=1.5))) == len(process_pool.LAB.observations)


def test_nothing_crosses_a_fork_by_a_plain_queue() -> None:
    def main(lab: LabContext) -> None:
        box: queue.Queue[str] = queue.Queue()
        lab.start(message_queue.receiver, box)
        lab.start(lambda: box.put("message from child"), name="sender")

    lab = replace(message_queue.LAB, main=main, limit=1.5)
    assert wrong(lab)["crosses"] == "not seen"


def test_writers_that_take_a_lock_tear_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def writer(w: int, letter: int, size: int) -> None:
        with (tmp_path / "lock").open("w") as lock:
            for _ in range(pipe_buf.RECORDS):
                fcntl.flock(lock, fcntl.LOCK_EX)
                os.write(w, bytes([letter]) * size)
                fcntl.flock(lock, fcntl.LOCK_UN)

    monkeypatch.setattr(pipe_buf, "writer", writer)
    assert wrong(pipe_buf.LAB) == {"large": "whole"}


def test_writers_that_write_in_pieces_tear_even_small_records(monkeypatch: pytest.MonkeyPatch) -> None:
    def writer(w: int, letter: int, size: int) -> None:
        for _ in range(pipe_buf.RECORDS):
            os.write(w, bytes([letter]) * 1000)
            time.sleep(0.001)
            os.write(w, bytes([letter]) * (size - 1000))

    monkeypatch.setattr(pipe_buf, "writer", writer)
    assert wrong(pipe_buf.LAB) == {"small": "torn"}


def test_a_writer_that_keeps_the_read_end_never_gets_sigpipe(monkeypatch: pytest.MonkeyPatch) -> None:
    yes = sigpipe.yes

    def untidy(r: int, w: int, action: signal.Handlers) -> None:
        yes(os.dup(r), w, action)

    monkeypatch.setattr(sigpipe, "yes", lambda r, w, action: untidy(r, w, action))
    found = wrong(replace(sigpipe.LAB, limit=2.0))
    assert found == {"signal": "not seen", "python": "not seen", "ends": "not seen"}


def test_a_shell_without_pipefail_finds_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run

    def without(command: list[str], **options: bool) -> subprocess.CompletedProcess[str]:
        return run([*command[:-1], command[-1].replace("set -o pipefail; ", "")], **options)

    monkeypatch.setattr(subprocess, "run", without)
    assert wrong(sigpipe.LAB) == {"shell": 0}


def test_a_bystander_that_closes_what_it_does_not_need_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def bystander() -> None:
        os.closerange(3, 100)
        signal.pause()

    monkeypatch.setattr(never_eof, "bystander", bystander)
    assert wrong(never_eof.LAB) == {"eof": "EOF", "holder": False}


def test_a_parent_that_reads_first_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_deadlock, "careless", lambda last: subprocess_deadlock.careful(last))
    found = wrong(subprocess_deadlock.LAB)
    assert found["many"] == "ends"


def test_a_server_that_opens_anew_before_it_closes_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def server(path: str, times: int, key: str, at_eof: Callable[[], None]) -> None:
        messages: list[str] = []
        fd = os.open(path, os.O_RDONLY)
        for _ in range(times):
            while data := os.read(fd, 100):
                messages += data.decode().split()
            at_eof()
            fresh = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # waits for nobody, and keeps what comes
            os.close(fd)
            os.set_blocking(fresh, True)
            fd = fresh
            say(f"so far {messages}")
        saw(key, " ".join(messages))

    monkeypatch.setattr(keep_open, "server", server)
    assert wrong(replace(keep_open.LAB, limit=3.0))["again"] != "one three"


def test_a_keeper_without_a_write_end_is_not_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def keeper(path: str, _flags: int, key: str) -> None:
        with open(path, encoding="utf-8") as fifo:
            saw(key, len(fifo.readline().split()))

    monkeypatch.setattr(keep_open, "keeper", keeper)
    assert wrong(replace(keep_open.LAB, limit=2.0))["both"] == 1


def test_a_user_who_may_exceed_the_limit_is_told_why_it_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe_size, "_may_exceed", lambda: True)
    seen, _ = rehearse(pipe_size.LAB)
    assert seen["beyond"].fine is None
    assert "CAP_SYS_RESOURCE" in str(seen["beyond"].value)


def test_a_pipe_that_is_not_enlarged_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "F_SETPIPE_SZ", fcntl.F_GETPIPE_SZ)
    assert {"rounded", "taken", "shrunk"} <= wrong(replace(pipe_size.LAB, limit=2.0)).keys()


@pytest.mark.skipif(not hasattr(os, "splice"), reason="this Python has no os.splice")
def test_a_tee_that_moves_is_no_tee(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tee_and_splice, "tee", os.splice)
    found = wrong(replace(tee_and_splice.LAB, limit=2.0))
    assert found["left"] == 3
    assert found["again"] == "def"
