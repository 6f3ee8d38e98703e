"""The panes of the main screen: which there are, how they share the space, and what each shows.

The files beside this one have what the keys do; the widgets, how each pane is drawn.
"""

from __future__ import annotations

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from pipetui.client.hosts import HostPool
from pipetui.client.session import Session
from pipetui.model import LogFilter, PipeRow, Role
from pipetui.text import number, safe
from pipetui.tui.core.actions import Scope, footer
from pipetui.tui.screens.base import BaseScreen
from pipetui.tui.views.cells import Parts
from pipetui.tui.views.fifos import matching
from pipetui.tui.views.headings import (
    fifo_name,
    filter_words,
    log_counts,
    log_words,
    missing,
    no_fifos,
    no_holders,
    no_messages,
)
from pipetui.tui.views.holders import Holder, pool_holders
from pipetui.tui.views.status import condition, figures, loss, processes
from pipetui.tui.widgets.bars import Bar, Tabs
from pipetui.tui.widgets.filter_bar import FilterBar
from pipetui.tui.widgets.finding_list import FindingList
from pipetui.tui.widgets.lists import LineList
from pipetui.tui.widgets.message_log import MessageLog
from pipetui.tui.widgets.rule import Divider, Rule
from pipetui.tui.widgets.tables import FifoTable, HolderTable

Pane = Literal["fifos", "producers", "consumers", "findings", "log"]

PANES: tuple[Pane, ...] = ("fifos", "producers", "consumers", "findings", "log")

#: The tab of a small screen on which each pane is, and the pane that a tab begins with.
_TAB: dict[Pane, str] = {
    "fifos": "fifos",
    "producers": "processes",
    "consumers": "processes",
    "findings": "findings",
    "log": "messages",
}
FIRST: dict[str, Pane] = {"fifos": "fifos", "processes": "producers", "findings": "findings", "messages": "log"}

_SCOPE: dict[Pane, Scope] = {
    "fifos": "fifos",
    "producers": "processes",
    "consumers": "processes",
    "findings": "everywhere",
    "log": "messages",
}

#: How many lines the findings take at most, beside other panes.
_FINDINGS = 5

#: Of the keys in the footer the labs, the help and the way out stay on every screen.
_KEPT = 3

#: Below these the panes fold into tabs; below the last, only the pane is left.
_NARROW, _SHORT, _TINY = 100, 30, 10


