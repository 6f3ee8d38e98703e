"""The service of the comparison: one at a time, run by a child, whose newest report is kept.

The child measures in process groups that it kills itself when it is told to stop (SIGTERM). Should it be killed, they
die with it (`labs/comparison/apart.py`); and it dies with the hub.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from pipetui.backend.publisher import Source, Value
from pipetui.backend.runtime.channel import Sender, send_all
from pipetui.backend.runtime.children import ACTOR_NICENESS, Child, ChildProcesses
from pipetui.backend.service import Handler, NotPossible, Service
from pipetui.model import BenchReport
from pipetui.protocol.codec import codec
from pipetui.protocol.feeds import BENCH
from pipetui.protocol.requests import Done, Request, RunBench, StopBench

#: How long a comparison may take at most (seconds), and how large a message may be (bytes).
LONGEST = 600.0
LARGEST = 16 << 20

_REPORT = codec(BenchReport)


class Bench(Service):
    """The comparison. `report` is None until there was one."""

    def __init__(self, children: ChildProcesses) -> None:
        self.report: BenchReport | None = None
        self._children = children
        self._child: Child | None = None
        self._feed: Value[BenchReport] = Value(BENCH, lambda: self.report)

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {RunBench: self._run, StopBench: self._stop}

    def feeds(self) -> Sequence[Source]:
        return (self._feed,)

    def _run(self, request: RunBench) -> Done:
        self.run(request.seconds, request.mechanisms, request.sizes)
        return Done()

    def _stop(self, request: StopBench) -> Done:
        self.stop()
        return Done()

    def run(self, seconds: float, mechanisms: Sequence[str] = (), sizes: Sequence[int] = ()) -> None:
        """Start a comparison of about `seconds`; no names or no sizes are all of them. Raises `NotPossible`."""
        if self._child is not None and not (self.report and self.report.over):
            raise NotPossible("a comparison is running; stop it first, or wait until it is over")
        if not 0 <= seconds <= LONGEST:
            raise NotPossible(f"a comparison takes from 0 to {LONGEST:.0f} seconds")
        if any(not 1 <= size <= LARGEST for size in sizes):
            raise NotPossible(f"a message has from 1 to {LARGEST:,} bytes")
        main = partial(_main, tuple(mechanisms), tuple(sorted(set(sizes))), seconds)
        try:
            # it stands back like producers and consumers, so that the screen stays quick
            self._child = self._children.fork("pipetui-bench", main, self._on_report, self._on_end, ACTOR_NICENESS)
        except OSError as error:
            raise NotPossible(f"no process could be started: {error.strerror}") from None
        self._set(BenchReport())

    def stop(self) -> None:
        """End the comparison, if one is running; what it has found stays."""
        if self._child is not None:
            self._child.signal(signal.SIGTERM)

    def _on_report(self, value: Any) -> None:
        self._set(_REPORT.decode(value))

    def _on_end(self, child: Child) -> None:
        if child is not self._child:
            return  # it was over before, and the next one has begun
        self._child = None
        report = self.report or BenchReport()
        if not report.over:
            stopped = child.exit_code == 0 or child.exit_signal == signal.SIGTERM
            trouble = "it was stopped" if stopped else "its process has failed"
            self._set(replace(report, over=True, doing="", trouble=trouble))

    def _set(self, report: BenchReport) -> None:
        self.report = report
        self._feed.changed()


def _main(mechanisms: tuple[str, ...], sizes: tuple[int, ...], seconds: float, _control: int, report: int) -> None:
    """Compare in a child of the hub, and tell the hub each report."""
    signal.signal(signal.SIGTERM, _leave)
    # only here: the hub itself has no use for multiprocessing and all that comes with it
    from pipetui.labs.comparison import MECHANISMS, SIZES, compare

    sender = Sender(report)
    if unknown := sorted(set(mechanisms) - MECHANISMS.keys()):
        send_all(sender, report, _REPORT.encode(BenchReport(over=True, trouble=f"nothing is called {unknown[0]!r}")))
        return
    chosen = [each for name, each in MECHANISMS.items() if not mechanisms or name in mechanisms]
    try:
        with closing(compare(chosen, sizes or SIZES, seconds)) as reports:
            for one in reports:
                send_all(sender, report, _REPORT.encode(one))
    except _Stopped:
        pass


class _Stopped(BaseException):
    """SIGTERM has come: what runs is to be ended."""


def _leave(_number: int, _frame: object) -> None:
    raise _Stopped
