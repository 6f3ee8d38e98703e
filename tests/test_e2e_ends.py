"""However a part of the program dies, no process and no temporary FIFO outlives it, and the rest goes on."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from monitor import Monitor, shows_the_demo
from processes import Sandbox, descendants, describe
from terminal import Terminal


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


@pytest.fixture
def demo(sandbox: Sandbox) -> Terminal:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    return terminal


def hub_of(terminal: Terminal) -> psutil.Process:
    """Return the hub."""
    return Monitor(terminal).hub()


def actor_pid(terminal: Terminal) -> int:
    """Return the pid of one of our actors, marked ● on the screen."""
    return next(iter(Monitor(terminal).actors()))


def test_killing_the_screen_ends_everything(sandbox: Sandbox, demo: Terminal) -> None:
    demo.kill(signal.SIGKILL)
    demo.wait_exit()
    sandbox.assert_empty()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_screen_ends_everything_in_order(
    sandbox: Sandbox, demo: Terminal, number: signal.Signals
) -> None:
    demo.kill(number)
    demo.wait_exit()
    assert demo.left_behind() == []
    sandbox.assert_empty()


def test_closing_the_terminal_ends_everything(sandbox: Sandbox, demo: Terminal) -> None:
    demo.close_terminal()
    sandbox.assert_empty()


def test_killing_the_hub_leaves_a_screen_that_says_so_and_no_orphan(sandbox: Sandbox, demo: Terminal) -> None:
    hub = hub_of(demo)
    children = descendants(hub.pid)
    assert len(children) >= 6
    hub.kill()
    demo.wait_for(re.compile(r"hub was killed|signal 9"))
    psutil.wait_procs(children, timeout=2.0)
    assert [describe(child) for child in children if child.is_running()] == []
    demo.send("q")
    demo.wait_exit()
    assert demo.left_behind() == []
    sandbox.assert_empty(fifos=False)


def test_the_next_start_cleans_up_what_a_killed_hub_left(sandbox: Sandbox, demo: Terminal) -> None:
    hub_of(demo).kill()
    demo.wait_for(re.compile(r"hub was killed|signal 9"))
    demo.send("q")
    demo.wait_exit()
    left = sandbox.fifos()
    again = sandbox.terminal("demo")
    again.wait_for(shows_the_demo)
    again.wait_until(lambda: not any(path.exists() for path in left), what=f"{left} are removed")
    again.send("q")
    again.wait_exit()
    sandbox.assert_empty()


def test_reconnecting_after_a_killed_hub_starts_the_demo_anew(sandbox: Sandbox, demo: Terminal) -> None:
    first = hub_of(demo).pid
    os.kill(first, signal.SIGKILL)
    demo.wait_for(re.compile(r"hub was killed|signal 9"))
    demo.send("R")
    demo.wait_gone(re.compile(r"hub was killed|signal 9"))
    demo.wait_for(shows_the_demo)
    assert hub_of(demo).pid != first
    demo.send("q")
    demo.wait_exit()
    sandbox.assert_empty()


def test_a_terminated_hub_removes_its_fifos(sandbox: Sandbox, demo: Terminal) -> None:
    hub_of(demo).terminate()
    demo.wait_until(lambda: not sandbox.fifos(), 2.0, "the demo's FIFOs are removed")
    demo.send("q")
    demo.wait_exit()
    sandbox.assert_empty()


def test_a_killed_child_stays_on_the_screen_and_the_others_go_on(sandbox: Sandbox, demo: Terminal) -> None:
    pid = actor_pid(demo)
    os.kill(pid, signal.SIGKILL)
    demo.wait_for(re.compile(rf"{pid}.*(SIGKILL|killed)"))
    before = demo.received
    demo.wait_until(lambda: demo.received > before + 500, what="the screen goes on")
    assert len(re.findall(r"●", demo.text())) >= 1
    demo.send("q")
    demo.wait_exit()
    sandbox.assert_empty()


def test_a_killed_watcher_is_named_and_nothing_else_stops(sandbox: Sandbox, demo: Terminal) -> None:
    shown = set(re.findall(r"● *(\d+)", demo.text()))
    hub = hub_of(demo)
    actors = {pid for process in descendants(hub.pid) if (pid := str(process.pid)) in shown}
    assert actors
    for process in descendants(hub.pid):
        if "watcher" in " ".join(process.cmdline()):
            process.kill()
    before = demo.received
    demo.wait_until(lambda: demo.received > before + 500, what="the screen goes on")
    demo.send("q")
    demo.wait_exit()
    sandbox.assert_empty()


def test_a_terminal_that_stops_reading_holds_up_nobody_but_itself(sandbox: Sandbox, demo: Terminal) -> None:
    demo.hold()
    hub = hub_of(demo)
    before = sum(os.stat(f"/proc/{child.pid}").st_ino > 0 for child in descendants(hub.pid))
    assert before >= 6
    moved = psutil.Process(hub.pid).cpu_times()
    demo.wait_until(lambda: psutil.Process(hub.pid).cpu_times() != moved, what="the hub goes on")
    demo.hold(False)
    demo.wait_for(shows_the_demo)
    demo.send("q")
    assert demo.wait_exit() == 0
    sandbox.assert_empty()
