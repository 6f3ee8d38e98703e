"""What keys do to FIFOs."""

from __future__ import annotations

from pathlib import Path

from pipetui.model import ConsumerSpec, ProducerSpec
from pipetui.tui.dialogs.consumer import StartConsumer
from pipetui.tui.dialogs.create import CreateFifo
from pipetui.tui.dialogs.producer import StartProducer
from pipetui.tui.dialogs.remove import RemoveFifo
from pipetui.tui.dialogs.send import SendMessage
from pipetui.tui.screens.detail.pipe import PipeScreen
from pipetui.tui.screens.main.actors import ActorActions


class FifoActions(ActorActions):
    """The keys of the FIFO pane; the one that removes a FIFO forgets an ended actor in the other panes."""

    def action_create(self) -> None:
        path, roots = self.selected_path, self.app.roots
        folder = str(Path(path).parent) if path else (roots[0] if roots else "/tmp")
        self.open_dialog(CreateFifo(self.session, folder, self.pool.sessions))

    def action_write(self) -> None:
        self.open_dialog(StartProducer(self.session, ProducerSpec(self.selected_path)))

    def action_read(self) -> None:
        self.open_dialog(StartConsumer(self.session, ConsumerSpec(self.selected_path)))

    def action_send(self) -> None:
        self.open_dialog(SendMessage(self.session, self.selected_path))

    def action_peek(self) -> None:
        row = self.selected
        if row is None:
            self.notify("Select a FIFO to peek into.")
        else:
            self.app.push_screen(PipeScreen(self.session, row.pipe.id, peeking=True))

    def action_remove(self) -> None:
        if self.pane in ("producers", "consumers"):
            self.forget_actor()
        elif (row := self.selected) is None or row.pipe.path is None:
            self.notify("Select a FIFO to remove.")
        elif row.pipe.deleted:
            self.notify("This FIFO has no name left; it disappears once it is closed everywhere.")
        else:
            self.open_dialog(RemoveFifo(self.session, row))
