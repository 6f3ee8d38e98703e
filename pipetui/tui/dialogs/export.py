"""Export the filtered messages to a file, as JSON lines."""

from __future__ import annotations

from pathlib import Path

from pipetui.client.hosts import HostPool
from pipetui.client.session import Refused
from pipetui.model import LogFilter
from pipetui.text import plural
from pipetui.tui.dialogs.form import Field, Form, Values, is_path
from pipetui.tui.state.export import Exporter, ExportError


class ExportMessages(Form):
    """Asks for a file; an existing one is replaced only on confirmation."""

    HEADING = "Export messages"
    DO_IT = "Export"

    def __init__(self, pool: HostPool, wanted: LogFilter, words: str) -> None:
        self._pool = pool
        self._wanted = wanted
        self._words = words
        super().__init__()

    def make_fields(self) -> tuple[Field, ...]:
        return (
            Field("path", "File", str(Path.cwd() / "messages.jsonl"), check=is_path),
            Field("replace", "If it exists", "no", choices=(("no", "keep it"), ("yes", "replace it"))),
        )

    def about(self) -> str:
        return f"The messages still in the log ({self._words}), one JSON object per line."

    async def carry_out(self, values: Values) -> str:
        try:
            path = Path(values["path"]).expanduser()
        except RuntimeError:
            raise Refused("No such home folder.") from None
        try:
            async with Exporter(path, replace=values["replace"] == "yes") as exporter:
                async for page in self._pool.export(self._wanted):
                    await exporter.write(page)
        except ExportError as error:
            raise Refused(str(error)) from None
        return f"Exported {plural(exporter.count, 'message')} to {path}"
