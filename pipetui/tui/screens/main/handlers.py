"""What the keys of the main screen do: one small function for each action of the registry in `actions.py`."""

from pipetui.tui.screens.main import actors, everywhere, fifos, labs, messages
from pipetui.tui.screens.main.messages import open_finding, open_message, open_row, show_only, typed
from pipetui.tui.screens.main.registry import DEEDS, do

__all__ = [
    "DEEDS",
    "actors",
    "do",
    "everywhere",
    "fifos",
    "labs",
    "messages",
    "open_finding",
    "open_message",
    "open_row",
    "show_only",
    "typed",
]
