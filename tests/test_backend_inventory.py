"""What the hub tells of pipes that are not its own: waits, findings, rates, peeks, and signals to outsiders."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hubclient import HubClient, HubRefusedError
from waiting import wait_until

from pipetui.model import ConsumerSpec, Pipe, PipeId, PipeRow, ProducerSpec
from pipetui.protocol import requests


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    return path


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubClient]:
    with HubClient([tmp_path]) as client:
        yield client


@contextmanager
def running(argv: Sequence[str | Path], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and end it whatever happens."""
    with subprocess.Popen(argv, **how) as process:
        try:
            yield process
        finally:
            process.kill()


def row(hub: HubClient, path: Path) -> PipeRow:
    return hub.pipe(path) or PipeRow(Pipe(PipeId(0, 0)))


def test_a_shell_that_hangs_on_a_fifo_is_found(hub: HubClient, fifo: Path) -> None:
    with running(["sh", "-c", f"exec printf x > {fifo}"]) as shell:
        hub.wait_for(lambda: any(one.rule == "no-reader" for one in hub.findings))
        (finding,) = (one for one in hub.findings if one.rule == "no-reader")
        assert finding.pids == (shell.pid,)
        assert str(fifo) in finding.headline
        assert "waits for a reader" in row(hub, fifo).state
        assert shell.poll() is None
        shell.kill()
    hub.wait_for(lambda: not any(one.rule == "no-reader" for one in hub.findings))


def test_who_is_blocked_in_open_has_a_user_and_a_size(hub: HubClient, fifo: Path) -> None:
    with running(["sh", "-c", f"exec printf x > {fifo}"]) as shell:
        hub.wait_for(lambda: shell.pid in hub.processes)
        assert [waiter.pid for waiter in row(hub, fifo).pipe.waiters] == [shell.pid]
        process = hub.processes[shell.pid]
        assert process.user == pwd.getpwuid(os.getuid()).pw_name
        assert (process.rss or 0) > 0
        hub.wait_for(lambda: hub.processes[shell.pid].cpu is not None)
        shell.kill()
    hub.wait_for(lambda: shell.pid not in hub.processes)


def test_a_process_is_told_of_when_it_comes_to_a_listed_pipe(hub: HubClient, fifo: Path) -> None:
    """Also one that was known before, from a pipe that is not listed."""
    code = "import os, sys\nos.open(sys.argv[1], 2)\ninput()\nos.open(sys.argv[2], 2)\ninput()"
    with tempfile.TemporaryDirectory() as elsewhere:
        unlisted = Path(elsewhere, "unlisted")
        os.mkfifo(unlisted)
        with running([sys.executable, "-c", code, unlisted, fifo], stdin=subprocess.PIPE) as process:
            wait_until(lambda: any(link.resolve() == unlisted for link in Path(f"/proc/{process.pid}/fd").iterdir()))
            hub.start(ConsumerSpec(str(fifo)))  # somebody opens a FIFO: the watcher looks, and knows the process
            hub.wait_for(lambda: row(hub, fifo).pipe.waiters)
            assert process.pid not in hub.processes
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            hub.wait_for(lambda: process.pid in hub.processes)
            process.kill()
        hub.wait_for(lambda: process.pid not in hub.processes)


def test_our_own_actors_are_called_by_their_names(hub: HubClient, fifo: Path) -> None:
    hub.start(ProducerSpec(str(fifo), name="harvester"))
    hub.wait_for(lambda: "harvester" in row(hub, fifo).state)
    hub.wait_for(lambda: any("harvester" in one.headline for one in hub.findings))


def test_peeking_shows_what_is_queued_and_leaves_it(hub: HubClient, fifo: Path) -> None:
    end = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(end, b"not yet read \xff")
        hub.wait_for(lambda: row(hub, fifo).pipe.queued == 14)
        for _ in range(2):
            answer = hub.ask(requests.Peek(row(hub, fifo).pipe.id))
            assert (answer.payload, answer.queued, answer.capacity) == (b"not yet read \xff", 14, 65536)
        assert os.read(end, 100) == b"not yet read \xff"
    finally:
        os.close(end)


def test_a_peek_that_would_disturb_is_refused(hub: HubClient, fifo: Path) -> None:
    hub.wait_for(lambda: hub.pipe(fifo))
    assert "no reader" in hub.refusal(requests.Peek(row(hub, fifo).pipe.id))


def test_the_past_of_a_pipe_is_remembered(hub: HubClient, fifo: Path) -> None:
    hub.start(ConsumerSpec(str(fifo), delay=100))
    hub.start(ProducerSpec(str(fifo), rate=0, size=4096))
    hub.wait_for(lambda: row(hub, fifo).history[-1:] == (8,))
    answer = hub.ask(requests.Past(row(hub, fifo).pipe.id))
    assert answer.samples[-1].queued > 60_000


