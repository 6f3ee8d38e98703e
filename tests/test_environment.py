"""A hostile environment: closed streams, full devices, few descriptors, no temporary folder, odd configs, no UTF-8.

Whatever it is, a person gets one sentence and a script the right exit code; a traceback, the name of a Python class or
an errno is never an answer. Where the thing can be done all the same, it is.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import PIPETUI, Sandbox
from rich.cells import cell_len
from terminal import Terminal

from pipetui.cli.app import COMMANDS
from pipetui.substitutes import TEXT, drawn
from pipetui.tui.core.encoding import CELLS

ROOT = Path(__file__).resolve().parent.parent

#: What only a programmer should see.
FOR_PROGRAMMERS = re.compile(r"Traceback|Errno|\b[A-Z]\w*(Error|Exception|Warning)\b|Exception ignored|<_io\.|\.py\b")

#: A locale without UTF-8: Python must neither switch to its own UTF-8 mode nor coerce the locale (PEP 538, PEP 540).
POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

#: Commands that print: their exit code where all is well.
PRINTING: dict[tuple[str, ...], int] = {
    ("--version",): 0,
    ("--help",): 0,
    ("ls", "."): 0,
    ("ls", "--json", "."): 0,
    ("doctor", "."): 0,
    ("doctor", "--json", "."): 0,
    ("watch", "pipe", "--timeout", "0.05"): 0,
    ("lab",): 0,
    ("completions", "bash"): 0,
    **{(command, "--help"): 0 for command in COMMANDS},
}

#: Commands of which only the exit code counts.
SILENT: dict[tuple[str, ...], int] = {
    ("create", "made"): 0,
    ("rm", "old"): 0,
    ("send", "pipe", "x", "--timeout", "0.05"): 1,
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        os.mkfifo(made.work / "pipe")
        os.mkfifo(made.work / "old")
        yield made


def run(
    sandbox: Sandbox, *arguments: str, redirect: str = "", first: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pipetui without a terminal, its streams redirected as a shell does it."""
    return subprocess.run(
        ["sh", "-c", f'{first} exec "$@" {redirect}', "sh", *PIPETUI, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={**sandbox.env, **(env or {})},
        cwd=sandbox.work,
        timeout=60,
    )


def run_all(
    sandbox: Sandbox, commands: Iterable[tuple[str, ...]], redirect: str = "", env: Mapping[str, str] | None = None
) -> list[tuple[tuple[str, ...], subprocess.CompletedProcess[str]]]:
    """Run several commands side by side."""
    with ThreadPoolExecutor(4) as pool:
        done = [(each, pool.submit(run, sandbox, *each, redirect=redirect, env=env)) for each in commands]
        return [(each, future.result()) for each, future in done]


def is_one_sentence(text: str) -> bool:
    """Tell whether a complaint is one line for people."""
    return len(text.splitlines()) == 1 and not FOR_PROGRAMMERS.search(text)


# --- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", "<&- >&-"])
def test_a_stdout_that_takes_nothing_is_one_sentence(sandbox: Sandbox, redirect: str) -> None:
    for arguments, done in run_all(sandbox, PRINTING, redirect):
        assert done.returncode == 3, (arguments, done)
        assert is_one_sentence(done.stderr), (arguments, done)
        assert "standard output" in done.stderr


@pytest.mark.parametrize("redirect", ["<&-", "2>&-", "<&- 2>&-", "2>/dev/full"])
def test_a_stream_that_is_not_needed_may_be_closed(sandbox: Sandbox, redirect: str) -> None:
    for arguments, done in run_all(
        sandbox, [("--version",), ("ls", "."), ("doctor", "."), ("lab",), *SILENT], redirect
    ):
        assert done.returncode == {**PRINTING, **SILENT}[arguments], (arguments, done)
        assert bool(done.stdout) == (arguments in PRINTING), (arguments, done)
        complains = done.returncode != 0 and "2>" not in redirect
        assert is_one_sentence(done.stderr) if complains else not done.stderr, (arguments, done)


@pytest.mark.parametrize("redirect", [">&-", "<&- >&- 2>&-"])
def test_what_prints_nothing_needs_no_stdout(sandbox: Sandbox, redirect: str) -> None:
    for arguments, done in run_all(sandbox, SILENT, redirect):
        assert done.returncode == SILENT[arguments], (arguments, done)
        assert not FOR_PROGRAMMERS.search(done.stderr)


@pytest.mark.parametrize(
    ("redirect", "commands"),
    [
        ("<&-", [(), ("send", "pipe"), ("hub",)]),
        (
            ">&-",
            [(), ("hub",), ("tail", "pipe"), ("peek", "pipe"), ("demo", "--plain"), ("bench",), ("lab", "sigpipe")],
        ),
        ("<&- >&-", [(), ("lab", "sigpipe")]),
    ],
)
def test_a_closed_stream_that_is_needed_is_said_before_anything_is_done(
    sandbox: Sandbox, redirect: str, commands: list[tuple[str, ...]]
) -> None:
    for arguments, done in run_all(sandbox, commands, redirect):
        assert done.returncode == 3, (arguments, done)
        assert is_one_sentence(done.stderr), (arguments, done)
        assert "closed" in done.stderr


def test_nothing_that_is_opened_takes_the_number_of_a_closed_stream() -> None:
    code = "import os; from pipetui import streams; streams.hold(); os._exit(os.open('/etc/hostname', os.O_RDONLY))"
    for redirect in ("<&- >&- 2>&-", "<&-", ">&-", "2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-c", code], cwd=ROOT)
        assert done.returncode > 2, redirect


