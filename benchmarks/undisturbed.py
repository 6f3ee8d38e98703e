#!/usr/bin/env python3
"""Does a process that closes one end of a pipe and uses the other at once ever notice that somebody looks at it?

A FIFO and an anonymous pipe each have a process that tries this every few milliseconds: it closes the read end and
writes, which must fail with EPIPE, then closes the write end and reads, which must find EOF. If a command holds a copy
of the closed end at that moment, the write succeeds or the read finds a writer: a miss. The machine is fully busy
meanwhile, and two copies of the command under test run beside, again and again.

The pipes stay the same ones, and the ends come back under the same numbers, so that what a command has read of them
before is still true when it looks: that is as often noticed as it can be. Nothing else on the machine may look at pipes
meanwhile: if something is missed with nothing beside, something does, and the other figures have it too.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import PIPETUI, Report, Sandbox, parser

#: Seconds between two tries of one process.
PAUSE = 0.003

#: Of so many tries one may be missed; for `doctor`, which borrows nothing, none in all that were made.
ONE_IN = 5_000

#: How many copies of the command run beside.
COPIES = 2

#: Where the commands leave a line for each run.
RUNS = "runs"

#: argv: FIFO or nothing, tries, pause. Says which pipe it is, then how many tries and misses there were.
VICTIM = """
import os, sys, time
path, tries, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
R, W = os.O_RDONLY | os.O_NONBLOCK, os.O_WRONLY | os.O_NONBLOCK
def reader(): return os.open(path or f"/proc/self/fd/{w}", R)
def writer(): return os.open(path or f"/proc/self/fd/{r}", W)
if path:
    r, w = os.open(path, R), os.open(path, W)
else:
    r, w = os.pipe2(os.O_NONBLOCK)
print(os.fstat(r).st_ino, flush=True)
sys.stdin.readline()
epipe = eof = 0
close, write, read, sleep = os.close, os.write, os.read, time.sleep
for _ in range(tries // 2):
    sleep(pause)
    close(r)
    try:
        write(w, b"x")
        epipe += 1
    except BrokenPipeError:
        pass
    r = reader()
    try:
        read(r, 1)  # what a miss has left
    except BlockingIOError:
        pass
    sleep(pause)
    close(w)
    try:
        read(r, 1)
    except BlockingIOError:
        eof += 1
    w = writer()
print(f'{{"tries": {tries // 2 * 2}, "epipe": {epipe}, "eof": {eof}}}', flush=True)
"""

#: Runs the command in "$@" on each of the words in $TARGETS, for ever; leaves a line in $RUNS for each run.
LOOP = 'while :; do for target in $TARGETS; do "$@" $target </dev/null >/dev/null 2>&1; echo >>"$RUNS"; done; done'


@dataclass(frozen=True)
class Outcome:
    """What one victim found: writes that did not get EPIPE and reads that did not get EOF."""

    tries: int
    epipe: int
    eof: int

    @property
    def misses(self) -> int:
        """Both together."""
        return self.epipe + self.eof


class Victim:
    """A process that closes one end and uses the other, `tries` times; `target` names its pipe for a command."""

    def __init__(self, path: Path | None, tries: int) -> None:
        argv = [sys.executable, "-S", "-c", VICTIM, str(path or ""), str(tries), str(PAUSE)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        inode = self._out.readline().strip()
        self.target = str(path) if path else f"pipe:{inode}"

    def begin(self) -> None:
        """Let the tries begin, now that somebody looks on."""
        self._in.write("begin\n")
        self._in.flush()

    def outcome(self) -> Outcome:
        """Wait for its end."""
        return Outcome(**json.loads(self._out.readline()))

    def close(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def group(argv: Sequence[str], env: dict[str, str] | None = None) -> Iterator[None]:
    """A command that runs in a process group of its own, which is killed at the end."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=env, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def busy() -> Iterator[None]:
    """As many loops as there are processors."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            stack.enter_context(group(["sh", "-c", "while :; do :; done"]))
        yield


@contextmanager
def beside(sandbox: Sandbox, command: Sequence[str], targets: Sequence[str]) -> Iterator[None]:
    """Copies of a command, each run again and again on one target after the other (`""`: without one)."""
    for target in targets:
        tried([*PIPETUI, *command, *target.split()], sandbox.env)
    with ExitStack() as stack:
        for number in range(COPIES):
            turned = [*targets[number % len(targets) :], *targets[: number % len(targets)]]
            told = {"TARGETS": " ".join(target or "--" for target in turned), "RUNS": str(sandbox.folder / RUNS)}
            env = {**sandbox.env, **told}
            stack.enter_context(group(["sh", "-c", LOOP, "sh", *PIPETUI, *command], env))
        yield


def tried(argv: Sequence[str], env: dict[str, str]) -> None:
    """Run a command once, to see that it does what it should: one that fails disturbs nobody."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, timeout=60.0
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(argv)} failed: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}")


