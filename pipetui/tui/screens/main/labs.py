"""What opens the labs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipetui.client.session import Session
from pipetui.tui.screens.labs.screen import LabsLook
from pipetui.tui.screens.main.registry import deed

if TYPE_CHECKING:
    from pipetui.tui.screens.main.screen import Monitor


@deed("labs")
def labs(monitor: Monitor) -> None:
    monitor.app.push_screen(LabsLook(_stage(monitor), monitor.app.desk))


def _stage(monitor: Monitor) -> Session:
    """Return the host on which labs run: this machine if it is among them, else that of the selected FIFO."""
    here = (session for session in monitor.fleet.sessions if not session.is_far)
    return next(here, monitor.session)
