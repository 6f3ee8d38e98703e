"""What people ask about pipes, each with a real situation, the command that answers it, and what it prints.

docs/questions.md shows these answers; `make docs` writes them there, and a test runs every one again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pages

#: Where the docs pretend to be.
HOME = "/srv/app"

#: The question whose answer the README shows.
SHOWN = "Why does `subprocess` hang with PIPE?"

Check = Callable[[Path], bool]


@dataclass(frozen=True)
class DocsQuestion:
    """A question, the FIFOs and shell lines (run in the background) that make the situation, and the answer.

    `ready` is a command that exits 0 when the situation is there; `PID` in a command stands for the last line's pid.
    """

    text: str
    command: str
    advice: str
    fifos: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    ready: str = ""


def _held(fifo: str, reader: str = "sleep 100", writer: str = "sleep 100") -> tuple[str, ...]:
    return (f"exec {reader} < {fifo}", f"exec {writer} > {fifo}")


NEVER_CLOSED = "import os; r, w = os.pipe(); os.read(r, 1)"
DEADLOCK = "import subprocess as s; s.Popen(['seq', '99999'], stdout=s.PIPE).wait()"
SLOW = "import sys, time\nfor line in sys.stdin: time.sleep(1)"

QUESTIONS = (
    DocsQuestion(
        "Who is reading or writing this pipe?",
        "pipetui ls orders",
        "In the monitor, select it: its producers and consumers are listed below.",
        ("orders",),
        _held("orders"),
        "pipetui ls orders | grep -q 'sleep.*sleep'",
    ),
    DocsQuestion(
        "What is the number in `pipe:[12345]`, and who has the other end?",
        "pipetui ls --all | grep sleep",
        "The number is the pipe's inode; both ends show the same one. In the monitor, `a` draws anonymous pipes as "
        "pipelines.",
        (),
        ("sleep 100 | sleep 100",),
        "pipetui ls --all | grep -q sleep",
    ),
    DocsQuestion(
        "Why does my FIFO script never end?",
        "pipetui doctor --notes jobs",
        "The shell that waits for `cat` holds `jobs` open for writing. Close that descriptor first: `exec 3>&-`.",
        ("jobs",),
        ("exec 4<>jobs 3>jobs 4<&-; cat jobs; echo finished",),
        "pipetui doctor --notes jobs | grep -q never-eof",
    ),
    DocsQuestion(
        "My writer hangs with no reader: which, and on what?",
        "pipetui doctor results",
        "",
        ("results",),
        ("echo done > results",),
        "pipetui doctor results | grep -q no-reader",
    ),
    DocsQuestion(
        "Is the pipe empty? How full is it?",
        "pipetui ls orders",
        "",
        ("orders",),
        ("exec 3<>orders; seq 300 >&3; exec sleep 100",),
        "pipetui ls orders | grep -q KiB",
    ),
    DocsQuestion(
        "Can I see what is in it without consuming?",
        "pipetui peek orders",
        "The bytes stay in the pipe. In the monitor: `p`.",
        ("orders",),
        ("exec 3<>orders; echo 'order 17: two coffees' >&3; exec sleep 100",),
        "pipetui peek orders | grep -q coffees",
    ),
    DocsQuestion(
        "How do I `cat` a FIFO without waiting?",
        "pipetui tail quiet --timeout 0.2",
        "",
        ("quiet",),
    ),
    DocsQuestion(
        "How do I keep a FIFO open? It ends after each client.",
        "pipetui tail clients --count 2",
        "`tail` opens a new read end before it closes the one that has seen EOF, so every client finds a reader.",
        ("clients",),
        ("echo first > clients; echo second > clients",),
    ),
    DocsQuestion(
        "Why does my reader use 100 % CPU after EOF?",
        "pipetui tail log --count 1 --timeout 5",
        "Once its last writer has left, a read end reports EOF on every read, and a loop around it spins. `tail` "
        "sleeps in poll until the next writer comes.",
        ("log",),
        ("sleep 0.3; echo 'at last' > log",),
    ),
    DocsQuestion(
        "Do concurrent writers interleave? Why out of order?",
        "pipetui tail orders --count 4 | sort",
        "Writes of up to 4096 bytes (PIPE_BUF) arrive whole, in the order in which the kernel took them; larger ones "
        "may be torn. Try it: in the monitor, two producers (`w`) with a size above 4096 and a consumer (`r`).",
        ("orders",),
        ("printf 'left 1\\nleft 2\\n' > orders & printf 'right 1\\nright 2\\n' > orders; wait",),
    ),
    DocsQuestion(
        "Several readers: who gets the bytes?",
        "pipetui doctor --notes tasks",
        "",
        ("tasks",),
        ("exec sleep 100 < tasks", "exec sleep 100 < tasks", "exec sleep 100 > tasks"),
        "pipetui doctor --notes tasks | grep -q split-readers",
    ),
    DocsQuestion(
        "What do SIGPIPE, status 141 and `pipefail` mean?",
        "pipetui doctor events",
        "A program that writes to a pipe without a reader gets SIGPIPE (13), and the shell reports 128 + 13. With "
        "`pipefail`, that is the status of the whole pipeline.",
        ("events",),
        ("exec 3<>events 4>events 3>&-; exec sleep 100",),
        "pipetui doctor events | grep -q lost-reader",
    ),
    DocsQuestion(
        "Why must unused ends be closed?",
        "pipetui doctor --pid PID",
        "",
        (),
        (f"exec python3 -c '{NEVER_CLOSED}'",),
        "pipetui doctor --pid PID | grep -q never-eof",
    ),
    DocsQuestion(
        "Why does `subprocess` hang with PIPE?",
        "pipetui doctor --pid PID",
        "",
        (),
        (f'exec python3 -c "{DEADLOCK}"',),
        "pipetui doctor --pid PID | grep -q deadlock",
    ),
    DocsQuestion(
        "Why EACCES on a FIFO in /tmp, even as root?",
        "pipetui send inbox hello",
        "A shell's `> inbox` opens with O_CREAT, which `fs.protected_fifos` refuses for another user's FIFO in a "
        "sticky directory, even to root. `send` opens without O_CREAT, so permission to write is enough.",
        ("inbox",),
        ("exec cat inbox > /dev/null",),
        "pipetui ls inbox | grep -q cat",
    ),
    DocsQuestion(
        "How do I log to a FIFO that nobody may be reading?",
        "pipetui send log started --timeout 0 || echo 'nobody reads: never mind'",
        "",
        ("log",),
    ),
    DocsQuestion(
        "Which stage of my pipeline is the bottleneck?",
        "pipetui ls --all | grep yes",
        "Pipes before the slow stage are full, pipes after it are empty. In the monitor, `a` draws the pipeline and "
        "names the stage.",
        (),
        (f"yes | python3 -c '{SLOW}' | cat",),
        "pipetui ls --all | grep yes | grep -q lags",
    ),
    DocsQuestion(
        "How do I survive the other side's restart?",
        "pipetui tail feed --count 3",
        "To read, use `tail`. To write, start a producer in the monitor (`w`) that waits for the next reader.",
        ("feed",),
        ('for run in 1 2 3; do echo "run $run" > feed; done',),
    ),
    DocsQuestion(
        "How do I watch a FIFO without blocking anybody?",
        "pipetui watch feed --until writer --timeout 10",
        "",
        ("feed",),
        ("exec sleep 100 < feed", "sleep 4; exec sleep 100 > feed"),
        "pipetui ls feed | grep -q 'waits for a writer'",
    ),
)


@contextmanager
def situation(question: DocsQuestion) -> Iterator[tuple[Path, Callable[[str], str], set[int]]]:
    """Make the situation in a folder of its own; yield the folder, what fills in a command, and the sessions."""
    with tempfile.TemporaryDirectory(prefix="app-") as name, ExitStack() as ends:
        folder = Path(name)
        for fifo in question.fifos:
            os.mkfifo(folder / fifo, 0o600)
        pid, sessions = 0, set()
        for line in question.lines:
            process = subprocess.Popen(
                ["sh", "-c", 'sh -c "$1" > /dev/null & echo $!; exec 1>&-; wait', "sh", line],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            ends.callback(_end, process)
            sessions.add(process.pid)
            assert process.stdout is not None
            with process.stdout:
                pid = int(process.stdout.readline())

        def fill(command: str) -> str:
            return command.replace("PID", str(pid))

        deadline = time.monotonic() + 20
        while question.ready and not _holds(fill(question.ready), folder):
            if time.monotonic() > deadline:
                raise AssertionError(f"{question.text}: the situation did not come about")
        yield folder, fill, sessions


def _holds(command: str, folder: Path) -> bool:
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
    return done.returncode == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End all that a line has started: it has a session of its own."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def environment() -> dict[str, str]:
    """Return the environment in which `pipetui` is this checkout's."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100"}


