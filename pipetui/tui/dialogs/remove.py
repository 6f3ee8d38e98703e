"""Ask before removing a FIFO, showing what it affects."""

from __future__ import annotations

from pipetui.client.session import Session
from pipetui.model import PipeRow
from pipetui.protocol import requests
from pipetui.text import safe
from pipetui.tui.dialogs.form import Form, Values
from pipetui.tui.views.fifos import title
from pipetui.tui.views.holders import short_command

_NAMED = 6


class RemoveFifo(Form):
    """No fields: Enter on `Remove` does it, Escape does not. `Cancel` has the focus at first."""

    HEADING = "Remove this FIFO?"
    DO_IT = "Remove"

    def __init__(self, session: Session, row: PipeRow) -> None:
        self._session = session
        self._row = row
        super().__init__(session.name)

    def about(self) -> str:
        pipe = self._row.pipe
        lines = [title(self._row), f"device {pipe.id.dev}, inode {pipe.id.inode}", ""]
        held = {end.pid: end.command for end in pipe.ends}
        if not held:
            lines.append("No process has it open.")
        else:
            lines.append("Open in:")
            lines += [f"  {pid} {self._command(pid, command)}" for pid, command in sorted(held.items())[:_NAMED]]
            if len(held) > _NAMED:
                lines.append(f"  and {len(held) - _NAMED} more")
            lines.append("They keep their pipe; no other process can open it.")
        lines += ["", "Only this name is removed, and only if it is still this FIFO."]
        return "\n".join(lines)

    def _command(self, pid: int, command: str) -> str:
        process = self._session.processes.get(pid)
        return short_command(command or (process.command if process else ""))

    async def carry_out(self, values: Values) -> str:
        path = self._row.pipe.path or ""
        await self._session.ask(requests.RemoveFifo(path, self._row.pipe.id))
        return f"Removed {safe(path)}"
