"""What keys do in the message log, and its filters."""

from __future__ import annotations

from pipetui.client.session import Session
from pipetui.model import Line, LogFilter, PipeRow
from pipetui.tui.dialogs.export import ExportMessages
from pipetui.tui.screens.main.panes import MainPanes
from pipetui.tui.screens.message import MessageScreen
from pipetui.tui.widgets.filter_bar import FilterBar
from pipetui.tui.widgets.message_log import MessageLog

GONE = "This message is no longer in the log."


class MessageActions(MainPanes):
    """The keys of the log, and those that filter the FIFOs or search."""

    def action_freeze(self) -> None:
        self.messages.toggle()

    def action_only(self) -> None:
        if self.messages.window.filter.fifo:
            self.filter_log(fifo="")
        elif row := self.selected:
            self.filter_log(fifo=self._log_address(self.session, row))

    def show_messages(self, session: Session, row: PipeRow) -> None:
        """Select a FIFO and show its messages only."""
        self.fifos.select(self.pool.key(session, row.pipe.id))
        self.filter_log(fifo=self._log_address(session, row))
        self.go_to("log")

    def _log_address(self, session: Session, row: PipeRow) -> str:
        """Return the address of a FIFO's messages in the log: of its names, the one that our consumers read."""
        path = row.pipe.path or ""
        for actor in session.actors.values():
            if actor.role == "consumer" and (actor.spec.path in row.pipe.paths or actor.pipe == row.pipe.id):
                path = actor.spec.path
                break
        return self.pool.address(session, path)

    def action_export(self) -> None:
        wanted = self.messages.window.filter
        words = wanted.fifo or "all FIFOs"
        words += f", filter “{wanted.pattern}”" if wanted.pattern else ", no filter"
        self.open_dialog(ExportMessages(self.pool, wanted, words))

    # --- filters --------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        if self.pane == "fifos":
            self.name_bar.open("name", "name", self.name_filter, False)
            self.share_room()
        else:
            self.go_to("log")
            before = self.messages.window.filter
            self.log_bar.open("filter", "filter", before.pattern, before.regex)

    def action_find(self) -> None:
        self.go_to("log")
        before = self.messages.finding
        self.log_bar.open("find", "find", before.pattern, before.regex)

    def on_filter_bar_typed(self, event: FilterBar.Typed) -> None:
        {"name": self._name_typed, "filter": self._filter_typed, "find": self._find_typed}[event.purpose](event)
        if event.kept or event.dropped:
            (self.name_bar if event.purpose == "name" else self.log_bar).close()
            self.share_room()
            self.go_to("fifos" if event.purpose == "name" else "log")

    def _name_typed(self, event: FilterBar.Typed) -> None:
        self.name_filter = event.pattern
        self.show_fifos()
        self.show_holders()

    def _filter_typed(self, event: FilterBar.Typed) -> None:
        self.filter_log(pattern=event.pattern, regex=event.regex and bool(event.pattern))

    def _find_typed(self, event: FilterBar.Typed) -> None:
        self.messages.find(LogFilter(event.pattern, event.regex and bool(event.pattern)))
        self.show_log_rule()
        if event.kept and event.pattern:
            self.request(self._jump(backwards=self.messages.window.following, here=True))

    # --- matches --------------------------------------------------------------------------------------------------

    def action_next(self) -> None:
        self.request(self._jump(backwards=False))

    def action_previous(self) -> None:
        self.request(self._jump(backwards=True))

    async def _jump(self, *, backwards: bool, here: bool = False) -> str:
        """Go to the nearest match; with `here` the message under the cursor counts too."""
        log = self.messages
        if not log.finding.pattern:
            return f"No search yet; press {self.key('find')}."
        item = log.window.current
        if item is None:
            return "No messages yet."
        start = item.number + ((1 if backwards else -1) if here else 0)
        found = await self.pool.find(log.window.filter, log.finding, max(0, start), backwards=backwards)
        if found is None:
            return f"No {'older' if backwards else 'newer'} match for “{log.finding.pattern}”."
        log.act(lambda window: window.jump(found))
        return ""

    # --- one message ----------------------------------------------------------------------------------------------

    def on_message_log_moved(self) -> None:
        self.show_log_rule()
        self.show_status()

    def on_message_log_opened(self, event: MessageLog.Opened) -> None:
        self.request(self._open(event.line))

    async def _open(self, line: Line) -> str:
        whole = await self.pool.fetch(line.number)
        if whole is None:
            return GONE
        self.app.push_screen(MessageScreen(self.pool, whole, self.messages.window.filter))
        return ""
