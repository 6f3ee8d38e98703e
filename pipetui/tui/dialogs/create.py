"""Create a FIFO."""

from __future__ import annotations

from pathlib import Path

from pipetui.client.session import Session
from pipetui.tui.forms import Field, Form, Values, is_path


def _is_mode(value: str) -> str:
    try:
        mode = int(value, 8)
    except ValueError:
        mode = -1
    return "" if 0 <= mode <= 0o777 else "The mode must be octal, from 0000 to 0777, such as 0600."


class CreateFifo(Form):
    """Asks for a path and a mode."""

    HEADING = "New FIFO"
    DO_IT = "Create"

    def __init__(self, session: Session, folder: str) -> None:
        self._session = session
        self._folder = folder
        super().__init__()

    def make_fields(self) -> tuple[Field, ...]:
        start = self._folder.rstrip("/") + "/"
        return (
            Field("path", "Path", start, check=is_path),
            Field("mode", "Mode", "0600", "octal; 0600 is for you alone", check=_is_mode),
        )

    def about(self) -> str:
        return "A FIFO is a name for a pipe. Nothing flows until somebody writes and somebody reads."

    async def carry_out(self, values: Values) -> str:
        path = str(Path(values["path"]).expanduser()) if values["path"].startswith("~/") else values["path"]
        await self._session.create_fifo(path, int(values["mode"], 8))
        return f"Created {path}"
