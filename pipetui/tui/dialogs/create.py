"""Create a FIFO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipetui.client.session import Session
from pipetui.protocol import requests
from pipetui.text import safe
from pipetui.tui.dialogs.form import Field, Form, Values, is_path


def _is_mode(value: str) -> str:
    try:
        mode = int(value, 8)
    except ValueError:
        mode = -1
    return "" if 0 <= mode <= 0o777 else "The mode must be octal, from 0000 to 0777, for example 0600."


class CreateFifo(Form):
    """Asks for a path and a mode."""

    HEADING = "New FIFO"
    DO_IT = "Create"

    def __init__(self, session: Session, folder: str, hosts: Sequence[Session] = ()) -> None:
        """Create it on `session`; with several `hosts`, ask on which, `session` being the default."""
        self._session = session
        self._hosts = {safe(host.name): host for host in hosts} if len(hosts) > 1 else {}
        self._folder = folder
        super().__init__("" if self._hosts else session.name)

    def make_fields(self) -> tuple[Field, ...]:
        start = self._folder.rstrip("/") + "/"
        names = tuple((name, name) for name in self._hosts)
        host = Field("host", "Host", safe(self._session.name), choices=names)
        return (
            Field("path", "Path", start, check=is_path),
            Field("mode", "Mode", "0600", "octal; 0600 = only you", check=_is_mode),
            *((host,) if names else ()),
        )

    def about(self) -> str:
        return "A FIFO is a pipe with a name. Data flows once it has a writer and a reader."

    async def carry_out(self, values: Values) -> str:
        path = str(Path(values["path"]).expanduser()) if values["path"].startswith("~/") else values["path"]
        session = self._hosts[values["host"]] if self._hosts else self._session
        await session.ask(requests.CreateFifo(path, int(values["mode"], 8)))
        return f"Created {path}" + (f" on {session.name}" if self._hosts else "")
