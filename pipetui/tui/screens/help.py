"""Pages to read: the help, and the notes on missing data and helper errors."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from pipetui.client.hosts import HostPool
from pipetui.client.session import Session
from pipetui.text import plural, safe
from pipetui.tui.core.actions import BY_ID, SCOPE_TITLES, Action, in_scope, key_name, keys_of
from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import Palette
from pipetui.tui.screens.base import BaseScreen
from pipetui.tui.views.cells import Part, Parts, fit, wrap_words
from pipetui.tui.views.facts import Entry, paragraphs
from pipetui.tui.widgets.lists import LineList
from pipetui.tui.widgets.rule import Rule
from pipetui.tui.widgets.sheet import Sheet


class PageScreen(BaseScreen):
    """Lines under a title."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    DEFAULT_CSS = "PageScreen { layout: vertical; }"

    HEADING = ""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.sheet = Rule("head"), Sheet()

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.sheet
        yield self.keys

    def on_mount(self) -> None:
        self.head.update(self.HEADING)
        scroll = replace(BY_ID["down"], label="scroll")
        self.show_keys([scroll, BY_ID["page_close"]])
        self.sheet.focus()

    def on_resize(self) -> None:
        lines = self.lines(self.palette, max(10, self.size.width - 3))
        self.sheet.show(len(lines), lambda index, palette: lines[index])

    @property
    def active_list(self) -> LineList:
        return self.sheet

    def lines(self, palette: Palette, width: int) -> list[Parts]:
        """Return the lines for this width."""
        raise NotImplementedError

    def action_page_close(self) -> None:
        self.dismiss(None)


class Help(PageScreen):
    """All keys, from the registry, with their effect on pipes."""

    HEADING = "KEYS"

    def __init__(self, keys: dict[str, tuple[str, ...]], *, read_only: bool = False) -> None:
        super().__init__()
        self._keys = keys
        self._read_only = read_only

    def lines(self, palette: Palette, width: int) -> list[Parts]:
        lines: list[Parts] = []
        for scope, heading in SCOPE_TITLES.items():
            lines.append(((heading, palette.title),))
            for action in in_scope(scope):
                if not (action.acts and self._read_only):
                    lines += self._action(action, palette, width)
            lines.append(())
        for sentence in _EFFECTS:
            lines += [((piece, palette.dim),) for piece in wrap_words(sentence, width)]
        return lines

    def _action(self, action: Action, palette: Palette, width: int) -> list[Parts]:
        keys = "  ".join(key_name(key) for key in keys_of(action, self._keys))
        effect: Part = (action.effect, palette.dim if action.effect == "passive" else palette.waiting)
        if width < 60:
            return paragraphs([(keys, action.help)], palette, width, 10)
        lines: list[Parts] = []
        for index, piece in enumerate(wrap_words(action.help, width - 18 - 14)):
            first = index == 0
            lines.append(((fit("  " + keys if first else "", 18), palette.accent), (fit(piece, width - 32), None),
                          *(((" ", None), effect) if first else ())))  # fmt: skip
        return lines


_EFFECTS = (
    "passive: only observes.",
    "holds an end: keeps the pipe open, so the other side sees neither end of file nor SIGPIPE.",
    "consumes: takes bytes that no other reader will get.",
    "changes: changes something outside pipetui.",
    "slows: takes time from other programs.",
    "",
    "● marks producers and consumers started by pipetui: it can pause, adjust and stop them, and no other process.",
)


class Notes(PageScreen):
    """Missing data and helper errors."""

    HEADING = "NOTES"

    def __init__(self, pool: HostPool, display: str = "") -> None:
        super().__init__()
        self._pool = pool
        self._display = display

    def lines(self, palette: Palette, width: int) -> list[Parts]:
        lines: list[Parts] = []
        if self._display:
            words = f"Using Textual's own display, which sends more bytes: {safe(self._display)}."
            lines += paragraphs([("display", words)], palette, width)
        for session in self._pool.sessions:
            if self._pool.several:
                lines += [*((),) * bool(lines), ((safe(session.name), palette.accent),)]
            lines += self._of(session, palette, width)
        return lines

    def _of(self, session: Session, palette: Palette, width: int) -> list[Parts]:
        if session.name and not session.there:
            return paragraphs([("away", safe(session.away))], palette, width)
        status = session.status
        rows: list[Entry] = []
        if status.unreadable_processes:
            many = plural(status.unreadable_processes, "process", "processes")
            rows.append(("processes", f"{many} could not be inspected: they belong to other users."))
        rows += [("not searched", safe(note)) for note in status.partial]
        rows += [("error", safe(note)) for note in status.troubles]
        return paragraphs(rows or [("", "Nothing is missing: all FIFOs and processes could be read.")], palette, width)
