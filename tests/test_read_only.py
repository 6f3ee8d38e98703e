"""Read-only: whatever is asked, nothing that acts is carried out, here or on another host."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from helper_processes import until, waits_in_open
from hubclient import HubClient, HubGoneError
from made_requests import made
from processes import PIPETUI
from sshd import StandIn

from pipetui.protocol import effects, requests
from pipetui.protocol.messages import VERSION, Answer, Failed, Hello, Welcome
from pipetui.protocol.requests import REQUESTS, Request

ACTING = [kind for kind in REQUESTS if kind.effect != "passive"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fifos"
    folder.mkdir()
    os.mkfifo(folder / "pipe", 0o600)
    return folder


@pytest.fixture
def reader(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody who waits for a writer: to release that process is to act."""
    with subprocess.Popen(["cat", folder / "pipe"], stdout=subprocess.DEVNULL) as process:
        until(lambda: waits_in_open(process.pid))
        yield process
        process.kill()


def state(folder: Path, reader: int, hub: int) -> object:
    """Return the FIFOs, the processes, and what those have open, apart from what looks."""
    status = {one.name: (one.stat().st_ino, one.stat().st_mode) for one in folder.iterdir()}
    looking = {one.name() for one in psutil.Process(hub).children(recursive=True)}
    opened = sorted(os.listdir(f"/proc/{reader}/fd")), waits_in_open(reader)
    temporary = sorted(str(path) for path in Path(os.environ["TMPDIR"]).glob("pipetui-*"))
    return status, looking - {"pipetui-task"}, opened, temporary


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_no_request_that_acts_is_carried_out(
    kind: type[Request[Any]], folder: Path, reader: subprocess.Popen[bytes]
) -> None:
    with HubClient(greet=False) as hub:
        hub.send_message(Hello(VERSION, (str(folder),), read_only=True))
        welcome = hub.reply()
        assert isinstance(welcome, Welcome)
        assert welcome.read_only
        hub.wait_for(lambda: (row := hub.pipe(folder / "pipe")) and row.pipe.waiters and not hub.status.scanning)
        before = state(folder, reader.pid, hub.pid)
        number = hub.call(made(kind, folder, reader.pid))
        while not isinstance(reply := hub.reply(), (Answer, Failed)):
            pass
        assert reply.number == number
        refused = isinstance(reply, Failed) and reply.message == effects.REFUSED
        assert refused == (kind.effect != "passive")
        hub.wait_for(lambda: state(folder, reader.pid, hub.pid) == before)


@pytest.mark.parametrize("kind", ACTING, ids=lambda kind: kind.__name__)
def test_the_same_requests_are_carried_out_by_any_other_hub(
    kind: type[Request[Any]], folder: Path, reader: subprocess.Popen[bytes]
) -> None:
    """So that the test above would notice: what it asks for makes sense."""
    with HubClient([folder]) as hub:
        hub.wait_for(lambda: (row := hub.pipe(folder / "pipe")) and row.pipe.waiters)
        number = hub.call(made(kind, folder, reader.pid))
        while not (isinstance(reply := hub.reply(), (Answer, Failed)) and reply.number == number):
            pass
        alone = kind.__name__ not in ("Control", "Retune", "Scale", "StopLab", "TellLab")
        assert isinstance(reply, Answer) == alone, reply
        if kind is requests.RunLab:
            hub.ask(requests.StopLab(1))


def test_a_demo_is_refused(folder: Path) -> None:
    with HubClient(greet=False) as hub:
        hub.send_message(Hello(VERSION, demo=True, read_only=True))
        with pytest.raises(HubGoneError, match="read-only"):
            hub.wait_for(lambda: False)


def test_the_environment_of_a_hub_decides_whatever_its_client_wants(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(effects.VARIABLE, "1")
    with HubClient([folder]) as hub:
        assert hub.welcome
        assert hub.welcome.read_only
        assert hub.refusal(requests.CreateFifo(str(folder / "new"))) == effects.REFUSED


COMMANDS = [
    ("create", "new"), ("rm", "pipe"), ("send", "pipe", "hello"), ("tail", "pipe"), ("lab", "rendezvous"),
    ("demo", "--plain", "--seconds", "1"), ("bench", "--seconds", "1"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_that_act_are_refused(
    command: tuple[str, ...], folder: Path, reader: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(effects.VARIABLE, "1")
    done = subprocess.run([*PIPETUI, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 3
    assert effects.REFUSED in done.stderr
    assert os.listdir(folder) == ["pipe"]
    assert waits_in_open(reader.pid)


@pytest.mark.parametrize("command", [("ls",), ("doctor",), ("lab",), ("watch", "pipe", "--timeout", "1")], ids=str)
def test_commands_that_only_look_are_not(
    command: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(effects.VARIABLE, "1")
    assert subprocess.run([*PIPETUI, *command], cwd=folder, capture_output=True).returncode in (0, 1)


@pytest.mark.parametrize("command", [("send", "hello"), ("tail",)], ids=lambda command: command[0])
def test_another_host_refuses_by_its_own_environment(
    command: tuple[str, ...], tmp_path: Path, folder: Path, reader: subprocess.Popen[bytes]
) -> None:
    with StandIn(tmp_path) as far:
        (far.home / ".bashrc").write_text(f"export {effects.VARIABLE}=1\n")
        name, *more = command
        argv = [*PIPETUI, name, str(folder / "pipe"), *more, "--host", far.host]
        done = subprocess.run(argv, env=far.env, capture_output=True, text=True)
        assert done.returncode == 3
        assert effects.REFUSED in done.stderr
        assert waits_in_open(reader.pid)
