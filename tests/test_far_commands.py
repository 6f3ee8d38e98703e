"""Commands on another host: through a real sshd on loopback where there is one, and through a stand-in.

The far side has neither pipetui nor psutil. After each test nothing may run there and nothing lie there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from helper_processes import waits_in_open
from processes import PIPETUI
from sshd import Far, Sshd, StandIn, base_python, why_not
from waiting import wait_until

from pipetui.protocol.heartbeat import SILENCE
from pipetui.watch.findings.ages import WHILE

needs_sshd = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is one")
BOTH = [pytest.param(Sshd, id="sshd", marks=needs_sshd), pytest.param(StandIn, id="stand-in")]


@pytest.fixture(params=BOTH)
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    """Another host, on which nothing may be left."""
    with request.param(tmp_path) as side:
        yield side
        side.assert_left_nothing()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sshd]:
    """Another host with a real sshd."""
    if why_not():
        pytest.skip(why_not())
    with Sshd(tmp_path) as side:
        assert isinstance(side, Sshd)
        yield side
        side.assert_left_nothing()


#: What a test has started.
STARTED: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def nothing_runs_on() -> Iterator[None]:
    """End what a test that failed has left."""
    yield
    for process in STARTED:
        process.kill()
        process.communicate()
    STARTED.clear()


def start(
    far: Far,
    *arguments: str | Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    program: Sequence[str] = PIPETUI,
) -> subprocess.Popen[bytes]:
    """Start a command with `--host`, in a process group of its own."""
    command = [*program, *arguments, "--host", far.host]
    out = subprocess.PIPE
    process = subprocess.Popen(command, env=far.env, stdin=stdin, stdout=out, stderr=out, start_new_session=True)
    STARTED.append(process)
    return process


def finish(process: subprocess.Popen[bytes], stdin: bytes | None = None) -> tuple[int, bytes, str]:
    """Wait for a command; return exit code, stdout and stderr. Whatever happens, there is no traceback."""
    stdout, stderr = process.communicate(stdin, timeout=60)
    STARTED.remove(process)
    assert b"Traceback" not in stderr, stderr.decode()
    return process.returncode, stdout, stderr.decode()


def run(far: Far, *arguments: str | Path, stdin: bytes | None = None) -> tuple[int, bytes, str]:
    """Run a command with `--host`."""
    return finish(start(far, *arguments, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE), stdin)


def sentence(stderr: str) -> str:
    """Return the one sentence on stderr."""
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("pipetui: ")
    return lines[0].removeprefix("pipetui: ")


@contextlib.contextmanager
def there(far: Far, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process on the far side that is not pipetui's, for the time of the block."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def fifo(far: Far, name: str = "pipe") -> Path:
    path = far.home / name
    os.mkfifo(path)
    return path


# --- what each command does -------------------------------------------------------------------------------------------


def test_what_runs_there_has_neither_pipetui_nor_psutil(far: Far) -> None:
    for module in ("pipetui", "psutil"):
        command = ["ssh", far.host, f"python3 -c 'import {module}'"]
        assert subprocess.run(command, env=far.env, stdin=subprocess.DEVNULL, capture_output=True).returncode == 1


def test_the_list_of_another_host_is_as_one_made_there(far: Far) -> None:
    path = fifo(far)
    (far.home / "sub").mkdir()
    os.mkfifo(far.home / "sub" / "deep")
    with there(far, "sleep", "60") as sleeper, open(os.open(path, os.O_RDWR), "wb", buffering=0) as end:
        end.write(b"seven b")
        code, stdout, stderr = run(far, "ls", "--json", far.home)
        assert (code, stderr) == (0, "")
        told = json.loads(stdout)
        local = subprocess.run([*PIPETUI, "ls", "--json", far.home], capture_output=True, check=True)
        assert sleeper.poll() is None
    for answer in (told, here := json.loads(local.stdout)):
        del answer["time"], answer["unreadable_processes"], answer["partial"]
        answer["pipes"] = [pipe for pipe in answer["pipes"] if (pipe["path"] or "").startswith(str(far.home))]
    assert told == here
    assert [(pipe["path"], pipe["queued"]) for pipe in told["pipes"]] == [
        (str(path), 7),
        (str(far.home / "sub" / "deep"), None),
    ]
    (far.home / "sub" / "deep").unlink()
    (far.home / "sub").rmdir()


def test_relative_paths_start_where_a_login_there_does(box: Sshd) -> None:
    home = Path("~").expanduser()  # sshd takes it from the user database, not from HOME
    fifo(box)
    relative = os.path.relpath(box.home, home)
    code, stdout, stderr = run(box, "ls", relative)
    assert (code, stderr) == (0, "")
    assert str(box.home / "pipe") in stdout.decode()


def test_a_missing_path_is_told_and_the_rest_is_listed(far: Far) -> None:
    path = fifo(far)
    code, stdout, stderr = run(far, "ls", far.home, "/nowhere/at/all")
    assert code == 3
    assert sentence(stderr) == "far-box: /nowhere/at/all does not exist"
    assert str(path) in stdout.decode()


def test_names_that_drive_a_terminal_are_shown_as_escapes(far: Far) -> None:
    fifo(far, "evil\x1b[2J\n\u202e")
    code, stdout, _ = run(far, "ls", far.home)
    assert code == 0
    assert b"\x1b" not in stdout
    assert "evil\\e[2J\\n\\u202e" in stdout.decode()


def test_ten_thousand_fifos_come_through(far: Far) -> None:
    for number in range(10_000):
        os.mkfifo(far.home / f"{number:05d}")
    code, stdout, _ = run(far, "ls", "--json", far.home)
    assert code == 0
    told = {Path(pipe["path"]).name for pipe in json.loads(stdout)["pipes"] if pipe["path"]}
    assert {f"{number:05d}" for number in range(10_000)} <= told


def test_a_problem_there_is_told_with_exit_code_1(far: Far) -> None:
    path = fifo(far)
    with there(far, "sh", "-c", f"echo x > {path}") as shell:
        wait_until(lambda: waits_in_open(shell.pid), what="a blocked writer")
        began = psutil.Process(shell.pid).create_time()
        wait_until(lambda: time.time() - began > WHILE, what="it has stood so long that it is a problem")
        wait_until(lambda: run(far, "doctor", path)[0] == 1, what="it is called one")
        code, stdout, stderr = run(far, "doctor", path)
        assert (code, stderr) == (1, "")
        assert f"no-reader: sh ({shell.pid}) waits to write to {path}, which nobody reads" in stdout.decode()
        code, stdout, _ = run(far, "doctor", "--pid", str(shell.pid))
        assert code == 1
        assert f"to open {path}; it goes on when some process opens that for reading" in stdout.decode()
        code, stdout, _ = run(far, "doctor", "--json", path)
        assert code == 1
        finding = json.loads(stdout)["findings"][0]
        assert finding["pids"] == [shell.pid]
        assert f"`pipetui tail --host far-box {path}`" in finding["fix"]
        assert f"`ssh far-box kill {shell.pid}`" in finding["fix"]
    code, stdout, stderr = run(far, "doctor", "--pid", str(shell.pid))
    assert (code, stdout) == (3, b"")
    assert sentence(stderr) == f"far-box: there is no process {shell.pid}, or it is a kernel thread"


def test_the_very_bytes_in_a_pipe_there_are_seen_and_stay(far: Far) -> None:
    path = fifo(far)
    data = bytes(range(256)) * 200
    with open(os.open(path, os.O_RDWR), "r+b", buffering=0, opener=None) as end:
        end.write(data)
        for _ in range(2):
            code, stdout, stderr = run(far, "peek", path)
            assert (code, stdout) == (0, data)
            assert f"{len(data):,} of 65,536 bytes queued" in stderr
        assert end.read(len(data)) == data
    code, stdout, stderr = run(far, "peek", path)
    assert (code, stdout) == (0, b"")
    assert "nobody has it open" in stderr
    code, _, stderr = run(far, "peek", "/dev/null")
    assert code == 3
    assert sentence(stderr) == "far-box: /dev/null is no FIFO or pipe"


def test_what_is_sent_there_comes_out_of_a_tail_there(far: Far) -> None:
    path = fifo(far)
    tail = start(far, "tail", path, "--count", "4")
    assert run(far, "send", path, "one message", "--timeout", "30") == (0, b"", "")
    assert run(far, "send", path, "--timeout", "30", stdin=b"two\n\xff\x00\x1b three\n") == (0, b"", "")
    assert run(far, "send", path, "four") == (0, b"", "")
    assert finish(tail) == (0, b"one message\ntwo\n\xff\x00\x1b three\nfour\n", "")


def test_a_megabyte_comes_through_whole_in_both_directions(far: Far) -> None:
    path = fifo(far)
    data = b"".join(b"%07d\n" % number for number in range(1 << 17))
    taken = far.folder / "taken"
    with open(taken, "wb") as file:
        command: list[str | Path] = [*PIPETUI, "tail", path, "--count", str(1 << 17), "--host", far.host]
        tail = subprocess.Popen(command, env=far.env, stdin=subprocess.DEVNULL, stdout=file)
        STARTED.append(tail)
    assert run(far, "send", path, "--timeout", "30", stdin=data) == (0, b"", "")
    assert tail.wait(60) == 0
    assert taken.read_bytes() == data


def test_no_answer_in_time_is_a_negative_answer(far: Far) -> None:
    path = fifo(far)
    code, _, stderr = run(far, "send", path, "x", "--timeout", "0.2")
    assert code == 1
    assert sentence(stderr) == f"far-box: no reader opened {path} within 0.2 s; nothing was sent"
    code, _, stderr = run(far, "tail", path, "--timeout", "0.2")
    assert code == 1
    assert sentence(stderr) == f"far-box: nothing came through {path} for 0.2 s"
    code, _, stderr = run(far, "watch", path, "--until", "reader", "--timeout", "0.2")
    assert code == 1
    assert sentence(stderr) == f"far-box: {path}: not open to a reader within 0.2 s"


def test_changes_there_are_told_as_they_come(far: Far) -> None:
    path = fifo(far)
    watch = start(far, "watch", path, "--json", "--until", "reader")
    assert watch.stdout is not None
    first = json.loads(watch.stdout.readline())
    assert first["path"] == str(path)
    with there(far, "cat", str(path)) as cat:
        code, stdout, stderr = finish(watch)
        assert (code, stderr) == (0, "")
        waiters = [waiter["pid"] for line in stdout.splitlines() for waiter in json.loads(line)["waiters"]]
        assert cat.pid in waiters


# --- how links end ----------------------------------------------------------------------------------------------------


#: The program, sooner out of patience with a silent far side.
IMPATIENCE = 5.0
IMPATIENT = (
    sys.executable,
    "-c",
    f"import sys\nfrom pipetui.protocol import heartbeat\nheartbeat.SILENCE = {IMPATIENCE}\n"
    "from pipetui.__main__ import main\nsys.exit(main())",
)


def tailing(far: Far, program: Sequence[str] = PIPETUI) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """A tail that has printed something, and the ssh that it runs through."""
    path = fifo(far)
    tail = start(far, "tail", path, program=program)
    with open(path, "wb") as end:
        end.write(b"it runs\n")
    assert tail.stdout is not None
    assert tail.stdout.readline() == b"it runs\n"
    (ssh,) = psutil.Process(tail.pid).children()
    return tail, ssh


def test_a_killed_ssh_is_one_sentence(far: Far) -> None:
    tail, ssh = tailing(far)
    ssh.kill()
    code, _, stderr = finish(tail)
    assert code == 3
    assert sentence(stderr) == "ssh to far-box was killed by signal 9"


@needs_sshd
def test_a_stopped_ssh_is_one_sentence_after_a_while(box: Sshd) -> None:
    assert IMPATIENCE < SILENCE
    tail, ssh = tailing(box, IMPATIENT)
    ssh.suspend()
    code, _, stderr = finish(tail)  # within a minute
    assert code == 3
    assert sentence(stderr) == f"far-box has said nothing for {IMPATIENCE:g} s; the link was ended"


@needs_sshd
def test_a_quiet_link_is_kept(box: Sshd) -> None:
    tail, _ = tailing(box)
    with pytest.raises(subprocess.TimeoutExpired):
        tail.wait(SILENCE + 4)
    with open(box.home / "pipe", "wb") as end:
        end.write(b"still there\n")
    assert tail.stdout is not None
    assert tail.stdout.readline() == b"still there\n"
    os.killpg(tail.pid, signal.SIGINT)
    assert finish(tail)[0] == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_there_when_the_command_is_ended(far: Far, number: signal.Signals) -> None:
    tail, _ = tailing(far)
    tail.send_signal(number)
    assert finish(tail)[0] in (130, -number)
    far.assert_left_nothing()


def test_a_sender_that_waits_long_does_not_stay_there(far: Far) -> None:
    path = fifo(far)
    send = start(far, "send", path, "x", "--timeout", "3600")
    wait_until(
        lambda: any(process.name() == "pipetui-far" for process in far.processes()), what="the sender on the far side"
    )
    send.kill()
    finish(send)
    far.assert_left_nothing()


def test_a_tail_ends_when_nobody_reads_its_output(far: Far) -> None:
    tail, _ = tailing(far)
    assert tail.stdout is not None
    tail.stdout.close()
    tail.stdout = None
    assert finish(tail)[0] == 0


@needs_sshd
def test_an_sshd_that_hangs_up_is_one_sentence(box: Sshd) -> None:
    tail, _ = tailing(box)
    assert box.process is not None
    for session in psutil.Process(box.process.pid).children():
        session.kill()
    code, _, stderr = finish(tail)
    assert code == 3
    assert sentence(stderr).startswith(("the link to far-box has ended", "far-box"))


# --- what is not as it should be there --------------------------------------------------------------------------------

LIAR = """\
import os, re, sys, time, zlib
mark = re.search(r'"([0-9a-f]{{16}})', sys.argv[2].replace("\\\\", "")).group(1)[::-1]
print(mark, "{version}", "{system}", "0a0d", flush=True)
stream = zlib.compressobj(1)
def tell_raw(data):
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
def tell(data):
    tell_raw(stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))
{body}
"""


def lie(far: Far, body: str = "", version: str = "3.11", system: str = "linux") -> None:
    """Let the python3 there be a program that only speaks the mark, and then does as it likes."""
    program = far.bin / "liar.py"
    program.write_text(LIAR.format(version=version, system=system, body=body))
    far.script("python3", f'exec {base_python()} -I -S {program} "$@"')


#: Takes the payload and the question.
LISTENS = "left = int(sys.stdin.buffer.read(10)); sys.stdin.buffer.read(left); sys.stdin.buffer.read(4)\n"


def frames(*bodies: str) -> str:
    """Return a liar's body that answers with these frames of JSON."""
    told = b"".join(len(body).to_bytes(4, "big") + body.encode() for body in bodies)
    return f"{LISTENS}tell({told!r}); time.sleep(0.5)"


