"""`pipetui doctor`: who is stuck on a pipe, and why, and what to do; exit 1 if there is a problem.

It looks and touches nothing: no FIFO is opened in a way that could let anybody through.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from pipetui.cli.exits import ExitCode, Leave, impossible
from pipetui.cli.ls import roots_of
from pipetui.cli.values import count
from pipetui.model import Finding, Pipe, ProcessState, TaskState
from pipetui.text import age, plural, safe
from pipetui.watch.findings import judge
from pipetui.watch.findings.wording import named, people, who
from pipetui.watch.snapshot import survey
from pipetui.watch.world import World

NAME = "doctor"
HELP = "Say who is stuck on a pipe, why, and what to do. Exit 1 if there is a problem, 0 if all is well."
EXAMPLE = """
pipetui doctor
pipetui doctor /run/myapp
pipetui doctor --pid 1234
pipetui doctor --json | jq -r '.findings[] | select(.level == "problem") | .headline'
"""

_WIDTH = 100
#: A chain of parents that wait for children is followed so far.
_DEPTH = 6


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


def run(args: argparse.Namespace) -> int:
    """Look once, judge, and print."""
    roots, code = roots_of(args.paths)
    if args.paths and not roots:
        return code
    world = survey(roots)
    findings = judge(world)
    if args.paths:
        findings = tuple(one for one in findings if any((ref.dev, ref.inode) in world.found for ref in one.pipes))
    if args.pid is not None:
        _must_be_known(world, args.pid)
        findings = tuple(one for one in findings if args.pid in one.pids)
    if args.json:
        sys.stdout.write(json.dumps(as_json(world, findings, args.pid)) + "\n")
    else:
        if args.pid is not None:
            _say_process(world, args.pid)
        _say(world, findings, args.pid)
    if any(one.level == "problem" for one in findings):
        return ExitCode.NEGATIVE
    return code


def as_json(world: World, findings: Iterable[Finding], pid: int | None = None) -> dict[str, Any]:
    """Return what `--json` prints. Names that are not UTF-8 are surrogate escapes."""
    answer: dict[str, Any] = {
        "host": os.uname().nodename,
        "time": world.time,
        "unreadable_processes": world.unreadable,
        "partial": list(world.partial),
        "findings": [_finding(one) for one in findings],
    }
    if pid is not None:
        answer["process"] = _process(world.processes[pid])
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


def _must_be_known(world: World, pid: int) -> None:
    if pid in world.processes:
        return
    if any(process.pid == pid for process in world.hidden):
        impossible(f"process {pid} may not be looked at: ask as its user, or as root")
    raise Leave(ExitCode.IMPOSSIBLE, f"there is no process {pid}, or it is a kernel thread")


# --- for people -------------------------------------------------------------------------------------------------------


def _say(world: World, findings: Sequence[Finding], pid: int | None) -> None:
    for one in findings:
        mark = {"problem": "PROBLEM", "warning": "warning", "note": "note"}[one.level]
        sure = "" if one.certainty == "exact" else " (inferred)"
        print(f"{mark}  {one.rule}: {safe(one.headline)}{sure}")
        if one.level != "note":
            print(_wrapped(one.why))
        print(_wrapped(one.fix, "→ "))
    if not any(one.level != "note" for one in findings) and pid is None:
        pids = {end.pid for pipe in world.pipes for end in pipe.ends}
        notes = " There is only what the notes above say." if findings else ""
        looked = f"{plural(len(world.pipes), 'pipe')} of {plural(len(pids), 'process', 'processes')}"
        print(f"All is well: {looked} looked at, and nobody is stuck.{notes}")
    elif not findings:
        print("No finding names this process.")
    for note in world.partial:
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


def _say_process(world: World, pid: int) -> None:
    """Tell what each task of a process does, and go on to the children that it waits for."""
    pending, told = [(pid, 0)], {pid}
    while pending:
        current, depth = pending.pop(0)
        process = world.processes.get(current)
        if process is None:
            continue
        print(safe(f"{'  ' * depth}{who(world, current)}, child of {who(world, process.parent)}:"))
        for task in process.tasks:
            print(safe(f"{'  ' * depth}  {_task(world, process, task)}"))
        if not process.tasks:
            print(f"{'  ' * depth}  it has ended, and its parent has not asked for its exit code yet")
        below = [child for task in process.tasks if task.doing == "child" for child in task.children]
        if depth < _DEPTH:
            pending += [(child, depth + 1) for child in below if child not in told]
            told.update(below)


def _task(world: World, process: ProcessState, task: TaskState) -> str:
    """Return one sentence on what a task does and who could release it."""
    name = "" if len(process.tasks) == 1 else f"task {task.tid} "
    since = "" if task.since is None or world.time - task.since < 1 else f" for {age(world.time - task.since)}"
    sure = "" if task.certainty == "exact" else " (inferred)"
    return f"{name}{_does(world, task, since)}{sure}"


def _does(world: World, task: TaskState, since: str) -> str:
    pipe = None if task.pipe is None else world.by_id.get(task.pipe)
    what = named(pipe) if pipe else task.path or "a pipe that could not be told"
    fd = "" if task.fd is None else f", its fd {task.fd}"
    match task.doing:
        case "open-read" | "open-write":
            other = "writing" if task.doing == "open-read" else "reading"
            return f"waits{since} to open {what}; it goes on when some process opens that for {other}"
        case "read":
            return f"waits{since} to read {what}{fd}; {_releasers(world, pipe, 'w', 'could write to it or close it')}"
        case "write":
            return (
                f"waits{since} to write to {what}{fd}, which is full; {_releasers(world, pipe, 'r', 'could read it')}"
            )
        case "child":
            return f"waits{since} for {people(world, task.children) or 'a child'} to end"
        case "stopped":
            return "is stopped by a signal or a debugger; `kill -CONT` lets it go on"
        case "sleeping":
            return "sleeps for a time, or until a signal"
        case "waiting":
            return "waits for something that is no pipe: a lock, a socket, a terminal, or one of several events"
        case _:
            return "runs"


def _releasers(world: World, pipe: Pipe | None, access: str, can: str) -> str:
    if pipe is None:
        return "who has the other end is not known"
    holders = sorted({end.pid for end in pipe.ends if access in end.access})
    return f"{people(world, holders)} {can}" if holders else "nobody has the other end"
