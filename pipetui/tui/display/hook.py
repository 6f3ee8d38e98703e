"""Where the thin display meets Textual: with `resume` the only file that knows Textual's private names.

`Screen._compositor_refresh` renders what has changed and gives it to `App._display`. Rendering waits until the output
path takes a frame: what changes meanwhile is rendered only once. The strips become cells of the newest
frame; what differs from the terminal's frame is written through the driver, in order with everything else that Textual
writes.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic

import textual
from rich.color import ColorSystem
from rich.segment import Segment
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ReturnType
from textual.driver import Driver
from textual.screen import Screen
from textual.strip import Strip

from pipetui.tui.display.abilities import abilities
from pipetui.tui.display.frame import Row, fitted, row_of
from pipetui.tui.display.pace import BUDGET, Pacer, Permit
from pipetui.tui.display.painter import Painter
from pipetui.tui.display.write import LEAVE

#: The versions of Textual that this file was tested with: major, and the range of minor.
_TESTED = (8, range(2, 3))

_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}

#: Strips whose cells are remembered.
_MOST_STRIPS = 512

_SYNC_FROM, _SYNC_TO = "\x1b[?2026h", "\x1b[?2026l"

#: Shorter frames come in one piece anyway.
_WORTH_SYNC = 1024

#: DSR 6: the terminal answers with the place of its cursor when it has come to this point.
_ASK = "\x1b[6n"

#: How long after a key frames count as its answer (seconds), since the hub may be involved.
_ANSWERING = 0.3

#: It takes a key so long through the queues until what it did is rendered (seconds): the first frames after it, up to
#: one that comes later than this, start anew with what is newest.
_FIRST = 0.06

#: How long after a resize of the terminal the old frame is drawn again, if Textual draws none of a new size.
_RESIZED = 0.15

#: While Textual holds back drawing (`batch_update`), how often to look whether it still does (seconds).
_BATCH = 0.02


def declined(environment: Mapping[str, str], display: str = "thin") -> str:
    """Return how the user has chosen the stock display (the environment overrides `display`); empty if not."""
    chosen = environment.get("PIPETUI_DISPLAY", "")
    if chosen in ("thin", "stock"):
        return "PIPETUI_DISPLAY=stock is set" if chosen == "stock" else ""
    return 'display = "stock" is set' if display == "stock" else ""


def why_not() -> str:
    """Return why the thin display can't be used with this Textual, in words for the user; empty when it can."""
    version = re.match(r"(\d+)\.(\d+)\.", textual.__version__)
    major, minors = _TESTED
    if version is None or int(version[1]) != major or int(version[2]) not in minors:
        return f"the thin display is not tested with this Textual ({textual.__version__})"
    needed = ((App, "_display"), (App, "post_display_hook"), (App, "_begin_batch"), (Screen, "_compositor_refresh"))
    missing = [name for owner, name in needed if not hasattr(owner, name)]
    return f"this Textual ({textual.__version__}) has no {' and no '.join(missing)}" if missing else ""


