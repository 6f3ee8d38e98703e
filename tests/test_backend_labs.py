"""Labs under a real hub: they are on the screen like anything else, and leave nothing however they end."""

from __future__ import annotations

import os
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hubclient import HubClient, HubRefusedError
from waiting import wait_until

from pipetui.kernel.lifetime import adopt_orphans, end_orphans
from pipetui.labs import all_labs
from pipetui.labs.context import LabContext, LabEvent, pause, saw, say
from pipetui.labs.lab import Lab
from pipetui.labs.play import judge, play
from pipetui.protocol import messages, requests


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of its own, for this process and its hubs."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def mentions(folder: Path) -> list[psutil.Process]:
    """Return the living processes that work in this temporary folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("TMPDIR") == str(folder):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]


def began(hub: HubClient, run: int) -> bool:
    """Whether the writer of the rendezvous sleeps in its open: the main pauses now."""
    return any("sleeps" in line.text for line in hub.labs[run].lines) if run in hub.labs else False


def test_a_lab_is_seen_while_it_runs(own_tmp: Path, tmp_path: Path) -> None:
    with HubClient([tmp_path / "elsewhere"]) as hub:
        run = hub.run_lab("rendezvous", "slow")
        hub.wait_for(lambda: began(hub, run))
        hub.wait_for(lambda: any("waits for a reader" in row.state for row in hub.pipes.values()))
        row = next(iter(hub.pipes.values()))
        assert row.pipe.path is not None
        assert Path(row.pipe.path).name == "greetings"
        assert [waiter.command for waiter in row.pipe.waiters] == ["writer"]
        assert {part.name for part in hub.labs[run].parts} == {"writer", "main"}
        hub.ask(requests.StopLab(run))
        hub.wait_for(lambda: not hub.pipes)


def test_a_lab_tells_what_it_found_and_is_gone_afterwards(own_tmp: Path, tmp_path: Path) -> None:
    with HubClient([tmp_path / "elsewhere"]) as hub:
        run = hub.run_lab("rendezvous")
        hub.wait_for(lambda: run in hub.labs)
        hub.wait_for(lambda: hub.labs[run].passed is not None)
        assert hub.labs[run].passed
        facts = {one.key: one.value for one in hub.labs[run].seen}
        assert facts["first"] == "waits"
        assert facts["message"] == "Hello, World!"
        assert hub.labs[run].parts == ()
        assert any(b"reader: got 'Hello, World!'" in line.payload for line in hub.lines)
        hub.wait_for(lambda: not hub.pipes)
    assert not list(own_tmp.iterdir())


def test_two_runs_of_one_lab_do_not_meet(own_tmp: Path) -> None:
    with HubClient(["/nowhere"]) as hub:
        runs = [hub.run_lab("rendezvous") for _ in range(2)]
        hub.wait_for(lambda: all(run in hub.labs and hub.labs[run].passed is not None for run in runs))
        assert all(hub.labs[run].passed for run in runs)


def test_a_run_that_is_stopped_is_no_success_and_leaves_nothing(own_tmp: Path) -> None:
    with HubClient(["/nowhere"]) as hub:
        run = hub.run_lab("rendezvous", "slow")
        hub.wait_for(lambda: began(hub, run))
        before = {process.pid for process in mentions(own_tmp)}
        hub.ask(requests.StopLab(run))
        hub.wait_for(lambda: hub.labs[run].passed is not None)
        assert hub.labs[run].passed is False
        assert "stopped" in hub.labs[run].trouble
        wait_until(lambda: len(mentions(own_tmp)) < len(before) - 1)
        wait_until(lambda: not list(own_tmp.glob("*/*-rendezvous")))
        hub.ask(requests.StopLab(run))
        hub.wait_for(lambda: run not in hub.labs)
    wait_until(lambda: not mentions(own_tmp))
    assert not list(own_tmp.iterdir())


def test_a_player_that_is_killed_takes_all_with_it(own_tmp: Path) -> None:
    with HubClient(["/nowhere"]) as hub:
        run = hub.run_lab("rendezvous", "slow")
        hub.wait_for(lambda: began(hub, run))
        players = [one for one in psutil.Process(hub.pid).children() if one.name() == "pipetui-lab"]
        assert len(players) == 1
        family = players[0].children(recursive=True)
        players[0].kill()
        hub.wait_for(lambda: hub.labs[run].passed is False)
        assert "killed by signal 9" in hub.labs[run].trouble
        wait_until(lambda: not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE])
        wait_until(lambda: not list(own_tmp.glob("*/*-rendezvous")))


def test_a_hub_that_is_killed_takes_all_with_it_and_the_next_one_clears_up(own_tmp: Path) -> None:
    with HubClient(["/nowhere"]) as hub:
        run = hub.run_lab("rendezvous", "slow")
        hub.wait_for(lambda: began(hub, run))
        hub.process.kill()
        hub.process.wait()
    wait_until(lambda: not mentions(own_tmp), what="no process is left", shown=lambda: mentions(own_tmp))
    with HubClient(["/nowhere"]) as hub:
        hub.wait_for(lambda: hub.status.host)
        assert not list(own_tmp.iterdir())


def test_playing_on_is_with_fifos_of_its_own(own_tmp: Path) -> None:
    with HubClient(["/nowhere"]) as hub:
        answer = hub.ask(requests.PrepareLab("rendezvous"))
        assert {Path(spec.path).name for spec in answer.specs} == {"greetings"}
        actors = [hub.start(spec) for spec in answer.specs]
        hub.wait_for(lambda: all(hub.actors[actor].phase == "running" for actor in actors if actor in hub.actors))
        hub.wait_for(lambda: any(line.payload.startswith(b"Hello, World!") for line in hub.lines))
    assert not list(own_tmp.iterdir())


@pytest.mark.parametrize(
    "request_",
    [requests.RunLab("nonsense"), requests.PrepareLab("../x"), requests.StopLab(99), requests.TellLab(99, "hello")],
)
def test_what_makes_no_sense_is_refused_in_words(own_tmp: Path, request_: requests.Request[Any]) -> None:
    with HubClient(["/nowhere"]) as hub:
        assert hub.refusal(request_)


def test_a_client_that_wants_nothing_watched_costs_no_watcher(own_tmp: Path) -> None:
    with HubClient(greet=False) as hub:
        hub.send_message(messages.Hello(messages.VERSION, watch=False))
        assert isinstance(hub.reply(), messages.Welcome)
        assert hub.ask(requests.ListLabs()).labs
        assert psutil.Process(hub.pid).children() == []


def test_too_many_runs_at_once_are_refused(own_tmp: Path) -> None:
    with HubClient(["/nowhere"]) as hub, pytest.raises(HubRefusedError, match="labs are running"):
        for _ in range(20):
            hub.run_lab("rendezvous", "slow")


# --- the player on its own --------------------------------------------------------------------------------------------


def escapes(folder: Path) -> None:
    """Leave the group and the session, and sleep."""
    child = os.fork()
    if child == 0:
        os.setsid()
        (folder / "escaped").write_text(str(os.getpid()))
        signal.pause()
        os._exit(0)
    say("one has got away")
    saw("done", True)


def escaping(lab: LabContext) -> None:
    lab.start(escapes, lab.folder).wait()


def hanging(lab: LabContext) -> None:
    saw("done", True)
    pause(10_000)


def failing(lab: LabContext) -> None:
    saw("done", True)
    raise ValueError("this main is wrong")


def made(main: str) -> Lab:
    """Return a lab with nothing to it but a main of this file."""
    model = all_labs()["rendezvous"]
    return replace(
        model, main=globals()[main], observations=(replace(model.observations[0], key="done", expected=True),)
    )


def test_a_process_that_left_the_group_is_found_and_killed(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            adopt_orphans()
            play(made("escaping"), tmp_path, "fast", lambda event: None)
            end_orphans()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert not psutil.pid_exists(int((tmp_path / "escaped").read_text()))


@pytest.mark.parametrize(
    ("main", "words"), [("hanging", "took too long"), ("failing", "ValueError: this main is wrong")]
)
def test_a_main_function_that_hangs_or_fails_says_so(tmp_path: Path, main: str, words: str) -> None:
    events: list[LabEvent] = []
    play(replace(made(main), limit=0.5), tmp_path, "fast", events.append)
    assert [event.value for event in events if event.kind == "trouble" and words in str(event.value)]


def test_what_nobody_saw_is_not_fine(tmp_path: Path) -> None:
    seen = judge(made("hanging"), {}, {})
    assert [one.fine for one in seen] == [False]
    assert [one.fine for one in judge(made("hanging"), {}, {"done": "not root"})] == [None]
    assert [one.fine for one in judge(made("hanging"), {"done": False}, {})] == [False]


def test_every_question_has_an_observation_that_answers_it() -> None:
    for lab in all_labs().values():
        expected = {observation.key: observation.expected for observation in lab.observations}
        assert len(expected) == len(lab.observations), lab.name
        for question in lab.questions:
            assert 2 <= len(question.choices) <= 4, lab.name
            assert expected[question.key] in [choice.value for choice in question.choices], (lab.name, question.key)
        assert lab.questions, lab.name
        assert lab.man, lab.name
        assert lab.code, lab.name
        assert lab.actors, lab.name
        assert len(lab.title) <= 50, lab.name
        assert all(len(line) <= 100 for code in lab.card().code for line in code.text.splitlines()), lab.name
