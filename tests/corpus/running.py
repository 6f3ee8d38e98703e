"""Starting workloads side by side, knowing which processes are whose, and ending every one of them.

All that a run starts bears a mark in its environment and so is found in `/proc/PID/environ`, also as an orphan; what
overwrites its environment (sshd) is found by its parents and its session.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.folder import MARK, CorpusFolder
from corpus.workload import Variant, Workload

#: A busy machine is no failure (seconds).
TIMEOUT = 30.0
#: A process that has not been switched in for so long (seconds) stands still.
_STILL = 0.25
_MARK = re.compile(rb"(?:^|\0)" + MARK.encode() + rb"=([0-9a-f]{32})")


class Run:
    """One start of one variant of a workload."""

    def __init__(self, workload: Workload, variant: Variant, folder: CorpusFolder) -> None:
        self.workload, self.variant = workload, variant
        prepared = folder.prepare(workload, variant)
        self.mark, self.folder = prepared.mark, prepared.folder
        self.since = 0.0  # the monotonic time from which it is known to stand as it should
        self.seen: dict[int, int] = {}  # all its processes so far: when each began (clock ticks, for pids come again)
        self.alive: set[int] = set()
        with (self.folder / "errors").open("wb") as errors:
            self.process = subprocess.Popen(
                prepared.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self.folder,
                env=prepared.env,
                start_new_session=True,
            )
        try:  # where each session has its share of the processors, `nice` does nothing between sessions (sched(7))
            Path(f"/proc/{self.process.pid}/autogroup").write_text("15")
        except OSError:
            pass

    @property
    def name(self) -> str:
        """The workload's name and, unless it is the plain one, the variant."""
        return self.workload.name + ("" if self.variant == "plain" else f" ({self.variant})")

    def numbers(self, role: str) -> set[int]:
        """Return the pids that were written down for a role, each as its own pid namespace has it."""
        try:
            return {int(word) for word in (self.folder / "roles" / role).read_text().split()}
        except OSError:
            return set()

    def pids(self, *roles: str) -> set[int]:
        """Return the living processes that have taken a role, by their pids here."""
        numbers = {number for role in roles for number in self.numbers(role)}
        return {pid for pid in self.alive if _own_number(pid) in numbers}

    @property
    def members(self) -> set[int]:
        """The processes that must be found."""
        return self.pids(*self.workload.expected.members) if self.workload.expected else set()

    def has_started(self) -> bool:
        """Whether each role was taken, and the members live."""
        members = self.workload.expected.members if self.workload.expected else ()
        return all(map(self.numbers, self.workload.roles)) and all(map(self.pids, members))

    def trace(self) -> tuple[object, ...] | None:
        """Return what changes whenever one that should stand still runs; None while one of them runs."""
        expected = self.workload.expected
        if expected is None:
            return ()
        states = [_trace(pid) for pid in sorted(self.pids(*(expected.still or expected.members)))]
        return None if None in states else tuple(states)

    def errors(self) -> str:
        """Return the end of what it wrote to stderr."""
        return (self.folder / "errors").read_text(errors="replace")[-300:].strip()


def census(runs: Iterable[Run]) -> None:
    """Find out which processes are whose now."""
    by_mark = {run.mark: run for run in runs}
    stats = {pid: stat for pid in _all_pids() if (stat := _stat(pid)) is not None}
    owners: dict[int, Run] = {}
    for pid in stats:
        found = _MARK.search(_environ(pid))
        if found and found[1].decode() in by_mark:
            owners[pid] = by_mark[found[1].decode()]
    known = {(pid, began): run for run in by_mark.values() for pid, began in run.seen.items()}
    sessions = {stats[pid][1]: run for pid, run in owners.items()}
    for pid, (_, session, began) in stats.items():
        owner = owners.get(pid) or known.get((pid, began)) or sessions.get(session) or _inherited(pid, stats, owners)
        if owner is not None and pid != os.getpid():
            owners[pid] = owner
    for run in by_mark.values():
        run.alive = {pid for pid, owner in owners.items() if owner is run}
        run.seen.update((pid, stats[pid][2]) for pid in run.alive)


