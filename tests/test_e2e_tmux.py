"""The monitor inside tmux, which draws a terminal of its own and answers few queries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from monitor import shows_the_demo
from processes import PIPETUI, Sandbox
from waiting import wait_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A tmux server of its own, with one window of 120x40."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._socket = sandbox.folder / "s"
        self.run("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "sh")

    def run(self, *arguments: str) -> str:
        """Run a tmux command and return what it prints."""
        argv = ["tmux", "-S", str(self._socket), *arguments]
        env = {name: value for name, value in self._sandbox.env.items() if name != "COLORTERM"}
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=True, timeout=20).stdout

    def screen(self) -> str:
        """Return what the window shows."""
        return self.run("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self.run("send-keys", *keys)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:  # a short path: the name of a unix socket has 108 bytes at most
        yield made


@pytest.fixture
def tmux(sandbox: Sandbox) -> Iterator[Tmux]:
    made = Tmux(sandbox)
    yield made
    made.run("kill-server")


def test_the_demo_runs_in_tmux_and_leaves_the_window_as_it_was(sandbox: Sandbox, tmux: Tmux) -> None:
    tmux.keys(f"PS1='ready: '; clear; {' '.join(PIPETUI)} demo", "Enter")
    wait_until(lambda: shows_the_demo(tmux.screen()), what="the demo in tmux", shown=tmux.screen)
    tmux.keys("j")
    tmux.keys("q")
    wait_until(lambda: tmux.screen().rstrip().endswith("ready:"), what="the prompt", shown=tmux.screen)
    assert "orders" not in tmux.screen()
    tmux.keys("stty -a", "Enter")
    wait_until(lambda: "icanon" in tmux.screen(), what="stty", shown=tmux.screen)
    assert " -icanon" not in tmux.screen()
    assert " -echo " not in tmux.screen()
    wait_until(lambda: not sandbox.fifos(), 2.0, "no FIFO is left")


def test_closing_the_window_of_tmux_ends_everything(sandbox: Sandbox, tmux: Tmux) -> None:
    tmux.run("new-window", "-d", *PIPETUI, "demo")
    wait_until(lambda: len(sandbox.fifos()) >= 4, what="the demo's FIFOs")
    tmux.run("kill-window", "-t", "1")
    wait_until(lambda: not sandbox.fifos(), 2.0, "no FIFO is left")


def test_the_sandbox_is_where_tmux_runs(sandbox: Sandbox, tmux: Tmux) -> None:
    tmux.keys("echo in $TMPDIR", "Enter")
    wait_until(lambda: f"in {Path(sandbox.tmp)}" in tmux.screen(), what="the sandbox's folder", shown=tmux.screen)
