"""Which lines of the ring are on a screen: the newest that pass its filter, or a page around a place in the past.

A filter is applied in slices of a few milliseconds, newest messages first, and remembers what it has found, so that
typing one into a log of a hundred thousand messages answers at once and never holds up the hub.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import replace
from itertools import islice

from pipetui.backend.messages.patterns import BadPattern, Test, TooSlow, compile_filter, guarded
from pipetui.backend.messages.ring import Ring
from pipetui.model import Line, LogFilter
from pipetui.protocol.feeds import LogPage
from pipetui.protocol.messages import LogView

#: How long one slice of filtering may take (seconds).
SLICE = 0.02

#: A page never has more lines than this, whatever is asked.
MOST_LINES = 500

#: Nor more bytes of a payload a line.
MOST_WIDTH = 2000


class Selection:
    """The numbers of the kept messages that pass a filter, as far as they have been looked at."""

    def __init__(self, ring: Ring, wanted: LogFilter) -> None:
        self.filter = wanted
        self.trouble = ""
        self._ring = ring
        self._numbers: list[int] = []
        self._low = self._high = ring.last + 1  # messages from low to before high have been looked at
        self._test: Test | None = None
        try:
            self._test = compile_filter(wanted)
        except BadPattern as error:
            self.trouble = str(error)

    @property
    def everything(self) -> bool:
        """Whether the filter lets everything through (a filter that can't be used does, too)."""
        return self._test is None

    def work(self) -> bool:
        """Look at new messages, then at older ones, for one slice; true when all have been looked at."""
        if self._test is None:
            return True
        deadline = time.monotonic() + SLICE
        try:
            with guarded():
                return self._newer(self._test, deadline) and self._older(self._test, deadline)
        except TooSlow as error:
            self.trouble, self._test = str(error), None
            return True

    def _newer(self, test: Test, deadline: float) -> bool:
        for step, line in enumerate(self._ring.forwards(self._high)):
            if test(line):
                self._numbers.append(line.number)
            self._high = line.number + 1
            if step % 32 == 31 and time.monotonic() > deadline:
                return False
        self._high = self._ring.last + 1
        return True

    def _older(self, test: Test, deadline: float) -> bool:
        found: list[int] = []
        done = True
        for step, line in enumerate(self._ring.backwards(self._low)):
            if test(line):
                found.append(line.number)
            self._low = line.number
            if step % 32 == 31 and time.monotonic() > deadline:
                done = False
                break
        else:
            self._low = min(self._low, self._ring.first)
        if found:
            self._numbers[:0] = reversed(found)
        return done

    def before(self, number: int, count: int) -> list[Line]:
        """Return up to `count` lines before `number`, oldest first."""
        if self.everything:
            lines = list(islice(self._ring.backwards(number), count))
            lines.reverse()
            return lines
        index = bisect_left(self._numbers, number)
        return self._those(self._numbers[max(0, index - count) : index])

    def since(self, number: int, count: int) -> list[Line]:
        """Return up to `count` lines from `number` on."""
        if self.everything:
            return list(islice(self._ring.forwards(number), count))
        index = bisect_left(self._numbers, number)
        return self._those(self._numbers[index : index + count])

    def count_from(self, number: int) -> int:
        """Return how many lines there are from `number` on."""
        if self.everything:
            return self._ring.count_from(number)
        return len(self._numbers) - bisect_left(self._numbers, number)

    def _those(self, numbers: list[int]) -> list[Line]:
        found = (self._ring.get(number) for number in numbers)
        return [line for line in found if line is not None]

    def forget_evicted(self) -> None:
        """Drop the numbers that the ring no longer keeps."""
        del self._numbers[: bisect_left(self._numbers, self._ring.first)]


class LogReader:
    """Answers one screen's views."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._selection = Selection(ring, LogFilter())
        self._view: LogView | None = None
        self._sent = 0  # the number of the screen's last line
        self._last_page: LogPage | None = None  # the last page without its lines
        self.unfinished = False

    def page(self, view: LogView) -> LogPage | None:
        """Return what the screen lacks for this view, None when it has it all."""
        if view.filter != self._selection.filter:
            self._selection = Selection(self._ring, view.filter)
        fresh = self._view is None or view != self._view
        catching_up = self.unfinished
        self.unfinished = not self._selection.work()
        self._selection.forget_evicted()
        self._view = view
        if view.follow:
            page = self._following(view, fresh or catching_up)
        elif fresh or catching_up:
            page = self._standing(view)
        else:
            page = self._standing_still(view)
        before, self._last_page = self._last_page, replace(page, lines=(), append=True, skipped=0)
        return None if page == before and not fresh else page

    def _following(self, view: LogView, fresh: bool) -> LogPage:
        rows = max(1, min(view.after, MOST_LINES))
        if fresh:
            lines = self._selection.before(self._ring.last + 1, rows)
            skipped = 0
        else:
            waiting = self._selection.count_from(self._sent + 1)
            skipped = max(0, waiting - rows)
            lines = self._selection.before(self._ring.last + 1, min(rows, waiting))
        append = not fresh and not skipped
        shown = self._shown(lines, view.width, after=self._sent if append else None)
        if lines:
            self._sent = lines[-1].number
        elif fresh:
            self._sent = self._ring.last
        return LogPage(view.id, shown, append, skipped, counts=self._ring.counts, trouble=self._selection.trouble)

    def _standing(self, view: LogView) -> LogPage:
        before = self._selection.before(view.anchor, min(max(0, view.before), MOST_LINES))
        after = self._selection.since(view.anchor, min(max(1, view.after), MOST_LINES))
        lines = before + after
        self._sent = lines[-1].number if lines else view.anchor
        older = bool(lines) and bool(self._selection.before(lines[0].number, 1))
        return LogPage(
            view.id,
            self._shown(lines, view.width, after=None),
            newer=self._selection.count_from(self._sent + 1),
            older=older or self.unfinished,
            counts=self._ring.counts,
            trouble=self._selection.trouble,
        )

    def _standing_still(self, view: LogView) -> LogPage:
        """What the screen has stays as it is, also when the ring drops it; only the counts move on."""
        newer = self._selection.count_from(self._sent + 1)
        older = self._last_page.older if self._last_page else False
        trouble = self._selection.trouble
        return LogPage(view.id, append=True, newer=newer, older=older, counts=self._ring.counts, trouble=trouble)

    def _shown(self, lines: list[Line], width: int, after: int | None) -> tuple[Line, ...]:
        """Return the lines cut to `width`, with a gap line wherever numbers are missing between unfiltered ones."""
        width = max(1, min(width, MOST_WIDTH))
        shown: list[Line] = []
        last = after
        for line in lines:
            if last is not None and self._selection.everything and line.number > last + 1:
                gap = line.number - last - 1
                shown.append(Line(line.number - 1, line.time, line.fifo, line.reader, gap=gap))
            shown.append(line if len(line.payload) <= width else line._replace(payload=line.payload[:width]))
            last = line.number
        return tuple(shown)
