"""What all screens share: the colours, and a footer with the keys, in which messages appear too."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any

from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen

from pipetui.client.session import Refused
from pipetui.protocol.requests import Done
from pipetui.tui.core.actions import BY_ID, Action
from pipetui.tui.core.context import AppContext
from pipetui.tui.core.keys import perform
from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.widgets.bars import KeyBar
from pipetui.tui.widgets.lists import LineList


class BaseScreen(Screen[None]):
    """A screen of pipetui. What its keys do are its methods `action_…` (see `core.keys`)."""

    app: AppContext

    def __init__(self) -> None:
        super().__init__()
        self.keys = KeyBar()

    @property
    def palette(self) -> Palette:
        """The colours."""
        return palette_for(self.app.theme)

    @property
    def active_list(self) -> LineList:
        """The list that the keys of lists are for."""
        raise NotImplementedError

    def key(self, action: str) -> str:
        """Return the first key of an action, as people write it; empty where it is not offered."""
        return self.app.first_key(action) if self.check_action(action, ()) else ""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a message in the footer until the next key."""
        self.keys.show_message(message, severity)

    def request(self, work: Coroutine[Any, Any, str | Done | None], *, exclusive: bool = False) -> None:
        """Do what takes a while; show the message it returns, or why it was refused. One `exclusive` ends another."""

        async def run() -> None:
            try:
                answer = await work
            except Refused as refused:
                self.notify(str(refused), severity="error")
            else:
                if isinstance(answer, str) and answer:
                    self.notify(answer)

        self.run_worker(run(), exclusive=exclusive)

    def open_dialog(self, dialog: ModalScreen[str]) -> None:
        """Open a dialog, and show the message that it ends with."""
        self.app.push_screen(dialog, lambda message: self.notify(message) if message else None)

    @property
    def read_only(self) -> bool:
        """Whether nothing that acts is offered here."""
        return self.app.read_only

    def show_keys(self, actions: Iterable[Action], kept: int = 2) -> None:
        """Show these actions in the footer, as far as they are offered; the last `kept` stay the longest."""
        offered = [action for action in actions if not (action.acts and self.read_only)]
        self.keys.show(offered, self.app.config.keys, kept)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is offered: where pipetui is read-only, none that acts."""
        known = BY_ID.get(action)
        return not (known is not None and known.acts and self.read_only)

    def perform(self, action: str) -> None:
        """Carry out an action of the registry."""
        perform(self.active_list if BY_ID[action].scope == "lists" else self, action)

    def on_key(self) -> None:
        self.keys.clear_message()

    def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        self.perform(event.action)