PIPE = '{"id": [1, 2], "paths": ["/x"]'

HOSTILE = {
    "garbage": LISTENS + 'tell_raw(b"\\xff\\xfe" * 5000); time.sleep(0.5)',
    "garbage in the stream": LISTENS + 'tell(b"\\xff\\xfe" * 5000); time.sleep(0.5)',
    "the end of the stream": LISTENS + "tell_raw(stream.flush()); time.sleep(0.5)",
    "a frame of 4 GiB": LISTENS + 'tell(b"\\xff" * 4 + b"x" * 100); time.sleep(0.5)',
    "no JSON": frames("hello"),
    "deep JSON": frames("[" * 100_000),
    "a huge number": frames('{"t": "Listed", "host": "x", "time": 1' + "0" * 5000 + "}"),
    "an unknown answer": frames('{"t": "Exec", "command": "rm"}'),
    "a missing field": frames('{"t": "Listed", "host": "x"}'),
    "a time that is none": frames('{"t": "Listed", "host": "x", "time": 1e300, "unreadable": 0, "partial": []}'),
    "no capacity at all": frames('{"t": "Pipes", "pipes": [' + PIPE + ', "queued": 1, "capacity": 0}], "found": []}'),
    "less than nothing": frames('{"t": "Pipes", "pipes": [' + PIPE + ', "queued": -1}], "found": []}'),
    "a mode of a monster": frames('{"t": "Pipes", "pipes": [' + PIPE + ', "mode": 99999999}], "found": []}'),
    "an endless name": frames(
        '{"t": "Pipes", "pipes": [{"id": [1, 2], "paths": ["' + "x" * 300_000 + '"]}], "found": []}'
    ),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_host_ends_only_its_own_link(tmp_path: Path, body: str) -> None:
    with StandIn(tmp_path) as far:
        lie(far, body)
        code, stdout, stderr = run(far, "ls", "/")
        assert (code, stdout) == (3, b"")
        assert sentence(stderr).startswith("far-box sent something that is not understood (")


def test_a_host_that_sends_too_much_is_refused(tmp_path: Path) -> None:
    flood = 'frame = (1 << 20).to_bytes(4, "big") + b" " * (1 << 20)\n'
    pipes = '{"t": "Pipes", "pipes": [], "found": []}'
    with StandIn(tmp_path) as far:
        told = f'body = {pipes!r}.ljust(8 << 20).encode(); data = len(body).to_bytes(4, "big") + body\n'
        lie(far, LISTENS + flood + told + "while True: tell(data)")
        code, _, stderr = run(far, "ls", "/")
        assert code == 3
        assert "an answer of more than 256 MiB" in sentence(stderr)
        far.assert_left_nothing()


@pytest.mark.parametrize("command", ["ls", "doctor", "peek", "watch", "send", "tail"])
def test_what_the_far_side_complains_of_is_made_safe(tmp_path: Path, command: str) -> None:
    with StandIn(tmp_path) as far:
        lie(far, frames('{"t": "Ended", "outcome": "impossible", "message": "no\\u001b[2J\\nno"}'))
        arguments = [command] if command in ("ls", "doctor") else [command, "/x"]
        code, _, stderr = run(far, *arguments)
        assert code == 3
        assert sentence(stderr) == "far-box: no\\e[2J\\nno"


@pytest.mark.parametrize("version", ["2.7", "3.8", "3.9"])
def test_a_python_that_is_too_old_is_one_sentence(tmp_path: Path, version: str) -> None:
    with StandIn(tmp_path) as far:
        lie(far, "sys.exit(0)", version=version)
        code, _, stderr = run(far, "ls")
        assert code == 3
        assert sentence(stderr).startswith(f"far-box runs Python {version}; pipetui needs 3.10 or newer there")


def old_pythons() -> list[Any]:
    """Return the interpreters of this machine that are too old, each a test's parameter."""
    folders = [*os.environ.get("PATH", "").split(":"), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    found = {
        version: path
        for version in ("2.7", "3.6", "3.8", "3.9")
        for folder in folders
        if "shims" not in folder and os.access(path := f"{folder}/python{version}", os.X_OK)
    }
    missing = pytest.param("", "", marks=pytest.mark.skip(reason="no Python older than 3.10 on this machine"))
    return [pytest.param(version, path, id=version) for version, path in found.items()] or [missing]


@pytest.mark.parametrize(("version", "path"), old_pythons())
def test_a_real_old_python_says_so_or_makes_way_for_a_newer_one(tmp_path: Path, version: str, path: str) -> None:
    with StandIn(tmp_path, path="/nowhere") as far:
        far.script("python3", f'exec {path} "$@"')
        code, _, stderr = run(far, "ls", far.home)
        assert code == 3
        assert sentence(stderr).startswith(f"far-box runs Python {version}; pipetui needs 3.10 or newer there")
        far.script("python3.12", f'exec {base_python()} -I -S "$@"')
        os.mkfifo(far.home / "pipe")
        code, stdout, stderr = run(far, "ls", far.home)
        assert (code, stderr) == (0, "")
        assert "/home/pipe" in stdout.decode()


@pytest.mark.parametrize("kind", BOTH)
def test_no_python_is_one_sentence(tmp_path: Path, kind: type[Far]) -> None:
    with kind(tmp_path, path="/nowhere") as far:
        (far.bin / "python3").unlink()
        code, _, stderr = run(far, "ls")
        assert code == 3
        assert sentence(stderr).startswith("far-box has no python3 to run; pipetui needs Python 3.10 or newer there")
        code, _, stderr = run(far, "ls", "--python", "python3.99")
        assert sentence(stderr).startswith("far-box has no python3.99 to run")


def test_another_system_is_one_sentence(tmp_path: Path) -> None:
    with StandIn(tmp_path) as far:
        lie(far, "sys.exit(0)", system="darwin")
        code, _, stderr = run(far, "ls")
        assert code == 3
        assert sentence(stderr) == "far-box is no Linux (darwin): pipetui can't look at its pipes"


NOISE = "echo welcome; printf '\\033[2J\\377\\000no newline'; echo grumble >&2; head -c 30000 /dev/urandom"


def test_what_a_login_prints_is_skipped(far: Far) -> None:
    far.login_prints(NOISE)
    path = fifo(far)
    if (
        isinstance(far, Sshd)
        and b"welcome"
        not in subprocess.run(
            ["ssh", far.host, "true"], env=far.env, stdin=subprocess.DEVNULL, capture_output=True
        ).stdout
    ):
        pytest.skip("the login shell of this user reads no .bashrc")
    code, stdout, stderr = run(far, "ls", far.home)
    assert (code, stderr) == (0, "")
    assert str(path) in stdout.decode()


def test_a_login_that_prints_for_ever_is_given_up(tmp_path: Path) -> None:
    with StandIn(tmp_path) as far:
        far.login_prints("cat /dev/zero")
        code, _, stderr = run(far, "ls")
        assert code == 3
        assert sentence(stderr).startswith("far-box printed more than 64 KiB before pipetui could speak there")


def test_a_login_that_ends_the_session_is_one_sentence(tmp_path: Path) -> None:
    with StandIn(tmp_path) as far:
        far.script("ssh", "echo 'This account is not available.'; exit 1", near=True)
        code, _, stderr = run(far, "ls")
        assert code == 3
        assert sentence(stderr) == (
            "far-box ended the link before Python spoke there, with exit code 1 (This account is not available.)"
        )


@needs_sshd
def test_a_banner_and_a_forced_command_do_no_harm(tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text("Authorised use only\n" * 20)
    force = tmp_path / "force"
    force.write_text('#!/bin/sh\necho forced; sh -c "$SSH_ORIGINAL_COMMAND"\n')
    force.chmod(0o755)
    with Sshd(tmp_path, extra=f"Banner {banner}\nForceCommand {force}") as far:
        path = fifo(far)
        code, stdout, stderr = run(far, "ls", far.home)
        assert (code, stderr) == (0, "")
        assert str(path) in stdout.decode()
        far.assert_left_nothing()


@needs_sshd
def test_what_ssh_says_of_its_failure_is_passed_on(box: Sshd) -> None:
    config = box.config.read_text()
    box.config.write_text(config.replace("StrictHostKeyChecking yes", "UserKnownHostsFile /dev/null"))
    box.config.write_text(config.replace(f"{box.config.parent / 'user'}\n", "/nowhere\n"))
    code, _, stderr = run(box, "ls")
    assert code == 3
    assert sentence(stderr).startswith("far-box can't be reached: ")
    assert "Permission denied (publickey)" in stderr
    box.config.write_text(config.replace("Port ", "Port 1\n#"))
    code, _, stderr = run(box, "ls")
    assert code == 3
    assert sentence(stderr).startswith("far-box can't be reached: connect to host 127.0.0.1 port 1: ")


def test_a_machine_without_ssh_says_so(tmp_path: Path) -> None:
    with StandIn(tmp_path) as far:
        far.env["PATH"] = "/nowhere"
        code, _, stderr = run(far, "ls")
        assert code == 3
        assert sentence(stderr) == "there is no ssh on this machine: install the OpenSSH client"


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "", "two words", "new\nline"])
def test_what_can_be_no_host_is_a_mistake(host: str) -> None:
    done = subprocess.run([*PIPETUI, "ls", f"--host={host}"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "is not the name of a host" in sentence(done.stderr)


def test_commands_take_one_host(tmp_path: Path) -> None:
    command = [*PIPETUI, "ls", "--host", "a", "--host", "b"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert sentence(done.stderr) == "one --host at a time; only the monitor shows several hosts at once"


def test_this_machine_is_called_local(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = subprocess.run([*PIPETUI, "ls", "--host", "local", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0
    assert str(tmp_path / "pipe") in done.stdout


def test_a_command_on_another_host_loads_no_event_loop(tmp_path: Path) -> None:
    code = "import sys; sys.argv = {argv!r}; from pipetui.__main__ import main; main(); print(*sys.modules)"
    with StandIn(tmp_path) as far:
        argv = ["pipetui", "ls", "--json", "--host", far.host, str(far.home)]
        command = [sys.executable, "-c", code.format(argv=argv)]
        done = subprocess.run(command, env=far.env, capture_output=True, text=True, check=True)
        assert not {"asyncio", "textual", "pipetui.protocol.messages"} & set(done.stdout.split())
