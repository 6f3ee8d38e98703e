"""What the keys do in the message log, and its filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipetui.client.fleet import Judged
from pipetui.client.session import Session
from pipetui.model import Line, LogFilter, PipeId, PipeRow
from pipetui.tui.screens.detail.finding import FindingLook
from pipetui.tui.screens.detail.pipe import PipeLook
from pipetui.tui.screens.detail.process import ProcessLook
from pipetui.tui.screens.main.registry import ask, deed
from pipetui.tui.screens.message import MessageScreen
from pipetui.tui.views.holders import Holder
from pipetui.tui.widgets.filter_bar import FilterBar
from pipetui.tui.widgets.table import RowTable

if TYPE_CHECKING:
    from pipetui.tui.screens.main.screen import Monitor


@deed("freeze")
def freeze(monitor: Monitor) -> None:
    monitor.log_.toggle()


@deed("only")
def only(monitor: Monitor) -> None:
    window = monitor.log_.window
    if window.filter.fifo:
        refilter(monitor, fifo="")
    elif row := monitor.selected:
        session = monitor.session
        refilter(monitor, fifo=monitor.fleet.address(session, _consumed_path(session, row)))


def show_only(monitor: Monitor, session: Session, row: PipeRow) -> None:
    """Select a FIFO and show its messages only."""
    monitor.fifos.select(monitor.fleet.key(session, row.pipe.id))
    refilter(monitor, fifo=monitor.fleet.address(session, _consumed_path(session, row)))
    monitor.go_to("log")


def _consumed_path(session: Session, row: PipeRow) -> str:
    """Return under which of a FIFO's names our consumers read it (it may have several)."""
    for actor in session.actors.values():
        if actor.role == "consumer" and (actor.spec.path in row.pipe.paths or actor.pipe == row.pipe.id):
            return actor.spec.path
    return row.pipe.path or ""


def refilter(
    monitor: Monitor, *, fifo: str | None = None, pattern: str | None = None, regex: bool | None = None
) -> None:
    """Change parts of the log's filter."""
    before = monitor.log_.window.filter
    wanted = LogFilter(
        before.pattern if pattern is None else pattern,
        before.regex if regex is None else regex,
        before.fifo if fifo is None else fifo,
    )
    monitor.log_.act(lambda window: window.set_filter(wanted))


@deed("filter")
def filter_(monitor: Monitor) -> None:
    if monitor.pane == "fifos":
        monitor.name_bar.open("name", "name", monitor.name_filter, False)
        monitor.share_room()
    else:
        monitor.go_to("log")
        before = monitor.log_.window.filter
        monitor.log_bar.open("filter", "filter", before.pattern, before.regex)


@deed("find")
def find(monitor: Monitor) -> None:
    monitor.go_to("log")
    before = monitor.log_.finding
    monitor.log_bar.open("find", "find", before.pattern, before.regex)


def typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    """Take what was typed into a filter bar."""
    {"name": _name_typed, "filter": _filter_typed, "find": _find_typed}[event.purpose](monitor, event)
    if event.kept or event.dropped:
        (monitor.name_bar if event.purpose == "name" else monitor.log_bar).close()
        monitor.share_room()
        monitor.go_to("fifos" if event.purpose == "name" else "log")


def _name_typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    monitor.name_filter = event.pattern
    monitor.show_fifos()
    monitor.show_holders()


def _filter_typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    refilter(monitor, pattern=event.pattern, regex=event.regex and bool(event.pattern))


def _find_typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    log = monitor.log_
    log.find(LogFilter(event.pattern, event.regex and bool(event.pattern)))
    monitor.show_log_rule()
    if event.kept and event.pattern:
        ask(monitor, _jump(monitor, backwards=log.window.following, here=True))


@deed("next")
def next_(monitor: Monitor) -> None:
    ask(monitor, _jump(monitor, backwards=False))


@deed("previous")
def previous(monitor: Monitor) -> None:
    ask(monitor, _jump(monitor, backwards=True))


async def _jump(monitor: Monitor, *, backwards: bool, here: bool = False) -> str:
    """Go to the nearest match; with `here` the message under the cursor counts too."""
    log = monitor.log_
    if not log.finding.pattern:
        return f"Nothing to find yet: {monitor.key('find')} asks what."
    item = log.window.current
    if item is None:
        return "There are no messages yet."
    start = item.number + ((1 if backwards else -1) if here else 0)
    found = await monitor.fleet.find(log.window.filter, log.finding, max(0, start), backwards=backwards)
    if found is None:
        return f"No {'older' if backwards else 'newer'} match for “{log.finding.pattern}”."
    log.act(lambda window: window.jump(found))
    return ""


def open_message(monitor: Monitor, line: Line) -> None:
    """Open a message whole."""

    async def run() -> str:
        whole = await monitor.fleet.fetch(line.number)
        if whole is None:
            return "The log no longer has this message: newer ones took its place."
        within = monitor.log_.window.filter
        monitor.app.push_screen(MessageScreen(monitor.fleet, whole, within, monitor.app.config.keys))
        return ""

    ask(monitor, run())


def open_row(monitor: Monitor, table: RowTable[Any, Any]) -> None:
    """Enter on a row: look closer at a FIFO or a process."""
    if table.row is None:
        return
    if isinstance(table.row, Holder):
        monitor.app.push_screen(ProcessLook(table.row.session or monitor.session, table.row.pid, table.row))
    else:
        monitor.app.push_screen(PipeLook(table.row.session, table.row.row.pipe.id))


def open_finding(monitor: Monitor, judged: Judged) -> None:
    """Enter on a finding: look closer at its pipe, or at all that it is about."""
    session, finding = judged.session, judged.finding
    if len(finding.pipes) == 1:
        ref = finding.pipes[0]
        monitor.app.push_screen(PipeLook(session, PipeId(ref.dev, ref.inode), ref.path))
    else:
        monitor.app.push_screen(FindingLook(session, finding))
