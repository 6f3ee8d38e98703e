"""`pipetui doctor`: who is stuck on a pipe, and why, and what to do; exit 1 if there is a problem.

It looks and touches nothing: no FIFO is opened in a way that could let anybody through.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipetui.cli.exits import ExitCode, complain
from pipetui.cli.host import place
from pipetui.cli.pipes import add_output, header, identity, print_notes
from pipetui.cli.values import count
from pipetui.client import LOCAL
from pipetui.protocol.effects import Effect
from pipetui.text import age, plural, safe

if TYPE_CHECKING:
    from pipetui.model import Finding, ProcessState
    from pipetui.protocol.operations import Diagnosis

NAME = "doctor"
EFFECT: Effect = "passive"
HELP = "Say who is stuck on a pipe, why, and what to do. Exit 1 if there is a problem, 0 if there is none."
EXAMPLE = """
pipetui doctor
pipetui doctor /run/myapp
pipetui doctor --pid 1234
pipetui doctor --host user@box
pipetui doctor --json | jq -r '.findings[] | select(.level == "problem") | .headline'
"""

_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="only findings on FIFOs in these folders, or on these FIFOs (default: every pipe of every process)",
    )
    parser.add_argument("--pid", type=count, metavar="PID", help="why does this process hang? What each task waits for")
    parser.add_argument("--notes", action="store_true", help="also print the notes in full: worth knowing, not wrong")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Look once, judge, and print."""
    ask = place(args)
    from pipetui.protocol.operations import Complaint, Diagnosis, Doctor

    code = ExitCode.OK
    for told in ask(Doctor(tuple(args.paths), args.pid)):
        if isinstance(told, Complaint):
            complain(told.message)
            code = max(code, ExitCode.IMPOSSIBLE)
            continue
        assert isinstance(told, Diagnosis)
        if args.host and args.host != [LOCAL]:
            from pipetui.client.advice import from_here

            told = replace(told, findings=from_here(told.findings, args.host[0]))
        if args.json:
            sys.stdout.write(json.dumps(as_json(told)) + "\n")
        else:
            _print(told, notes=args.notes or told.process is not None)
        if any(one.level == "problem" for one in told.findings):
            return ExitCode.NEGATIVE
    return code


def as_json(told: Diagnosis) -> dict[str, Any]:
    """Return what `--json` prints. Names that are not UTF-8 are surrogate escapes."""
    answer: dict[str, Any] = {
        **header(told),
        "complete": not told.unseen,
        "partial": list(told.partial),
        "findings": [_finding(one, told.time) for one in told.findings],
    }
    if told.process is not None:
        answer["process"] = _process(told.process)
    return answer


def _finding(one: Finding, now: float) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "level": one.level,
        "pipes": [{**identity(ref), "path": ref.path} for ref in one.pipes],
        "pids": list(one.pids),
        "headline": one.headline,
        "why": one.why,
        "fix": one.fix,
        "certainty": one.certainty,
        "since": one.since,
        "age": None if one.since is None else round(max(0.0, now - one.since), 3),
        "behind": list(one.behind),
    }


def _process(process: ProcessState) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "parent": process.parent,
        "command": process.command,
        "tasks": [
            {
                "tid": task.tid,
                "doing": task.doing,
                "pipe": None if task.pipe is None else identity(task.pipe),
                "fd": task.fd,
                "path": task.path or None,
                "children": list(task.children),
                "polls": [
                    {
                        "fd": one.fd,
                        "pipe": None if one.pipe is None else identity(one.pipe),
                        "events": one.events,
                        "pid": one.pid,
                        "other": one.what or None,
                    }
                    for one in task.polls
                ],
                "since": task.since,
                "certainty": task.certainty,
            }
            for task in process.tasks
        ],
    }


# --- for people -------------------------------------------------------------------------------------------------------


def _print(told: Diagnosis, *, notes: bool) -> None:
    for line in told.story:
        print(safe(line))
    for one in told.findings:
        if one.level != "note" or notes:
            _print_finding(one, told.time)
    severe = [one for one in told.findings if one.level != "note"]
    folded = 0 if notes else len(told.findings) - len(severe)
    more = f" {plural(folded, 'note')}: see them with --notes." if folded else ""
    if severe or (told.findings and notes):
        print(more.strip(), end="\n" if more else "")
    elif told.process is not None:
        print(f"Nothing is wrong with this process.{more}")
    else:
        looked = f"{plural(told.pipes, 'pipe')} of {plural(told.holders, 'process', 'processes')}"
        print(f"{'Nothing found' if told.unseen else 'No problems'}: {looked} checked.{more}")
    print_notes(told)


def _print_finding(one: Finding, now: float) -> None:
    mark = {"problem": "PROBLEM", "warning": "warning", "note": "note"}[one.level]
    lasted = "" if one.since is None else f"for {_age(max(0.0, now - one.since))}"
    told = ", ".join(word for word in (lasted, "inferred" if one.certainty == "inferred" else "") if word)
    print(f"{mark}  {one.rule}: {safe(one.headline)}{f' ({told})' if told else ''}")
    if one.level != "note":
        print(_wrapped(one.why))
    print(_wrapped(one.fix, "→ "))


def _age(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 1 else age(seconds)


def _wrapped(text: str, mark: str = "") -> str:
    """Return text in lines below a headline; a command in backquotes is never broken where it must not be."""
    return textwrap.fill(
        safe(text),
        _WIDTH,
        initial_indent="    " + mark,
        subsequent_indent="    " + " " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
