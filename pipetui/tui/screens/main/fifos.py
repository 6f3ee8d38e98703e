"""What the keys do that open a dialog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipetui.model import ConsumerSpec, ProducerSpec
from pipetui.tui.dialogs.consumer import StartConsumer
from pipetui.tui.dialogs.create import CreateFifo
from pipetui.tui.dialogs.export import ExportMessages
from pipetui.tui.dialogs.producer import StartProducer
from pipetui.tui.dialogs.remove import RemoveFifo
from pipetui.tui.dialogs.send import SendMessage
from pipetui.tui.screens.detail.pipe import PipeLook
from pipetui.tui.screens.main.actors import dismiss
from pipetui.tui.screens.main.registry import deed, open_dialog, selected_path

if TYPE_CHECKING:
    from pipetui.tui.screens.main.screen import Monitor


@deed("create")
def create(monitor: Monitor) -> None:
    roots = monitor.app.roots
    folder = str(Path(selected_path(monitor)).parent) if selected_path(monitor) else (roots[0] if roots else "/tmp")
    open_dialog(monitor, CreateFifo(monitor.session, folder, monitor.fleet.sessions))


@deed("write")
def write(monitor: Monitor) -> None:
    open_dialog(monitor, StartProducer(monitor.session, ProducerSpec(selected_path(monitor))))


@deed("read")
def read(monitor: Monitor) -> None:
    open_dialog(monitor, StartConsumer(monitor.session, ConsumerSpec(selected_path(monitor))))


@deed("send")
def send(monitor: Monitor) -> None:
    open_dialog(monitor, SendMessage(monitor.session, selected_path(monitor)))


@deed("peek")
def peek(monitor: Monitor) -> None:
    row = monitor.selected
    if row is None:
        monitor.tell("Select a FIFO to look into.")
    else:
        monitor.app.push_screen(PipeLook(monitor.session, row.pipe.id, peeking=True))


@deed("export")
def export(monitor: Monitor) -> None:
    wanted = monitor.log_.window.filter
    words = f"of {wanted.fifo}" if wanted.fifo else "of all FIFOs"
    words += f", with “{wanted.pattern}”" if wanted.pattern else ", no filter"
    open_dialog(monitor, ExportMessages(monitor.fleet, wanted, words))


@deed("remove")
def remove(monitor: Monitor) -> None:
    if monitor.pane in ("producers", "consumers"):
        dismiss(monitor)
    elif (row := monitor.selected) is None or row.pipe.path is None:
        monitor.tell("Select a FIFO to remove.")
    elif row.pipe.deleted:
        monitor.tell("This FIFO has no name any more; it goes when nobody holds it.")
    else:
        open_dialog(monitor, RemoveFifo(monitor.session, row))
