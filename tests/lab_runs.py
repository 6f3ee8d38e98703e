"""Plays labs in a folder of their own, and tells what was seen."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from pipetui.labs.context import LabEvent
from pipetui.labs.lab import Lab
from pipetui.labs.play import judge, play
from pipetui.model import Pace, Seen

#: A lab with the usual limit or more may take this long here (seconds): a busy machine is no failure.
USUAL, TIMEOUT = 10.0, 60.0


def rehearse(lab: Lab, pace: Pace = "fast") -> tuple[dict[str, Seen], list[LabEvent]]:
    """Play a lab to its end; return each observation as it was judged, by its key, and all that was told."""
    if lab.limit >= USUAL:
        lab = replace(lab, limit=TIMEOUT)
    events: list[LabEvent] = []
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    try:
        play(lab, folder, pace, events.append)
    finally:
        shutil.rmtree(folder)
    facts = {event.name: event.value for event in events if event.kind == "saw"}
    skipped = {event.name: str(event.value) for event in events if event.kind == "skip"}
    return {seen.key: seen for seen in judge(lab, facts, skipped)}, events


def script(events: list[LabEvent]) -> str:
    """Return all that was told, a line each, for the message of a failed test."""
    return "\n".join(f"{event.kind} {event.pid}: {event.name} {event.value}" for event in events)