class MainPanes(BaseScreen):
    """The panes, without keys and events."""

    DEFAULT_CSS = """
    MainPanes { layout: vertical; }
    MainPanes #pane-fifos { height: auto; }
    MainPanes #pane-processes { layout: horizontal; height: 8; }
    MainPanes .half { width: 1fr; height: 1fr; }
    MainPanes #pane-findings { height: 3; display: none; }
    MainPanes FindingList { height: 1fr; }
    MainPanes #pane-messages { height: 1fr; }
    MainPanes RowTable { height: 1fr; }
    MainPanes MessageLog { height: 1fr; }
    MainPanes #tabs { display: none; }
    MainPanes.-narrow #tabs { display: block; }
    MainPanes.-narrow #pane-processes { layout: vertical; }
    MainPanes.-narrow Divider { display: none; }
    MainPanes.-narrow #rule-fifos { display: none; }
    MainPanes.-tiny #status, MainPanes.-tiny #keys, MainPanes.-tiny Rule { display: none; }
    """

    def __init__(self, pool: HostPool) -> None:
        super().__init__()
        self.pool = pool
        self.pane: Pane = "fifos"
        self.name_filter = ""
        self.fifos = FifoTable(several=pool.several)
        self.producers, self.consumers = HolderTable("producer"), HolderTable("consumer")
        self.findings = FindingList(several=pool.several)
        self.messages = MessageLog(pool.look, self._host_of if pool.several else None)
        self.name_bar, self.log_bar = FilterBar("name-filter", regex=False), FilterBar("log-filter")
        self._status, self._tabs = Bar("status"), Tabs()
        self._rules: dict[str, Rule] = {pane: Rule(f"rule-{pane}") for pane in PANES}
        self._sizes: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._tabs
        with Vertical(id="pane-fifos"):
            yield self._rules["fifos"]
            yield self.name_bar
            yield self.fifos
        with Container(id="pane-processes"):
            with Vertical(classes="half"):
                yield self._rules["producers"]
                yield self.producers
            yield Divider(top="┬")
            with Vertical(classes="half"):
                yield self._rules["consumers"]
                yield self.consumers
        with Vertical(id="pane-findings"):
            yield self._rules["findings"]
            yield self.findings
        with Vertical(id="pane-messages"):
            yield self._rules["log"]
            yield self.log_bar
            yield self.messages
        yield self.keys

    # --- what is selected -----------------------------------------------------------------------------------------

    def table(self, role: Role) -> HolderTable:
        """Return the table of producers or consumers."""
        return self.producers if role == "producer" else self.consumers

    def list_of(self, pane: Pane) -> LineList:
        """Return what a pane lists."""
        lists: dict[Pane, LineList] = {
            "fifos": self.fifos,
            "producers": self.producers,
            "consumers": self.consumers,
            "findings": self.findings,
            "log": self.messages,
        }
        return lists[pane]

    @property
    def active_list(self) -> LineList:
        return self.list_of(self.pane)

    @property
    def selected(self) -> PipeRow | None:
        """The selected FIFO."""
        return self.fifos.row.row if self.fifos.row is not None else None

    @property
    def selected_path(self) -> str:
        """The path of the selected FIFO, or an empty string."""
        return (self.selected.pipe.path or "") if self.selected is not None else ""

    @property
    def session(self) -> Session:
        """The host of the selected FIFO; without any, the first."""
        return self.fifos.row.session if self.fifos.row is not None else self.pool.sessions[0]

    @property
    def read_only(self) -> bool:
        return self.session.read_only

    @property
    def holder(self) -> Holder | None:
        """The selected process, when its pane has the focus."""
        if self.pane not in ("producers", "consumers"):
            return None
        return self.table("producer" if self.pane == "producers" else "consumer").row

    def _host_of(self, number: int) -> str:
        return safe(self.pool.origin(number)[0].name)

    # --- what each pane shows -------------------------------------------------------------------------------------

    def show_fifos(self) -> None:
        """Bring the table of FIFOs up to date."""
        rows = matching(self.pool.fifos, self.name_filter)
        table, before = self.fifos, self.fifos.count
        table.show_when_empty(*no_fifos(self.pool, self.name_filter, self.app.roots, self.key("create")))
        table.show(rows)
        if table.count != before:
            self.share_room()
        words = filter_words(len(rows), len(self.pool.fifos), self.name_filter, self.palette)
        self._rules["fifos"].update("FIFOS", words, *missing(self.pool, self.palette))

    def show_holders(self) -> None:
        """Bring the producers and consumers up to date."""
        listed, palette = self.fifos.row, self.palette
        roles: tuple[Role, ...] = ("producer", "consumer")
        for role in roles:
            table = self.table(role)
            table.show_when_empty(no_holders(role, listed, self.key("write" if role == "producer" else "read")))
            table.show(pool_holders(self.pool, listed, role))
            words: Parts = ()
            if listed is not None and listed.row.pipe.path:
                words = ((f"of {fifo_name(listed, with_host=self.pool.several)}", palette.dim),)
            self._rules[f"{role}s"].update(f"{role.upper()}S", words)

    def show_findings(self) -> None:
        """Bring the findings up to date; without any, their pane is not there."""
        before = self.findings.count
        self.findings.show(self.pool.findings)
        hint: Parts = ((f"{self.key('open')}: details", self.palette.dim),)
        self._rules["findings"].update("FINDINGS", ((self.findings.counts(), self.palette.dim),), hint)
        if bool(before) != bool(self.findings.count):
            if self.pane == "findings":
                self.go_to("fifos")
            self.fold()
        else:
            self.share_room()

    def show_status(self) -> None:
        """Bring the status line and the tabs up to date."""
        palette = self.palette
        if not self.pool.several and self.pool.sessions[0].lost:
            self._status.update(loss(self.pool, palette, self.key("reconnect")))
        else:
            following, more = self.messages.window.following, bool(self.app.display_note)
            right = condition(self.pool, palette, following=following, more=more)
            self._status.update(figures(self.pool, palette, self.size.width), right)
        tabs = [
            ("fifos", f"FIFOs {number(len(self.pool.fifos))}"),
            ("processes", f"Processes {number(processes(self.pool))}"),
            *([("findings", f"Findings {number(self.findings.count)}")] if self.findings.count else []),
            ("messages", "Messages"),
        ]
        self._tabs.show(tabs, _TAB[self.pane])

    def show_log_rule(self) -> None:
        """Bring the line above the messages up to date."""
        log = self.messages
        words = log_words(log.window, log.finding, self.pool, self.palette)
        self._rules["log"].update("MESSAGES", words, *log_counts(log.window, self.palette))
        log.show_when_empty(*no_messages(log.window, self.key("read")))

    def show_all(self) -> None:
        """Bring everything up to date, for example in another theme."""
        self.show_fifos()
        self.show_holders()
        self.show_findings()
        self.show_status()
        self.show_log_rule()

    def filter_log(self, *, fifo: str | None = None, pattern: str | None = None, regex: bool | None = None) -> None:
        """Change parts of the log's filter."""
        before = self.messages.window.filter
        wanted = LogFilter(
            before.pattern if pattern is None else pattern,
            before.regex if regex is None else regex,
            before.fifo if fifo is None else fifo,
        )
        self.messages.act(lambda window: window.set_filter(wanted))

    # --- room -----------------------------------------------------------------------------------------------------

    def fold(self) -> None:
        """Show the panes that fit."""
        width, height = self.size
        self.set_class(width < _NARROW or height < _SHORT, "-narrow")
        self.set_class(height < _TINY, "-tiny")
        for tab in FIRST:  # set here and not by CSS, which comes later: only what is displayed can have the focus
            there = tab != "findings" or bool(self.findings.count)
            self.query_one(f"#pane-{tab}").display = there and (not self.has_class("-narrow") or _TAB[self.pane] == tab)
        self.share_room()

    def share_room(self) -> None:
        """Give FIFOs the height they need, up to a third of a tall screen, and processes a fixed share.

        While there are no messages, findings may use their space to be shown whole.
        """
        panes = [self.query_one(f"#pane-{name}") for name in ("fifos", "processes", "findings")]
        if self.has_class("-narrow"):
            wanted = ("1fr", "1fr", "1fr")
        else:
            height = self.size.height
            open_ = self.name_bar.is_open
            rows = max(4, min(self.fifos.count, height // 3 - 2))
            spare = 0 if self.messages.window.counts.seen else height // 3  # no messages need it
            found = 1 + self.findings.wanted(_FINDINGS, spare, self.size.width)
            wanted = (str(rows + 2 + open_), str(max(6, height // 5)), str(found))
        if wanted == self._sizes:
            return
        self._sizes = wanted
        for pane, size in zip(panes, wanted, strict=True):
            pane.styles.height = size

    # --- the focus ------------------------------------------------------------------------------------------------

    def go_to(self, pane: Pane) -> None:
        """Give a pane the focus; on a small screen its tab comes to the front."""
        self.enter(pane)
        self.set_focus(self.list_of(pane))

    def enter(self, pane: Pane) -> None:
        """Show which pane has the focus, and its keys."""
        self.pane = pane
        self.fold()
        for each in PANES:
            self._rules[each].highlight(each == pane)
        self.show_keys(footer(_SCOPE[pane]), _KEPT)
        self.show_status()

    def step(self, by: int) -> None:
        """Go to the next or previous pane that is there."""
        panes = [pane for pane in PANES if pane != "findings" or self.findings.count]
        self.go_to(panes[(panes.index(self.pane) + by) % len(panes)])
