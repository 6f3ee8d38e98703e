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
    "`(?:pipetui (?P<duty>doctor|ls|peek|send|tail|watch) (?P<rest>[^`]+)"
    "|pipetui rm (?P<paths>[^`]+)"
    "|(?P<shell>(?:kill (?:-[A-Z]+ )?[0-9]|chmod [0-7]|cat )[^`]*))`"
)

#: What this machine is called among hosts.
LOCAL = "local"

_PLAIN = re.compile(r"[\w ./:,+-]+")


def from_here(findings: Iterable[Finding], host: str) -> tuple[Finding, ...]:
    """Return findings of `host` whose fix names commands that do there, typed here, what they should."""
    name = shlex.quote(host)

    def command(match: re.Match[str]) -> str:
        if match["duty"]:
            return f"`pipetui {match['duty']} --host {name} {match['rest']}`"
        there = match["shell"] or f"rm {match['paths']}"
        return f"`ssh {name} {there if _PLAIN.fullmatch(there) else shlex.quote(there)}`"

    return tuple(replace(one, fix=_COMMANDS.sub(command, one.fix)) for one in findings)
