"""The hub as a whole: its credit, what it does about a broken client, and that nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from hubclient import HubClient, HubGoneError
from waiting import TIMEOUT, allowed, wait_until

from pipetui.backend.runtime import tempdir
from pipetui.client.link import hub_argv
from pipetui.model import ConsumerSpec, ProducerSpec
from pipetui.protocol import feeds, frames, messages


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of its own, for this process and its hubs."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def family(hub: HubClient) -> list[psutil.Process]:
    return psutil.Process(hub.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if _lives(one)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def demo_is_on(hub: HubClient) -> bool:
    return len(hub.actors) == 7 and len(hub.pipes) == 3 and hub.counts.seen > 0


# --- pace -----------------------------------------------------------------------------------------------------------


def test_each_credit_is_answered_once_and_an_idle_hub_is_silent(tmp_path: Path) -> None:
    with HubClient([tmp_path]) as hub:
        hub.wait_for(lambda: hub.status.host and not hub.status.scanning)
        with pytest.raises(TimeoutError):
            while True:
                hub.update(1.0)
        os.mkfifo(tmp_path / "pipe")
        hub.update()
        assert hub.pipe(tmp_path / "pipe")
        os.mkfifo(tmp_path / "second")
        with pytest.raises(TimeoutError):
            hub.reply(0.5)  # no credit was given


def test_a_new_fifo_is_told_within_a_tenth_of_a_second_and_a_removed_one_too(tmp_path: Path) -> None:
    with HubClient([tmp_path]) as hub:
        hub.wait_for(lambda: hub.status.host and not hub.status.scanning)
        times = []
        for number in range(5):
            path = tmp_path / f"pipe{number}"
            start = time.monotonic()
            os.mkfifo(path)
            hub.wait_for(lambda: hub.pipe(path))  # noqa: B023
            path.unlink()
            hub.wait_for(lambda: not hub.pipe(path))  # noqa: B023
            times.append(time.monotonic() - start)
        assert sorted(times)[2] < 0.3  # both ways; the machine may be busy, so the median counts


def test_ten_thousand_fifos_come_in_portions(tmp_path: Path) -> None:
    for number in range(10_000):
        os.mkfifo(tmp_path / f"{number}")
    with HubClient([tmp_path]) as hub:
        sizes = []
        while len(hub.pipes) < 10_000:
            sizes.append(len(news.rows) if (news := hub.update().news(feeds.PIPES)) else 0)
        assert max(sizes) <= 1000


def test_a_client_that_does_not_read_costs_no_memory_and_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    code = (  # a hub whose log is full at once
        "import sys\nfrom pipetui.backend.messages.ring import Ring\nRing.__init__.__defaults__ = (1 << 20, 1000)\n"
        "from pipetui.backend.main import main\nsys.exit(main())"
    )
    with HubClient([tmp_path], argv=[sys.executable, "-c", code]) as hub:
        consumer = hub.start(ConsumerSpec(str(path)))
        producer = hub.start(ProducerSpec(str(path), rate=0))
        hub.wait_for(lambda: hub.counts.evicted > 0)
        process = psutil.Process(hub.pid)
        hub.ready()
        before = process.memory_info().rss
        seen = hub.counts.seen
        wait_until(lambda: process.cpu_times().user > 0)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            time.sleep(0.1)  # what is tested is that nothing happens in this time
        assert process.memory_info().rss < before * 1.1
        hub.wait_for(lambda: hub.counts.seen > seen)
        assert {hub.actors[consumer].phase, hub.actors[producer].phase} <= {"running", "waiting"}


# --- the other end --------------------------------------------------------------------------------------------------


def test_another_version_of_the_wire_is_refused_in_a_sentence() -> None:
    with HubClient(greet=False) as hub:
        hub.write(messages.pack(messages.Hello(999)))
        goodbye = hub.reply()
        assert isinstance(goodbye, messages.Goodbye)
        assert "version 999" in goodbye.reason
        assert hub.process.wait(TIMEOUT) == 0


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff\xff\xff",
        struct.pack(">I", 5) + b"hello",
        frames.frame(json.dumps({"t": "Call", "number": 1}).encode()),
        messages.pack(messages.Ready()),
    ],
)
def test_nonsense_ends_the_link_with_a_sentence_and_nothing_else(noise: bytes) -> None:
    with HubClient(greet=False) as hub:
        hub.write(noise)
        with pytest.raises((HubGoneError, AssertionError)):
            while True:
                reply = hub.reply()
                assert not isinstance(reply, messages.Goodbye)
        assert hub.process.wait(TIMEOUT) == 0
        assert "Traceback" not in hub.stderr()


def test_nonsense_after_hello_cleans_up_the_demo(own_tmp: Path) -> None:
    with HubClient(demo=True) as hub:
        hub.wait_for(lambda: demo_is_on(hub))
        children = family(hub)
        hub.write(b"\xff" * 8)
        assert hub.process.wait(TIMEOUT) == 0
        assert not alive(children)
    assert not list(own_tmp.iterdir())


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stdin ends", signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_hub_that_is_told_to_go_leaves_nothing_behind(own_tmp: Path, how: signal.Signals | str) -> None:
    with HubClient(demo=True) as hub:
        hub.wait_for(lambda: demo_is_on(hub))
        children = family(hub)
        assert len(children) >= 8
        if isinstance(how, str):
            assert hub.close() == 0
        else:
            hub.process.send_signal(how)
            assert hub.process.wait(TIMEOUT) == 0
        assert not alive(children)
    assert not list(own_tmp.iterdir())


def test_children_die_with_a_killed_hub_and_the_next_one_cleans_up(own_tmp: Path) -> None:
    with HubClient(demo=True) as hub:
        hub.wait_for(lambda: demo_is_on(hub))
        children = family(hub)
        stopped = children[-1]
        stopped.suspend()
        hub.process.kill()
        hub.process.wait()
        wait_until(lambda: not alive(children), allowed(2.0))
    assert len(list(own_tmp.iterdir())) == 1
    with HubClient() as hub:
        hub.wait_for(lambda: hub.status.host)
        assert not list(own_tmp.iterdir())


def test_the_next_hub_leaves_alone_what_is_in_use_or_not_ours(own_tmp: Path) -> None:
    used = tempdir.TempFifos()
    used.make("pipe")
    strange = own_tmp / "pipetui-strange"
    strange.mkdir(mode=0o700)
    (strange / "document").write_text("precious")
    left = own_tmp / "pipetui-left"
    left.mkdir(mode=0o700)
    (left / ".owner").touch(0o600)
    (left / "document").write_text("precious")
    os.mkfifo(left / "pipe")
    tempdir.clean_up()
    assert (used.path / "pipe").is_fifo()
    assert (strange / "document").read_text() == "precious"
    assert (left / "document").read_text() == "precious"
    used.close()
    assert not used.path.exists()


def test_a_killed_child_is_a_row_and_the_others_are_unharmed(own_tmp: Path) -> None:
    with HubClient(demo=True) as hub:
        hub.wait_for(lambda: demo_is_on(hub))
        victim = next(actor for actor in hub.actors.values() if actor.role == "consumer")
        os.kill(victim.pid, signal.SIGKILL)
        hub.wait_for(lambda: hub.actors[victim.id].phase == "ended")
        assert hub.actors[victim.id].detail == "killed by SIGKILL"
        seen = hub.counts.seen
        hub.wait_for(lambda: hub.counts.seen > seen + 3)
        assert all(actor.phase != "ended" for actor in hub.actors.values() if actor.id != victim.id)


def test_a_killed_watcher_or_finder_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with HubClient([tmp_path]) as hub:
        hub.wait_for(lambda: hub.pipe(tmp_path / "pipe"))
        for child in family(hub):
            child.kill()
        hub.wait_for(lambda: len(hub.status.troubles) == 2)
        assert hub.pipe(tmp_path / "pipe")
        consumer = hub.start(ConsumerSpec(str(tmp_path / "pipe")))
        hub.send(tmp_path / "pipe", "still here\n")
        hub.wait_for(lambda: hub.lines)
        assert consumer in hub.actors


def test_a_root_that_is_missing_is_a_note(tmp_path: Path) -> None:
    with HubClient([tmp_path / "nowhere", tmp_path]) as hub:
        hub.wait_for(lambda: hub.status.partial)
        assert "nowhere" in hub.status.partial[0]


def test_a_hub_can_speak_through_a_socket(tmp_path: Path) -> None:
    """A login shell's command may be given a socket pair instead of pipes, as some sshds do."""
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen(hub_argv(), stdin=theirs.fileno(), stdout=theirs.fileno()) as process:
        theirs.close()
        ours.settimeout(TIMEOUT)
        ours.sendall(messages.pack(messages.Hello(messages.VERSION, (str(tmp_path),))))
        splitter = frames.Splitter()
        bodies: list[bytes] = []
        while not bodies:
            bodies += splitter.feed(ours.recv(4096))
        assert isinstance(messages.unpack_from_hub(bodies[0]), messages.Welcome)
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(TIMEOUT) == 0


def test_a_hub_without_a_client_just_ends() -> None:
    done = subprocess.run(hub_argv(), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
