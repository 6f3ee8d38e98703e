"""The main screen: the panes with all their keys, and how the sessions' changes reach them."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType

from pipetui.client.hosts import HostPool
from pipetui.client.session import EVERYTHING, Change, Session
from pipetui.model import PipeId
from pipetui.protocol.feeds import ACTORS, FINDINGS, PIPES, PROCESSES, STATUS
from pipetui.tui.core.keys import bindings
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.screens.detail.finding import FindingScreen
from pipetui.tui.screens.detail.pipe import PipeScreen
from pipetui.tui.screens.detail.process import ProcessScreen
from pipetui.tui.screens.main.actors import ActorActions
from pipetui.tui.screens.main.fifos import FifoActions
from pipetui.tui.screens.main.general import GeneralActions
from pipetui.tui.screens.main.messages import MessageActions
from pipetui.tui.screens.main.panes import FIRST, PANES
from pipetui.tui.views.holders import Holder
from pipetui.tui.widgets.bars import Tabs
from pipetui.tui.widgets.finding_list import FindingList
from pipetui.tui.widgets.table import RowTable

#: A change of everything: the first, and the one after another screen was in front.
_ALL = Change(EVERYTHING)


class MainScreen(FifoActions, ActorActions, MessageActions, GeneralActions):
    """The main screen. It shows what all hosts report; `changed` is called after every update."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere", "fifos", "processes", "messages")

    def __init__(self, pool: HostPool) -> None:
        super().__init__(pool)
        self._missed = False

    def on_mount(self) -> None:
        self.fold()
        for pane in PANES:
            self._rules[pane].update(pane.upper())
        self.show_log_rule()
        self.fifos.focus()
        self.app.connect()
        self.messages.act(lambda window: window.reset())
        self.fifos.opening = True
        self.changed(self.pool.sessions[0], _ALL)

    # --- the hosts ------------------------------------------------------------------------------------------------

    def changed(self, session: Session, change: Change) -> None:
        """Draw what an update of a host changed."""
        if not (self.is_mounted and self.app.is_running):  # an update may come while the screens are being closed
            return
        front = self.app.screen
        if isinstance(front, DetailScreen) and front.is_about(session):
            front.changed(change)
        if change.renewed and not self.pool.several:
            self.messages.act(lambda window: window.reset())
        if self.is_active or change.lost:
            self._draw_change(change)
            return
        self._missed = True  # another screen is in front: what is behind it stays as it was, and costs nothing
        if change.log is not None:
            self.messages.take(change.log, quietly=True)

    def _draw_change(self, change: Change) -> None:
        if change.has(PIPES) or change.has(STATUS):
            self.show_fifos()
        if not any(each.opening for each in self.pool.sessions):
            self.fifos.opening = False
        if change.has(PIPES) or change.has(ACTORS) or change.has(PROCESSES):
            self.show_holders()
        if change.has(FINDINGS):
            self.show_findings()
        if change.log is not None:
            none_yet = not self.messages.window.counts.seen
            self.messages.take(change.log)
            if none_yet and self.messages.window.counts.seen:
                self.share_room()
        if change != Change(log=change.log):
            self.show_status()
        if change.lost:
            self.notify(change.lost, severity="error")

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was in front."""
        if self._missed:
            self._missed = False
            self.changed(self.pool.sessions[0], _ALL)
            self.messages.refresh()
            self.show_log_rule()

    # --- events ---------------------------------------------------------------------------------------------------

    def perform(self, action: str) -> None:
        self.fifos.opening = False  # what is done is done to what is selected now
        super().perform(action)

    def on_key(self) -> None:
        self.fifos.opening = False

    def on_resize(self, event: events.Resize) -> None:
        self.fold()
        self.show_status()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        if widget.id in PANES:
            self.enter(widget.id)

    def on_row_table_selected(self, event: RowTable.Selected) -> None:
        if event.table is self.fifos:
            self.show_holders()

    def on_row_table_activated(self, event: RowTable.Activated) -> None:
        row = event.table.row
        if isinstance(row, Holder):
            self.app.push_screen(ProcessScreen(row.session or self.session, row.pid, row))
        elif row is not None:
            self.app.push_screen(PipeScreen(row.session, row.row.pipe.id))

    def on_finding_list_opened(self, event: FindingList.Opened) -> None:
        session, finding = event.judged.session, event.judged.finding
        if len(finding.pipes) == 1:
            ref = finding.pipes[0]
            self.app.push_screen(PipeScreen(session, PipeId(ref.dev, ref.inode), ref.path))
        else:
            self.app.push_screen(FindingScreen(session, finding))

    def on_finding_list_unfolded(self) -> None:
        self.share_room()

    def on_tabs_chosen(self, event: Tabs.Chosen) -> None:
        self.go_to(FIRST[event.tab])
