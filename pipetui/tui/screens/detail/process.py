"""One process in detail: what each of its tasks waits for, its pipe ends, its process tree; and signals to it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.timer import Timer

from pipetui.client.session import Change, Refused, Session
from pipetui.model import End, Finding, PipeId, PipeRow, Waiter
from pipetui.protocol import requests
from pipetui.protocol.feeds import FINDINGS, PIPES, PROCESSES
from pipetui.text import safe, size
from pipetui.tui.core.actions import Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.dialogs.signal import SendSignal
from pipetui.tui.screens.detail.base import WIDE, DetailScreen
from pipetui.tui.views.cells import Parts, beside, cut, heading, wrap_words
from pipetui.tui.views.facts import Entry, actor_facts, paragraphs
from pipetui.tui.views.findings import FindingKey, finding_lines, key_of
from pipetui.tui.views.holders import Holder, short_command
from pipetui.tui.views.process import family_lines, pipe_end_lines, pipes_of, task_lines

#: How long the hub's answer counts as fresh (seconds), and the width of the right column (cells).
_FRESH = 2.0
_FAMILY = 50


class ProcessScreen(DetailScreen):
    """The screen. It asks the hub again when something changes, at most every two seconds."""

    SCOPE: ClassVar[Scope] = "process"
    BINDINGS: ClassVar[list[BindingType]] = bindings("process")

    def __init__(self, session: Session, pid: int, holder: Holder | None = None) -> None:
        super().__init__(session)
        self.pid = pid
        self._holder = holder
        self._known = requests.Examined(None)
        self._asked_at = 0.0
        self._again: Timer | None = None
        self._answered = False
        self._refused = ""

    def on_mount(self) -> None:
        self._examine()

    # --- what changes ---------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        if change.has(PIPES) or change.has(PROCESSES) or change.has(FINDINGS):
            self._examine_soon()
        super().changed(change)

    def _examine_soon(self) -> None:
        wait = self._asked_at + _FRESH - time.monotonic()
        if wait <= 0:
            self._examine()
        elif self._again is None:
            self._again = self.set_timer(wait, self._examine)

    def _examine(self) -> None:
        if self._again is not None:
            self._again.stop()
            self._again = None
        self._asked_at = time.monotonic()
        self.request(self._ask())

    async def _ask(self) -> None:
        try:
            self._known, self._refused = await self.session.ask(requests.Examine(self.pid)), ""
        except Refused as refused:
            self._refused = str(refused)
        self._answered = True
        self.lay_out()

    # --- what is known --------------------------------------------------------------------------------------------

    @property
    def command(self) -> str:
        """Its command line, from wherever it is known."""
        listed = self.session.processes.get(self.pid)
        state = self._known.process
        held = self._holder.command if self._holder else ""
        known = (state.command if state else "") or (listed.command if listed else "") or held
        return known or next((each.command for each in self._named() if each.pid == self.pid and each.command), "")

    def _named(self) -> Iterable[End | Waiter]:
        """Yield all ends and waiters of listed pipes: they have commands too."""
        for row in self.session.pipes.values():
            yield from row.pipe.ends
            yield from row.pipe.waiters

    @property
    def ours(self) -> bool:
        """Whether it is one of our producers or consumers."""
        return any(actor.pid == self.pid and actor.phase != "ended" for actor in self.session.actors.values())

    def _pipes(self) -> dict[PipeId, PipeRow]:
        """Return its pipes, as listed or else as the hub last reported them."""
        asked = {pipe.id: PipeRow(pipe) for pipe in self._known.pipes}
        return pipes_of(self.pid, {**asked, **self.session.pipes})

    @property
    def _gone(self) -> bool:
        return self._answered and not self._refused and self._known.process is None

    # --- what stands in it ----------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        palette, room = self.palette, self.room
        load = self._load()
        right: Parts = ((load, palette.dim),) if load else ()
        if self._gone:
            right = (("has ended", palette.waiting),)
        name = cut(short_command(self.command), max(10, room - 50)) or "?"
        self.head.update("PROCESS", (*self.where, (f"{self.pid}  ", palette.text), (name, palette.accent)), right)
        if room >= WIDE:
            left = room - _FAMILY - 2
            lines = beside(self._left(left - 2), self._right(_FAMILY), left, palette)
        else:
            lines = [*self._left(room), (), *self._right(room)]
        self.sheet.put(lines)

    def _load(self) -> str:
        """Return who runs it and what it costs, as far as that is known."""
        listed = self.session.processes.get(self.pid)
        if listed is None:
            return ""
        words = [safe(listed.user)] if listed.user else []
        words += [f"{listed.cpu * 100:.0f}% cpu"] if listed.cpu is not None else []
        return " · ".join([*words, *([size(listed.rss)] if listed.rss is not None else [])])

    def _left(self, width: int) -> list[Parts]:
        palette, rows = self.palette, self._pipes()
        unknown = "It has exited." if self._gone else "loading…" if not self._refused else "unknown"
        tasks = task_lines(self._known, rows, palette, width)
        if self._known.process is None:
            tasks = [(("  " + unknown, palette.dim),)]
        ends = pipe_end_lines(self.pid, rows, self.session.processes, palette, width)
        lines = [heading("TASKS", "", palette), *tasks, (), heading("PIPE ENDS", "", palette), *ends, ()]
        if self._refused:
            lines += [((piece, palette.waiting),) for piece in wrap_words(safe(self._refused), width)]
        about: dict[FindingKey, Finding] = {}
        for finding in self.session.findings:
            if self.pid in (*finding.pids, *finding.behind):
                about.setdefault(key_of(finding), finding)
        return [*lines, *(line for finding in about.values() for line in (*finding_lines(finding, palette, width), ()))]

    def _right(self, width: int) -> list[Parts]:
        palette = self.palette
        facts = paragraphs(self._rows(), palette, width, 12)
        family = family_lines(self._known, palette, width)
        if not self._known.family:
            family = [(("  unknown" if self._answered else "  loading…", palette.dim),)]
        lines = [heading("DETAILS", "", palette), *facts, (), heading("PROCESS TREE", "", palette), *family]
        actor = next((actor for actor in self.session.actors.values() if actor.pid == self.pid), None)
        if actor is not None:
            lines += [
                (),
                heading("STARTED BY PIPETUI", "", palette),
                *paragraphs(actor_facts(actor), palette, width, 16),
            ]
        return lines

    def _rows(self) -> list[Entry]:
        listed, state = self.session.processes.get(self.pid), self._known.process
        rows: list[Entry] = [("command", safe(self.command) or "–")]
        rows.append(("user", safe((listed and listed.user) or "–")))
        rows.append(("cpu", "–" if listed is None or listed.cpu is None else f"{listed.cpu * 100:.0f}% of one core"))
        rows.append(("memory", size(listed.rss if listed else None)))
        if state is not None:
            rows.append(("session", str(state.session)))
        if self.ours:
            return rows
        key = self.key("process_signal")
        return [*rows, ("started by", f"not pipetui; {key} sends a signal" if key else "not pipetui")]

    # --- keys -----------------------------------------------------------------------------------------------------

    def action_process_examine(self) -> None:
        self._examine()

    def action_process_signal(self) -> None:
        if self._gone:
            self.notify(f"{self.pid} has ended.")
            return
        self.open_dialog(SendSignal(self.session, self.pid, self.command, ours=self.ours))
