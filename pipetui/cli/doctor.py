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
from pipetui.cli.host import LOCAL, add_host, place
from pipetui.cli.values import count
from pipetui.text import plural, safe

if TYPE_CHECKING:
    from pipetui.backend.duties.doctor import Diagnosis
    from pipetui.model import Finding, ProcessState

NAME = "doctor"
HELP = "Say who is stuck on a pipe, why, and what to do. Exit 1 if there is a problem, 0 if all is well."
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
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_host(parser)


def run(args: argparse.Namespace) -> int:
    """Look once, judge, and print."""
    ask = place(args)
    from pipetui.backend.duties import Complaint
    from pipetui.backend.duties.doctor import Diagnosis, Question

    code = ExitCode.OK
    for told in ask("doctor", Question(tuple(args.paths), args.pid)):
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
            _say(told)
        if any(one.level == "problem" for one in told.findings):
            return ExitCode.NEGATIVE
    return code


def as_json(told: Diagnosis) -> dict[str, Any]:
    """Return what `--json` prints. Names that are not UTF-8 are surrogate escapes."""
    answer: dict[str, Any] = {
        "host": told.host,
        "time": told.time,
        "unreadable_processes": told.unreadable,
        "partial": list(told.partial),
        "findings": [_finding(one) for one in told.findings],
    }
    if told.process is not None:
        answer["process"] = _process(told.process)
    return answer


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "level": one.level,
        "pipes": [{"dev": ref.dev, "inode": ref.inode, "path": ref.path} for ref in one.pipes],
        "pids": list(one.pids),
        "headline": one.headline,
        "why": one.why,
        "fix": one.fix,
        "certainty": one.certainty,
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
                "pipe": None if task.pipe is None else {"dev": task.pipe.dev, "inode": task.pipe.inode},
                "fd": task.fd,
                "path": task.path or None,
                "children": list(task.children),
                "since": task.since,
                "certainty": task.certainty,
            }
            for task in process.tasks
        ],
    }


# --- for people -------------------------------------------------------------------------------------------------------


def _say(told: Diagnosis) -> None:
    for line in told.story:
        print(safe(line))
    for one in told.findings:
        mark = {"problem": "PROBLEM", "warning": "warning", "note": "note"}[one.level]
        sure = "" if one.certainty == "exact" else " (inferred)"
        print(f"{mark}  {one.rule}: {safe(one.headline)}{sure}")
        if one.level != "note":
            print(_wrapped(one.why))
        print(_wrapped(one.fix, "→ "))
    if not any(one.level != "note" for one in told.findings) and told.process is None:
        notes = " There is only what the notes above say." if told.findings else ""
        looked = f"{plural(told.pipes, 'pipe')} of {plural(told.holders, 'process', 'processes')}"
        print(f"All is well: {looked} looked at, and nobody is stuck.{notes}")
    elif not told.findings:
        print("No finding names this process.")
    for note in told.partial:
        print(f"note: {safe(note)}", file=sys.stderr)


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
