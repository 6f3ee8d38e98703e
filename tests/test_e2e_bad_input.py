"""A terminal that is too small, dumb or missing, and a broken configuration: a sentence, never a traceback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from monitor import shows_the_demo
from processes import PIPETUI, Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


def run(sandbox: Sandbox, *arguments: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    """Run pipetui without a terminal."""
    return subprocess.run(
        [*PIPETUI, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=sandbox.env,
        cwd=sandbox.work,
        timeout=30,
    )


def one_sentence(text: str) -> bool:
    """Tell whether a complaint is short and no traceback."""
    return bool(text.strip()) and "Traceback" not in text and len(text.strip().splitlines()) <= 3


def test_without_a_terminal_the_monitor_names_what_works_instead(sandbox: Sandbox) -> None:
    done = run(sandbox)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "pipetui ls" in done.stderr
    assert "tail" in done.stderr
    assert one_sentence(done.stderr)


def test_a_dumb_terminal_gets_a_sentence(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal(sandbox.work, env={"TERM": "dumb"})
    assert terminal.wait_exit() == 2
    assert b"\x1b" not in terminal.raw
    assert "dumb" in terminal.text()
    assert one_sentence(terminal.text())


def test_the_lines_of_the_demo_work_on_a_dumb_terminal(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo", "--plain", "--seconds", "5", env={"TERM": "dumb"})
    terminal.wait_until(lambda: b" orders " in terminal.raw, what="a message")
    assert terminal.wait_exit() == 0
    assert b"\x1b" not in terminal.raw
    sandbox.assert_empty()


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (1, 1), (40, 3), (300, 100)])
def test_any_size_of_terminal_works_and_quits(sandbox: Sandbox, columns: int, rows: int) -> None:
    terminal = sandbox.terminal("demo", columns=columns, rows=rows)
    terminal.wait_until(lambda: terminal.alternate, what="the alternate screen")
    terminal.pause(0.3, 3.0)
    terminal.send("q")
    assert terminal.wait_exit() == 0
    assert terminal.left_behind() == []
    sandbox.assert_empty()


def test_the_screen_survives_being_small_and_grows_again(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    for columns, rows in ((80, 24), (20, 5), (1, 1), (80, 24)):
        terminal.resize(columns, rows)
        received = terminal.received
        terminal.wait_until(lambda: terminal.received > received, what="a repaint")  # noqa: B023
    terminal.resize(120, 40)
    terminal.wait_for(shows_the_demo)
    terminal.send("q")
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize(
    "text",
    ["this is no TOML [", 'keys = "nonsense"', "[keys]\nquit = 7", "\x00\xff", '[keys]\nquit = "nosuchkey+"'],
)
def test_a_broken_configuration_is_named_in_a_sentence(sandbox: Sandbox, text: str) -> None:
    folder = sandbox.config / "pipetui"
    folder.mkdir()
    (folder / "config.toml").write_bytes(text.encode("latin-1"))
    terminal = sandbox.terminal(sandbox.work)
    terminal.wait_until(lambda: terminal.alternate or terminal.exit_code is not None, what="a start or an end")
    if terminal.exit_code is None:
        terminal.wait_for("config")  # it starts, and says what it could not use
        terminal.send("q")
        assert terminal.wait_exit() == 0
    else:
        assert terminal.wait_exit() == 2
        assert "config.toml" in terminal.text()
    assert b"Traceback" not in terminal.raw


def test_what_is_not_there_or_no_fifo_is_named(sandbox: Sandbox) -> None:
    (sandbox.work / "file").touch()
    (sandbox.work / "folder").mkdir()
    for arguments in (
        ("tail", "missing"), ("tail", "file"), ("tail", "folder"),
        ("send", "missing", "x"), ("send", "file", "x"), ("send", "folder", "x"),
        ("rm", "missing"), ("rm", "file"), ("rm", "folder"),
        ("create", "file"), ("create", "no/such/folder/x"),
    ):  # fmt: skip
        done = run(sandbox, *arguments)
        assert (done.returncode, done.stdout) == (3, ""), (arguments, done)
        assert one_sentence(done.stderr), (arguments, done.stderr)
    assert (sandbox.work / "file").exists()
    assert (sandbox.work / "folder").exists()


def test_nonsense_on_the_command_line_is_a_usage_error(sandbox: Sandbox) -> None:
    os.mkfifo(sandbox.work / "pipe")
    for arguments in (
        ("nosuchcommand-or-path",), ("tail",), ("create",), ("send",), ("demo", "--seconds", "-1"),
        ("demo", "--seconds", "x"), ("tail", "pipe", "--frame", "0"), ("tail", "pipe", "--frame", "x"),
        ("create", "x", "--mode", "99"), ("completions", "tcl"), ("--nosuch",),
    ):  # fmt: skip
        done = run(sandbox, *arguments)
        assert done.returncode in (2, 3), (arguments, done)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr


def test_a_message_that_nobody_reads_is_given_up(sandbox: Sandbox) -> None:
    path = sandbox.fifo()
    done = run(sandbox, "send", path, "hello", "--timeout", "0.3")
    assert done.returncode == 1
    assert one_sentence(done.stderr)
