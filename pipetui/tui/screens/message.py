"""One message, opened: all of it as text, as hex and ASCII, or laid out as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from pipetui.client.fleet import Fleet
from pipetui.client.session import Refused, Session
from pipetui.model import Line, LogFilter
from pipetui.text import encode, number, plural, safe
from pipetui.tui.core.actions import footer
from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.views.cells import Part, Parts
from pipetui.tui.views.log_lines import pids_of
from pipetui.tui.views.payload import Hex, is_json, is_text, json_lines, text_lines
from pipetui.tui.views.times import clock
from pipetui.tui.widgets.bars import KeyBar
from pipetui.tui.widgets.rule import Rule
from pipetui.tui.widgets.sheet import Sheet

_VIEWS = ("text", "hex", "json")
_TITLES = {"text": "text", "hex": "hex", "json": "JSON"}


class MessageScreen(Screen[None]):
    """Shows a message; next and previous go through those that pass the log's filter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("message")

    DEFAULT_CSS = "MessageScreen { layout: vertical; }"

    def __init__(self, fleet: Fleet, line: Line, within: LogFilter, keys: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self._fleet = fleet
        self._line = line
        self._within = within
        self._keys = keys
        self._json = False
        self._view = "text"

    def compose(self) -> ComposeResult:
        yield Rule("head")
        yield Rule("views")
        yield Sheet()
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(KeyBar).show(footer("message"), self._keys)
        self._show(self._line)
        self.query_one(Sheet).focus()

    def on_resize(self) -> None:
        self._lay_out()

    def _show(self, line: Line) -> None:
        self._line = line
        self._json = is_json(line.payload)
        if not (self._view == "json" and self._json):
            self._view = "text" if is_text(line.payload) else "hex"
        self._lay_out()

    def _lay_out(self) -> None:
        palette = palette_for(self.app.theme)
        self.query_one("#head", Rule).say(f"MESSAGE {number(self._origin[1])}", self._facts(palette))
        self.query_one("#views", Rule).say("", self._tabs(palette), ((self._amount(), palette.dim),))
        sheet, width = self.query_one(Sheet), max(10, self.size.width - 2)
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
        return self._fleet.origin(self._line.number)

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

    def action_do(self, action: str) -> None:
        """Carry out an action of the registry."""
        self.query_one(KeyBar).hush()
        deeds: dict[str, Callable[[], object]] = {
            "view_text": lambda: self._turn_to("text"),
            "view_hex": lambda: self._turn_to("hex"),
            "view_json": lambda: self._turn_to("json"),
            "view_cycle": self._cycle,
            "view_next": lambda: self.run_worker(self._go(backwards=False), exclusive=True),
            "view_previous": lambda: self.run_worker(self._go(backwards=True), exclusive=True),
            "view_copy": self._copy,
            "view_close": lambda: self.dismiss(None),
        }
        deeds[action]()

    def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        self.action_do(event.action)

    def _turn_to(self, view: str) -> None:
        if view == "json" and not self._json:
            self.query_one(KeyBar).tell("This message is not JSON.")
            return
        self._view = view
        self._lay_out()

    def _cycle(self) -> None:
        views = [view for view in _VIEWS if view != "json" or self._json]
        self._turn_to(views[(views.index(self._view) + 1) % len(views)])

    async def _go(self, *, backwards: bool) -> None:
        try:
            found = await self._fleet.find(self._within, LogFilter(), self._line.number, backwards=backwards)
            line = await self._fleet.fetch(found) if found is not None else None
        except Refused as refused:
            self.query_one(KeyBar).tell(str(refused), grave=True)
            return
        if line is None:
            self.query_one(KeyBar).tell("There is no older message." if backwards else "There is no newer message yet.")
        else:
            self._show(line)

    def _copy(self) -> None:
        payload = self._line.payload
        self.app.copy_to_clipboard(payload.encode("utf-8", "replace").decode("utf-8"))
        size = plural(len(encode(payload)), "byte")
        self.query_one(KeyBar).tell(f"Copied the payload, {size}, if your terminal takes it (OSC 52)")
