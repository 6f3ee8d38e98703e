"""The service of the labs: runs them, and passes on what they say and who takes part in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipetui.backend.inventory.service import Inventory
from pipetui.backend.labs.runner import LabRunner
from pipetui.backend.messages.service import Messages
from pipetui.backend.publisher import Rows, Source
from pipetui.backend.runtime.children import ChildProcesses
from pipetui.backend.service import Handler, Service
from pipetui.model import LabLine, LabRun, Line
from pipetui.protocol.feeds import LABS
from pipetui.protocol.requests import (
    Done,
    ListLabs,
    Prepared,
    PrepareLab,
    Request,
    RunLab,
    Started,
    StopLab,
    TellLab,
)
from pipetui.protocol.requests import Labs as LabList
from pipetui.text import encode


class Labs(Service):
    """The experiments of the hub's host."""

    def __init__(self, children: ChildProcesses, inventory: Inventory, messages: Messages) -> None:
        self._inventory = inventory
        self._messages = messages
        self._runner = LabRunner(children, self._on_run, self._on_line, self._on_part, inventory.search_more)
        self._rows: Rows[int, LabRun] = Rows(LABS, self._runner.state)

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {
            ListLabs: lambda _: LabList(self._runner.cards()),
            RunLab: lambda request: Started(self._runner.run(request.name, request.pace)),
            StopLab: self._stop,
            TellLab: self._tell,
            PrepareLab: lambda request: Prepared(self._runner.prepare(request.name)),
        }

    def feeds(self) -> Sequence[Source]:
        return (self._rows,)

    def close(self) -> None:
        self._runner.close()

    def _stop(self, request: StopLab) -> Done:
        self._runner.stop(request.run)
        return Done()

    def _tell(self, request: TellLab) -> Done:
        self._runner.tell(request.run, request.text)
        return Done()

    def _on_run(self, number: int) -> None:
        self._rows.changed(number)

    def _on_line(self, lab: str, line: LabLine) -> None:
        """What a lab's process says is a message too, one that nobody had to read from a pipe."""
        payload = encode(f"{line.name}: {line.text}")
        number = self._messages.advance(1, len(payload)) + 1
        self._messages.add(Line(number, line.time, lab, 0, line.pid, len(payload), payload))

    def _on_part(self, pid: int, part: str) -> None:
        if part:
            self._inventory.name(pid, part)
        else:
            self._inventory.unname(pid)
