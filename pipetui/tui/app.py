"""The Textual app: it connects the hosts, composes the screens, chooses the theme, and cleans up on exit.

`run` is what the command line calls. Nothing here touches a pipe.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import LineFilter, NoColor
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input

from pipetui.client.hosts import OpenLink, Reachable, far_hosts, one_host
from pipetui.client.session import Session
from pipetui.model import PipeId, PipeRow
from pipetui.text import safe
from pipetui.tui.core import encoding
from pipetui.tui.core.actions import Action, in_scope
from pipetui.tui.core.config import Config
from pipetui.tui.core.context import AppContext
from pipetui.tui.core.keys import keymap
from pipetui.tui.core.theme import choose, opposite, themes
from pipetui.tui.core.typeahead import TypeAhead
from pipetui.tui.display.resume import resume
from pipetui.tui.screens.base import BaseScreen
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.screens.detail.pipe import PipeScreen
from pipetui.tui.screens.detail.process import ProcessScreen
from pipetui.tui.screens.main.screen import MainScreen

_UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h

#: How long to wait for the terminal when a signal ends us (seconds).
_EXIT_TIMEOUT = 1.0


class PipetuiApp(AppContext):
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
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(
        self,
        open_link: OpenLink,
        *,
        roots: tuple[str, ...] = (),
        demo: bool = False,
        config: Config | None = None,
        seconds: float | None = None,
        far: Sequence[Reachable] = (),
    ) -> None:
        config = config or Config()
        super().__init__(display=config.display, display_budget=config.display_budget)
        self._seconds = seconds
        self.config = config
        self.roots = roots
        self.demo = demo
        self._open_link = open_link
        read_only = self.config.read_only
        self.pool = (
            far_hosts(far, roots, read_only=read_only)
            if far
            else one_host(lambda: self._open_link(), roots, demo, read_only=read_only)
        )
        self.main = MainScreen(self.pool)
        self._keys_typed = TypeAhead(self, super().on_event)
        for theme in themes():
            self.register_theme(theme)
        self.theme = choose(self.config.theme, self.console.color_system, no_color=self.no_color)
        self.set_keymap(keymap(self.config.keys))

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    # --- the hosts ------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        self.pool.on_change(self.main.changed)
        self.run_worker(self.pool.run(), group="hosts")

    async def on_event(self, event: events.Event) -> None:
        """Handle keys one at a time (see `typeahead`), and everything else as it arrives."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._keys_typed.take(event)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError, RuntimeError, NotImplementedError):  # a test may run us outside the main thread
                loop.add_signal_handler(number, self._on_signal, number)
        with suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(signal.SIGCONT, self._on_continue)
        if self._seconds is not None:
            self.set_timer(self._seconds, self.action_quit)
        self.call_after_refresh(_tune_garbage_collector)

    def _on_signal(self, number: signal.Signals) -> None:
        """Exit on a signal: restore the terminal first; if it is gone, that can't work, so exit anyway."""
        end = threading.Timer(_EXIT_TIMEOUT, os._exit, (128 + number,))  # the loop itself may hang in writing to it
        end.daemon = True
        end.start()
        self.exit(128 + number)

    def _on_continue(self) -> None:
        """Resume after a stop, during which others may have drawn on the terminal."""
        resume(self._driver)
        self.repaint()

    def update_anonymous(self, without: Screen[Any] | None = None) -> None:
        details = [screen for screen in self.screen_stack if isinstance(screen, DetailScreen) and screen is not without]
        for session in self.pool.sessions:
            session.show_anonymous(any(each.anonymous and each.is_about(session) for each in details))

    # --- the screens ----------------------------------------------------------------------------------------------

    def open_details(self, session: Session, target: PipeId | int) -> None:
        self.push_screen(ProcessScreen(session, target) if isinstance(target, int) else PipeScreen(session, target))

    def show_main(self) -> None:
        while isinstance(self.screen, DetailScreen):
            self.pop_screen()

    def select_fifo(self, session: Session, pipe: PipeId) -> bool:
        key = self.pool.key(session, pipe)
        self.main.fifos.select(key)
        return self.main.fifos.cursor == key

    def show_messages(self, session: Session, row: PipeRow) -> None:
        self.show_main()
        self.main.show_messages(session, row)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a message in the footer of the front screen, or, since a dialog has none, of the screen below it."""
        screen = next((each for each in reversed(self.screen_stack) if isinstance(each, BaseScreen)), self.main)
        screen.notify(message, severity=severity)

    async def action_quit(self) -> None:
        """Let the hubs end their children and exit, then exit."""
        await self.pool.close()
        self.exit(0)

    def action_suspend_process(self) -> None:
        """Return the terminal to the shell until it resumes us, if there is a shell that can."""
        if _has_waking_shell():
            super().action_suspend_process()
        else:
            self.notify("Can't suspend: pipetui was not started by a shell with job control.")

    # --- colours --------------------------------------------------------------------------------------------------

    def toggle_theme(self) -> None:
        self.theme = opposite(self.theme)
        self.main.show_all()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Remove all colour when NO_COLOR is set; the cursor is then shown in reverse, and states are words."""
        return [NoColor()] if self.no_color else super().get_line_filters()

    # --- the palette of commands ----------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        if isinstance(self.screen, MainScreen) and not CommandPalette.is_open(cast(Any, self)):
            self.push_screen(StillPalette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action of the main screen by name."""
        for action in in_scope("fifos", "processes", "messages", "everywhere"):
            if action.id not in ("palette", "escape") and not (action.acts and self.read_only):
                yield SystemCommand(action.help, _describe(action), partial(self.main.perform, action.id))

    # --- the unexpected -------------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """Exit with one sentence; TEXTUAL=debug shows the traceback."""
        if "debug" in self.features or self._exception is None:
            super()._fatal_error()
            return
        error = self._exception
        sentence = safe(f"{type(error).__name__}: {error}")
        self.exit(_UNEXPECTED, message=f"pipetui: unexpected error, please report it ({sentence})")
        self._close_messages_no_wait()


def _has_waking_shell() -> bool:
    """Whether our parent is a shell with job control, which puts each job into a process group of its own."""
    try:
        session = os.getsid(os.getppid())
    except OSError:
        return False
    return session == os.getsid(0) and os.getpgrp() == os.getpid() != session


def _tune_garbage_collector() -> None:
    """Exempt what exists after startup (modules, styles, widgets) from garbage collection.

    Scanning some 200,000 permanent objects took up to 180 ms at a time, during which no key was handled.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _describe(action: Action) -> str:
    return " · ".join(filter(None, (", ".join(action.keys), action.effect)))


class StillPalette(CommandPalette):
    """The command palette, with a cursor that does not blink."""

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False


def run(
    open_link: OpenLink,
    *,
    roots: tuple[str, ...] = (),
    demo: bool = False,
    config: Config | None = None,
    seconds: float | None = None,
    far: Sequence[Reachable] = (),
) -> int:
    """Run the monitor on this terminal until the user quits (at most `seconds`); return the exit code.

    With `far` it shows only those hosts, and `open_link` is not called (`client.hosts.Here` makes this machine one of
    them).
    """
    encoding.prepare()
    app = PipetuiApp(open_link, roots=roots, demo=demo, config=config, seconds=seconds, far=far)
    code = app.run()
    return app.return_code or 0 if code is None else code
