"""Plays labs in a folder of their own, and tells what was seen."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from pipetui.labs.lab import Lab
from pipetui.labs.play import Event, judge, play
from pipetui.model import Fact, Pace, Seen

#: A lab with the usual limit or more may take this long here (seconds): a busy machine is no failure.
USUAL, TIMEOUT = 10.0, 60.0


def rehearse(lab: Lab, pace: Pace = "fast") -> tuple[dict[str, Seen], list[Event]]:
    """Play a lab to its end; return each observation as it was judged, by its key, and all that was told."""
    if lab.limit >= USUAL:
        lab = replace(lab, limit=TIMEOUT)
    events: list[Event] = []
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    try:
        play(lab, folder, pace, events.append)
    finally:
        shutil.rmtree(folder)
    facts: dict[str, Fact] = {key: value for kind, _, _, key, value in _of("saw", events)}
    skipped: dict[str, str] = {key: reason for kind, _, _, key, reason in _of("skip", events)}
    return {seen.key: seen for seen in judge(lab, facts, skipped)}, events


def _of(kind: str, events: list[Event]) -> list[Event]:
    return [event for event in events if event[0] == kind]


def script(events: list[Event]) -> str:
    """Return all that was told, a line each, for the message of a failed test."""
    return "\n".join(f"{kind} {pid}: {' '.join(map(str, rest))}" for kind, _, pid, *rest in events)