def test_writes_and_reads_of_others_are_counted(hub: HubClient, fifo: Path) -> None:
    code = "import os, sys, time\nfd = os.open(sys.argv[1], 1)\nwhile os.write(fd, b'x'): time.sleep(.1)"
    hub.wait_for(lambda: hub.pipe(fifo))
    with running(["cat", fifo], stdout=subprocess.DEVNULL) as reader:
        with running([sys.executable, "-c", code, fifo]) as writer:
            hub.wait_for(lambda: (row(hub, fifo).write_rate or 0) > 2 and (row(hub, fifo).read_rate or 0) > 2)
            hub.wait_for(lambda: row(hub, fifo).state == "flowing")
            writer.kill()
        reader.kill()
    hub.wait_for(lambda: row(hub, fifo).write_rate in (0, None) and row(hub, fifo).state != "flowing")


def test_anonymous_pipes_are_shown_only_while_asked_for(hub: HubClient) -> None:
    with running(["sleep", "100"], stdin=subprocess.PIPE) as sleeper:

        def held() -> bool:
            return any(end.pid == sleeper.pid for one in hub.pipes.values() for end in one.pipe.ends)

        hub.anonymous = True
        hub.ready()
        hub.wait_for(held)
        hub.anonymous = False
        hub.ready()
        hub.wait_for(lambda: not any(one.pipe.kind == "anonymous" for one in hub.pipes.values()))
        sleeper.kill()


def test_a_process_is_examined_with_its_family_and_its_wait(hub: HubClient, fifo: Path) -> None:
    with running(["sh", "-c", f"cat {fifo}; true"]) as shell:
        hub.wait_for(lambda: row(hub, fifo).pipe.waiters)
        answer = hub.ask(requests.Examine(shell.pid))
        assert answer.process is not None
        assert [task.doing for task in answer.process.tasks] == ["child"]
        (child,) = (one for one in answer.family if one.parent == shell.pid)
        assert child.tasks[0].doing == "open-read"
        assert os.getpid() in [one.pid for one in answer.family]
        assert [pipe.path for pipe in answer.pipes if pipe.kind == "fifo"] == [str(fifo)]
        os.kill(child.pid, signal.SIGTERM)


def test_a_signal_goes_only_to_the_process_that_was_seen(hub: HubClient) -> None:
    with running(["sleep", "100"]) as sleeper:
        wait_until(lambda: Path(f"/proc/{sleeper.pid}/cmdline").read_bytes() == b"sleep\x00100\x00")
        assert "no longer the one" in hub.refusal(requests.Signal(sleeper.pid, "sleep 99", signal.SIGTERM))
        assert "no signals" in hub.refusal(requests.Signal(1, "init", signal.SIGTERM))
        assert "no signal" in hub.refusal(requests.Signal(sleeper.pid, "sleep 100", 999))
        assert sleeper.poll() is None
        hub.ask(requests.Signal(sleeper.pid, "sleep 100", signal.SIGTERM))
        assert sleeper.wait(5) == -signal.SIGTERM


def test_a_refusal_for_a_pipe_that_is_gone_is_a_sentence(hub: HubClient, fifo: Path) -> None:
    hub.wait_for(lambda: hub.pipe(fifo))
    identity = row(hub, fifo).pipe.id
    fifo.unlink()
    hub.wait_for(lambda: not hub.pipe(fifo))
    with pytest.raises(HubRefusedError, match="gone"):
        hub.ask(requests.Peek(identity))


_EACH_TENTH = "import os, sys, time\nfd = os.open(sys.argv[1], 1)\nwhile os.write(fd, b'x'): time.sleep(.1)"


def test_what_flows_between_others_is_counted_where_no_path_was_given(fifo: Path) -> None:
    with (
        running(["cat", fifo], stdout=subprocess.DEVNULL) as reader,
        running([sys.executable, "-c", _EACH_TENTH, fifo]) as writer,
        HubClient() as hub,
    ):
        hub.wait_for(lambda: (row(hub, fifo).write_rate or 0) > 2 and (row(hub, fifo).read_rate or 0) > 2)
        hub.wait_for(lambda: not hub.status.scanning)  # now the finder has found it, too
        writer.send_signal(signal.SIGSTOP)
        hub.wait_for(lambda: (row(hub, fifo).write_rate, row(hub, fifo).read_rate) == (0, 0))
        writer.send_signal(signal.SIGCONT)
        hub.wait_for(lambda: (row(hub, fifo).write_rate or 0) > 2 and (row(hub, fifo).read_rate or 0) > 2)
        reader.kill()
        writer.kill()
