"""Is what `pipetui doctor` says true? Healthy and sick workloads, looked at again and again, and a confusion table.

The corpus (tests/corpus) is started in groups, each workload in a session and folder of its own, and `doctor --json`
looks at all that runs: as soon as it stands, and again when it is as old as `--aged` says. A healthy workload must get
no problem and no warning in any look; a sick one must be found with exactly its members in every look from its age on;
twins must get the same verdicts, and no problem. Sick ones are also tried under other names, wrapped in a shell, and
beside bystanders. `--write docs/trust.md` renews the table of the docs.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from corpus import WORKLOADS
from corpus.folder import CorpusFolder, why_not
from corpus.looking import LEVELS, Tally, compare_twins, look
from corpus.running import end, start
from corpus.workload import Kind, Variant, Workload

from benchmarks.common import Report, parser

KINDS: tuple[Kind, ...] = ("healthy", "sick", "twin")
_NAMES = {"healthy": "healthy", "sick": "sick", "twin": "twins"}
_MARK = "<!-- measured -->"

Choice = tuple[Workload, Variant]


@dataclass
class Outcome:
    """What was seen of all groups."""

    tallies: list[Tally] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    looks: int = 0

    def of(self, kind: Kind) -> list[Tally]:
        """Return what was seen of the workloads of one kind."""
        return [tally for tally in self.tallies if tally.run.workload.kind == kind]

    def wrong(self, kind: Kind) -> list[Tally]:
        """Return those of which something wrong was said, or that were missed."""
        return [tally for tally in self.of(kind) if not tally.is_right]


def choose(pattern: str, plain: bool, oldest: float) -> tuple[list[Choice], list[str]]:
    """Return the workloads whose kind and name match, in all their variants, and why others can't be judged here."""
    chosen = [one for one in WORKLOADS if re.search(pattern, f"{one.kind} {one.name}")]
    skipped = [f"{one.name}: {why}" for one in chosen if (why := why_not(one) or _too_young(one, oldest))]
    able = [one for one in chosen if not why_not(one) and not _too_young(one, oldest)]
    return [(one, variant) for one in able for variant in (one.variants[:1] if plain else one.variants)], skipped


def _too_young(one: Workload, oldest: float) -> str:
    after = one.expected.after if one.expected and one.expected.is_unsure else 0.0
    return f"is found from {after:.0f} s on, see --aged" if after > oldest else ""


