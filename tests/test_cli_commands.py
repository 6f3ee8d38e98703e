"""The commands as a person and a script see them: stdout is data, stderr is one sentence, the exit code tells."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helper_processes import blocked_reader, blocked_writer, running, running_pipetui, until, waits_in_open
from hostile import harm, payloads, plant
from terminal import Terminal
from waiting import TIMEOUT

from pipetui.cli.app import COMMANDS
from pipetui.kernel import fifo, ioctl

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


def run(*arguments: str | bytes | Path, stdin: bytes | None = None) -> tuple[int, bytes, str]:
    """Run pipetui; return exit code, stdout and stderr. Whatever happens, there is no traceback."""
    done = subprocess.run([*PIPETUI, *arguments], input=stdin, capture_output=True, timeout=30)
    stderr = done.stderr.decode()
    assert "Traceback" not in stderr, stderr
    return done.returncode, done.stdout, stderr


def listing(*arguments: str | Path) -> dict[str, Any]:
    code, stdout, stderr = run("ls", "--json", *arguments)
    assert (code, stderr) == (0, "")
    answer: dict[str, Any] = json.loads(stdout)
    return answer


tailing = partial(running_pipetui, "tail")


def when_read(path: Path) -> int:
    """Open the FIFO for writing as soon as somebody reads it; then writes block as usual."""

    def attempt() -> int | None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None

    fd = until(attempt, "somebody reads")
    assert fd is not None
    os.set_blocking(fd, True)
    return fd


# --- create and rm ----------------------------------------------------------------------------------------------------


def test_create_and_remove(home: Path) -> None:
    assert run("create", "a", "b", "--mode", "0640") == (0, b"", "")
    assert [stat.S_IMODE((home / name).lstat().st_mode) for name in "ab"] == [0o640, 0o640]
    assert run("rm", "a", "b") == (0, b"", "")
    assert list(home.iterdir()) == []


def test_what_fails_is_told_and_the_rest_is_done(home: Path) -> None:
    (home / "file").touch()
    code, stdout, stderr = run("create", "new", "file", "no/where", "newer")
    assert (code, stdout) == (3, b"")
    assert stderr.splitlines() == ["pipetui: file already exists", "pipetui: no does not exist"]
    code, stdout, stderr = run("rm", "new", "file", "missing", "newer")
    assert (code, stdout) == (3, b"")
    assert stderr.splitlines() == [
        "pipetui: file is a regular file, not a FIFO",
        "pipetui: missing does not exist",
    ]
    assert [path.name for path in home.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x", "--mode", "9999"), ("create", "x", "--mode", "7777"), ("create", "x", "--mode", "-1"),
        ("create", "x", "--mode", ""), ("create",), ("rm",), ("send",), ("send", "p", "x", "--timeout", "-1"),
        ("send", "p", "x", "--timeout", "nan"), ("send", "p", "x", "--timeout", "inf"), ("tail",),
        ("tail", "p", "--frame", "0"), ("tail", "p", "--frame", "-5"), ("tail", "p", "--frame", "word"),
        ("tail", "p", "--frame", "9" * 5000), ("tail", "p", "--count", "0"), ("tail", "p", "--count", "²"),
        ("ls", "--nosuch"), ("completions", "tcsh"), ("completions",), ("hub", "x"),
    ],
)  # fmt: skip
def test_nonsense_is_a_usage_error_in_one_sentence(home: Path, arguments: Sequence[str]) -> None:
    os.mkfifo("p")
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, b"")
    assert len(stderr.splitlines()) == 1
    assert "--help" in stderr
    assert [path.name for path in home.iterdir()] == ["p"]


def test_strange_names_are_ordinary_and_stay_off_the_terminal(home: Path) -> None:
    for name in (b"new\nline", b"esc\x1b[31m", b"bad\xff\xfe"):
        assert run("create", name)[0] == 0
        code, _, stderr = run("create", name)
        assert code == 3
        assert "\x1b" not in stderr
        assert len(stderr.splitlines()) == 1
        assert run("rm", name) == (0, b"", "")


# --- ls ---------------------------------------------------------------------------------------------------------------


def test_the_json_keeps_its_contract(home: Path) -> None:
    path = home / "pipe"
    fifo.create(str(path), 0o640)
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        os.write(writer.fileno(), b"hello")
        answer = listing(home)
        assert set(answer) == {"host", "time", "unreadable_processes", "partial", "pipes"}
        assert abs(answer["time"] - time.time()) < 60
        (pipe,) = [pipe for pipe in answer["pipes"] if pipe["path"] == str(path)]
        status = path.lstat()
        ends = pipe.pop("ends")
        assert pipe == {
            "kind": "fifo",
            "path": str(path),
            "paths": [str(path)],
            "deleted": False,
            "dev": status.st_dev,
            "inode": status.st_ino,
            "mode": "0640",
            "owner": path.owner(),
            "queued": 5,
            "capacity": 65536,
            "last_write": status.st_mtime,
            "last_read": status.st_atime,
            "waiters": [],
        }
        assert {(end["pid"], end["fd"], end["access"], end["nonblocking"]) for end in ends} == {
            (os.getpid(), reader.fileno(), "r", True),
            (os.getpid(), writer.fileno(), "w", True),
        }
        assert all(set(end) == {"pid", "fd", "access", "nonblocking", "command"} for end in ends)
        assert ioctl.queued(reader.fileno()) == 5


def test_blocked_openers_are_listed_and_stay_blocked(home: Path) -> None:
    for name in "rw":
        os.mkfifo(name)
    with blocked_reader(home / "r") as reader, blocked_writer(home / "w") as writer:
        for _ in range(5):
            pipes = {pipe["path"]: pipe for pipe in listing(home)["pipes"]}
        assert waits_in_open(reader.pid)
        assert waits_in_open(writer.pid)
        (waiter,) = pipes[str(home / "r")]["waiters"]
        assert (waiter["pid"], waiter["kind"], waiter["certainty"]) == (reader.pid, "open-read", "exact")
        assert set(waiter) == {"pid", "tid", "kind", "fd", "since", "certainty", "command"}
        table = run("ls")[1].decode()
        assert f"cat ({reader.pid}) waits for a writer" in table
        assert f"sh ({writer.pid}) waits for a reader" in table


def test_names_that_are_not_utf_8_travel_as_surrogate_escapes(home: Path) -> None:
    os.mkfifo(b"bad\xff\xfe")
    assert str(home / "bad\udcff\udcfe") in [pipe["path"] for pipe in listing()["pipes"]]
    assert b"bad\\xff\\xfe" in run("ls")[1]


def test_a_fifo_elsewhere_is_listed_while_a_process_holds_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "here").mkdir()
    os.mkfifo("there")
    assert str(home).encode() not in run("ls", "here")[1]
    with fifo.open_reader("there"):
        assert str(home).encode() not in run("ls", "here")[1]  # who names a place wants to see that place
        monkeypatch.chdir("here")
        monkeypatch.setenv("TMPDIR", str(home / "here"))
        table = run("ls")[1].decode()
        assert str(home / "there") in table.split("Elsewhere, held by processes:")[1]
        monkeypatch.chdir(home)
        assert [pipe["path"] for pipe in listing("here")["pipes"]].count(str(home / "there")) == 1


def test_anonymous_pipes_are_listed_when_asked_for(home: Path) -> None:
    with running("cat") as cat:
        kinds = {pipe["kind"] for pipe in listing()["pipes"]}
        assert "anonymous" not in kinds
        held = [p for p in listing("--all")["pipes"] if any(end["pid"] == cat.pid for end in p["ends"])]
        assert {(pipe["kind"], pipe["path"], pipe["mode"]) for pipe in held} == {("anonymous", None, None)}
        assert b"pipe:[" in run("ls", "--all")[1]


def test_an_empty_folder_is_fine_and_friendly(home: Path) -> None:
    (home / "empty").mkdir()
    code, stdout, stderr = run("ls", "empty")
    assert code == 0
    assert stdout == b""
    assert "pipetui create" in stderr


def test_a_path_that_is_missing_is_told_and_the_others_are_listed(home: Path) -> None:
    os.mkfifo("pipe")
    (home / "file").touch()
    code, stdout, stderr = run("ls", "missing", "pipe", "file")
    assert code == 3
    assert str(home / "pipe").encode() in stdout
    assert stderr.splitlines()[:2] == [
        "pipetui: missing does not exist",
        "pipetui: file is neither a folder nor a FIFO",
    ]
    assert run("ls", "--json", "missing")[:2] == (3, b"")


def test_a_reader_that_has_seen_enough_is_no_error(home: Path) -> None:
    for number in range(3000):
        os.mkfifo(f"pipe-with-a-rather-long-name-{number}")
    both = subprocess.run(
        f"set -o pipefail; {sys.executable} -m pipetui ls | head -n 1",
        shell=True, executable="/bin/bash", capture_output=True, timeout=30,
    )  # fmt: skip
    assert (both.returncode, both.stderr) == (0, b"")


def test_a_full_disk_is_a_sentence(home: Path) -> None:
    os.mkfifo("pipe")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PIPETUI, "ls", "--json"], stdout=full, stderr=subprocess.PIPE, timeout=30)
    assert (done.returncode, done.stderr) == (3, b"pipetui: can't write to standard output: there is no space left\n")


# --- send -------------------------------------------------------------------------------------------------------------


def test_a_message_is_sent_with_a_newline_and_stdin_as_it_is(home: Path) -> None:
    os.mkfifo("pipe")
    with running("cat", "pipe") as cat:
        assert run("send", "pipe", "hello") == (0, b"", "")
        assert cat.communicate()[0] == b"hello\n"
    data = bytes(range(256)) * 1000
    with running("cat", "pipe") as cat:
        sender = subprocess.Popen([*PIPETUI, "send", "pipe"], stdin=subprocess.PIPE)
        out: list[bytes] = []
        thread = threading.Thread(target=lambda: out.append(cat.communicate()[0]))
        thread.start()
        sender.communicate(data)
        thread.join()
        assert (sender.returncode, out) == (0, [data])


def test_bytes_that_are_not_utf_8_are_sent_as_they_are(home: Path) -> None:
    os.mkfifo("pipe")
    with running("cat", "pipe") as cat:
        assert run("send", "pipe", b"\xff\xfe")[0] == 0
        assert cat.communicate()[0] == b"\xff\xfe\n"


def test_a_reader_that_comes_late_is_waited_for(home: Path) -> None:
    os.mkfifo("pipe")
    sender = subprocess.Popen([*PIPETUI, "send", "pipe", "late", "--timeout", "20"])
    with pytest.raises(subprocess.TimeoutExpired):
        sender.wait(0.3)
    with open("pipe", "rb") as pipe:
        assert pipe.read() == b"late\n"
    assert sender.wait(TIMEOUT) == 0


def test_without_a_reader_it_gives_up(home: Path) -> None:
    os.mkfifo("pipe")
    code, stdout, stderr = run("send", "pipe", "x", "--timeout", "0.1")
    assert (code, stdout) == (1, b"")
    assert stderr == "pipetui: no reader opened pipe within 0.1 s; nothing was sent\n"


def test_a_reader_that_does_not_read_is_given_up_with_a_count(home: Path) -> None:
    os.mkfifo("pipe")
    with fifo.open_reader("pipe") as reader:
        code, _, stderr = run("send", "pipe", "--timeout", "0.1", stdin=b"x" * 100_000)
        assert code == 1
        assert "full" in stderr
        assert f"{ioctl.queued(reader.fileno()):,} bytes were written" in stderr


def test_a_reader_that_goes_is_told_with_a_count(home: Path) -> None:
    os.mkfifo("pipe")
    with fifo.open_reader("pipe") as reader:
        sender = subprocess.Popen([*PIPETUI, "send", "pipe"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert sender.stdin
        assert sender.stderr
        sender.stdin.write(b"abc")
        sender.stdin.flush()
        until(lambda: ioctl.queued(reader.fileno()) == 3)
    assert sender.wait(TIMEOUT) == 1  # although its stdin is still open
    assert sender.stderr.read() == b"pipetui: the last reader of pipe has gone; 3 bytes were written\n"
    sender.stdin.close()
    sender.stderr.close()


# --- tail -------------------------------------------------------------------------------------------------------------


def test_writers_come_and_go_and_nothing_is_lost(home: Path) -> None:
    os.mkfifo("pipe")
    with tailing("pipe", "--count", "4") as process:
        assert process.stdout
        for text, lines in ((b"one\ntwo\n", 2), (b"three, unfinished", 1), (b"\xff four\n", 1)):
            fd = when_read(home / "pipe")
            os.write(fd, text)
            os.close(fd)
            printed = b"".join(process.stdout.readline() for _ in range(lines))
            assert printed.rstrip(b"\n") == text.rstrip(b"\n")
        assert process.communicate(timeout=TIMEOUT) == (b"", b"")
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("frame", "out"),
    [("nul", b"a\nb\nc\n\n"), ("3", b"a\0b\n\0c\n\n"), ("chunk", b"a\0b\0c\n"), ("line", b"a\0b\0c\n")],
)
def test_framings(home: Path, frame: str, out: bytes) -> None:
    os.mkfifo("pipe")
    with tailing("pipe", "--frame", frame, "--timeout", "0.5") as process:
        fd = when_read(home / "pipe")
        os.write(fd, b"a\0b\0c\n")
        os.close(fd)
        got, err = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, got) == (1, out)
        assert err.count(b"\n") == 1


def test_an_interrupt_ends_it_with_130_and_no_word(home: Path) -> None:
    os.mkfifo("pipe")
    with tailing("pipe") as process:
        os.close(when_read(home / "pipe"))
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=TIMEOUT) == (b"", b"")
        assert process.returncode == 130


def test_it_ends_when_nobody_reads_its_output_any_more(home: Path) -> None:
    os.mkfifo("pipe")
    with tailing("pipe") as process:
        fd = when_read(home / "pipe")
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(TIMEOUT) == 0
        assert process.stderr.read() == b""
        os.close(fd)


def test_it_ends_when_the_fifo_is_removed(home: Path) -> None:
    os.mkfifo("pipe")
    with tailing("pipe") as process:
        fd = when_read(home / "pipe")
        os.write(fd, b"last words")
        os.unlink("pipe")
        os.close(fd)
        out, err = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, out) == (3, b"last words\n")
        assert err.count(b"\n") == 1


# --- on a terminal ----------------------------------------------------------------------------------------------------


def test_no_control_byte_reaches_a_terminal(home: Path) -> None:
    plant(home)
    with Terminal([*PIPETUI, "ls"], env=dict(os.environ), cwd=home) as terminal:
        assert terminal.wait_exit() == 0
        assert b"osc-" in terminal.raw
        assert harm(terminal.raw) == []
    os.mkfifo("pipe")
    with Terminal([*PIPETUI, "tail", "pipe", "--timeout", "0.5"], env=dict(os.environ), cwd=home) as terminal:
        fd = when_read(home / "pipe")
        os.write(fd, payloads())
        os.close(fd)
        assert terminal.wait_exit() == 1
        assert b"osc-" in terminal.raw
        assert harm(terminal.raw) == []


# --- the program ------------------------------------------------------------------------------------------------------


def test_the_version_costs_hardly_more_than_python_itself() -> None:
    code = (
        "import sys; sys.argv[1:] = ['--version']; from pipetui.__main__ import main; main(); print(len(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, modules = done.stdout.splitlines()
    bare = subprocess.run([sys.executable, "-c", "import sys; print(len(sys.modules))"], capture_output=True, text=True)
    assert version.startswith("pipetui ")
    assert int(modules) <= int(bare.stdout) + 3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    code, stdout, stderr = run(command, "--help")
    assert (code, stderr) == (0, "")
    assert b"\nexample" in stdout
    assert stdout.decode().count("pipetui ") >= 2


def test_the_overview_names_every_command() -> None:
    code, stdout, _ = run("--help")
    assert code == 0
    assert all(f"    {command} ".encode() in stdout for command in COMMANDS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_every_command(shell: str) -> None:
    code, stdout, stderr = run("completions", shell)
    assert (code, stderr) == (0, "")
    assert all(command.encode() in stdout for command in COMMANDS)
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=stdout, check=True)