def answer(question: DocsQuestion) -> tuple[str, str]:
    """Return the command as it was run and what it printed of this situation, as if in `HOME`."""
    with situation(question) as (folder, fill, sessions):
        command = fill(question.command)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=30,
        )
        lines = done.stdout.decode().replace(str(folder), HOME).rstrip().split("\n")
        if "ls --all" in command:  # others have pipes too
            lines = [line for line in lines if _names_one_of(sessions, line)]
        if command.startswith("pipetui ls"):
            lines = _narrowed(lines)
        return command, "\n".join(line.rstrip() for line in lines)


def _names_one_of(sessions: set[int], line: str) -> bool:
    for pid in re.findall(r"\((\d+)\)", line):
        try:
            if os.getsid(int(pid)) in sessions:
                return True
        except ProcessLookupError:
            pass
    return False


def _narrowed(lines: list[str]) -> list[str]:
    """Set a table anew after rows have become shorter or fewer."""
    rows = [re.split(r"  +", line) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows]


def normal(text: str) -> str:
    """Return an answer without what differs from run to run: numbers, how long somebody waits, line breaks, widths."""
    folded = re.sub(r"\s+", " ", re.sub(r"\d[\d,.:]*", "0", text)).strip()
    folded = re.sub(r" \(for 0 (s|min)\)", "", folded)
    return re.sub(r"\(for 0 (s|min), ", "(", folded)


def shown() -> list[str]:
    """Return the answers as the docs show them, in order."""
    page = pages.between(pages.QUESTIONS.read_text(), "questions")
    return re.findall(r"```console\n\$ [^\n]*\n?(.*?)```", page, re.DOTALL)


def sections() -> dict[str, str]:
    """Return every question's section, with its command and its real output, by what it asks."""
    parts = {}
    for question in QUESTIONS:
        command, output = answer(question)
        block = f"```console\n$ {command}\n{output}".rstrip() + "\n```"
        advice = f"\n{question.advice}\n" if question.advice else ""
        parts[question.text] = f"## {question.text}\n\n{block}\n{advice}"
    return parts


def block(section: str) -> str:
    """Return the command and its output of a section."""
    return "```console\n" + section.split("```console\n")[1].split("```")[0] + "```"