def test_a_nonblocking_stdout_gets_all_that_is_printed(sandbox: Sandbox) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with subprocess.Popen([*PIPETUI, "completions", "bash"], stdout=write, env=sandbox.env) as process:
        os.close(write)
        with open(read, "rb") as output:
            first = output.read(1)
            rest = output.read()
        assert process.wait() == 0
    assert first + rest == run(sandbox, "completions", "bash").stdout.encode()


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/null", "2>log"])
def test_the_monitor_draws_on_the_terminal_also_when_stderr_is_elsewhere(sandbox: Sandbox, redirect: str) -> None:
    with in_terminal(sandbox, ".", redirect=redirect) as terminal:
        terminal.wait_for("nobody has it open")
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.left_behind() == []


def in_terminal(
    sandbox: Sandbox, *arguments: str, redirect: str = "", first: str = "", env: Mapping[str, str] | None = None
) -> Terminal:
    """Start pipetui in a terminal, by a shell."""
    script = f'{first} exec "$@" {redirect}'
    return sandbox.terminal("-c", script, "sh", *PIPETUI, *arguments, command=("sh",), env=env)


# --- what is scarce ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [20, 12])
def test_too_few_descriptors_are_said_before_anything_starts(sandbox: Sandbox, limit: int) -> None:
    for arguments in (("demo", "--plain"), ("lab", "rendezvous"), ("bench", "--seconds", "0.3")):
        done = run(sandbox, *arguments, first=f"ulimit -n {limit};")
        assert (done.returncode, done.stdout) == (3, ""), (arguments, done)
        assert is_one_sentence(done.stderr), (arguments, done)
        assert "ulimit -n" in done.stderr
    sandbox.assert_empty()


def test_the_monitor_says_that_there_are_too_few_descriptors(sandbox: Sandbox) -> None:
    with in_terminal(sandbox, first="ulimit -n 20;") as terminal:
        assert terminal.wait_exit() == 3
        assert "ulimit -n" in terminal.text()
        assert b"\x1b" not in terminal.raw


def test_few_descriptors_are_enough_to_look_around(sandbox: Sandbox) -> None:
    done = run(sandbox, "ls", ".", first="ulimit -n 20;")
    assert (done.returncode, done.stderr) == (0, "")
    assert "pipe" in done.stdout
    done = run(sandbox, "ls", ".", first="ulimit -n 6;")  # what it would see then is not all there is
    assert done.returncode == 3
    assert is_one_sentence(done.stderr)


NO_TEMPORARY_FOLDER = """
import sys, tempfile
tempfile._candidate_tempdir_list = lambda: ["/proc"]
from pipetui.__main__ import main
sys.exit(main())
"""


def test_a_demo_without_a_temporary_folder_is_a_sentence(sandbox: Sandbox) -> None:
    command = [sys.executable, "-c", NO_TEMPORARY_FOLDER, "demo", "--plain", "--seconds", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, env=sandbox.env, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout) == (3, ""), done
    assert is_one_sentence(done.stderr), done
    assert "temporary folder" in done.stderr


