"""What the dialogs for producers and consumers share; they start one, or replace one that is running.

Replacing an actor means stopping the old one, starting the new one, and forgetting the old one's row.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Generic, TypeVar

from pipetui.client.session import Refused, Session
from pipetui.model import ActorSpec
from pipetui.protocol import requests
from pipetui.tui.dialogs.form import Form, Values

S = TypeVar("S", bound=ActorSpec)

#: How often to check whether the old actor has ended, and the pause between checks (seconds).
_TRIES = 40
_PAUSE = 0.05


class ActorForm(Form, Generic[S]):
    """All settings of an actor. With `replaces`, that actor is stopped first; a `note` is added to the description."""

    DO_IT = "Start"
    ABOUT: ClassVar[str] = ""

    def __init__(self, session: Session, spec: S, replaces: int | None = None, note: str = "") -> None:
        self._session = session
        self._spec = spec
        self._replaces = replaces
        self._note = note
        super().__init__(session.name)

    def about(self) -> str:
        first = self.ABOUT if self._replaces is None else f"{self.ABOUT} The running one is stopped first."
        return f"{first}\n{self._note}" if self._note else first

    def spec(self, values: Values) -> S:
        """Return the spec that the fields describe."""
        raise NotImplementedError

    async def carry_out(self, values: Values) -> str:
        spec = self.spec(values)
        await start_instead(self._session, self._replaces, spec)
        return f"Started {type(self).HEADING.lower()} {spec.name} on {spec.path}"


async def start_instead(session: Session, old: int | None, spec: ActorSpec) -> int:
    """Start `spec`, after stopping the old actor if it still exists; raise `Refused` if the hub does."""
    before = session.actors.get(old) if old is not None else None
    if before is None:
        return await session.start(spec)
    if before.phase != "ended":
        await session.ask(requests.Control(before.id, "stop"))
    new = await session.start(spec)
    for _ in range(_TRIES):
        state = session.actors.get(before.id)
        if state is None:
            break
        if state.phase == "ended":
            try:
                await session.ask(requests.Control(before.id, "dismiss"))
            except Refused:
                pass
            break
        await asyncio.sleep(_PAUSE)
    return new