@contextmanager
def unwatched(sandbox: Sandbox, targets: Sequence[str]) -> Iterator[None]:
    """Nothing beside: what is missed here is nobody's doing."""
    yield


@contextmanager
def doctor(sandbox: Sandbox, targets: Sequence[str]) -> Iterator[None]:
    """`doctor` on everything."""
    with beside(sandbox, ["doctor"], [""]):
        yield


@contextmanager
def listing(sandbox: Sandbox, targets: Sequence[str]) -> Iterator[None]:
    """`ls --all`."""
    with beside(sandbox, ["ls", "--all"], [""]):
        yield


@contextmanager
def peeking(sandbox: Sandbox, targets: Sequence[str]) -> Iterator[None]:
    """`peek` of each of the pipes in turn."""
    with beside(sandbox, ["peek"], targets):
        yield


@contextmanager
def watching(sandbox: Sandbox, targets: Sequence[str]) -> Iterator[None]:
    """`watch`, which goes on by itself: as many copies for each pipe."""
    with ExitStack() as stack:
        for target in targets:
            stack.enter_context(beside(sandbox, ["watch", "--timeout", "10"], [target]))
        yield


@contextmanager
def monitor(sandbox: Sandbox, targets: Sequence[str]) -> Iterator[None]:
    """The monitor on the FIFO's folder, and one that shows all anonymous pipes as pipelines."""
    with sandbox.terminal(sandbox.work) as fifos, sandbox.terminal() as pipelines:
        for terminal in (fifos, pipelines):
            terminal.wait_for(Path(targets[0]).name, 60.0)
        pipelines.send("a")
        pipelines.wait_for("PIPELINES", 60.0)
        yield


@dataclass(frozen=True)
class Case:
    """What looks on, and of how many tries one may be missed (0: none of all)."""

    looking: Callable[[Sandbox, Sequence[str]], AbstractContextManager[None]]
    one_in: int


CASES = {
    "nothing": Case(unwatched, 0),
    "doctor": Case(doctor, 0),
    "ls --all": Case(listing, ONE_IN),
    "peek": Case(peeking, ONE_IN),
    "watch": Case(watching, ONE_IN),
    "monitor": Case(monitor, ONE_IN),
}


def outcomes(case: Case, tries: int) -> tuple[list[tuple[str, Outcome]], int]:
    """Return what the victims found, of a FIFO and of an anonymous pipe, while a case looks on, and its runs."""
    with Sandbox() as sandbox, ExitStack() as stack:
        victims = {"FIFO": Victim(sandbox.fifo("tried"), tries), "anonymous pipe": Victim(None, tries)}
        for victim in victims.values():
            stack.callback(victim.close)
        stack.enter_context(busy())
        stack.enter_context(case.looking(sandbox, [victim.target for victim in victims.values()]))
        for victim in victims.values():
            victim.begin()
        found = [(kind, victim.outcome()) for kind, victim in victims.items()]
        runs = sandbox.folder / RUNS
        return found, runs.stat().st_size if runs.exists() else 0


def main() -> int:
    """Try each case on both kinds of pipe and print the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whatever was started is ended
    options = parser(__doc__)
    options.add_argument("--tries", type=int, default=30_000, help="how often each pipe is tried in each case")
    options.add_argument("--only", action="append", choices=CASES, help="try this case (more than once: these)")
    args = options.parse_args()
    columns = ("beside", "runs", "pipe", "tries", "no EPIPE", "no EOF", "misses of 10,000")
    report = Report("undisturbed: one end is closed, the other used at once", columns, args.check)
    for name in args.only or CASES:
        case = CASES[name]
        found, runs = outcomes(case, args.tries)
        for kind, seen in found:
            share = f"{1e4 * seen.misses / seen.tries:.2f}"
            report.row(
                name, f"{runs:,}" if runs else "–", kind, f"{seen.tries:,}", f"{seen.epipe:,}", f"{seen.eof:,}", share
            )
            most = seen.tries // case.one_in if case.one_in else 0
            wanted = f"at most {most:,}" if most else "none"
            sentence = f"{name}, {kind}: {seen.misses:,} of {seen.tries:,} tries missed, wanted {wanted}"
            report.target(seen.misses <= most, sentence)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
