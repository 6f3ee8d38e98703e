"""`doctor`, `peek` and `watch` as a person and a script see them; and that those they look at notice nothing."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helper_processes import as_nobody, blocked_reader, blocked_writer, running, running_pipetui, until, waits_in_open
from terminal import Terminal
from waiting import TIMEOUT

from pipetui.backend.operations import doctor, ls
from pipetui.kernel import fifo, ioctl
from pipetui.protocol.operations import Complaint, Diagnosis, Doctor, Listed, Ls
from pipetui.watch.findings.ages import WHILE

PIPETUI = [sys.executable, "-m", "pipetui"]
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything happens in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path


@pytest.fixture
def path(home: Path) -> Path:
    path = home / "pipe"
    fifo.create(str(path))
    return path


def run(*arguments: str | Path) -> tuple[int, bytes, str]:
    """Run pipetui; return exit code, stdout and stderr. Whatever happens, there is no traceback."""
    done = subprocess.run([*PIPETUI, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    stderr = done.stderr.decode()
    assert "Traceback" not in stderr, stderr
    return done.returncode, done.stdout, stderr


def findings(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    code, stdout, _ = run("doctor", "--json", *arguments)
    answer = json.loads(stdout)
    assert set(answer) >= {"host", "time", "unreadable_processes", "partial", "findings"}
    return code, answer["findings"]


watching = partial(running_pipetui, "watch")


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_a_blocked_writer_is_a_warning_at_once_then_a_problem_and_a_blocked_reader_a_note(path: Path) -> None:
    began = time.time()
    with blocked_writer(path) as process:
        code, found = findings(path.parent)
        (one,) = [one for one in found if one["rule"] == "no-reader"]
        identity = fifo.identify(str(path))
        assert one == {
            "rule": "no-reader",
            "level": "warning",
            "pipes": [{"dev": identity.dev, "inode": identity.inode, "path": str(path)}],
            "pids": [process.pid],
            "headline": f"sh ({process.pid}) waits to write to {path}, which nobody reads",
            "why": one["why"],
            "fix": one["fix"],
            "certainty": "exact",
            "since": one["since"],
            "age": one["age"],
            "behind": [],
        }
        assert 0.5 <= one["age"] <= time.time() - began
        assert one["since"] <= time.time() - one["age"]
        assert code == 0
        until(lambda: time.time() - one["since"] > WHILE)
        until(lambda: findings(path)[0] == 1, "it has stood so long that it is a problem")
        assert waits_in_open(process.pid)
    with blocked_reader(path) as process:
        code, found = findings(path.parent)
        assert [(one["rule"], one["level"], one["pids"]) for one in found] == [
            ("no-writer", "note", [process.pid]),
        ]
        assert code == 0
        assert waits_in_open(process.pid)


def test_who_has_a_fifo_open_is_unknown_where_somebody_can_not_be_read() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    with tempfile.TemporaryDirectory(prefix="pipetui-test-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "f")
        fifo.create(path)
        os.chmod(path, 0o666)

        def answers() -> list[list[Any]]:
            asked = (ls, Ls((path,))), (doctor, Doctor((path,))), (doctor, Doctor((folder,)))
            return [list(operation.answer(question)) for operation, question in asked]

        listed, named, around = as_nobody(answers)
        for answer in (listed, named):
            (told,) = [one for one in answer if isinstance(one, Complaint)]  # it gives exit code 3
            assert re.fullmatch(rf"{path}: who has it open is unknown: [\d,]+ processes can't be read", told.message)
        end, diagnosis = listed[-1], named[-1]
        assert isinstance(end, Listed)
        assert isinstance(diagnosis, Diagnosis)
        assert end.unreadable > 0
        assert end.unseen == f"{end.unreadable:,} processes can't be read"
        assert diagnosis.unseen == f"{diagnosis.unreadable:,} processes can't be read"
        assert "stale" not in [one.rule for one in diagnosis.findings]
        assert not any(isinstance(told, Complaint) for told in around), "only who names a FIFO gets no answer about it"


def test_doctor_borrows_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def borrowed(*_: object) -> None:
        raise AssertionError("an end was borrowed")

    with running("sh", "-c", 'exec 3<>"$0"; echo x >&3; read x', path):
        for call in ("_syscall", "_tee"):
            monkeypatch.setattr(f"pipetui.kernel.borrow.{call}", borrowed)
        (diagnosis,) = doctor.answer(Doctor())
        assert isinstance(diagnosis, Diagnosis)
        assert diagnosis.pipes > 0


def test_when_all_is_well_it_says_so(path: Path) -> None:
    with running("sh", "-c", 'exec 3<>"$0"; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        code, stdout, _ = run("doctor", path.parent)
        assert code == 0
        assert stdout.decode().startswith("No problems: ")


def test_a_colleague_explains_and_says_what_to_do(path: Path) -> None:
    with blocked_writer(path) as process:
        code, stdout, _ = run("doctor", path)
        text = stdout.decode()
        assert code == 0
        assert f"warning  no-reader: sh ({process.pid}) waits to write to {path}" in text
        assert "fifo(7)" in text
        assert f"`kill {process.pid}`" in text


def test_why_does_this_process_hang(path: Path) -> None:
    with subprocess.Popen(["sh", "-c", f"cat {path}; true"]) as shell:
        (child,) = until(lambda: Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split())
        try:
            until(lambda: waits_in_open(int(child)))
            code, stdout, _ = run("doctor", "--pid", str(shell.pid))
            text = stdout.decode()
            assert re.search(rf"waits for (\d+ s for )?cat \({child}\) to end", text), text
            assert f"to open {path}; it goes on when some process opens that for writing" in text
            answer = json.loads(run("doctor", "--json", "--pid", child)[1])
            (task,) = answer["process"]["tasks"]
            assert (task["doing"], task["path"], task["certainty"]) == ("open-read", str(path), "exact")
            assert [one["rule"] for one in answer["findings"]] == ["no-writer"]
            assert code == 0
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_process_that_is_not_there(home: Path) -> None:
    assert run("doctor", "--pid", str(1 << 22)) == (
        3,
        b"",
        f"pipetui: there is no process {1 << 22}, or it is a kernel thread\n",
    )
    assert run("doctor", "--pid", "0")[0] == 2
    assert run("doctor", "nowhere")[0] == 3


def test_the_healthy_demo_has_no_problem(home: Path) -> None:
    with subprocess.Popen([*PIPETUI, "demo", "--plain", "--seconds", "60"], stdout=subprocess.PIPE) as demo:
        try:
            assert demo.stdout is not None
            until(lambda: demo.stdout is not None and demo.stdout.readline(), "the demo shows something")
            pipes = json.loads(run("ls", "--json", home)[1])["pipes"]
            healthy = [pipe for pipe in pipes if (pipe["path"] or "").startswith(str(home))]
            assert len(healthy) == 3
            for _ in range(5):
                code, found = findings(home)
                assert code == 0, found
                assert [one for one in found if one["level"] == "problem"] == []
        finally:
            demo.send_signal(signal.SIGINT)
            demo.stdout.close()  # type: ignore[union-attr]
            demo.wait(TIMEOUT)


# --- peek -------------------------------------------------------------------------------------------------------------


def test_peek_shows_what_is_queued_and_leaves_it(path: Path) -> None:
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        os.write(writer.fileno(), b"hello\n\x1b[31m\xff")
        for _ in range(3):
            code, stdout, stderr = run("peek", path)
            assert (code, stdout) == (0, b"hello\n\x1b[31m\xff")
            assert stderr.startswith("12 of 65,536 bytes queued at ")
            assert stderr.endswith(", not consumed\n")
        assert run("peek", path, "--hex")[1].startswith(b"00000000  68 65 6c 6c 6f 0a 1b 5b")
        assert run("peek", f"{os.getpid()}/{reader.fileno()}")[1] == stdout
        terminal = Terminal([*PIPETUI, "peek", str(path)], env={**os.environ, "PYTHONPATH": str(ROOT)})
        with terminal:
            terminal.wait_for("not consumed")
            assert "\\e[31m\\xff" in terminal.text()
        assert os.read(reader.fileno(), 100) == stdout


def test_an_anonymous_pipe_is_named_as_its_link_names_it(home: Path) -> None:
    with running("sh", "-c", "echo inside; exec sleep 600") as process:
        assert process.stdout is not None
        ours = process.stdout.fileno()
        until(lambda: ioctl.queued(ours))
        name = os.readlink(f"/proc/{process.pid}/fd/1")
        assert run("peek", name)[1] == b"inside\n"
        assert run("peek", f"{process.pid}/1")[1] == b"inside\n"
        assert process.stdout.readline() == b"inside\n"


def test_peek_refuses_rather_than_disturb(path: Path) -> None:
    assert run("peek", path)[:2] == (0, b"")
    assert "nobody has it open" in run("peek", path)[2]
    with running("sh", "-c", 'exec 3<>"$0" 4>"$0" 3<&-; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        code, stdout, stderr = run("peek", path)
        assert (code, stdout) == (3, b"")
        assert "has no reader" in stderr
    assert run("peek", "missing")[0] == 3
    assert run("peek", path.parent)[0] == 3
    assert run("peek", "pipe:[1]", "--hex", "--raw")[0] == 2


# --- watch ------------------------------------------------------------------------------------------------------------


def test_changes_of_state_are_lines(path: Path) -> None:
    with watching(path, "--json") as watch:
        assert watch.stdout is not None
        lines = iter(lambda: json.loads(watch.stdout.readline()), None)  # type: ignore[union-attr]
        assert next(lines)["state"] == "nobody has it open"
        with fifo.open_reader(str(path)):
            line = next(line for line in lines if line["ends"])
            assert line["state"] == "no writer: 1 reader"
            assert line["path"] == str(path)
            with fifo.open_writer(str(path)) as writer:
                assert next(line for line in lines if len(line["ends"]) == 2)["state"] == "idle"
                os.write(writer.fileno(), b"x")
                line = next(line for line in lines if line["queued"])
                assert line["queued"] == 1
                assert line["state"] in ("bytes unread", "flowing")


def test_a_child_that_comes_and_goes_is_no_change_of_state(path: Path) -> None:
    loop = 'while :; do echo x; sleep 0.1; done > "$0"'
    with running("sh", "-c", f"{loop} & exec cat < $0 > /dev/null", path) as reader:
        with watching(path, "--json", "--timeout", "6") as watch:
            assert watch.stdout is not None
            lines = [json.loads(line) for line in watch.stdout]
        os.kill(int(Path(f"/proc/{reader.pid}/task/{reader.pid}/children").read_text().split()[0]), signal.SIGKILL)
    assert "flowing" in {line["state"] for line in lines}
    # The pipe may come to rest and flow again while the machine is busy; who comes and goes makes no line alone.
    settled = [line for line in lines if line["time"] > lines[0]["time"] + 2.0]
    assert all(one["state"] != other["state"] for one, other in itertools.pairwise(settled)), lines


def test_a_script_can_wait_for_a_reader(path: Path) -> None:
    with watching(path, "--until", "reader", "--timeout", "60") as watch:
        assert watch.stdout is not None
        watch.stdout.readline()
        with blocked_reader(path):
            assert watch.wait(60) == 0


@pytest.mark.parametrize("until_what", ["empty", "full", "writer", "problem"])
def test_each_condition_comes_true(path: Path, until_what: str) -> None:
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        if until_what != "problem":  # at a FIFO that was in use, a missing reader may come again
            os.write(writer.fileno(), b"x" * 1000)
        if until_what == "writer":
            writer.close()
        if until_what == "problem":
            reader.close()
            writer.close()
        with watching(path, "--until", until_what, "--timeout", "60") as watch:
            assert watch.stdout is not None
            assert watch.stdout.readline()
            assert watch.poll() is None
            if until_what == "empty":
                os.read(reader.fileno(), 1000)
            elif until_what == "full":
                os.set_blocking(writer.fileno(), False)
                os.write(writer.fileno(), b"x" * 64536)
            elif until_what == "writer":
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                with fifo.open_writer(str(path)):
                    assert watch.wait(60) == 0
            else:
                with blocked_writer(path):
                    assert watch.wait(60) == 0
            assert watch.wait(60) == 0


def test_a_condition_that_does_not_come_true_ends_with_1(path: Path) -> None:
    code, stdout, stderr = run("watch", path, "--until", "full", "--timeout", "0.3")
    assert code == 1
    assert stdout.decode().endswith("nobody has it open\n")
    assert stderr == f"pipetui: {path}: not full within 0.3 s\n"
    assert run("watch", path, "--timeout", "0")[0] == 0


def test_what_can_not_be_watched(home: Path) -> None:
    assert run("watch", "missing")[0] == 3
    assert run("watch", home)[0] == 3
    assert run("watch", "x", "--until", "never")[0] == 2


def test_a_fifo_that_goes_away_ends_the_watch(path: Path) -> None:
    with watching(path) as watch:
        assert watch.stdout is not None
        assert watch.stderr is not None
        watch.stdout.readline()
        path.unlink()
        assert watch.wait(TIMEOUT) == 3
        assert b"no longer there" in watch.stderr.read()


# --- undisturbed ------------------------------------------------------------------------------------------------------


@contextmanager
def being_watched(path: Path) -> Iterator[None]:
    """Have `doctor`, `peek` and `ls` in a loop, and a `watch`, all the while."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            for arguments in (("doctor", "--json"), ("peek", path), ("ls", "--all", "--json")):
                run(*arguments)

    looper = threading.Thread(target=loop)
    with watching(path) as watch:
        assert watch.stdout is not None
        watch.stdout.readline()
        looper.start()
        try:
            yield
        finally:
            stop.set()
            looper.join(30)


