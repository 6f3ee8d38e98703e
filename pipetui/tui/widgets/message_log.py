"""The message log: full width, no border, no scrollbar, drawn line by line from a `LogWindow`."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from pipetui.client.session import LogPage, LogView
from pipetui.model import Line, LogFilter
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.log_window import Item, LogWindow
from pipetui.tui.views.cells import strip
from pipetui.tui.views.log_lines import Marks, Widths, log_line
from pipetui.tui.widgets.lists import LineList


class MessageLog(LineList):
    """The log. Its owner gives it pages; `Moved` is posted when the header should change."""

    class Moved(Message):
        """The cursor, the state or the figures are not what they were."""

    class Opened(Message):
        """Enter or a double click on a message."""

        def __init__(self, line: Line) -> None:
            super().__init__()
            self.line = line

    def __init__(self, send_view: Callable[[LogView], None], host_of: Callable[[int], str] | None = None) -> None:
        """Ask for views by `send_view`; with `host_of` each message has the (safe) name of its host in front."""
        super().__init__(id="log")
        self._host_of = host_of
        self.window = LogWindow(send_view)
        self.finding = LogFilter()
        self.empty: tuple[str, ...] = ()
        self._widths = Widths()
        self._strips: LRUCache[object, Strip] = LRUCache(1024)

    # --- what it shows --------------------------------------------------------------------------------------------

    def take(self, page: LogPage, *, quietly: bool = False) -> None:
        """Take a page of the log; `quietly` draws nothing (something else is in front)."""
        for line in page.lines:
            if not line.gap:
                self._widths = self._widths.holding(line, self._host_of(line.number) if self._host_of else "")
        before = len(self.window.items)
        if (self.window.take(page) or not before) and not quietly:
            self.refresh()
        if not quietly:
            self.post_message(self.Moved())

    def find(self, wanted: LogFilter) -> None:
        """Colour the matches of a pattern."""
        if wanted != self.finding:
            self.finding = wanted
            self.refresh()

    def show_when_empty(self, *lines: str) -> None:
        """Show these lines (made safe by the caller) where there are no messages."""
        if lines != self.empty:
            self.empty = lines
            if not self.window.items:
                self.refresh()

    def act(self, act: Callable[[LogWindow], None]) -> None:
        """Change the window and draw what that changed."""
        window = self.window
        top, cursor, following = window.top, window.cursor, window.following
        act(window)
        if window.top != top or window.following != following:
            self.refresh()
        elif window.cursor != cursor:
            for moved in (cursor, window.cursor):
                if moved is not None:
                    y = window.index(moved) - window.top
                    if 0 <= y < self.size.height:
                        self.refresh(Region(0, y, self.size.width, 1))
        self.post_message(self.Moved())

    def toggle(self) -> None:
        """Freeze, or follow again."""
        self.act(lambda window: window.freeze() if window.following else window.follow())

    def move(self, lines: int) -> None:
        self.act(lambda window: window.move(lines))

    def scroll_lines(self, lines: int) -> None:
        self.act(lambda window: window.scroll(lines))

    def to_first(self) -> None:
        self.act(lambda window: window.oldest())

    def to_last(self) -> None:
        self.act(lambda window: window.follow())

    def open(self) -> None:
        item = self.window.current
        if isinstance(item, Line) and not item.gap:
            self.post_message(self.Opened(item))

    def on_click(self, event: events.Click) -> None:
        index = self.window.top + event.y
        if index < len(self.window.items):
            wanted = self.window.items[index].number
            self.act(lambda window: window.jump(wanted))
            if event.chain == 2:
                self.open()

    def on_resize(self, event: events.Resize) -> None:
        self._strips.clear()
        self.window.resize(event.size.width, event.size.height)
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self.refresh()

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        window = self.window
        index = window.top + y
        if index >= len(window.items):
            words = self.empty[y] if not window.items and y < len(self.empty) else ""
            return strip(((" " + words, palette.dim),), self.size.width, palette.base)
        item = window.items[index]
        chosen = not window.following and window.cursor is not None and window.index(window.cursor) == index
        key = (item, self._widths, chosen, chosen and self.has_focus, window.filter, self.finding, self.app.theme)
        drawn = self._strips.get(key)
        if drawn is None:
            drawn = self._strips[key] = self._draw(item, chosen, palette)
        return drawn

    def _draw(self, item: Item, chosen: bool, palette: Palette) -> Strip:
        base = palette.base
        if chosen:
            base += palette.cursor if self.has_focus else palette.shadow
        host = self._host_of(item.number) if self._host_of else None
        marks = Marks(self.window.filter, self.finding)
        width = self.size.width
        return strip(log_line(item, self._widths, width, palette, marks, host=host, chosen=chosen), width, base)