@pytest.mark.parametrize("arguments", [("demo", "--plain", "--seconds", "9"), ("lab", "rendezvous")], ids=" ".join)
@pytest.mark.parametrize("inodes", [2, 3])
def test_a_full_temporary_folder_is_a_sentence(sandbox: Sandbox, arguments: tuple[str, ...], inodes: int) -> None:
    """A file can be made, so it is taken for usable, but not all that is needed."""
    space = ["unshare", "--mount", "--map-root-user"]
    mount = f"mount -t tmpfs -o size=64k,nr_inodes={inodes} tmpfs {sandbox.tmp}"
    if not shutil.which("unshare") or subprocess.run([*space, "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no filesystem can be mounted here")
    script = f'{mount} && exec "$@"'
    done = subprocess.run(
        [*space, "sh", "-c", script, "sh", *PIPETUI, *arguments],
        capture_output=True, text=True, env=sandbox.env, cwd=sandbox.work, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3, done
    assert is_one_sentence(done.stderr), done
    assert "no space left" in done.stderr


@pytest.mark.parametrize("env", [{"TMPDIR": "/nonexistent"}, {"HOME": "/nonexistent"}, {"PATH": ""}, {"COLUMNS": "0"}])
def test_what_is_missing_and_not_needed_is_not_missed(sandbox: Sandbox, env: dict[str, str]) -> None:
    done = run(sandbox, "ls", ".", env=env) if "PATH" not in env else run(sandbox, "ls", ".", first="PATH=;")
    assert (done.returncode, done.stderr) == (0, "")


# --- configurations ---------------------------------------------------------------------------------------------------


def odd_configs(folder: Path) -> dict[str, int]:
    """Make files that are no configuration, and return the exit code that each gets."""
    os.mkfifo(folder / "fifo")
    (folder / "deep").write_text("theme = " + "[" * 100_000)
    (folder / "tables").write_text("theme = " + "{a=" * 100_000)
    (folder / "digits").write_text("fps = " + "9" * 10_000)
    with open(folder / "large", "wb") as file:
        file.truncate(1 << 30)
    return {
        "deep": 3, "tables": 3, "digits": 2, "large": 2, "fifo": 2, "..": 2, "missing": 2,
        "/dev/zero": 2, "/dev/tty": 2, "/dev/random": 2, "/dev/stdin": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["deep", "tables", "digits", "large", "fifo", "..", "missing", "/dev/zero", "/dev/tty", "/dev/stdin"]
)
def test_an_odd_config_is_a_sentence_at_once(sandbox: Sandbox, name: str) -> None:
    code = odd_configs(sandbox.work)[name]
    with sandbox.terminal("--config", name) as terminal:
        assert terminal.wait_exit() == code
        assert terminal.text().strip().startswith(f"pipetui: {name}: ")
        assert not FOR_PROGRAMMERS.search(terminal.text())
        assert b"\x1b" not in terminal.raw


def test_a_config_may_come_from_a_command(sandbox: Sandbox) -> None:
    script = """exec "$@" --config <(echo '[keys]'; echo 'quit = "X"')"""
    with sandbox.terminal("-c", script, "bash", *PIPETUI, ".", command=("bash",)) as terminal:
        terminal.wait_for("nobody has it open")
        terminal.send("X")
        assert terminal.wait_exit() == 0


def test_a_folder_in_a_config_is_found_in_any_locale(sandbox: Sandbox) -> None:
    folder = sandbox.work / "größe"
    folder.mkdir()
    os.mkfifo(folder / "inside")
    (sandbox.work / "config").write_text(f'roots = ["{folder}"]', encoding="utf-8")
    for env in ({}, POSIX):
        with sandbox.terminal("--config", "config", env=env) as terminal:
            terminal.wait_for("inside")


# --- a locale without UTF-8 -------------------------------------------------------------------------------------------


def test_what_is_printed_is_plain_ascii_without_escapes(sandbox: Sandbox) -> None:
    bench = ("bench", "-m", "pipe", "-s", "16", "--seconds", "0.2")
    for arguments, done in run_all(sandbox, [*PRINTING, bench, ("lab", "sigpipe", "--pace", "fast")], env=POSIX):
        assert done.returncode == 0, (arguments, done)
        assert (done.stdout + done.stderr).isascii(), arguments
        if "--json" not in arguments:  # in JSON an escape is what is meant
            assert not re.search(r"\\[uUx][0-9a-f]{2}", done.stdout), (arguments, done.stdout)


def test_text_of_others_is_shown_byte_by_byte(sandbox: Sandbox) -> None:
    os.mkfifo(sandbox.work / "größe")
    done = run(sandbox, "ls", ".", env=POSIX)
    assert r"gr\xc3\xb6\xc3\x9fe" in done.stdout
    for arguments in (("ls", "nö"), ("completions", "nö"), ("ls", "--host", "nö x"), ("lab", "nö")):
        done = run(sandbox, *arguments, env=POSIX)
        assert done.returncode in (2, 3)
        assert is_one_sentence(done.stderr)
        assert r"n\xc3\xb6" in done.stderr, done
    with sandbox.terminal("tail", "pipe", "--count", "1", env=POSIX) as tail:
        assert run(sandbox, "send", "pipe", "größe →", "--timeout", "15").returncode == 0
        assert tail.wait_exit() == 0
        assert tail.text().strip() == r"gr\xc3\xb6\xc3\x9fe >"


#: Keys, and what the screen shows after each.
WALK = (("?", "Everywhere"), ("escape", "FIFOS"), ("w", "Template"), ("escape", "MESSAGES"), ("enter", "PEEK"))


def screens(sandbox: Sandbox, env: Mapping[str, str], wanted: Sequence[list[str]] = ()) -> list[list[str]]:
    """Return the lines of several screens of a monitor on FIFOs that nobody uses; of each wait for what is wanted."""
    with sandbox.terminal(".", columns=100, rows=30, env=env) as terminal:
        terminal.wait_for("nobody has it open")
        terminal.settle(1.5)  # until what can be said of them is said
        seen = [terminal.lines()]
        for number, (key, there) in enumerate(WALK, 1):
            terminal.send(key)
            terminal.wait_for(there)
            terminal.settle(0.2)
            if wanted:
                terminal.wait_until(lambda: terminal.lines() == wanted[number])  # noqa: B023
            seen.append(terminal.lines())
        terminal.send("ctrl+q")
        assert terminal.wait_exit() == 0
        assert re.search(rb"\\[uUx][0-9a-f]{2}", terminal.raw) is None
        return seen


def test_the_screen_is_the_same_in_ascii_and_as_aligned(sandbox: Sandbox) -> None:
    usual = [[line.encode("ascii", CELLS).decode() for line in lines] for lines in screens(sandbox, {})]
    plain = screens(sandbox, POSIX, usual)
    assert all(line.isascii() for lines in plain for line in lines)
    assert plain == usual


def test_all_that_we_draw_with_has_a_substitute_of_one_cell() -> None:
    for source in (ROOT / "pipetui").rglob("*.py"):
        for char in set(source.read_text(encoding="utf-8")):
            if not char.isascii() and source.name != "substitutes.py":
                instead = drawn(char) or ""
                assert instead.isascii(), (source.name, char)
                assert len(instead) == cell_len(char) == 1, (source.name, char)


@settings(max_examples=50)
@given(st.text(st.characters(min_codepoint=0xA0, exclude_categories=["Cs", "Cc", "Cn"]), max_size=8))
def test_on_the_screen_a_substitute_takes_as_many_cells(text: str) -> None:
    assert cell_len(text.encode("ascii", CELLS).decode()) == cell_len(text)


@settings(max_examples=50)
@given(st.text(max_size=20))
def test_any_text_can_be_printed_in_any_locale(text: str) -> None:
    assert text.encode("ascii", TEXT).isascii()
    assert text.encode("latin-1", TEXT).decode("latin-1").isascii() or not text.isascii()


# --- stopped and continued --------------------------------------------------------------------------------------------


def stopped(terminal: Terminal) -> bool:
    """Tell whether the program stands still."""
    return Path(f"/proc/{terminal.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.parametrize(("answers", "display"), [(False, "thin"), (True, "thin"), (False, "stock")])
def test_the_first_key_after_a_stop_counts(sandbox: Sandbox, answers: bool, display: str) -> None:
    with sandbox.terminal(".", answers=answers, env={"PIPETUI_DISPLAY": display}) as terminal:
        terminal.wait_for("nobody has it open")
        terminal.settle()
        threads = len(os.listdir(f"/proc/{terminal.pid}/task"))
        for title, key in (("KEYS", "?"), ("FIFOS", "escape")) * 4:
            terminal.kill(signal.SIGSTOP)
            terminal.wait_until(lambda: stopped(terminal))
            terminal.kill(signal.SIGCONT)
            terminal.send(key)
            terminal.wait_for(f"── {title}", what=f"what {key} does, right after SIGCONT")
        assert len(os.listdir(f"/proc/{terminal.pid}/task")) == threads
        terminal.kill(signal.SIGSTOP)
        terminal.wait_until(lambda: stopped(terminal))
        terminal.kill(signal.SIGCONT)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.left_behind() == []