class ThinDisplay(App[ReturnType], Generic[ReturnType]):
    """An app that writes only what differs from what the terminal shows.

    `display` is "thin" or "stock" (Textual's own); `why_stock` says why that one is used, and is empty while ours is.
    `display_budget` is how many bytes a second unrequested frames may use.
    """

    def __init__(self, *args: Any, display: str = "thin", display_budget: int = BUDGET, **options: Any) -> None:
        super().__init__(*args, **options)
        self._thin_declined = declined(os.environ, display)
        self.why_stock = self._thin_declined or why_not()
        self._thin_painter = Painter(
            abilities(os.environ), _SYSTEMS.get(self.console.color_system or "", ColorSystem.TRUECOLOR)
        )
        self._thin_pace = Pacer(display_budget)
        self._thin_strips: dict[tuple[Segment, ...], Row] = {}
        self._thin_driver: Driver | None = None
        self._thin_writer: Any = None
        self._thin_first = False
        self._thin_urgent_until = 0.0
        self._thin_fresh_until: float | None = None
        self._thin_again: asyncio.TimerHandle | None = None
        self._thin_waiting: Screen[Any] | None = None
        self._thin_rendering = False

    @property
    def display_note(self) -> str:
        """Why Textual's own display is used although ours was wanted; otherwise empty."""
        return "" if self._thin_declined else self.why_stock

    # --- what Textual says ----------------------------------------------------------------------------------------

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if self.why_stock or not self._thin_can_draw():
            super()._display(screen, renderable)
            return
        try:
            self._thin_adopt(screen)
            if isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
                self._thin_take(renderable)
                if not self._thin_rendering:
                    self._thin_flush()
            elif renderable is not None:
                super()._display(screen, renderable)
                self._thin_painter.forget()
                return
        except Exception as error:
            self._thin_give_up(error)
        self.post_display_hook()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, (events.InputEvent, events.Paste)):
            now = asyncio.get_running_loop().time()
            self._thin_urgent_until, self._thin_fresh_until = now + _ANSWERING, now + _FIRST
        elif isinstance(event, events.Resize) and not self.why_stock:
            # the terminal may have cut or moved what it showed, also when it has its old size again
            self._thin_painter.forget()
            self._thin_later(_RESIZED)
        elif isinstance(event, events.CursorPosition):
            self._thin_pace.answered(asyncio.get_running_loop().time())
            if self._thin_dirty():
                self._thin_flush()
        await super().on_event(event)

    def repaint(self) -> None:
        """Redraw the whole screen, whatever the terminal shows."""
        self._thin_painter.forget()
        self.refresh(layout=True)
        if not self.why_stock:
            self._thin_later(0.0)

    # --- rendering ------------------------------------------------------------------------------------------------

    def _thin_can_draw(self) -> bool:
        """Whether Textual would draw now, on a terminal that a screen can be drawn on."""
        return self._thin_has_terminal() and not self._batch_count

    def _thin_has_terminal(self) -> bool:
        driver = self._driver
        return (
            self._running
            and not self._closed
            and driver is not None
            and not (driver.is_headless or driver.is_inline or driver.is_web)
        )

    def _thin_adopt(self, screen: Screen[Any]) -> None:
        """Take over a screen's rendering of what has changed."""
        if "_compositor_refresh" not in vars(screen):
            screen._compositor_refresh = partial(self._thin_refresh, screen)  # type: ignore[method-assign]

    def _thin_refresh(self, screen: Screen[Any]) -> None:
        """Render a screen when the next frame may be written: now or later, and after a batch of Textual's."""
        if self.why_stock or screen is not self.screen or not self._thin_has_terminal():
            _render(screen)
            return
        screen._dirty_widgets.clear()  # the compositor has their regions; Textual would come again and again for them
        self._thin_waiting = screen
        self._thin_try()

    def _thin_render(self) -> None:
        """Bring the newest frame up to date with what was put off."""
        screen, self._thin_waiting = self._thin_waiting, None
        if screen is not None:
            self._thin_rendering = True
            try:
                screen._compositor.update_widgets(screen._dirty_widgets)  # whoever came since: rendering forgets them
                _render(screen)
            finally:
                self._thin_rendering = False

    def _thin_dirty(self) -> bool:
        """Whether the terminal does not show the newest state yet."""
        return self._thin_waiting is not None or self._thin_painter.dirty

    def _thin_take(self, update: LayoutUpdate | ChopsUpdate) -> None:
        """Bring the newest frame up to date."""
        painter = self._thin_painter
        if painter.crowded:
            self._thin_painter = painter = Painter(painter.abilities, painter.styles.system)
            self._thin_strips.clear()
            self.refresh(layout=True)
        size = self.screen._compositor.size
        painter.resize(size.width, size.height)
        place, cells = partial(painter.wanted.place, styles=painter.styles), self._thin_cells
        if isinstance(update, LayoutUpdate):
            for y, strips in enumerate(update.strips, update.region.y):
                x = update.region.x
                for strip in strips:
                    place(x, y, cells(strip))
                    x += strip.cell_length
            return
        for y, first, last in update.spans:
            ends = update.chop_ends[y]
            for end, (x, piece) in zip(ends, update.chops[y].items(), strict=False):
                if piece is not None and x < last and end > first:
                    place(x, y, cells(piece))

    def _thin_cells(self, strip: Strip) -> Row:
        """Return the cells of a strip: the same object for the same segments, so that frames compare fast."""
        segments = tuple(strip)
        row = self._thin_strips.get(segments)
        if row is None:
            if len(self._thin_strips) >= _MOST_STRIPS:
                self._thin_strips.clear()
            styles = self._thin_painter.styles
            row = fitted(row_of(strip, styles), strip.cell_length, styles)
            self._thin_strips[segments] = row
        return row

    # --- writing --------------------------------------------------------------------------------------------------

    def _thin_flush(self) -> None:
        """Write what differs, as much as the output path takes; write the rest later."""
        if self._thin_again is not None:
            self._thin_again.cancel()
            self._thin_again = None
        if self.why_stock or not self._thin_has_terminal():
            return
        if self._batch_count:
            self._thin_later(_BATCH)
            return
        self._thin_check_driver()
        now = asyncio.get_running_loop().time()
        painter, fresh = self._thin_painter, self._thin_fresh_until is not None
        urgent = now < self._thin_urgent_until or painter.shown is None or painter.in_pieces
        permit = self._thin_pace.permit(now, urgent=urgent, full=self._thin_is_full(), first=fresh)
        if permit.write:
            self._thin_render()
            self._thin_paint(permit, now)
        if self._thin_dirty() and not self.why_stock:
            self._thin_later(permit.again)

    def _thin_paint(self, permit: Permit, now: float) -> None:
        painter = self._thin_painter
        if self.why_stock or not painter.wanted.height:
            return
        if self._thin_pace.slow:
            painter.notice(now)
        fresh = self._thin_fresh_until
        text = painter.paint_part(permit.pieces, calm=permit.calm, afresh=fresh is not None, cursor=self._thin_cursor())
        if fresh is not None and now > fresh:
            self._thin_fresh_until = None
        if text:
            self._thin_write(text, now)

    def _thin_write(self, text: str, now: float) -> None:
        assert self._driver is not None
        pace = self._thin_pace
        pace.sent(len(text.encode("utf-8", "replace")), now)
        if self._sync_available and len(text) > _WORTH_SYNC:
            text = f"{_SYNC_FROM}{text}{_SYNC_TO}"
        if self._thin_first:
            self._thin_first = False
            pace.asked_again(now)
            text += _ASK
        elif pace.should_ask(now):
            text += _ASK
        self._driver.write(text)
        self._driver.flush()

    def _thin_cursor(self) -> tuple[int, int] | None:
        """Return where the cursor should rest, because an input method composes there; None if it does not matter."""
        if not hasattr(self.focused, "cursor_screen_offset"):
            return None
        at = self.screen.outer_size.clamp_offset(self.cursor_position)
        self._previous_cursor_position = at
        return at.x, at.y

    def _thin_check_driver(self) -> None:
        """Notice a new writer: the terminal was given away and has come back."""
        driver = self._driver
        writer = getattr(driver, "_writer_thread", None)
        if driver is not None and (driver is not self._thin_driver or writer is not self._thin_writer):
            if driver is not self._thin_driver:
                driver.stop_application_mode = _leaving(driver)  # type: ignore[method-assign]
            self._thin_driver, self._thin_writer = driver, writer
            self._thin_painter.forget()
            self._thin_pace.ask_first(asyncio.get_running_loop().time())
            self._thin_first = True
            driver.write(_ASK)

    def _thin_is_full(self) -> bool:
        """Whether the driver's writer still has the last frame to write, or the terminal takes no more."""
        queue = getattr(self._thin_writer, "_queue", None)
        if queue is None:
            return False
        if queue.qsize() > 0:
            return True
        poll = select.poll()
        poll.register(self._thin_writer.fileno(), select.POLLOUT)
        return not poll.poll(0)

    # --- later ----------------------------------------------------------------------------------------------------

    def _thin_later(self, delay: float) -> None:
        if self._thin_again is None:
            self._thin_again = asyncio.get_running_loop().call_later(delay, self._thin_try)

    def _thin_try(self) -> None:
        try:
            self._thin_flush()
        except Exception as error:
            self._thin_give_up(error)

    def _thin_give_up(self, error: Exception) -> None:
        """Continue with Textual's own display: a screen that costs more bytes is better than none."""
        self.why_stock = f"the thin display failed ({type(error).__name__}: {error})"
        self.log.error(self.why_stock)
        self._thin_strips.clear()
        self._thin_waiting = None
        if self._driver is not None:
            self._driver.write(LEAVE)
        self.refresh(layout=True)


def _render(screen: Screen[Any]) -> None:
    """Render as Textual does, through `App._display`."""
    type(screen)._compositor_refresh(screen)


def _leaving(driver: Driver) -> Callable[[], None]:
    """Return a driver's method that gives the terminal back, preceded by resetting the pen."""
    stop = driver.stop_application_mode

    def leave() -> None:
        driver.write(LEAVE)
        stop()

    return leave
