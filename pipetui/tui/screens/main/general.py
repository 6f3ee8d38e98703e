"""What keys do in every pane."""

from __future__ import annotations

from pipetui.client.hosts import HostPool
from pipetui.model import Line, LogFilter
from pipetui.text import decode, plural, safe
from pipetui.tui.screens.action_log import Actions
from pipetui.tui.screens.detail.pipelines import PipelinesScreen
from pipetui.tui.screens.help import Help, Notes
from pipetui.tui.screens.labs.screen import LabsScreen
from pipetui.tui.screens.main.messages import GONE
from pipetui.tui.screens.main.panes import MainPanes
from pipetui.tui.state.lab_session import LabSession
from pipetui.tui.views.fifos import short


class GeneralActions(MainPanes):
    """The keys that work everywhere on the main screen."""

    def __init__(self, pool: HostPool) -> None:
        super().__init__(pool)
        self._labs = LabSession()  # not the labs screen's: a run goes on when that is left

    # --- copying --------------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        if self.pane == "log":
            item = self.messages.window.current
            if isinstance(item, Line) and not item.gap:
                self.request(self._copy_message(item))
            else:
                self.notify("No message to copy.")
            return
        text = self._selected_text()
        if text is None:
            self.notify("Nothing to copy.")
        else:
            self.app.to_clipboard(text)
            self.notify(f"Copied “{safe(text)}”, if your terminal supports it (OSC 52)")

    def _selected_text(self) -> str | None:
        if self.pane == "fifos":
            path = self.selected_path
            return self.pool.address(self.session, path) if path else None
        if self.pane == "findings":
            judged = self.findings.current
            if judged is None:
                return None
            finding, host = judged.finding, f"{judged.session.name}: " if self.pool.several else ""
            return f"{host}{finding.rule}: {finding.headline}\n{finding.why}\n{finding.fix}\n"
        holder = self.holder
        return f"{holder.pid} {holder.command}" if holder else None

    async def _copy_message(self, item: Line) -> str:
        whole = await self.pool.fetch(item.number)
        if whole is None:
            return GONE
        self.app.to_clipboard(decode(whole.payload))
        size = plural(len(whole.payload), "byte")
        number = self.pool.origin(item.number)[1]
        return f"Copied message {number:,} of {short(item.fifo)}, {size}, if your terminal supports it (OSC 52)"

    # --- panes ----------------------------------------------------------------------------------------------------

    def action_escape(self) -> None:
        for bar in (self.name_bar, self.log_bar):
            if bar.is_open:
                bar.action_drop()
                return
        if self.pane == "fifos" and self.name_filter:
            self.name_filter = ""
            self.show_fifos()
            self.show_holders()
        elif self.messages.finding.pattern:
            self.messages.find(LogFilter())
            self.show_log_rule()
        else:
            self.filter_log(fifo="", pattern="", regex=False)

    def action_next_pane(self) -> None:
        self.step(1)

    def action_previous_pane(self) -> None:
        self.step(-1)

    def action_pane_1(self) -> None:
        self.go_to("fifos")

    def action_pane_2(self) -> None:
        self.go_to("producers")

    def action_pane_3(self) -> None:
        self.go_to("consumers")

    def action_pane_4(self) -> None:
        self.go_to("log")

    def action_pane_5(self) -> None:
        if self.findings.count:
            self.go_to("findings")
        else:
            self.notify("No findings: nothing is wrong as far as pipetui can see.")

    # --- other screens --------------------------------------------------------------------------------------------

    def action_pipelines(self) -> None:
        self.app.push_screen(PipelinesScreen(*self.pool.sessions))

    def action_labs(self) -> None:
        """Open the labs on this machine if it is among the hosts, else on that of the selected FIFO."""
        here = (session for session in self.pool.sessions if not session.is_far)
        self.app.push_screen(LabsScreen(next(here, self.session), self._labs))

    def action_actions(self) -> None:
        self.app.push_screen(Actions(self.pool))

    def action_notes(self) -> None:
        self.app.push_screen(Notes(self.pool, self.app.display_note))

    def action_help(self) -> None:
        self.app.push_screen(Help(self.app.config.keys, read_only=self.read_only))

    def action_palette(self) -> None:
        self.app.action_command_palette()

    # --- the program ----------------------------------------------------------------------------------------------

    def action_theme(self) -> None:
        self.app.toggle_theme()

    def action_reconnect(self) -> None:
        trying = [session.name for session in self.pool.sessions if session.name and session.lost]
        if not self.pool.reconnect():
            connected = "All hosts are" if self.pool.several else "The hub is"
            self.notify(f"{connected} connected.")
        elif trying:
            self.notify(f"Reconnecting to {', '.join(trying)}…")

    def action_repaint(self) -> None:
        self.app.repaint()

    def action_quit(self) -> None:
        self.app.call_later(self.app.action_quit)
