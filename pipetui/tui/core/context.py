"""What screens may ask of the app that shows them. The app itself composes the screens, so nothing here imports it."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from pipetui.client.hosts import HostPool
from pipetui.client.session import Session
from pipetui.model import PipeId, PipeRow
from pipetui.tui.core.actions import BY_ID, key_name, keys_of
from pipetui.tui.core.config import Config
from pipetui.tui.display.hook import ThinDisplay


class AppContext(ThinDisplay[int]):
    """The app as its screens see it (`app.PipetuiApp` is the only one)."""

    config: Config
    roots: tuple[str, ...]
    pool: HostPool

    @property
    def read_only(self) -> bool:
        """Whether no host lets anybody act."""
        return all(session.read_only for session in self.pool.sessions)

    def first_key(self, action: str) -> str:
        """Return the first key of an action as it is displayed."""
        return key_name(keys_of(BY_ID[action], self.config.keys)[0])

    def to_clipboard(self, text: str) -> None:
        """Copy text through the terminal (OSC 52); bytes that are not text become `?`."""
        self.copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    def connect(self) -> None:
        """Start talking to the hosts."""
        raise NotImplementedError

    def toggle_theme(self) -> None:
        """Switch between dark and light."""
        raise NotImplementedError

    def update_anonymous(self, without: Screen[Any] | None = None) -> None:
        """Ask hubs for anonymous pipes only while a screen (other than `without`) shows them."""
        raise NotImplementedError

    def open_details(self, session: Session, target: PipeId | int) -> None:
        """Show a pipe, or a process by its pid."""
        raise NotImplementedError

    def show_main(self) -> None:
        """Close the screens above the main screen."""
        raise NotImplementedError

    def select_fifo(self, session: Session, pipe: PipeId) -> bool:
        """Select a FIFO on the main screen; return whether it is listed."""
        raise NotImplementedError

    def show_messages(self, session: Session, row: PipeRow) -> None:
        """Show only the messages of one FIFO, on the main screen."""
        raise NotImplementedError
