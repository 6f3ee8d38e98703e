"""What the screens that look closer have in common: a title, a text with names to follow, and the keys.

The main screen passes each change of the session on to the look that is in front (`changed`); one that lies behind
another is brought up to date when it comes to the front again. So a look needs no timer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer

from pipetui.client.session import Change, Refused, Session
from pipetui.model import PipeId
from pipetui.text import safe
from pipetui.tui.core.actions import BY_ID, Scope, footer, key_name, keys_of
from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import Palette, palette_for
from pipetui.tui.screens.help import Help
from pipetui.tui.views.cells import Parts
from pipetui.tui.views.links import Target
from pipetui.tui.widgets.bars import KeyBar
from pipetui.tui.widgets.link_sheet import LinkSheet
from pipetui.tui.widgets.rule import Rule

if TYPE_CHECKING:
    from pipetui.tui.app import PipetuiApp

#: For how many times as long as it took to lay out it is not done again.
_REST = 4

#: From this width on there are two columns.
WIDE = 100


class Look(Screen[None]):
    """A screen. Its kinds say what stands in it (`lay_out`) and what their own keys do (`deeds`)."""

    app: PipetuiApp

    SCOPE: ClassVar[Scope] = "look"
    BINDINGS: ClassVar[list[BindingType]] = bindings("look")
    DEFAULT_CSS = "Look { layout: vertical; } Look LinkSheet { height: 1fr; }"

    #: Whether anonymous pipes are wanted from the hub as long as this is open.
    anonymous = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._rested_at = 0.0
        self._later: Timer | None = None
        self.head, self.sheet, self.keys = Rule("head"), LinkSheet(), KeyBar()

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.sheet
        yield self.keys

    def on_mount(self) -> None:
        self.head.light(True)
        self.begin()
        self.app.ask_for_anonymous()

    def on_unmount(self) -> None:
        self.app.ask_for_anonymous(without=self)

    def on_resize(self, event: events.Resize) -> None:
        self.lay_out()

    def on_screen_resume(self) -> None:
        if self.size.width:
            self.changed(Change(status=True, pipes=True, actors=True, processes=True, findings=True))

    def is_about(self, session: Session) -> bool:
        """Say whether what changes on a host may change what stands here."""
        return session is self.session

    @property
    def where(self) -> Parts:
        """The host in front of a path or a pid, where it has a name."""
        return ((f"{safe(self.session.name)}:", self.palette.dim),) if self.session.name else ()

    # --- for its kinds --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the keys, and give the focus to what there is to read."""
        self.keys.show(footer(self.SCOPE), self.app.config.keys)
        self.sheet.focus()

    def lay_out(self) -> None:
        """Bring everything up to date."""
        raise NotImplementedError

    def changed(self, change: Change) -> None:
        """Take what an update changed."""
        if change.lost:
            self.tell(change.lost, grave=True)
        if change.pipes or change.actors or change.processes or change.findings:
            self._lay_out_soon()

    def _lay_out_soon(self) -> None:
        """Lay out now, or when the last time has been paid for: thousands of pipes must not take all of a core."""
        wait = self._rested_at - time.monotonic()
        if wait <= 0:
            self._lay_out_now()
        elif self._later is None:
            self._later = self.set_timer(wait, self._lay_out_now)

    def _lay_out_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        began = time.monotonic()
        self.lay_out()
        ended = time.monotonic()
        self._rested_at = ended + _REST * (ended - began)

    def deeds(self) -> dict[str, Callable[[], object]]:
        """Return what the actions of this kind do."""
        return {}

    # --- what they share ------------------------------------------------------------------------------------------

    @property
    def palette(self) -> Palette:
        """The colours."""
        return palette_for(self.app.theme)

    @property
    def room(self) -> int:
        """How many cells a line has."""
        return max(10, self.size.width - 2)

    def _key(self, action: str) -> str:
        """Return the first key of an action, as people write it."""
        return key_name(keys_of(BY_ID[action], self.app.config.keys)[0])

    def tell(self, sentence: str, *, grave: bool = False) -> None:
        """Say one sentence in the footer, until the next key."""
        self.keys.tell(sentence, grave=grave)

    def ask(self, request: Coroutine[Any, Any, None]) -> None:
        """Run a request; say why if it is refused."""

        async def run() -> None:
            try:
                await request
            except Refused as refused:
                self.tell(str(refused), grave=True)

        self.run_worker(run())

    def on_key(self) -> None:
        self.keys.hush()

    def action_do(self, action: str) -> None:
        """Carry out an action of the registry."""
        common: dict[str, Callable[[], object]] = {
            "look_next": lambda: self.sheet.step(1),
            "look_previous": lambda: self.sheet.step(-1),
            "look_copy": self._copy,
            "look_help": lambda: self.app.push_screen(Help(self.app.config.keys)),
            "look_close": lambda: self.dismiss(None),
        }
        {**common, **self.deeds()}[action]()

    def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        if event.action == "open":
            self.sheet.open()
        else:
            self.action_do(event.action)

    def on_link_sheet_followed(self, event: LinkSheet.Followed) -> None:
        self.app.push_screen(look_at(*self.found(event.target)))

    def found(self, target: Any) -> tuple[Session, Target]:
        """Return the host and the pipe or process that a name leads to."""
        return self.session, target

    def _copy(self) -> None:
        if self.sheet.target is None:
            self.tell("There is nothing here to copy.")
            return
        session, target = self.found(self.sheet.target)
        if isinstance(target, PipeId):
            row = session.pipes.get(target)
            text = (row.pipe.path if row else None) or f"pipe:[{target.inode}]"
        else:
            text = str(target)
        self.app.to_clipboard(text)
        self.tell(f"Copied “{text}”, if your terminal takes it (OSC 52)")


# --- which look shows what ----------------------------------------------------------------------------------------

Maker = Callable[[Session, Any], Look]
M = TypeVar("M", bound=Maker)

_LOOKS: dict[type, Maker] = {}


def shows(target: type) -> Callable[[M], M]:
    """Register what makes the look for targets of this type."""

    def register(maker: M) -> M:
        _LOOKS[target] = maker
        return maker

    return register


def look_at(session: Session, target: Target) -> Look:
    """Return a look at a pipe or a process."""
    return _LOOKS[type(target)](session, target)
