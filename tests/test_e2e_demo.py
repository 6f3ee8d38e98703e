"""The demo as a person meets it: in a terminal, without one, and what it leaves (nothing)."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from monitor import DEMO_FIFOS, shows_the_demo
from processes import PIPETUI, Sandbox
from waiting import TIMEOUT, allowed

#: TIME FIFO WRITER->READER LENGTH TEXT
LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d+ +\S+ +(\d+|\?|-)->\d+ +\d+ .*$")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


def test_without_a_terminal_the_first_twenty_lines_are_messages_of_all_three_fifos(sandbox: Sandbox) -> None:
    with subprocess.Popen(
        [*PIPETUI, "demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=sandbox.env,
        cwd=sandbox.work,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        lines = [demo.stdout.readline().rstrip("\n") for _ in range(20)]
        demo.stdout.close()  # as `head -20` does
        complaints = demo.stderr.read()
        demo.wait(TIMEOUT)
    assert [line for line in lines if not LINE.match(line)] == []
    assert {Path(line.split()[1]).name for line in lines} == DEMO_FIFOS
    assert complaints == ""
    sandbox.assert_empty()


def test_lines_end_after_the_seconds_that_were_asked_for(sandbox: Sandbox) -> None:
    start = time.monotonic()
    done = subprocess.run(
        [*PIPETUI, "demo", "--plain", "--seconds", "1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=sandbox.env,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start >= 1.0
    assert all(LINE.match(line) for line in done.stdout.splitlines())
    assert done.stderr == ""
    sandbox.assert_empty()


def test_an_interrupt_ends_the_lines_with_130_and_leaves_nothing(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo", "--plain", "--seconds", "60")
    terminal.wait_for(re.compile(r"->\d+"))
    terminal.send("ctrl+c")
    assert terminal.wait_exit() == 130
    assert "Traceback" not in terminal.text()
    sandbox.assert_empty()


def test_the_monitor_shows_the_demo_at_once(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    took = time.monotonic() - terminal.started
    assert took < allowed(5.0), f"{took:.1f} s"  # 2 s are promised; other tests may run beside this one


def test_the_log_moves_and_the_numbers_grow(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    seen = re.compile(r"([\d,]+) seen")

    def count() -> int:
        match = seen.search(terminal.text())
        return int(match.group(1).replace(",", "")) if match else 0

    first = count()
    terminal.wait_for(lambda screen: count() > first + 20, what="the count of messages seen grows")


def test_quitting_leaves_the_terminal_as_it_was_and_nothing_behind(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    assert terminal.alternate
    assert len(sandbox.fifos()) >= 3
    terminal.send("q")
    assert terminal.wait_exit() == 0
    assert terminal.left_behind() == []
    assert terminal.text().strip() == ""  # the main screen is as empty as it was
    sandbox.assert_empty()


def test_ctrl_c_quits_too(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    terminal.send("ctrl+c")
    terminal.wait_exit()
    assert terminal.left_behind() == []
    sandbox.assert_empty()


def test_quitting_before_the_first_screen_leaves_nothing(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_until(lambda: sandbox.fifos(), what="the first FIFO")
    terminal.kill(signal.SIGTERM)
    terminal.wait_exit()
    sandbox.assert_empty()


def test_two_demos_do_not_disturb_each_other(sandbox: Sandbox) -> None:
    first, second = sandbox.terminal("demo"), sandbox.terminal("demo")
    first.wait_for(shows_the_demo)
    second.wait_for(shows_the_demo)
    first.send("q")
    first.wait_exit()
    rows = second.received
    second.wait_until(lambda: second.received > rows + 200, what="the other demo goes on")
    second.wait_for(shows_the_demo)
    second.send("q")
    second.wait_exit()
    sandbox.assert_empty()
