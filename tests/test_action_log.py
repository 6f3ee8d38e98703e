"""The action log: what acts is in it, what only looks isn't, and its commands do the same."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from helper_processes import until, waits_in_open
from made_requests import made
from tui_fakes import demo

from pipetui.client.actionlog import ActionLog, LoggedAction
from pipetui.client.session import Change, Refused, Session
from pipetui.model import ActorState, ConsumerSpec, PipeId, ProducerSpec
from pipetui.protocol import requests
from pipetui.protocol.requests import REQUESTS, Request
from pipetui.text import encode

PRODUCER = ActorState(1, "producer", 4121, ProducerSpec("/tmp/orders", name="numbers"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    subprocess.run(["mkfifo", tmp_path / "pipe"], check=True)
    return tmp_path


@pytest.fixture
def reader(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["cat", folder / "pipe"], stdout=subprocess.PIPE) as process:
        until(lambda: waits_in_open(process.pid))
        yield process
        process.kill()


def noted(request: Request[Any], far: str = "", outcome: str = "") -> LoggedAction | None:
    log = ActionLog({1: PRODUCER})
    log.note(request, far or "box", far, outcome)
    return log.actions[0] if log.actions else None


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_whatever_acts_is_told_in_words(kind: type[Request[Any]], folder: Path) -> None:
    told = noted(made(kind, folder, 99))
    assert (told is None) == (kind.effect == "passive")
    assert told is None or (told.what != kind.__name__ and told.host == "box" and told.time)


def test_its_commands_do_the_same(folder: Path, reader: subprocess.Popen[bytes]) -> None:
    path = str(folder / "pipe")
    new = str(folder / "a name with 'quotes'")

    def do(request: Request[Any]) -> None:
        told = noted(request)
        assert told
        subprocess.run(told.command, shell=True, check=True)

    do(requests.CreateFifo(new, 0o640))
    assert Path(new).is_fifo()
    assert Path(new).stat().st_mode & 0o777 == 0o640
    do(requests.RemoveFifo(new, PipeId(1, 2)))
    assert not Path(new).exists()
    do(requests.Send(path, "it's %s me\n"))
    assert reader.stdout
    assert reader.stdout.read() == b"it's %s me\n"
    with subprocess.Popen(["sleep", "100"]) as sleeper:
        do(requests.Signal(sleeper.pid, "sleep 100", 15))
        assert sleeper.wait(10) == -15


PAYLOADS = ["hello\n", "no end", "", "-n", "a\tb\\n\n\n", "\x1b[31m %d '\"", "\udcff caf\xe9\n"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_message_is_written_as_it_is(payload: str, tmp_path: Path) -> None:
    told = noted(requests.Send(str(tmp_path / "file"), payload))
    assert told
    assert told.command.isprintable()
    subprocess.run(told.command, shell=True, check=True)
    assert (tmp_path / "file").read_bytes() == encode(payload)


def test_a_producer_of_plain_lines_is_a_loop_of_the_shell(folder: Path, reader: subprocess.Popen[bytes]) -> None:
    told = noted(requests.StartProducer(ProducerSpec(str(folder / "pipe"), template="it's", rate=50)))
    assert told
    with subprocess.Popen(told.command, shell=True, start_new_session=True) as loop:
        assert reader.stdout
        assert reader.stdout.readline() == b"it's\n"
        loop.terminate()
        reader.kill()


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (requests.Control(1, "pause"), "kill -STOP 4121"),
        (requests.Control(1, "dismiss"), ""),
        (requests.Control(7, "kill"), ""),
        (requests.StartConsumer(ConsumerSpec("/x", framing="nul")), "pipetui tail /x --frame nul"),
        (requests.StartConsumer(ConsumerSpec("/x", framing="length")), ""),
        (requests.StartProducer(ProducerSpec("/x", source="file", file="/a b", rate=0)), "cat '/a b' > /x"),
        (requests.StartProducer(ProducerSpec("/x", source="file", file="/a")), ""),
        (requests.StartProducer(ProducerSpec("/x", template="n", count=3)), ""),
        (requests.StartProducer(ProducerSpec("/x", source="random", size=16)), ""),
        (requests.RunBench(1.0, ("pipe",)), ""),
        (requests.RunLab("fifo", "slow"), "pipetui lab fifo --pace slow"),
        (requests.StartProducer(ProducerSpec("/x", template="n", rate=0)), "yes -- n > /x"),
        (requests.RunLab("fifo"), "pipetui lab fifo"),
    ],
)
def test_commands(request_: Request[Any], command: str) -> None:
    told = noted(request_)
    assert told
    assert told.command == command


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (requests.Control(1, "pause"), "ssh box kill -STOP 4121"),
        (requests.StartConsumer(ConsumerSpec("/x")), "pipetui tail --host box /x"),
        (requests.CreateFifo("/a 'b'"), "ssh box " + shlex.quote("mkfifo -m 600 '/a '\"'\"'b'\"'\"''")),
        (requests.RunLab("fifo"), ""),
    ],
)
def test_commands_for_another_host_are_typed_here(request_: Request[Any], command: str) -> None:
    told = noted(request_, "box")
    assert told
    assert told.command == command


def test_a_session_logs_what_was_done_and_what_was_refused() -> None:
    hub = demo()
    session = Session(hub)
    changes: list[Change] = []
    session.on_change(changes.append)

    async def story() -> None:
        running = asyncio.create_task(session.run())
        await asyncio.sleep(0.05)
        await session.ask(requests.CreateFifo("/x"))
        await session.ask(requests.Past(next(iter(session.pipes))))
        hub.refuse[requests.CreateFifo] = "/x exists already"
        with pytest.raises(Refused):
            await session.ask(requests.CreateFifo("/x"))
        running.cancel()

    run(story())
    assert [(each.what, each.outcome) for each in session.action_log.actions] == [
        ("Create FIFO /x", ""),
        ("Create FIFO /x", "not done: /x exists already"),
    ]
    assert changes
    assert Change() not in changes, "nothing changed for whoever draws"


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)
