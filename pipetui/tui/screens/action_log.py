"""The action log: what pipetui did, the newest first."""

from __future__ import annotations

import time

from rich.style import Style

from pipetui.client.actionlog import LoggedAction
from pipetui.client.hosts import HostPool
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.screens.help import PageScreen
from pipetui.tui.views.cells import Part, Parts, wrap_words

_INDENT = 10


class Actions(PageScreen):
    """What pipetui did to each host, and the command that does the same."""

    HEADING = "ACTIONS"

    def __init__(self, pool: HostPool) -> None:
        super().__init__()
        self._several = pool.several
        logged = [action for session in pool.sessions for action in session.action_log.actions]
        self._actions = sorted(logged, key=lambda action: action.time, reverse=True)

    def lines(self, palette: Palette, width: int) -> list[Parts]:
        lines = [line for action in self._actions for line in self._lines(action, palette, width)]
        return lines or [(("No actions yet.", palette.dim),)]

    def _lines(self, action: LoggedAction, palette: Palette, width: int) -> list[Parts]:
        at = time.strftime("%H:%M:%S", time.localtime(action.time))
        host = f"{safe(action.host)}: " if self._several else ""
        words = wrap_words(f"{host}{safe(action.what)}", width - _INDENT)
        lines: list[Parts] = []
        for index, piece in enumerate(words):
            stamp: Part = (at.ljust(_INDENT) if index == 0 else " " * _INDENT, palette.dim)
            lines.append((stamp, (piece, palette.dim if action.outcome else palette.text)))
        if action.outcome:
            lines += _below(action.outcome, palette.stuck, width)
        return lines + _below(action.command, palette.accent, width)


def _below(text: str, style: Style, width: int) -> list[Parts]:
    return [((" " * _INDENT, None), (piece, style)) for piece in wrap_words(safe(text), width - _INDENT) if piece]
