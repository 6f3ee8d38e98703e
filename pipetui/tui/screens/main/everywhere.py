"""What the keys do in every pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipetui.model import Line, LogFilter, PipeRow
from pipetui.text import encode, plural, safe
from pipetui.tui.screens.detail.pipelines import PipelinesLook
from pipetui.tui.screens.help import Help, Notes
from pipetui.tui.screens.main.messages import refilter
from pipetui.tui.screens.main.registry import ask, deed
from pipetui.tui.views.fifos import short

if TYPE_CHECKING:
    from pipetui.tui.screens.main.screen import Monitor


@deed("copy")
def copy(monitor: Monitor) -> None:
    if monitor.pane == "log":
        item = monitor.log_.window.current
        if isinstance(item, Line) and not item.gap:
            ask(monitor, _copy_message(monitor, item))
        else:
            monitor.tell("There is no message here to copy.")
        return
    text = _selected_text(monitor)
    if text is None:
        monitor.tell("There is nothing here to copy.")
    else:
        monitor.app.to_clipboard(text)
        monitor.tell(f"Copied “{safe(text)}”, if your terminal takes it (OSC 52)")


def _selected_text(monitor: Monitor) -> str | None:
    if monitor.pane == "fifos":
        row: PipeRow | None = monitor.selected
        path = row.pipe.path if row else None
        return monitor.fleet.address(monitor.session, path) if path else None
    if monitor.pane == "findings":
        judged = monitor.findings.current
        if judged is None:
            return None
        finding, host = judged.finding, f"{judged.session.name}: " if monitor.fleet.several else ""
        return f"{host}{finding.rule}: {finding.headline}\n{finding.why}\n{finding.fix}\n"
    holder = monitor.holder
    return f"{holder.pid} {holder.command}" if holder else None


async def _copy_message(monitor: Monitor, item: Line) -> str:
    whole = await monitor.fleet.fetch(item.number)
    if whole is None:
        return "The log no longer has this message: newer ones took its place."
    monitor.app.to_clipboard(whole.payload)
    size = plural(len(encode(whole.payload)), "byte")
    number = monitor.fleet.origin(item.number)[1]
    return f"Copied message {number:,} of {short(item.fifo)}, {size}, if your terminal takes it (OSC 52)"


@deed("escape")
def escape(monitor: Monitor) -> None:
    for bar in (monitor.name_bar, monitor.log_bar):
        if bar.is_open:
            bar.action_drop()
            return
    log = monitor.log_
    if monitor.pane == "fifos" and monitor.name_filter:
        monitor.name_filter = ""
        monitor.show_fifos()
        monitor.show_holders()
    elif log.finding.pattern:
        log.find(LogFilter())
        monitor.show_log_rule()
    else:
        refilter(monitor, fifo="", pattern="", regex=False)


@deed("next_pane")
def next_pane(monitor: Monitor) -> None:
    monitor.step(1)


@deed("previous_pane")
def previous_pane(monitor: Monitor) -> None:
    monitor.step(-1)


@deed("pane_1")
def pane_1(monitor: Monitor) -> None:
    monitor.go_to("fifos")


@deed("pane_2")
def pane_2(monitor: Monitor) -> None:
    monitor.go_to("producers")


@deed("pane_3")
def pane_3(monitor: Monitor) -> None:
    monitor.go_to("consumers")


@deed("pane_4")
def pane_4(monitor: Monitor) -> None:
    monitor.go_to("log")


@deed("pane_5")
def pane_5(monitor: Monitor) -> None:
    if monitor.findings.count:
        monitor.go_to("findings")
    else:
        monitor.tell("There are no findings: nothing is wrong as far as can be seen.")


@deed("pipelines")
def pipelines(monitor: Monitor) -> None:
    monitor.app.push_screen(PipelinesLook(*monitor.fleet.sessions))


@deed("notes")
def notes(monitor: Monitor) -> None:
    monitor.app.push_screen(Notes(monitor.fleet, monitor.app.display_note))


@deed("help")
def help_(monitor: Monitor) -> None:
    monitor.app.push_screen(Help(monitor.app.config.keys))


@deed("palette")
def palette_(monitor: Monitor) -> None:
    monitor.app.action_command_palette()


@deed("theme")
def theme(monitor: Monitor) -> None:
    monitor.app.toggle_theme()


@deed("reconnect")
def reconnect(monitor: Monitor) -> None:
    fleet = monitor.fleet
    trying = [session.name for session in fleet.sessions if session.name and session.lost]
    if not fleet.reconnect():
        there = "Every host is" if fleet.several else "The hub is"
        monitor.tell(f"{there} there; nothing to reconnect.")
    elif trying:
        monitor.tell(f"Trying {', '.join(trying)} again…")


@deed("repaint")
def repaint(monitor: Monitor) -> None:
    monitor.app.repaint()


@deed("quit")
def quit_(monitor: Monitor) -> None:
    monitor.app.call_later(monitor.app.action_quit)