def _inherited(pid: int, stats: Mapping[int, tuple[int, int, int]], owners: Mapping[int, Run]) -> Run | None:
    while pid in stats:
        pid = stats[pid][0]
        if pid in owners:
            return owners[pid]
    return None


@dataclass
class Started:
    """The runs that stand as they should, and a sentence for each that did not get there (those have been ended)."""

    runs: list[Run]
    failures: list[str]


def start(chosen: Sequence[tuple[Workload, Variant]], folder: CorpusFolder) -> Started:
    """Start workloads and wait until each is as it should be."""
    runs = [Run(workload, variant, folder) for workload, variant in chosen]
    try:
        missing = _wait_until_started(runs)
        moving = _wait_until_still([run for run in runs if run not in missing])
        failures = [f"{run.name} did not start: {run.errors()}" for run in missing]
        failures += [f"{run.name} does not come to rest: {run.errors()}" for run in moving]
        end([*missing, *moving])
    except BaseException:
        end(runs)
        raise
    return Started([run for run in runs if run not in missing and run not in moving], failures)


def _wait_until_started(runs: Sequence[Run]) -> list[Run]:
    """Wait until each role of each run is taken; return those whose are not."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        census(runs)
        waiting = [run for run in runs if not run.has_started()]
        living = [run for run in waiting if run.process.poll() is None or run.alive]
        if not living or time.monotonic() > deadline:
            return waiting
        time.sleep(0.1)


def _wait_until_still(runs: Sequence[Run]) -> list[Run]:
    """Wait until all that should be stuck have not run for a moment, which begins their age; return the rest."""
    deadline = time.monotonic() + TIMEOUT
    waiting, before = list(runs), {run.mark: (run.trace(), time.monotonic()) for run in runs}
    while waiting and time.monotonic() < deadline:
        time.sleep(_STILL)
        moving = []
        for run in waiting:
            now, (then, at) = run.trace(), before[run.mark]
            if now is not None and now == then:
                run.since = at
            else:
                before[run.mark] = (now, time.monotonic())
                moving.append(run)
        waiting = moving
    return waiting


def end(runs: Sequence[Run]) -> None:
    """Kill all processes of these runs, each by its pid, and remove their folders."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        census(runs)
        alive = [pid for run in runs for pid in run.alive]
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for run in runs:
            run.process.poll()
        if not alive:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {alive} of the corpus do not end")
        time.sleep(0.05)
    for run in runs:
        run.process.wait(TIMEOUT)
        shutil.rmtree(run.folder, ignore_errors=True)


# --- /proc ------------------------------------------------------------------------------------------------------------


def _all_pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> tuple[int, int, int] | None:
    """Return parent, session and the time of its start; None if it has ended (proc_pid_stat(5)).

    A zombie with more than one thread has not: only its main thread has.
    """
    told = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(told) < 20 or (told[0] in (b"Z", b"X") and int(told[17]) < 2):
        return None
    return int(told[1]), int(told[3]), int(told[19])


def _environ(pid: int) -> bytes:
    """Return a process's environment; that of another thread when its main thread has ended."""
    told = _read(f"/proc/{pid}/environ")
    if told or b"\nVmSize:" in _read(f"/proc/{pid}/status"):
        return told
    return b"".join(_read(f"{folder}/environ") for folder in _tasks(pid))


def _tasks(pid: int) -> list[Path]:
    """Return the folders of a process's tasks; none if it has gone."""
    try:
        return sorted(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _own_number(pid: int) -> int:
    """Return a process's pid in its own, innermost namespace; 0 if it has gone."""
    found = re.search(rb"^NSpid:.*?(\d+)$", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) if found else 0


def _trace(pid: int) -> tuple[object, ...] | None:
    """Return how often each task has been switched; None if one of them runs or the process has gone."""
    switches = []
    for folder in _tasks(pid):
        told = _read(f"{folder}/status")
        if re.search(rb"^State:\s+Z", told, re.MULTILINE):
            continue
        if re.search(rb"^State:\s+[RD]", told, re.MULTILINE):
            return None
        switches.append((folder.name, tuple(re.findall(rb"ctxt_switches:\s+(\d+)", told))))
    return (pid, *switches) if switches else None
