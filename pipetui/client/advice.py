"""What to do about a finding of another host, said for somebody who sits here: pipetui is not installed there, and a
`kill` with a pid of that host would here meet somebody else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import replace

from pipetui.model import Finding

#: Commands in a sentence on what to do: those that go through `--host`, `rm` of a FIFO, and those of the shell.
_COMMANDS = re.compile(
    "`(?:pipetui (?:doctor|ls|peek|send|tail|watch|rm) [^`]+|(?:kill (?:-[A-Z]+ )?[0-9]|chmod [0-7]|cat )[^`]*)`"
)

#: Those of ours that know `--host`.
_OURS = re.compile(r"pipetui (?P<name>doctor|ls|peek|send|tail|watch) (?P<rest>.+)", re.DOTALL)

_PLAIN = re.compile(r"[\w ./:,+-]+")


def from_here(findings: Iterable[Finding], host: str) -> tuple[Finding, ...]:
    """Return findings of `host` whose fix names commands that do there, typed here, what they should."""

    def command(match: re.Match[str]) -> str:
        return f"`{on_host(match.group()[1:-1], host)}`"

    return tuple(replace(one, fix=_COMMANDS.sub(command, one.fix)) for one in findings)


def on_host(command: str, host: str) -> str:
    """Return what to type here so that a command runs on another host, where pipetui is not installed; empty for one
    of ours that runs only here."""
    name = shlex.quote(host)
    ours = _OURS.fullmatch(command)
    if ours:
        return f"pipetui {ours['name']} --host {name} {ours['rest']}"
    there = command.removeprefix("pipetui ") if command.startswith("pipetui rm ") else command
    there = "" if there.startswith("pipetui ") else there
    return f"ssh {name} {there if _PLAIN.fullmatch(there) else shlex.quote(there)}" if there else ""
