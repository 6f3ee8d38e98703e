"""The monitor on another host, in a real terminal: ssh asks before the screen opens, and nothing is left there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from processes import Sandbox
from sshd import Far, Sshd, StandIn
from terminal import Terminal
from test_far_commands import BOTH, needs_sshd
from waiting import wait_until


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as made:
        yield made


@pytest.fixture(params=BOTH)
def far(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Iterator[Far]:
    """Another host, on which nothing may be left."""
    with request.param(tmp_path, sandbox.env) as side:
        yield side
        side.assert_left_nothing()


def opened(sandbox: Sandbox, far: Far, *arguments: str) -> Terminal:
    """Return a terminal with the monitor on a far host."""
    return sandbox.terminal("--host", far.host, *arguments, env={"PATH": far.env["PATH"]})


def ssh_of(terminal: Terminal) -> psutil.Process:
    """Return the monitor's ssh."""
    (found,) = psutil.Process(terminal.pid).children()
    return found


def test_a_fifo_of_another_host_is_on_the_screen_and_quitting_leaves_nothing_there(sandbox: Sandbox, far: Far) -> None:
    name = sandbox.name("pipe")
    with opened(sandbox, far, str(far.home)) as terminal:
        terminal.send("c")
        terminal.wait_for("New FIFO")
        terminal.send("ctrl+u")
        terminal.type_text(str(far.home / name))
        terminal.send("enter")
        terminal.wait_gone("New FIFO")
        terminal.wait_for(name)
        wait_until(lambda: (far.home / name).is_fifo(), what="the FIFO there")
        terminal.send("q")
        assert terminal.wait_exit() == 0
    far.assert_left_nothing()
    (far.home / name).unlink()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_however_the_monitor_ends_nothing_stays_there(sandbox: Sandbox, far: Far, number: signal.Signals) -> None:
    with opened(sandbox, far, str(far.home)) as terminal:
        terminal.wait_for("── MESSAGES")
        wait_until(lambda: len(far.processes()) >= 2, what="a hub and its watcher there")
        psutil.Process(terminal.pid).send_signal(number)
        terminal.wait_exit()
    far.assert_left_nothing()


def test_a_host_that_was_lost_comes_back(sandbox: Sandbox, far: Far) -> None:
    with opened(sandbox, far, str(far.home)) as terminal:
        terminal.wait_for("── MESSAGES")
        wait_until(lambda: len(far.processes()) >= 2, what="a hub there")
        before = ssh_of(terminal)
        before.kill()
        terminal.wait_for("killed by signal 9")
        wait_until(lambda: before not in psutil.Process(terminal.pid).children(), what="the old ssh is gone")
        wait_until(lambda: len(far.processes()) >= 2, 30, "a hub there again")
        name = sandbox.name("new")
        os.mkfifo(far.home / name)
        terminal.wait_for(name)
        terminal.send("q")
        assert terminal.wait_exit() == 0
    (far.home / name).unlink()


def test_ctrl_c_in_the_terminal_ends_the_monitor_in_good_order(sandbox: Sandbox, far: Far) -> None:
    with opened(sandbox, far, str(far.home)) as terminal:
        terminal.wait_for("── MESSAGES")
        terminal.send("ctrl+c")
        assert terminal.wait_exit() == 0


def test_a_host_that_can_not_be_reached_is_said_before_a_screen_opens(sandbox: Sandbox, tmp_path: Path) -> None:
    with StandIn(tmp_path, sandbox.env) as far:
        far.script("ssh", "echo 'ssh: it is raining' >&2; exit 255", near=True)
        with opened(sandbox, far) as terminal:
            assert terminal.wait_exit() == 3
            assert terminal.lines()[:2] == [
                "connecting to far-box …",
                "pipetui: far-box can't be reached: it is raining",
            ]


def test_a_host_that_can_not_be_reached_does_not_keep_the_others_away(sandbox: Sandbox, far: Far) -> None:
    works = Path(far.folder / "near" / "ssh").read_text()
    far.script("ssh", 'case "$*" in *" -- gone "*) echo no >&2; exit 255;; esac\n' + works, near=True)
    with sandbox.terminal(
        "--host", "gone", "--host", far.host, str(far.home), env={"PATH": far.env["PATH"]}
    ) as terminal:
        terminal.wait_for("── MESSAGES")
        wait_until(lambda: len(far.processes()) >= 2, what="a hub on the host that is there")
        terminal.send("q")
        assert terminal.wait_exit() == 0


@needs_sshd
def test_ssh_asks_for_a_passphrase_on_the_terminal_before_the_screen_opens(sandbox: Sandbox, tmp_path: Path) -> None:
    with Sshd(tmp_path, sandbox.env, passphrase="open sesame") as far:
        with opened(sandbox, far, str(far.home)) as terminal:
            terminal.wait_for("Enter passphrase for key")
            assert "connecting to far-box" in terminal.text()
            terminal.type_text("open sesame")
            terminal.send("enter")
            wait_until(lambda: len(far.processes()) >= 2, what="a hub there")
            terminal.wait_for("── MESSAGES")
            terminal.send("q")
            assert terminal.wait_exit() == 0
        far.assert_left_nothing()
        with sandbox.terminal("ls", "--host", far.host, str(far.home), env={"PATH": far.env["PATH"]}) as terminal:
            terminal.wait_for("Enter passphrase for key")
            terminal.type_text("open sesame")
            terminal.send("enter")
            terminal.wait_for("No FIFOs here")
            assert terminal.wait_exit() == 0
        with sandbox.terminal("ls", "--host", far.host, env={"PATH": far.env["PATH"]}) as terminal:
            terminal.wait_for("Enter passphrase for key")
            terminal.send("ctrl+c")
            assert terminal.wait_exit() == 130
        far.assert_left_nothing()
