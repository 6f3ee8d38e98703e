"""Send one message to a FIFO."""

from __future__ import annotations

from pipetui.client.session import Session
from pipetui.protocol import requests
from pipetui.text import encode, plural
from pipetui.tui.dialogs.form import Field, Form, Values, is_amount, is_path
from pipetui.tui.widgets.inputs import kept


class SendMessage(Form):
    """Asks for a text; a newline is added unless told otherwise."""

    HEADING = "Send one message"
    DO_IT = "Send"

    def __init__(self, session: Session, path: str) -> None:
        self._session = session
        self._path = path
        super().__init__(session.name)

    def make_fields(self) -> tuple[Field, ...]:
        return (
            Field("text", "Text"),
            Field("newline", "Ends with", "yes", choices=(("yes", "a newline"), ("no", "nothing"))),
            Field("timeout", "Wait", "2", "seconds for a reader", check=is_amount),
            Field("path", "FIFO", self._path, check=is_path),
        )

    def about(self) -> str:
        return "The reader of the FIFO gets it. Without a reader, sending waits this long, then fails."

    async def carry_out(self, values: Values) -> str:
        payload = values["text"] + ("\n" if values["newline"] == "yes" else "")
        path = kept(self._path, values["path"])
        await self._session.ask(requests.Send(path, payload, float(values["timeout"])))
        return f"Sent {plural(len(encode(payload)), 'byte')} to {path}"
