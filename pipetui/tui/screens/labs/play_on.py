"""“Make it mine”: a lab's producers and consumers on new FIFOs, to be edited and started one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pipetui.client.session import Session
from pipetui.model import ActorSpec, ConsumerSpec, ProducerSpec
from pipetui.protocol import requests
from pipetui.tui.core.context import AppContext
from pipetui.tui.dialogs.consumer import StartConsumer
from pipetui.tui.dialogs.form import Form
from pipetui.tui.dialogs.producer import StartProducer
from pipetui.tui.views.fifos import short

#: How long new FIFOs may take to be listed (seconds).
_TIMEOUT = 5.0
_STEP = 0.05


_NOTE = "Edit it as you like: enter starts it, esc skips it."


def dialog(session: Session, spec: ActorSpec, number: int, total: int) -> Form:
    """Return the dialog for one of the actors, which may be skipped."""
    made: Form
    if isinstance(spec, ProducerSpec):
        made = StartProducer(session, spec, note=_NOTE)
    else:
        made = StartConsumer(session, spec, note=_NOTE)
    made.HEADING, made.LEAVE = f"{made.HEADING}, {number} of {total}", "Skip"
    return made


def in_order(specs: tuple[ActorSpec, ...]) -> list[ActorSpec]:
    """Return consumers first, so that the producers' first messages are seen."""
    return sorted(specs, key=lambda spec: not isinstance(spec, ConsumerSpec))


async def start_actors(app: AppContext, session: Session, lab: str) -> str:
    """Create the FIFOs, ask about each actor, and select the first FIFO on the main screen; return a message."""
    specs = in_order((await session.ask(requests.PrepareLab(lab))).specs)
    for number, spec in enumerate(specs, 1):
        await _asked(app, dialog(session, spec, number, len(specs)))
    app.show_main()
    if specs:
        await _select(app, session, specs[0].path)
    return f"{short(specs[0].path)} is yours until you quit." if specs else ""


async def _asked(app: AppContext, form: Form) -> None:
    """Show a dialog and wait until it is closed."""
    left = asyncio.Event()
    app.push_screen(form, lambda result: left.set())
    await left.wait()


async def _select(app: AppContext, session: Session, path: str) -> None:
    """Put the cursor on the FIFO of this path as soon as it is listed."""

    def listed() -> bool:
        for row in session.pipes.values():
            if path in row.pipe.paths:
                return app.select_fifo(session, row.pipe.id)
        return False

    await _until(listed)


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(round(_TIMEOUT / _STEP)):
        if true():
            return
        await asyncio.sleep(_STEP)
