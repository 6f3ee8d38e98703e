"""No control byte of a FIFO's name, a command line or a payload reaches the terminal, whatever shows it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import EVIL, evil_names, harm, holder, payloads, plant
from monitor import Monitor, shows_the_demo
from processes import PIPETUI, Sandbox

#: What the evil names look like once they are safe.
SHOWN = [kind.decode() + "<<" for kind in EVIL]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


@pytest.mark.parametrize("evil", evil_names(), ids=[kind.decode() for kind in EVIL])
def test_the_judge_sees_each_of_them(evil: bytes) -> None:
    assert harm(b"\x1b[1;1H\x1b[0m" + evil + b"\x1b[2;1H ok")
    assert harm(b"\x1b[?25l\x1b[1;1H\x1b[38;2;1;2;3m caf\xc3\xa9 \xe2\x96\xb8\r\n\x1b[?1049h") == []


def test_ls_on_a_terminal(sandbox: Sandbox) -> None:
    plant(sandbox.work)
    terminal = sandbox.terminal("ls", sandbox.work, columns=400)
    assert terminal.wait_exit() == 0
    assert harm(terminal.raw) == []
    assert [name for name in SHOWN if name not in terminal.text()] == []


def test_ls_of_an_evil_command_on_a_terminal(sandbox: Sandbox) -> None:
    path = sandbox.fifo()
    with holder(path, sandbox.env) as evil:
        terminal = sandbox.terminal("ls", sandbox.work, columns=400)
        assert terminal.wait_exit() == 0
        evil.kill()
    assert harm(terminal.raw) == []


def test_complaints_about_an_evil_path(sandbox: Sandbox) -> None:
    for name in evil_names():
        for command in ("rm", "tail", "send"):
            terminal = sandbox.terminal(command, os.fsdecode(name), columns=300)
            assert terminal.wait_exit() == 3
            assert harm(terminal.raw) == []
            assert "Traceback" not in terminal.text()


def test_tail_on_a_terminal(sandbox: Sandbox) -> None:
    path = sandbox.fifo()
    terminal = sandbox.terminal("tail", path, columns=200, rows=400)
    with open(path, "wb") as pipe:
        pipe.write(payloads() + b"the end\n")
        pipe.flush()
        terminal.wait_for("the end")
    assert harm(terminal.raw) == []
    assert [name for name in SHOWN if name not in terminal.text()] == []


def test_tail_of_chunks_on_a_terminal(sandbox: Sandbox) -> None:
    path = sandbox.fifo()
    terminal = sandbox.terminal("tail", "--frame", "chunk", path, columns=200, rows=400)
    with open(path, "wb") as pipe:
        pipe.write(payloads() + b"the end\n")
        pipe.flush()
        terminal.wait_for("the end")
    assert harm(terminal.raw) == []


def test_lines_of_the_demo_on_a_terminal(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo", "--plain", "--seconds", "60", columns=200, rows=500)
    terminal.wait_for(re.compile("orders"))
    path = next(path for path in sandbox.fifos() if path.name == "orders")
    with open(path, "wb") as pipe:
        pipe.write(payloads() + b"the end\n")
        pipe.flush()
        terminal.wait_for("the end")
    assert harm(terminal.raw) == []


def test_names_and_command_lines_in_the_monitor(sandbox: Sandbox) -> None:
    paths = plant(sandbox.work)
    with holder(sandbox.fifo("held"), sandbox.env) as evil:
        terminal = sandbox.terminal(sandbox.work, columns=400, rows=60)
        terminal.wait_for(lambda screen: all(name in screen for name in SHOWN), what="all evil names, made safe")
        monitor = Monitor(terminal)
        for _ in range(len(paths) + 1):
            monitor.press("j")
        terminal.send("?")
        terminal.settle()
        terminal.send("escape")
        terminal.settle()
        evil.kill()
    terminal.send("q")
    terminal.wait_exit()
    assert harm(terminal.raw) == []


def test_payloads_in_the_monitor(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    terminal.wait_for(shows_the_demo)
    path = next(path for path in sandbox.fifos() if path.name == "orders")
    with open(path, "wb") as pipe:
        for line in payloads().splitlines(keepends=True):
            pipe.write(line)
        pipe.write(b"the end of evil\n")
    monitor = Monitor(terminal)
    monitor.filter_messages("-<")
    terminal.wait_for("str-<<")
    monitor.press("G")
    monitor.press("k")
    monitor.press("k")
    terminal.send("enter")  # the whole message, in each of its views
    terminal.pause(0.3)
    for view in ("2", "3", "1"):
        terminal.send(view)
        terminal.pause(0.3)
    assert harm(terminal.raw) == []


def test_windows_are_never_titled_after_anything_from_outside(sandbox: Sandbox) -> None:
    plant(sandbox.work)
    terminal = sandbox.terminal(sandbox.work, columns=400, rows=60)
    terminal.wait_for("c0-<<")
    terminal.send("q")
    terminal.wait_exit()
    assert all(re.fullmatch("[ -~]*", title) for title in terminal.titles)


def test_completions_and_help_are_plain(sandbox: Sandbox) -> None:
    for arguments in (["--help"], ["ls", "--help"], ["completions", "bash"]):
        terminal = sandbox.terminal(*arguments, command=PIPETUI)
        assert terminal.wait_exit() == 0
        assert harm(terminal.raw.replace(b"\t", b"")) == []
