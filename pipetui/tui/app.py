"""The Textual app: starts and restarts the link to a hub, chooses the theme, and leaves without a trace.

`run` is what the command line calls. Nothing here touches a pipe.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Protocol, cast

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import LineFilter, NoColor
from textual.screen import Screen
from textual.widgets import Input

from pipetui.client.session import Session
from pipetui.model import PipeRow
from pipetui.text import safe
from pipetui.tui import deeds
from pipetui.tui.actions import Action, in_scope
from pipetui.tui.config import Config
from pipetui.tui.display.hook import ThinDisplay
from pipetui.tui.keys import keymap
from pipetui.tui.looks.look import Look
from pipetui.tui.monitor import Monitor
from pipetui.tui.theme import choose, opposite, themes
from pipetui.tui.typeahead import TypeAhead


class LinkLike(Protocol):
    """What the app needs of a link (`client.link.Link`; a test's fake has it too)."""

    async def attach(self) -> None: ...
    def send(self, request: Any) -> None: ...
    def replies(self) -> AsyncIterator[Any]: ...
    async def wait_closed(self) -> None: ...


#: Gives a link whose hub has been started; called again when the person reconnects.
OpenLink = Callable[[], LinkLike]

_UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h

#: How long a signal that ends us waits for the terminal (seconds).
_PATIENCE = 1.0


class PipetuiApp(ThinDisplay[int]):
    """pipetui on a terminal."""

    TITLE = "pipetui"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    AUTO_FOCUS = None

    CSS = """
    Screen { scrollbar-size: 1 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        open_link: OpenLink,
        *,
        roots: tuple[str, ...] = (),
        demo: bool = False,
        config: Config | None = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__()
        self._seconds = seconds
        self.config = config or Config()
        self.roots = roots
        self.demo = demo
        self._open_link = open_link
        self._link: LinkLike | None = None
        self._monitor = Monitor()
        self._keys_typed = TypeAhead(self, super().on_event)
        for theme in themes():
            self.register_theme(theme)
        self.theme = choose(self.config.theme, self.console.color_system, no_color=self.no_color)
        self.set_keymap(keymap(self.config.keys))

    def get_default_screen(self) -> Screen[Any]:
        return self._monitor

    @property
    def monitor(self) -> Monitor:
        """The main screen."""
        return self._monitor

    # --- the hub --------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Start talking to a hub; a link from before is let go."""
        self.run_worker(self._live(), group="hub", exclusive=True)

    async def _live(self) -> None:
        await self._let_go()
        try:
            link = self._link = self._open_link()
            await link.attach()
        except OSError as error:
            self._monitor.tell(f"The hub can't be started: {(error.strerror or str(error)).lower()}", grave=True)
            return
        session = Session(link, self.roots, self.demo)
        session.on_change(self._monitor.changed)
        self._monitor.use(session)
        await session.run()

    async def _let_go(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.wait_closed()

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after the other (see `typeahead`), everything else as it comes."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._keys_typed.take(event)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError, RuntimeError, NotImplementedError):  # a test may run us outside the main thread
                loop.add_signal_handler(number, self._on_signal, number)
        if self._seconds is not None:
            self.set_timer(self._seconds, self.action_quit)
        self.call_after_refresh(_settle)

    def _on_signal(self, number: signal.Signals) -> None:
        """Told to end: give the terminal back first. If it has gone, that can't work: then just end."""
        asyncio.get_running_loop().call_later(_PATIENCE, os._exit, 128 + number)
        self.exit(128 + number)

    def ask_for_anonymous(self, without: Screen[Any] | None = None) -> None:
        """Want anonymous pipes from the hub as long as a screen shows them, and not longer."""
        if self._monitor.session is not None:
            looks = (screen for screen in self.screen_stack if isinstance(screen, Look) and screen is not without)
            self._monitor.session.show_anonymous(any(look.anonymous for look in looks))

    def show_messages_of(self, row: PipeRow) -> None:
        """Leave what looks closer and show the messages of one FIFO only."""
        while isinstance(self.screen, Look):
            self.pop_screen()
        deeds.show_only(self._monitor, row)

    async def action_quit(self) -> None:
        """Let the hub end its children and go, then leave."""
        await self._let_go()
        self.exit(0)

    # --- looks ----------------------------------------------------------------------------------------------------

    def toggle_theme(self) -> None:
        """Dark to light or back."""
        self.theme = opposite(self.theme)
        self._monitor.restyle()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Leave out every colour when NO_COLOR is set; the cursor is in reverse then, and states are words."""
        return [NoColor()] if self.no_color else super().get_line_filters()

    def to_clipboard(self, text: str) -> None:
        """Copy text through the terminal (OSC 52); bytes that are no text become `?`."""
        self.copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    # --- the palette of commands ----------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        if isinstance(self.screen, Monitor) and not CommandPalette.is_open(cast(Any, self)):
            self.push_screen(StillPalette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action of the main screen by name."""
        for action in in_scope("fifos", "processes", "messages", "everywhere"):
            if action.id not in ("palette", "escape"):
                yield SystemCommand(action.help, _describe(action), _Doing(self, action.id))

    # --- the unexpected -------------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """Leave with one sentence: a traceback helps nobody at a terminal (TEXTUAL=debug shows it)."""
        if "debug" in self.features or self._exception is None:
            super()._fatal_error()
            return
        error = self._exception
        sentence = safe(f"{type(error).__name__}: {error}")
        self.exit(_UNEXPECTED, message=f"pipetui: this should not have happened, please report it ({sentence})")
        self._close_messages_no_wait()


def _settle() -> None:
    """Take what has been made so far (modules, styles, widgets) out of the collector's sight.

    Going over some 200,000 objects that stay for life took it up to 180 ms at a time, in which no key was answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


class _Doing:
    """A deed as the palette wants it: something to call."""

    def __init__(self, app: PipetuiApp, action: str) -> None:
        self._app = app
        self._action = action

    def __call__(self) -> None:
        self._app.monitor.action_do(self._action)


def _describe(action: Action) -> str:
    return " · ".join(filter(None, (", ".join(action.keys), action.effect)))


class StillPalette(CommandPalette):
    """The palette of commands, its cursor not blinking."""

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False


def run(
    open_link: OpenLink,
    *,
    roots: tuple[str, ...] = (),
    demo: bool = False,
    config: Config | None = None,
    seconds: float | None = None,
) -> int:
    """Run the monitor on this terminal until the person leaves (at most `seconds`); return the exit code."""
    app = PipetuiApp(open_link, roots=roots, demo=demo, config=config, seconds=seconds)
    code = app.run()
    return app.return_code or 0 if code is None else code
