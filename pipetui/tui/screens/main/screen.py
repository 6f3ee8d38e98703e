"""The main screen: which panes there are, how they share the room, and how the session's changes reach them.

What a key does stands in `deeds.py`; what a pane draws, in the pane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from pipetui.client.fleet import Fleet
from pipetui.client.session import Change, Session
from pipetui.model import PipeRow, Role
from pipetui.text import number, safe
from pipetui.tui.core.actions import BY_ID, Scope, footer, key_name, keys_of
from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import palette_for
from pipetui.tui.screens.detail.base import Look
from pipetui.tui.screens.main import handlers as deeds
from pipetui.tui.views.cells import Parts, strip
from pipetui.tui.views.fifos import matching, short
from pipetui.tui.views.headings import log_counts, log_words, missing, no_fifos, no_messages
from pipetui.tui.views.holders import Holder, seats
from pipetui.tui.views.status import condition, figures, loss, processes
from pipetui.tui.widgets.bars import Bar, KeyBar, Tabs
from pipetui.tui.widgets.filter_bar import FilterBar
from pipetui.tui.widgets.finding_list import FindingList
from pipetui.tui.widgets.lists import Listing
from pipetui.tui.widgets.message_log import MessageLog
from pipetui.tui.widgets.rule import Rule
from pipetui.tui.widgets.table import RowTable
from pipetui.tui.widgets.tables import FifoTable, HolderTable

if TYPE_CHECKING:
    from pipetui.tui.app import PipetuiApp

Pane = Literal["fifos", "producers", "consumers", "findings", "log"]

PANES: tuple[Pane, ...] = ("fifos", "producers", "consumers", "findings", "log")
_TAB: dict[Pane, str] = {
    "fifos": "fifos",
    "producers": "processes",
    "consumers": "processes",
    "findings": "findings",
    "log": "messages",
}
_FIRST: dict[str, Pane] = {"fifos": "fifos", "processes": "producers", "findings": "findings", "messages": "log"}
_SCOPE: dict[Pane, Scope] = {
    "fifos": "fifos",
    "producers": "processes",
    "consumers": "processes",
    "findings": "everywhere",
    "log": "messages",
}

#: How many lines the findings take at most, beside other panes.
_FINDINGS = 5

#: A change of everything: the first, and the one after another screen was in front.
_ALL = Change(status=True, pipes=True, actors=True, processes=True, findings=True)

#: Of the keys in the footer the labs, the help and the way out stay on every screen.
_KEPT = 3

#: Below these the panes fold into tabs; below the last, only the pane is left.
_NARROW, _SHORT, _TINY = 100, 30, 10


class Divider(Widget):
    """The line between producers and consumers."""

    DEFAULT_CSS = "Divider { width: 1; height: 100%; }"

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        return strip((("│" if y else "┬", palette.rule),), 1, palette.base)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()


class Monitor(Screen[None]):
    """The panes. They show what a fleet of hosts tells; `changed` takes what an update changed."""

    app: PipetuiApp

    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere", "fifos", "processes", "messages")

    DEFAULT_CSS = """
    Monitor { layout: vertical; }
    Monitor #pane-fifos { height: auto; }
    Monitor #pane-processes { layout: horizontal; height: 8; }
    Monitor .half { width: 1fr; height: 1fr; }
    Monitor #pane-findings { height: 3; display: none; }
    Monitor FindingList { height: 1fr; }
    Monitor #pane-messages { height: 1fr; }
    Monitor RowTable { height: 1fr; }
    Monitor MessageLog { height: 1fr; }
    Monitor #tabs { display: none; }
    Monitor.-narrow #tabs { display: block; }
    Monitor.-narrow #pane-processes { layout: vertical; }
    Monitor.-narrow Divider { display: none; }
    Monitor.-narrow #rule-fifos { display: none; }
    Monitor.-tiny #status, Monitor.-tiny #keys, Monitor.-tiny Rule { display: none; }
    """

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self.fleet = fleet
        self.pane: Pane = "fifos"
        self.name_filter = ""
        self.fifos = FifoTable(several=fleet.several)
        self.producers, self.consumers = HolderTable("producer"), HolderTable("consumer")
        self.findings = FindingList(several=fleet.several)
        self.log_ = MessageLog(fleet.look, self._host_of if fleet.several else None)
        self.keys = KeyBar()
        self.name_bar, self.log_bar = FilterBar("name-filter", regex=False), FilterBar("log-filter")
        self._status, self._tabs = Bar("status"), Tabs()
        self._rules: dict[str, Rule] = {pane: Rule(f"rule-{pane}") for pane in PANES}
        self._sizes: tuple[str, ...] = ()
        self._missed = False

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
            yield Divider()
            with Vertical(classes="half"):
                yield self._rules["consumers"]
                yield self.consumers
        with Vertical(id="pane-findings"):
            yield self._rules["findings"]
            yield self.findings
        with Vertical(id="pane-messages"):
            yield self._rules["log"]
            yield self.log_bar
            yield self.log_
        yield self.keys

    def on_mount(self) -> None:
        self._fold()
        for pane in PANES:
            self._rules[pane].say(pane.upper())
        self.show_log_rule()
        self.fifos.focus()
        self.app.connect()
        self.log_.act(lambda window: window.reset())
        self.fifos.opening = True
        self.changed(self.fleet.sessions[0], _ALL)

    # --- parts ----------------------------------------------------------------------------------------------------

    def table(self, role: Role) -> HolderTable:
        """Return the table of producers or consumers."""
        return self.producers if role == "producer" else self.consumers

    def list_(self, pane: Pane) -> Listing:
        """Return what a pane lists."""
        lists: dict[Pane, Listing] = {
            "fifos": self.fifos,
            "producers": self.producers,
            "consumers": self.consumers,
            "findings": self.findings,
            "log": self.log_,
        }
        return lists[pane]

    @property
    def selected(self) -> PipeRow | None:
        """The selected FIFO."""
        return self.fifos.row.row if self.fifos.row is not None else None

    @property
    def session(self) -> Session:
        """The host of the selected FIFO; without any, the first."""
        return self.fifos.row.session if self.fifos.row is not None else self.fleet.sessions[0]

    @property
    def holder(self) -> Holder | None:
        """The selected process, when its pane has the focus."""
        if self.pane not in ("producers", "consumers"):
            return None
        return self.table("producer" if self.pane == "producers" else "consumer").row

    def tell(self, sentence: str, *, grave: bool = False) -> None:
        """Say one sentence in the footer, until the next key."""
        self.keys.tell(sentence, grave=grave)

    def _host_of(self, number: int) -> str:
        return safe(self.fleet.origin(number)[0].name)

    # --- the hosts ------------------------------------------------------------------------------------------------

    def changed(self, session: Session, change: Change) -> None:
        """Draw what an update of a host changed."""
        if not self.is_mounted:
            return
        if isinstance(self.app.screen, Look) and self.app.screen.is_about(session):
            self.app.screen.changed(change)
        if change.renewed and not self.fleet.several:
            self.log_.act(lambda window: window.reset())
        if not self.is_active and not change.lost:
            self._missed = True  # another screen is in front: what is behind it stays as it was, and costs nothing
            if change.log is not None:
                self.log_.take(change.log, quietly=True)
            return
        if change.pipes or change.status:
            self.show_fifos()
        if not any(each.opening for each in self.fleet.sessions):
            self.fifos.opening = False
        if change.pipes or change.actors or change.processes:
            self.show_holders()
        if change.findings:
            self.show_findings()
        if change.log is not None:
            none_yet = not self.log_.window.counts.seen
            self.log_.take(change.log)
            if none_yet and self.log_.window.counts.seen:
                self.share_room()
        if change != Change(log=change.log):
            self.show_status()
        if change.lost:
            self.tell(change.lost, grave=True)

    def show_fifos(self) -> None:
        """Bring the table of FIFOs up to date."""
        rows = matching(self.fleet.fifos, self.name_filter)
        table, before = self.fifos, self.fifos.count
        table.say_when_empty(*no_fifos(self.fleet, self.name_filter, self.app.roots, self.key("create")))
        table.show(rows)
        if table.count != before:
            self.share_room()
        palette = palette_for(self.app.theme)
        words: Parts = ()
        if self.name_filter:
            words = ((f"{number(len(rows))} of {number(len(self.fleet.fifos))} have “", palette.dim),
                     (safe(self.name_filter), palette.accent), ("” in their path", palette.dim))  # fmt: skip
        self._rules["fifos"].say("FIFOS", words, *missing(self.fleet, palette))

    def show_holders(self) -> None:
        """Bring the producers and consumers up to date."""
        row = self.selected
        roles: tuple[Role, ...] = ("producer", "consumer")
        palette = palette_for(self.app.theme)
        for role in roles:
            table = self.table(role)
            table.say_when_empty(*self._nobody(role, row))
            table.show(seats(self.fleet, self.fifos.row, role))
            words: Parts = ((f"of {self._called(row)}", palette.dim),) if row and row.pipe.path else ()
            self._rules[f"{role}s"].say(f"{role.upper()}S", words)

    def _called(self, row: PipeRow) -> str:
        """Return a selected FIFO's name, with its host if there are several."""
        name = short(row.pipe.path or "")
        return f"{safe(self.fifos.row.session.name)}:{name}" if self.fleet.several and self.fifos.row else name

    def _nobody(self, role: Role, row: PipeRow | None) -> tuple[str, ...]:
        if row is None:
            return ("Select a FIFO to see who is at its ends.",)
        does, action = ("writes", "write") if role == "producer" else ("reads", "read")
        unseen = self.fifos.row.session.status.unseen if self.fifos.row else ""
        nobody = f"Unknown who {does}: {safe(unseen)}." if unseen else f"Nobody {does}."
        return (f"{nobody} {self.key(action)} starts a {role}.",)

    def show_findings(self) -> None:
        """Bring the findings up to date; without any, their pane is not there."""
        before = self.findings.count
        self.findings.show(self.fleet.findings)
        palette = palette_for(self.app.theme)
        hint: Parts = ((f"{self.key('open')}: look closer", palette.dim),)
        self._rules["findings"].say("FINDINGS", ((self.findings.counts(), palette.dim),), hint)
        if bool(before) != bool(self.findings.count):
            if self.pane == "findings":
                self.go_to("fifos")
            self._fold()
        else:
            self.share_room()

    def show_status(self) -> None:
        """Bring the status line and the tabs up to date."""
        palette = palette_for(self.app.theme)
        if not self.fleet.several and self.fleet.sessions[0].lost:
            self._status.say(loss(self.fleet, palette, self.key("reconnect")))
        else:
            right = condition(self.fleet, palette, following=self.log_.window.following,
                              more=bool(self.app.display_note))  # fmt: skip
            self._status.say(figures(self.fleet, palette, self.size.width), right)
        tabs = [
            ("fifos", f"FIFOs {number(len(self.fleet.fifos))}"),
            ("processes", f"Processes {number(processes(self.fleet))}"),
            *([("findings", f"Findings {number(self.findings.count)}")] if self.findings.count else []),
            ("messages", "Messages"),
        ]
        self._tabs.show(tabs, _TAB[self.pane])

    def show_log_rule(self) -> None:
        """Bring the line above the messages up to date."""
        palette, log = palette_for(self.app.theme), self.log_
        words = log_words(log.window, log.finding, self.fleet, palette)
        self._rules["log"].say("MESSAGES", words, *log_counts(log.window, palette))
        log.say_when_empty(*no_messages(log.window, self.key("read")))

    # --- room -----------------------------------------------------------------------------------------------------

    def _fold(self) -> None:
        width, height = self.size
        self.set_class(width < _NARROW or height < _SHORT, "-narrow")
        self.set_class(height < _TINY, "-tiny")
        for tab in _FIRST:  # set here and not by CSS, which comes later: only what is displayed can have the focus
            there = tab != "findings" or bool(self.findings.count)
            self.query_one(f"#pane-{tab}").display = there and (not self.has_class("-narrow") or _TAB[self.pane] == tab)
        self.share_room()

    def share_room(self) -> None:
        """Give FIFOs what they need up to a third of a tall screen, and processes a fixed share.

        Findings get the room of messages that are not there yet, if that shows all of their words.
        """
        panes = [self.query_one(f"#pane-{name}") for name in ("fifos", "processes", "findings")]
        if self.has_class("-narrow"):
            wanted = ("1fr", "1fr", "1fr")
        else:
            height = self.size.height
            open_ = self.name_bar.is_open
            rows = max(4, min(self.fifos.count, height // 3 - 2))
            spare = 0 if self.log_.window.counts.seen else height // 3  # no messages need it
            found = 1 + self.findings.wanted(_FINDINGS, spare, self.size.width)
            wanted = (str(rows + 2 + open_), str(max(6, height // 5)), str(found))
        if wanted == self._sizes:
            return
        self._sizes = wanted
        for pane, size in zip(panes, wanted, strict=True):
            pane.styles.height = size

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was in front."""
        if self._missed:
            self._missed = False
            self.changed(self.fleet.sessions[0], _ALL)
            self.log_.refresh()
            self.show_log_rule()

    def on_resize(self, event: events.Resize) -> None:
        self._fold()
        self.show_status()

    def go_to(self, pane: Pane) -> None:
        """Give a pane the focus; on a small screen its tab comes to the front."""
        self._enter(pane)
        self.set_focus(self.list_(pane))

    def _enter(self, pane: Pane) -> None:
        self.pane = pane
        self._fold()
        for each in PANES:
            self._rules[each].light(each == pane)
        self.keys.show(footer(_SCOPE[pane]), self.app.config.keys, _KEPT)
        self.show_status()

    def step(self, by: int) -> None:
        """Go to the next or previous pane that is there."""
        panes = [pane for pane in PANES if pane != "findings" or self.findings.count]
        self.go_to(panes[(panes.index(self.pane) + by) % len(panes)])

    def key(self, action: str) -> str:
        """Return the first key of an action, as people write it."""
        return key_name(keys_of(BY_ID[action], self.app.config.keys)[0])

    # --- events ---------------------------------------------------------------------------------------------------

    def action_do(self, action: str) -> None:
        """Carry out an action of the registry."""
        self.fifos.opening = False  # what is done is done to what is selected now
        deeds.do(self, action)

    def on_key(self) -> None:
        self.fifos.opening = False
        self.keys.hush()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        if widget.id in PANES:
            self._enter(widget.id)

    def on_row_table_selected(self, event: RowTable.Selected) -> None:
        if event.table is self.fifos:
            self.show_holders()

    def on_row_table_activated(self, event: RowTable.Activated) -> None:
        deeds.open_row(self, event.table)

    def on_message_log_moved(self) -> None:
        self.show_log_rule()
        self.show_status()

    def on_message_log_opened(self, event: MessageLog.Opened) -> None:
        deeds.open_message(self, event.line)

    def on_finding_list_opened(self, event: FindingList.Opened) -> None:
        deeds.open_finding(self, event.judged)

    def on_finding_list_unfolded(self) -> None:
        self.share_room()

    def on_tabs_chosen(self, event: Tabs.Chosen) -> None:
        self.go_to(_FIRST[event.tab])

    def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        if BY_ID[event.action].scope == "lists":
            self.list_(self.pane).action_do(event.action)
        else:
            self.action_do(event.action)

    def on_filter_bar_typed(self, event: FilterBar.Typed) -> None:
        deeds.typed(self, event)

    def restyle(self) -> None:
        """Say everything anew in the colours of another theme."""
        self.show_fifos()
        self.show_holders()
        self.show_findings()
        self.show_status()
        self.show_log_rule()
