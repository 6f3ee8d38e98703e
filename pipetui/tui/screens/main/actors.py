"""What the keys do to our producers and consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipetui.client.session import Action, Session
from pipetui.model import ActorState, ProducerSpec
from pipetui.text import rate
from pipetui.tui.dialogs.consumer import StartConsumer
from pipetui.tui.dialogs.producer import StartProducer
from pipetui.tui.screens.main.registry import ask, deed, open_dialog

if TYPE_CHECKING:
    from pipetui.tui.screens.main.screen import Monitor


def _actor(monitor: Monitor, wish: str) -> ActorState | None:
    """Return the selected actor of ours that can still be told things; otherwise say why there is none."""
    holder = monitor.holder
    if holder is None:
        monitor.tell(f"Select a producer or consumer to {wish} (tab goes to their panes).")
    elif holder.actor is None:
        monitor.tell(f"{holder.pid} is not ours: pipetui only looks at it.")
    elif holder.actor.phase == "ended":
        forget, again = monitor.key("remove"), monitor.key("edit")
        monitor.tell(f"{holder.pid} has ended; {forget} forgets it, {again} starts it anew.")
    else:
        return holder.actor
    return None


def _host(monitor: Monitor) -> Session:
    """Return the host of the selected process."""
    holder = monitor.holder
    return holder.session if holder is not None and holder.session is not None else monitor.session


async def _control(session: Session, actor: ActorState, action: Action, done: str) -> str:
    await session.control(actor.id, action)
    return f"{done} {actor.spec.name} ({actor.pid})"


@deed("pause")
def pause(monitor: Monitor) -> None:
    if actor := _actor(monitor, "pause"):
        if actor.phase == "paused":
            ask(monitor, _control(_host(monitor), actor, "resume", "Resumed"))
        else:
            ask(monitor, _control(_host(monitor), actor, "pause", "Paused"))


@deed("stop")
def stop(monitor: Monitor) -> None:
    if actor := _actor(monitor, "stop"):
        ask(monitor, _control(_host(monitor), actor, "stop", "Stopped"))


@deed("kill")
def kill(monitor: Monitor) -> None:
    if actor := _actor(monitor, "kill"):
        ask(monitor, _control(_host(monitor), actor, "kill", "Killed"))


def dismiss(monitor: Monitor) -> None:
    """Forget the selected actor of ours, if it has ended."""
    holder = monitor.holder
    if holder is None or holder.actor is None:
        monitor.tell("Only our ended producers and consumers can be forgotten.")
    elif holder.actor.phase != "ended":
        monitor.tell(f"{holder.pid} still runs: {monitor.key('stop')} stops it.")
    else:
        ask(monitor, _control(_host(monitor), holder.actor, "dismiss", "Forgot"))


@deed("edit")
def edit(monitor: Monitor) -> None:
    holder = monitor.holder
    if holder is None or holder.actor is None:
        _actor(monitor, "change")
        return
    actor = holder.actor
    if isinstance(actor.spec, ProducerSpec):
        open_dialog(monitor, StartProducer(_host(monitor), actor.spec, actor.id))
    else:
        open_dialog(monitor, StartConsumer(_host(monitor), actor.spec, actor.id))


@deed("faster")
def faster(monitor: Monitor) -> None:
    _faster(monitor, 2.0)


@deed("slower")
def slower(monitor: Monitor) -> None:
    _faster(monitor, 0.5)


def _faster(monitor: Monitor, factor: float) -> None:
    if actor := _actor(monitor, "make faster or slower"):
        ask(monitor, _scale(_host(monitor), actor, factor))


async def _scale(session: Session, actor: ActorState, factor: float) -> str:
    """Say how fast the actor is when the hub has made it so: the row may show what was before other keys."""
    wanted, delay = await session.scale(actor.id, factor)
    if wanted is not None:
        how = f"writes {rate(wanted)}"
    else:
        how = f"sleeps {delay:g} s after each message" if delay else "reads as fast as possible"
    return f"{actor.spec.name} ({actor.pid}) now {how}"