def groups(chosen: Sequence[Choice], size: int) -> Iterator[list[Choice]]:
    """Return groups of the same kind, of about equal size: healthy ones keep the machine busy, sick ones sleep.

    Twins stay together.
    """
    for kind in KINDS:
        of_kind = [one for one in chosen if one[0].kind == kind]
        most = {"healthy": size, "sick": 5 * size, "twin": len(of_kind) or 1}[kind]
        count = -(-len(of_kind) // most)
        yield from (of_kind[number::count] for number in range(count))


def measure(group: Sequence[Choice], folder: CorpusFolder, args: argparse.Namespace, outcome: Outcome) -> None:
    """Start one group, look at it at each age, and end it."""
    began = start(group, folder)
    outcome.failures += began.failures
    tallies = [Tally(run) for run in began.runs]
    outcome.tallies += tallies
    started = time.monotonic()
    try:
        for age in sorted({0.0, *args.aged}):
            _tell(f"{len(tallies)} run, {args.looks} looks from the age of {age:.0f} s on")
            time.sleep(max(0.0, started + age - time.monotonic()))
            for _ in range(args.looks):
                look(tallies)
            compare_twins(tallies, f"from {age:.0f} s on")
            outcome.looks += args.looks
    finally:
        end(began.runs)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- what it comes to -------------------------------------------------------------------------------------------------


def table(outcome: Outcome) -> list[tuple[str, ...]]:
    """Return the confusion table: for each kind, how many got which level at most, and how many were judged right."""
    rows = []
    for kind in KINDS:
        tallies = outcome.of(kind)
        counts = [sum(tally.worst == level for tally in tallies) for level in LEVELS]
        workloads = len({tally.run.workload.name for tally in tallies})
        right = len(tallies) - len(outcome.wrong(kind))
        rows.append((_NAMES[kind], *map(str, (workloads, len(tallies), *counts)), f"{right} of {len(tallies)}"))
    return rows


COLUMNS = ("", "workloads", "runs", "nothing", "note", "warning", "problem", "judged right")


def mistakes(outcome: Outcome) -> list[str]:
    """Return a line for each false alarm, each miss and each pair of unlike twins."""
    lines = list(outcome.failures)
    for tally in outcome.tallies:
        name, looks = f"{tally.run.workload.kind} {tally.run.name}", tally.looks
        lines += [f"{name}: {verdict}, in {count} of {looks} looks" for verdict, count in tally.alarms.items()]
        if tally.found < tally.due:
            instead = "; ".join(f"{verdict} ({count})" for verdict, count in tally.instead.most_common(3))
            lines.append(f"{name}: found in {tally.found} of {tally.due} looks; else {instead}")
        lines += [f"{name}: {text}" for text in tally.unlike]
    return lines


def markdown(outcome: Outcome, args: argparse.Namespace) -> str:
    """Return the table and what was missed as Markdown."""
    lines = [
        f"Measured on {date.today():%d %B %Y}: {os.cpu_count()} cores, Linux {platform.release()}, {args.looks} looks "
        f"at each as soon as it stood, and as many again at {' and '.join(f'{age:.0f} s' for age in args.aged)}.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "| --- |" + " ---: |" * (len(COLUMNS) - 1),
        *("| " + " | ".join(row) + " |" for row in table(outcome)),
        "",
    ]
    wrong = mistakes(outcome)
    lines += ["Judged wrongly:", "", *(f"- {line}" for line in wrong)] if wrong else ["Nothing was judged wrongly."]
    if outcome.skipped:
        lines += ["", "Not run on that machine:", "", *(f"- {line}" for line in outcome.skipped)]
    return "\n".join(lines)


def write(path: Path, outcome: Outcome, args: argparse.Namespace) -> None:
    """Renew what lies between the two marks of a page."""
    before, _, after = path.read_text().split(_MARK)
    path.write_text(f"{before}{_MARK}\n{markdown(outcome, args)}\n{_MARK}{after}")


def conclude(outcome: Outcome, args: argparse.Namespace) -> int:
    """Print the table and the verdicts; return the exit code."""
    report = Report("doctor on the corpus", COLUMNS, args.check)
    for row in table(outcome):
        report.row(*row)
    false, missed, unlike = (len(outcome.wrong(kind)) for kind in KINDS)
    report.target(not false, f"{false} healthy workloads got a warning or a problem, wanted 0")
    report.target(not missed, f"{missed} sick workloads were missed, or not found with exactly their members, wanted 0")
    report.target(not unlike, f"{unlike} twins got a verdict of their own, or a problem, wanted 0")
    report.target(not outcome.failures, f"{len(outcome.failures)} workloads did not start, wanted 0")
    code = report.finish()
    for line in mistakes(outcome):
        print(f"  {line}")
    for line in outcome.skipped:
        print(f"  not run: {line}")
    return code


def main() -> int:
    """Run the groups and print the table."""
    options = parser(__doc__)
    options.add_argument("--looks", type=int, default=100, metavar="N", help="at each age (default: 100)")
    options.add_argument(
        "--aged", type=float, nargs="*", default=[70.0, 190.0], metavar="SECONDS",
        help="look again at these ages (default: 70 and 190; some are found after minutes only)",
    )  # fmt: skip
    options.add_argument(
        "--only", default="", metavar="PATTERN", help="those whose kind and name match, as 'sick.*wait'"
    )
    options.add_argument("--plain", action="store_true", help="without the variants of the sick ones")
    options.add_argument("--size", type=int, default=45, metavar="N", help="so many at once (of sick ones five times)")
    options.add_argument("--write", type=Path, metavar="FILE", help="renew the table of a page, such as docs/trust.md")
    args = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whatever was started is ended
    chosen, skipped = choose(args.only, args.plain, max(args.aged, default=0.0))
    outcome = Outcome(skipped=skipped)
    folder = CorpusFolder()
    try:
        for group in groups(chosen, args.size):
            measure(group, folder, args, outcome)
    finally:
        folder.close()
    if args.write:
        write(args.write, outcome, args)
    return conclude(outcome, args)


if __name__ == "__main__":
    sys.exit(main())