def test_the_watched_notice_nothing(path: Path) -> None:
    """A blocked opener stays blocked, bytes stay, EOF and SIGPIPE come when they should: not before, not too late."""
    other = path.with_name("other")
    fifo.create(str(other))
    with being_watched(path), blocked_writer(other) as blocked:
        with fifo.open_reader(str(path)) as reader:
            writer = fifo.open_writer(str(path))
            os.set_blocking(reader.fileno(), True)
            os.write(writer.fileno(), b"x" * 12345)
            started = time.monotonic()
            until(lambda: time.monotonic() - started > 1.0)
            assert ioctl.queued(reader.fileno()) == 12345
            assert len(os.read(reader.fileno(), 1 << 16)) == 12345
            late = 0
            for _ in range(200):  # EOF comes with the last close, however often somebody looks in between
                os.write(writer.fileno(), b"y")
                assert os.read(reader.fileno(), 10) == b"y"
                writer.close()
                asked = time.monotonic()
                assert os.read(reader.fileno(), 10) == b""
                late += time.monotonic() - asked > 0.5
                writer = fifo.open_writer(str(path))
            assert late < 5, "on a busy machine one may be, but nobody holds it back"
        until(lambda: _broken(writer.fileno()), "a write without a reader fails")
        writer.close()
        assert waits_in_open(blocked.pid)


def _broken(fd: int) -> bool:
    try:
        os.write(fd, b"z")
    except BrokenPipeError:
        return True
    return False
