"""What the detail screens have in common: a title, a text with names to follow, and the keys.

The main screen passes each change of the session on to the detail screen that is in front (`changed`); one that lies
behind another is brought up to date when it comes to the front again. So a detail screen needs no timer.
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

#: For how many times as long as it took to lay out it is not done again.
_REST = 4

#: From this width on there are two columns.
WIDE = 100


class DetailScreen(BaseScreen):
    """A screen. Its kinds say what stands in it (`lay_out`) and have methods for their own keys."""

    SCOPE: ClassVar[Scope] = "detail"
    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")
    DEFAULT_CSS = "DetailScreen { layout: vertical; } DetailScreen LinkSheet { height: 1fr; }"

    #: Whether anonymous pipes are wanted from the hub as long as this is open.
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

    def is_about(self, session: Session) -> bool:
        """Say whether what changes on a host may change what stands here."""
        return session is self.session

    @property
    def where(self) -> Parts:
        """The host in front of a path or a pid, where it has a name."""
        return ((f"{safe(self.session.name)}:", self.palette.dim),) if self.session.name else ()

    # --- for its kinds --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the keys, and give the focus to what there is to read."""
        self.keys.show(footer(self.SCOPE), self.app.config.keys)
        self.sheet.focus()

    def lay_out(self) -> None:
        """Bring everything up to date."""
        raise NotImplementedError

    def changed(self, change: Change) -> None:
        """Take what an update changed."""
        if change.lost:
            self.notify(change.lost, severity="error")
        if change.has(PIPES) or change.has(ACTORS) or change.has(PROCESSES) or change.has(FINDINGS):
            self._lay_out_soon()

    def _lay_out_soon(self) -> None:
        """Lay out now, or when the last time has been paid for: thousands of pipes must not take all of a core."""
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
        """Return the host and the pipe or process that a name leads to."""
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
        self.app.push_screen(Help(self.app.config.keys))

    def action_detail_close(self) -> None:
        self.dismiss(None)
