"""One whole message as text, as hex and ASCII, or as indented JSON."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from pipetui.client.hosts import HostPool
from pipetui.client.session import Session
from pipetui.model import Line, LogFilter
from pipetui.text import decode, number, plural, safe
from pipetui.tui.core.actions import footer
from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import Palette
from pipetui.tui.screens.base import BaseScreen
from pipetui.tui.views.cells import Part, Parts
from pipetui.tui.views.log_lines import pids_of
from pipetui.tui.views.payload import Hex, is_json, is_text, json_lines, text_lines
from pipetui.tui.views.times import clock
from pipetui.tui.widgets.lists import LineList
from pipetui.tui.widgets.rule import Rule
from pipetui.tui.widgets.sheet import Sheet

_VIEWS = ("text", "hex", "json")
_TITLES = {"text": "text", "hex": "hex", "json": "JSON"}


class MessageScreen(BaseScreen):
    """Shows a message; next and previous go through those that pass the log's filter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("message")

    DEFAULT_CSS = "MessageScreen { layout: vertical; }"

    def __init__(self, pool: HostPool, line: Line, within: LogFilter) -> None:
        super().__init__()
        self._pool = pool
        self._line = line
        self._within = within
        self._json = False
        self._view = "text"
        self.head, self.views, self.sheet = Rule("head"), Rule("views"), Sheet()

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.views
        yield self.sheet
        yield self.keys

    def on_mount(self) -> None:
        self.show_keys(footer("message"))
        self._show(self._line)
        self.sheet.focus()

    def on_resize(self) -> None:
        self._lay_out()

    def _show(self, line: Line) -> None:
        self._line = line
        self._json = is_json(line.payload)
        if not (self._view == "json" and self._json):
            self._view = "text" if is_text(line.payload) else "hex"
        self._lay_out()

    def _lay_out(self) -> None:
        palette = self.palette
        self.head.update(f"MESSAGE {number(self._origin[1])}", self._facts(palette))
        self.views.update("", self._tabs(palette), ((self._amount(), palette.dim),))
        sheet, width = self.sheet, max(10, self.size.width - 2)
        if self._view == "hex":
            hexes = Hex(self._line.payload, width)
            sheet.show(hexes.count, lambda index, palette: ((hexes.line(index), None),))
        else:
            make = json_lines if self._view == "json" else text_lines
            lines = make(self._line.payload, width)
            sheet.show(len(lines), lambda index, palette: ((lines[index], None),))

    @property
    def _origin(self) -> tuple[Session, int]:
        """The message's host, and its number there."""
        return self._pool.origin(self._line.number)

    def _facts(self, palette: Palette) -> Parts:
        line, host = self._line, self._origin[0].name
        parts: list[Part] = [(" " + clock(line.time), palette.dim), ("  ", None)]
        parts += [(f"{safe(host)}:" if host else "", palette.dim), (safe(line.fifo), palette.accent)]
        parts.append((f"  {pids_of(line)}", palette.dim))
        if line.piece:
            parts.append((f"  {line.piece}", palette.waiting))
        return tuple(parts)

    def _amount(self) -> str:
        return plural(self._line.length, "byte")

    def _tabs(self, palette: Palette) -> Parts:
        parts: list[Part] = []
        for index, view in enumerate(_VIEWS):
            if view == "json" and not self._json:
                parts.append(("   not JSON", palette.rule))
                continue
            style = palette.title + palette.accent if view == self._view else palette.dim
            parts.append((f"{'   ' if index else ''}{_TITLES[view]}", style))
        return tuple(parts)

    # --- actions --------------------------------------------------------------------------------------------------

    @property
    def active_list(self) -> LineList:
        return self.sheet

    def action_view_text(self) -> None:
        self._turn_to("text")

    def action_view_hex(self) -> None:
        self._turn_to("hex")

    def action_view_json(self) -> None:
        self._turn_to("json")

    def action_view_cycle(self) -> None:
        views = [view for view in _VIEWS if view != "json" or self._json]
        self._turn_to(views[(views.index(self._view) + 1) % len(views)])

    def _turn_to(self, view: str) -> None:
        if view == "json" and not self._json:
            self.notify("This message is not JSON.")
            return
        self._view = view
        self._lay_out()

    def action_view_next(self) -> None:
        self.request(self._go(backwards=False), exclusive=True)

    def action_view_previous(self) -> None:
        self.request(self._go(backwards=True), exclusive=True)

    async def _go(self, *, backwards: bool) -> str:
        found = await self._pool.find(self._within, LogFilter(), self._line.number, backwards=backwards)
        line = await self._pool.fetch(found) if found is not None else None
        if line is None:
            return "No older message." if backwards else "No newer message yet."
        self._show(line)
        return ""

    def action_view_copy(self) -> None:
        payload = self._line.payload
        self.app.to_clipboard(decode(payload))
        size = plural(len(payload), "byte")
        self.notify(f"Copied the payload, {size}, if your terminal supports it (OSC 52)")

    def action_view_close(self) -> None:
        self.dismiss(None)
