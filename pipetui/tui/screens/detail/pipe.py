"""One pipe in detail: its writers and readers, how full it was, its findings, and the bytes in it now."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.binding import BindingType

from pipetui.client.session import Change, Refused, Session
from pipetui.model import PipeId, PipeRow
from pipetui.protocol import requests
from pipetui.text import number, safe
from pipetui.tui.core.actions import Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.screens.detail.base import WIDE, DetailScreen
from pipetui.tui.views.cells import Parts, beside, heading, length, wrap_words
from pipetui.tui.views.chains import pipe_name
from pipetui.tui.views.ends import ends_lines
from pipetui.tui.views.facts import paragraphs, pipe_facts
from pipetui.tui.views.fifos import title
from pipetui.tui.views.fill import fill_lines
from pipetui.tui.views.findings import about, finding_lines
from pipetui.tui.views.payload import Hex, is_text, text_lines
from pipetui.tui.widgets.link_sheet import Tail

#: How much older than the pipe the chart may be (seconds), and the width of the right column (cells).
_FRESH = 1.0

_FACTS = 46


class PipeScreen(DetailScreen):
    """The screen. It asks for anonymous pipes if its own is not listed otherwise."""

    SCOPE: ClassVar[Scope] = "pipe"
    BINDINGS: ClassVar[list[BindingType]] = bindings("pipe")

    def __init__(self, session: Session, pipe: PipeId, path: str | None = None, *, peeking: bool = False) -> None:
        super().__init__(session)
        self.pipe = pipe
        self.anonymous = pipe not in session.pipes or session.pipes[pipe].pipe.kind == "anonymous"
        self._path = path
        self._row: PipeRow | None = session.pipes.get(pipe)
        self._gone = False
        self._samples: tuple[requests.Sample, ...] = ()
        self._sampled = 0.0
        self._peeked: requests.Peeked | None = None
        self._refused = ""
        self._view = ""
        self._peek_line = 0
        self._tail: tuple[object, Tail] | None = None
        self._peek_first = peeking

    def on_mount(self) -> None:
        self._ask_past()
        if self._peek_first:
            self.action_pipe_peek()

    # --- what changes ---------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        row = self.session.pipes.get(self.pipe)
        if row is not None and row != self._row:
            self._ask_past()
        self._gone = row is None and self._row is not None
        self._row = row or self._row
        super().changed(change)

    def _ask_past(self) -> None:
        if time.monotonic() - self._sampled >= _FRESH:
            self._sampled = time.monotonic()
            self.request(self._past())

    async def _past(self) -> None:
        try:
            self._samples = (await self.session.ask(requests.Past(self.pipe))).samples
        except Refused:
            self._samples = ()
        self.lay_out()

    async def _peek(self) -> None:
        try:
            self._peeked, self._refused = await self.session.ask(requests.Peek(self.pipe)), ""
        except Refused as refused:
            self._peeked, self._refused = None, str(refused)
        self.lay_out()
        self.sheet.bring_up(self._peek_line)

    # --- what stands in it ----------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        palette, room = self.palette, self.room
        row = self._row
        name = title(row) if row else pipe_name(self._path, self.pipe.inode)
        state: Parts = ()
        if self._gone:
            state = (("gone: no process has it open", palette.waiting),)
        elif self.session.name and self.session.lost:
            state = ((safe(self.session.away), palette.stuck),)
        elif row:
            state = ((safe(row.state), palette.severity(row.severity)),)
        self.head.update(
            "PIPE" if row is None or row.pipe.kind == "anonymous" else "FIFO",
            (*self.where, (name, palette.accent)),
            state,
        )
        if room >= WIDE:
            left = room - _FACTS - 2
            lines = beside(self._left(left - 2), self._right(_FACTS), left, palette)
        else:
            lines = [*self._wrong(room), *self._left(room), (), *self._facts(room)]
        lines += [(), self._peek_rule(room)]
        self._peek_line = len(lines) - 1
        key = (self._peeked, self._refused, self._view, room)
        if self._tail is None or self._tail[0] != key:
            self._tail = key, self._inside(room)
        self.sheet.put(lines, self._tail[1])

    def _left(self, width: int) -> list[Parts]:
        if self._row is None:
            words = "Loading…" if not self.session.lost else "Unknown."
            return [((words, self.palette.dim),)]
        ends = ends_lines(self._row, self.session.actors, self.session.processes, self.palette, width)
        return [*ends, (), *fill_lines(self._row, self._samples, self.palette, width)]

    def _right(self, width: int) -> list[Parts]:
        return [*self._wrong(width), *self._facts(width)]

    def _wrong(self, width: int) -> list[Parts]:
        found = about(self.session.findings, self.pipe)
        return [line for finding in found for line in (*finding_lines(finding, self.palette, width), ())]

    def _facts(self, width: int) -> list[Parts]:
        if self._row is None:
            return []
        return [heading("DETAILS", "", self.palette), *paragraphs(pipe_facts(self._row), self.palette, width, 13)]

    # --- the bytes ------------------------------------------------------------------------------------------------

    def _hexed(self) -> bool:
        payload = self._peeked.payload if self._peeked else b""
        return (self._view or ("text" if is_text(payload) else "hex")) == "hex"

    def _peek_rule(self, width: int) -> Parts:
        palette = self.palette
        left: Parts = (("── ", palette.rule), ("PEEK ", palette.title))
        right: Parts = ()
        if self._peeked is not None:
            left += ((_peeked_words(self._peeked) + " ", palette.dim),)
            lit, dark = palette.title + palette.accent, palette.dim
            hexed = self._hexed()
            right = ((" text", dark if hexed else lit), (" │ ", palette.rule), ("hex", lit if hexed else dark),
                     (" ──", palette.rule))  # fmt: skip
        room = width - length(left) - length(right)
        if room < 0:
            return left
        return (*left, ("─" * room, palette.rule), *right)

    def _inside(self, width: int) -> Tail:
        if self._peeked is None:
            hint = "shows the queued bytes without consuming them."
            lines = wrap_words(safe(self._refused or f"{self.key('pipe_peek')} {hint}"), width)
        elif not self._peeked.payload:
            lines = ["The pipe is empty."]
        elif self._hexed():
            hexes = Hex(self._peeked.payload, width)
            return Tail(hexes.count, hexes.line)
        else:
            lines = text_lines(self._peeked.payload, width)
        return Tail(len(lines), lines.__getitem__)

    # --- keys -----------------------------------------------------------------------------------------------------

    def action_pipe_peek(self) -> None:
        self.request(self._peek())

    def action_pipe_text(self) -> None:
        self._turn_to("text")

    def action_pipe_hex(self) -> None:
        self._turn_to("hex")

    def _turn_to(self, view: str) -> None:
        self._view = view
        if self._peeked is None:
            self.action_pipe_peek()
        else:
            self.lay_out()
            self.sheet.bring_up(self._peek_line)

    def action_pipe_only(self) -> None:
        if self._row is None or self._row.pipe.path is None:
            self.notify("Only FIFOs have messages: a consumer can't open a pipe without a name.")
            return
        self.app.show_messages(self.session, self._row)


def _peeked_words(peeked: requests.Peeked) -> str:
    of = f"{number(peeked.queued)} of {number(peeked.capacity)} bytes queued"
    return f"{of} at {time.strftime('%H:%M:%S', time.localtime(peeked.time))}, not consumed"
