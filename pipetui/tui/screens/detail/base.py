"""What the detail screens share: a title, a text with links, and the keys.

The main screen passes each change of a session to the front detail screen (`changed`); one behind another catches up
when it comes to the front. So a detail screen needs no timer.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer

from pipetui.client.session import EVERYTHING, Change, Session
from pipetui.model import PipeId
from pipetui.protocol.feeds import ACTORS, FINDINGS, PIPES, PROCESSES
from pipetui.text import safe
from pipetui.tui.core.actions import Scope, footer
from pipetui.tui.core.keys import bindings
from pipetui.tui.screens.base import BaseScreen
from pipetui.tui.screens.help import Help
from pipetui.tui.views.cells import Parts
from pipetui.tui.views.links import Target
from pipetui.tui.widgets.link_sheet import LinkSheet
from pipetui.tui.widgets.lists import LineList
from pipetui.tui.widgets.rule import Rule

#: How long to rest after laying out, in multiples of the time that took.
_REST = 4

#: From this width on there are two columns.
WIDE = 100


class DetailScreen(BaseScreen):
    """A detail screen. Subclasses draw its content (`lay_out`) and have methods for their own keys."""

    SCOPE: ClassVar[Scope] = "detail"
    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")
    DEFAULT_CSS = "DetailScreen { layout: vertical; } DetailScreen LinkSheet { height: 1fr; }"

    #: Whether the hub should report anonymous pipes while this is open.
    anonymous = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._rested_at = 0.0
        self._later: Timer | None = None
        self.head, self.sheet = Rule("head"), LinkSheet()

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.sheet
        yield self.keys

    def on_mount(self) -> None:
        self.head.highlight(True)
        self.begin()
        self.app.update_anonymous()

    def on_unmount(self) -> None:
        self.app.update_anonymous(without=self)

    def on_resize(self, event: events.Resize) -> None:
        self.lay_out()

    def on_screen_resume(self) -> None:
        if self.size.width:
            self.changed(Change(EVERYTHING))

    @property
    def read_only(self) -> bool:
        return self.session.read_only

    def is_about(self, session: Session) -> bool:
        """Whether a change on a host may concern this screen."""
        return session is self.session

    @property
    def where(self) -> Parts:
        """The host's name, if it has one, to be put before a path or a pid."""
        return ((f"{safe(self.session.name)}:", self.palette.dim),) if self.session.name else ()

    # --- for subclasses --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the keys, and focus the text."""
        self.show_keys(footer(self.SCOPE))
        self.sheet.focus()

    def lay_out(self) -> None:
        """Draw everything from the current state."""
        raise NotImplementedError

    def changed(self, change: Change) -> None:
        """Handle what an update changed."""
        if change.lost:
            self.notify(change.lost, severity="error")
        if change.has(PIPES) or change.has(ACTORS) or change.has(PROCESSES) or change.has(FINDINGS):
            self._lay_out_soon()

    def _lay_out_soon(self) -> None:
        """Lay out now, or after a rest: thousands of pipes must not use a whole core."""
        wait = self._rested_at - time.monotonic()
        if wait <= 0:
            self._lay_out_now()
        elif self._later is None:
            self._later = self.set_timer(wait, self._lay_out_now)

    def _lay_out_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        began = time.monotonic()
        self.lay_out()
        ended = time.monotonic()
        self._rested_at = ended + _REST * (ended - began)

    # --- what they share ------------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many cells a line has."""
        return max(10, self.size.width - 2)

    @property
    def active_list(self) -> LineList:
        return self.sheet

    def on_link_sheet_followed(self, event: LinkSheet.Followed) -> None:
        self.app.open_details(*self.found(event.target))

    def found(self, target: Any) -> tuple[Session, Target]:
        """Return the host and the pipe or process that a link leads to."""
        return self.session, target

    # --- actions --------------------------------------------------------------------------------------------------

    def action_detail_next(self) -> None:
        self.sheet.step(1)

    def action_detail_previous(self) -> None:
        self.sheet.step(-1)

    def action_detail_copy(self) -> None:
        if self.sheet.target is None:
            self.notify("Nothing to copy.")
            return
        session, target = self.found(self.sheet.target)
        if isinstance(target, PipeId):
            row = session.pipes.get(target)
            text = (row.pipe.path if row else None) or f"pipe:[{target.inode}]"
        else:
            text = str(target)
        self.app.to_clipboard(text)
        self.notify(f"Copied “{text}”, if your terminal supports it (OSC 52)")

    def action_detail_help(self) -> None:
        self.app.push_screen(Help(self.app.config.keys, read_only=self.read_only))

    def action_detail_close(self) -> None:
        self.dismiss(None)
