"""Background tasks: what a request needs done that may take its time is done by a child, whose report is the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pipetui.backend.runtime import limits
from pipetui.backend.runtime.channel import Sender, send_all
from pipetui.backend.runtime.children import Child, ChildProcesses
from pipetui.kernel.errors import PipeError

#: Does the work and returns something marshallable; raises a `PipeError` with the sentence for the person.
Work = Callable[[], Any]


def run(
    children: ChildProcesses, name: str, work: Work, done: Callable[[Any], None], refused: Callable[[str], None]
) -> None:
    """Fork a child for `work`; call `done` with its result, or `refused` with a sentence."""
    if children.count(name) >= limits.MOST_TASKS:
        refused(limits.TOO_MANY_TASKS)
        return
    reports: list[tuple[bool, Any]] = []

    def ended(_child: Child) -> None:
        fine, value = reports[0] if reports else (False, "it ended without an answer")
        if fine:
            done(value)
        else:
            refused(value)

    try:
        children.fork(name, partial(_main, work), reports.append, ended)
    except OSError as error:
        refused(f"no process could be started: {error.strerror}")


def _main(work: Work, _control: int, report: int) -> None:
    try:
        answer: tuple[bool, Any] = (True, work())
    except PipeError as error:
        answer = (False, str(error))
    send_all(Sender(report), report, answer)
