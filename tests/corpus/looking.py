"""Looking with `pipetui doctor --json`, whose findings are whose, and whether they are right."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from processes import PIPETUI

from corpus.running import Run, census
from corpus.workload import Level

LEVELS: tuple[Level, ...] = ("none", "note", "warning", "problem")
Verdict = tuple[str, str]  # rule, level: whether a FIFO is inferred depends on whether the kernel tells an age


@dataclass
class Tally:
    """What all looks have said of one run.

    `due` looks should have found it, `found` did, with exactly its members. `alarms` are the warnings and problems that
    should not have been, with how often each came. `verdicts` are those of the present phase.
    """

    run: Run
    looks: int = 0
    due: int = 0
    found: int = 0
    worst: Level = "none"
    alarms: Counter[str] = field(default_factory=Counter)
    instead: Counter[str] = field(default_factory=Counter)
    verdicts: set[Verdict] = field(default_factory=set)
    unlike: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether no look said anything wrong or missed anything."""
        return not self.alarms and self.found == self.due and not self.unlike

    def add(self, findings: Sequence[Mapping[str, Any]], at: float) -> None:
        """Count the findings of one look that name this run; `at` is the monotonic time at which it began."""
        self.looks += 1
        self.verdicts |= {(one["rule"], one["level"]) for one in findings}
        self.worst = max([self.worst, *(one["level"] for one in findings)], key=LEVELS.index)
        expected = self.run.workload.expected
        if expected is None:
            loudest = ("problem",) if self.run.workload.kind == "twin" else ("problem", "warning")
            loud = [one for one in findings if one["level"] in loudest]
            self.alarms.update(f"{self._summary(one)}: {one['headline']}" for one in loud)
            return
        stray = self.run.pids("bystander")
        loud = [one for one in findings if one["level"] in ("problem", "warning")]
        self.alarms.update(f"a bystander: {self._summary(one)}" for one in loud if stray & set(one["pids"]))
        if expected.is_unsure:
            sure = [one for one in loud if one["level"] == "problem" or one["certainty"] == "exact"]
            self.alarms.update(f"too sure: {self._summary(one)}" for one in sure)
        if at - self.run.since < expected.after:
            return
        members = self.run.members
        right = [one for one in findings if one["rule"] in expected.rules and one["level"] in expected.levels]
        self.due += 1
        if any(set(one["pids"]) == members for one in right):
            self.found += 1
        else:
            self.instead.update([self._summary(one) for one in findings] or ["nothing"])

    def _summary(self, one: Mapping[str, Any]) -> str:
        """Return a finding in a few words, its pids as roles."""
        roles = {
            pid: path.name for path in sorted((self.run.folder / "roles").iterdir()) for pid in self.run.pids(path.name)
        }
        pids = ", ".join(sorted(roles.get(pid, "another") for pid in one["pids"]))
        return f"{one['level']} {one['rule']} ({one['certainty']}) of {pids or 'nobody'}"


def diagnose() -> tuple[float, list[dict[str, Any]]]:
    """Look once; return the monotonic time at which it began, and the findings."""
    began = time.monotonic()
    done = subprocess.run([*PIPETUI, "doctor", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"doctor failed with {done.returncode}: {done.stderr[-500:]}")
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return began, findings


def look(tallies: Sequence[Tally]) -> None:
    """Look once at everything that runs, and count what is said of each run."""
    runs = [tally.run for tally in tallies]
    census(runs)
    before = {run.mark: set(run.alive) for run in runs}
    at, findings = diagnose()
    census(runs)
    for tally in tallies:
        run = tally.run
        pids = before[run.mark] | run.alive  # not all that there ever were: pids come again
        tally.add([one for one in findings if concerns(one, pids, f"{run.folder}/")], at)


def concerns(one: Mapping[str, Any], pids: Collection[int], folder: str) -> bool:
    """Whether a finding names one of these processes, or, as that may have ended, who waits at a FIFO there."""
    paths = [ref["path"] or "" for ref in one["pipes"]]
    return any(pid in pids for pid in one["pids"]) or (
        bool(one["pids"]) and any(path.startswith(folder) for path in paths)
    )


def compare_twins(tallies: Sequence[Tally], phase: str) -> None:
    """Compare what was said of twins since the last comparison, and begin anew."""
    pairs: dict[str, list[Tally]] = {}
    for tally in tallies:
        if tally.run.workload.pair:
            pairs.setdefault(tally.run.workload.pair, []).append(tally)
    for pair in pairs.values():
        if len(pair) == 2 and pair[0].verdicts != pair[1].verdicts:
            for tally, other in (pair, pair[::-1]):
                words = ["; ".join(map(" ".join, sorted(one.verdicts))) or "nothing" for one in (tally, other)]
                tally.unlike.append(f"{phase}: {words[0]}, but {other.run.name}: {words[1]}")
    for tally in tallies:
        tally.verdicts.clear()
