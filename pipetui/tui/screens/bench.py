"""The comparison: its progress, a chart of one message size, tables of all, and one sentence of advice."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType

from pipetui.client.session import Change, Session
from pipetui.model import BenchReport
from pipetui.protocol import requests
from pipetui.protocol.feeds import BENCH, STATUS
from pipetui.text import safe
from pipetui.tui.core.actions import BY_ID, Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.views.benchchart import (
    COSTS,
    DrawnLine,
    Tone,
    chart,
    chosen,
    costs,
    joined,
    progress,
    size_words,
    speeds,
)
from pipetui.tui.views.cells import Parts, wrap_words

_FOOTER = ("bench_run", "bench_stop", "bench_size", "detail_copy", "detail_help", "detail_close")

#: A wider chart is only harder to read (cells).
_WIDEST = 120

_WHAT = (
    "The same messages through eight mechanisms, each between two processes: pipe, FIFO, Unix socket, TCP loopback, "
    "multiprocessing.Pipe and Queue, shared memory with semaphores, and a ProcessPoolExecutor. It measures throughput "
    "by message size, the round-trip time, how often a process has to wait, and the share of pickling."
)


class BenchScreen(DetailScreen):
    """The screen of the comparison that a session's hub runs.

    It shows `session.bench`, whether running, finished or never started. Opening it starts nothing, and leaving it
    stops nothing.
    """

    SCOPE: ClassVar[Scope] = "bench"
    BINDINGS: ClassVar[list[BindingType]] = bindings("bench")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._charted: int | None = None

    def begin(self) -> None:
        self.show_keys(BY_ID[action] for action in _FOOTER)
        self.sheet.focus()

    def changed(self, change: Change) -> None:
        if change.lost:
            self.notify(change.lost, severity="error")
        if change.has(BENCH) or change.has(STATUS):
            self._lay_out_soon()

    # --- drawing --------------------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        report, palette = self.session.bench, self.palette
        where: Parts = ((f"on {safe(self.session.name)}", palette.dim),) if self.session.name else ()
        if report is None:
            self.head.update("COMPARISON", where)
            key = self.key("bench_run")
            words = f"Press {key} to run it: about 25 seconds, while everything else continues."
            words = words if key else "Not run yet."
            self.sheet.put([*self._paragraph(_WHAT, palette.text), (), *self._paragraph(words, palette.dim)])
            return
        size = chosen(report, self._charted)
        self.head.update("COMPARISON", where, ((f"{self.key('bench_size')}: next message size", palette.dim),))
        lines = self._top(report)
        if report.mechanisms:
            gap: list[Parts] = [()] if self.size.height >= 40 else []
            lines += [*gap, *self._styled(chart(report, size, min(_WIDEST, self.room)))]
            lines += [*gap, *self._styled(speeds(report)), (), *self._styled(costs(report))]
            lines += self._paragraph(COSTS, palette.dim)
        self.sheet.put(lines)

    def _top(self, report: BenchReport) -> list[Parts]:
        """Return its progress or, once finished, the advice; and what could not be measured."""
        palette = self.palette
        lines: list[Parts] = []
        if not report.over:
            lines.append(((progress(report, self.room), palette.active),))
        elif report.trouble:
            lines += self._paragraph(f"{report.trouble[:1].upper()}{report.trouble[1:]}.", palette.waiting)
        lines += self._paragraph(self._advice(report), palette.title) if report.advice else []
        for missing in report.gaps:
            lines += self._paragraph(missing.reason, palette.waiting)
        return lines

    def _advice(self, report: BenchReport) -> str:
        """Return the advice, naming the hub's host."""
        far = self.session.is_far
        return report.advice.replace("On this machine", f"On {self.session.name}", 1) if far else report.advice

    def _paragraph(self, words: str, style: Style) -> list[Parts]:
        return [((line, style),) for line in wrap_words(safe(words), min(100, self.room))]

    def _styled(self, lines: list[DrawnLine]) -> list[Parts]:
        palette = self.palette
        colours: dict[Tone, Style] = {
            "text": palette.text,
            "dim": palette.dim,
            "title": palette.title,
            "bar": palette.accent,
            "best": palette.active,
        }
        return [tuple((words, colours[tone]) for words, tone in line) for line in lines]

    # --- keys -----------------------------------------------------------------------------------------------------

    def action_bench_run(self) -> None:
        if self._measuring:
            self.notify("Already running.")
        else:
            self.request(self.session.ask(requests.RunBench()))

    def action_bench_stop(self) -> None:
        if self._measuring:
            self.request(self.session.ask(requests.StopBench()))
        else:
            self.notify("Not running.")

    def action_bench_size(self) -> None:
        self._turn(1)

    def action_bench_size_back(self) -> None:
        self._turn(-1)

    def action_bench_close(self) -> None:
        self.dismiss(None)

    @property
    def _measuring(self) -> bool:
        return self.session.bench is not None and not self.session.bench.over

    def _turn(self, by: int) -> None:
        """Show the chart of the next message size."""
        report = self.session.bench
        if report is None or not report.sizes:
            self.notify("No chart yet.")
            return
        sizes = report.sizes
        self._charted = sizes[(sizes.index(chosen(report, self._charted)) + by) % len(sizes)]
        self.notify(f"Message size: {size_words(self._charted)}")
        self.lay_out()

    def action_detail_copy(self) -> None:
        report = self.session.bench
        if report is None or not report.figures:
            self.notify("Nothing to copy.")
            return
        lines = [*speeds(report), (), *costs(report), (), *chart(report, chosen(report, self._charted), 80)]
        self.app.to_clipboard("\n".join([*joined(lines), "", self._advice(report)]))
        self.notify("Copied the figures, if your terminal supports it (OSC 52)")
