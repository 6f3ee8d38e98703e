"""Send a signal to a process; one that pipetui did not start takes a second Enter."""

from __future__ import annotations

import signal

from pipetui.client.session import Session
from pipetui.protocol import requests
from pipetui.tui.dialogs.form import Field, Form, Values
from pipetui.tui.views.holders import short_command
from pipetui.tui.widgets.inputs import ChoiceInput

SIGNALS: tuple[tuple[str, str], ...] = (
    ("TERM", "TERM: terminate"),
    ("INT", "INT: interrupt, like ctrl+c"),
    ("HUP", "HUP: hang up; many daemons reload"),
    ("STOP", "STOP: pause until CONT"),
    ("CONT", "CONT: resume"),
    ("KILL", "KILL: kill at once, without cleanup"),
)


class SendSignal(Form):
    """Enter on the choice sends to a process of ours; for any other it only moves to the button."""

    HEADING = "Send a signal"
    DO_IT = "Send"

    def __init__(self, session: Session, pid: int, command: str, *, ours: bool) -> None:
        self._session = session
        self._pid = pid
        self._command = command
        self._ours = ours
        super().__init__(session.name)

    def make_fields(self) -> tuple[Field, ...]:
        return (Field("signal", "Signal", "TERM", choices=SIGNALS),)

    def about(self) -> str:
        whose = "Started by pipetui." if self._ours else "Not started by pipetui."
        sure = "Sent only if this is still the same process."
        return f"{self._pid}  {short_command(self._command)}\n{whose} {sure}"

    def on_choice_input_submitted(self, event: ChoiceInput.Submitted) -> None:
        if not self._ours:
            event.prevent_default()  # the form would send it
            event.stop()
            self.query_one("#do").focus()

    async def carry_out(self, values: Values) -> str:
        name = f"SIG{values['signal']}"
        await self._session.ask(requests.Signal(self._pid, self._command, int(signal.Signals[name])))
        return f"Sent {name} to {self._pid} {short_command(self._command)}"
