"""Which function carries out which action of the main screen, and what they all need."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from pipetui.client.session import Refused

if TYPE_CHECKING:
    from pipetui.tui.screens.main.screen import Monitor


Deed = Callable[["Monitor"], None]
D = TypeVar("D", bound=Deed)

DEEDS: dict[str, Deed] = {}


def deed(action: str) -> Callable[[D], D]:
    """Register what an action does."""

    def register(function: D) -> D:
        DEEDS[action] = function
        return function

    return register


def do(monitor: Monitor, action: str) -> None:
    """Carry out an action."""
    DEEDS[action](monitor)


def ask(monitor: Monitor, request: Coroutine[Any, Any, str]) -> None:
    """Run a request; say its sentence, or why it was refused."""

    async def run() -> None:
        try:
            monitor.tell(await request)
        except Refused as refused:
            monitor.tell(str(refused), grave=True)

    monitor.run_worker(run())


def selected_path(monitor: Monitor) -> str:
    """Return the path of the selected FIFO, or nothing."""
    row = monitor.selected
    return row.pipe.path or "" if row is not None else ""


def open_dialog(monitor: Monitor, dialog: Any) -> None:
    """Open a dialog; the sentence it ends with is said in the footer."""
    monitor.app.push_screen(dialog, lambda sentence: monitor.tell(sentence) if sentence else None)
