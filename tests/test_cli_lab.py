"""`pipetui lab` as a person and as a script use it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from processes import PIPETUI
from terminal import Terminal
from waiting import TIMEOUT, wait_until

from pipetui.labs import all_labs


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PIPETUI, "lab", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=110
    )


def test_the_list_names_every_lab_by_article(own_tmp: Path) -> None:
    done = lab()
    assert done.returncode == 0
    for name, one in all_labs().items():
        assert f"  {name} " in done.stdout
        assert one.title in done.stdout
    assert not list(own_tmp.iterdir())


def test_the_list_as_json_has_the_very_source() -> None:
    done = lab("--json")
    labs = {one["name"]: one for one in json.loads(done.stdout)["labs"]}
    assert labs.keys() == all_labs().keys()
    code = {each["name"]: each["text"] for each in labs["rendezvous"]["code"]}
    assert "os.open(path, os.O_WRONLY)" in code["writer"]


def test_a_run_is_told_as_lines_with_the_reason(own_tmp: Path) -> None:
    done = lab("rendezvous", "--pace", "fast")
    assert done.returncode == 0
    assert "got 'Hello, World!'" in done.stdout
    assert "It was: wait for a reader" in done.stdout
    assert "✓ the message arrives" in done.stdout
    assert "See fifo(7), open(2)." in done.stdout
    assert done.stderr == ""
    assert not list(own_tmp.iterdir())


def test_a_run_that_is_cut_short_is_a_negative_answer(own_tmp: Path) -> None:
    argv = [*PIPETUI, "lab", "rendezvous", "--pace", "slow", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as running:

        def mains() -> list[psutil.Process]:
            return [one for one in psutil.Process(running.pid).children(recursive=True) if one.name() == "main"]

        wait_until(mains)
        mains()[0].kill()
        assert running.stdout is not None
        answer = json.loads(running.stdout.read())
    assert running.returncode == 1
    assert answer["passed"] is False
    assert "killed by signal 9" in answer["labs"][0]["trouble"]
    assert any(one["fine"] is False and one["seen"] == "not seen" for one in answer["labs"][0]["observations"])
    assert not list(own_tmp.iterdir())


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("--pace", "fast"), ("rendezvous", "--pace", "quick"), ("../x", "--check")]
)
def test_what_makes_no_sense_is_a_usage_error_in_one_line(arguments: tuple[str, ...]) -> None:
    done = lab(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pipetui: ")
    assert done.stderr.count("\n") == 1


def predict(terminal: Terminal, *keys: str) -> None:
    """Answer each question of the rendezvous with these keys."""
    for number in range(1, len(all_labs()["rendezvous"].questions) + 1):
        terminal.wait_until(lambda: terminal.text().count("Your prediction") == number)  # noqa: B023 (called at once)
        terminal.send(*keys)


def test_on_a_terminal_the_person_predicts() -> None:
    with Terminal([*PIPETUI, "lab", "rendezvous", "--pace", "fast"], rows=60) as terminal:
        predict(terminal, "3", "enter")
        terminal.wait_for("You said: fail with ENXIO ✗")
        terminal.wait_for("See fifo(7)")
        assert terminal.wait_exit() == 0


def test_ctrl_c_ends_it_at_once_and_leaves_nothing(own_tmp: Path) -> None:
    with Terminal([*PIPETUI, "lab", "rendezvous", "--pace", "slow"], rows=60) as terminal:
        predict(terminal, "enter")
        terminal.wait_for("the writer sleeps")
        terminal.send("ctrl+c")
        assert terminal.wait_exit() == 130
    wait_until(lambda: not list(own_tmp.iterdir()))


def test_the_labs_that_are_named_are_checked(own_tmp: Path) -> None:
    """One of each article; `test_labs_*.py` run all of them."""
    names = list({one.article: name for name, one in all_labs().items()}.values())
    done = lab("--check", "--json", *names)
    answer = json.loads(done.stdout)
    failed = {
        one["name"]: (one["trouble"], [seen for seen in one["observations"] if seen["fine"] is False], one["said"][-8:])
        for one in answer["labs"]
        if not one["passed"]
    }
    assert not failed
    assert done.returncode == 0
    assert answer["passed"] is True
    assert [one["name"] for one in answer["labs"]] == names
    assert not list(own_tmp.iterdir())


def test_all_labs_are_checked_where_none_is_named() -> None:
    with subprocess.Popen([*PIPETUI, "lab", "--check"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        reported = (line for line in running.stdout if line[0] in "✓✗")
        for name in list(all_labs())[:3]:
            assert re.match(rf"✓ {name} \(\d+\.\d s\)$", next(reported))
        running.send_signal(signal.SIGINT)
        assert running.wait(TIMEOUT) == 130
