"""What keys do to our producers and consumers."""

from __future__ import annotations

from pipetui.client.session import Session
from pipetui.model import ActorState, ProducerSpec
from pipetui.protocol import requests
from pipetui.text import rate
from pipetui.tui.dialogs.consumer import StartConsumer
from pipetui.tui.dialogs.producer import StartProducer
from pipetui.tui.screens.main.panes import MainPanes


class ActorActions(MainPanes):
    """The keys of the panes of producers and consumers."""

    def action_pause(self) -> None:
        if actor := self._actor("pause"):
            if actor.phase == "paused":
                self.request(self._control(actor, "resume", "Resumed"))
            else:
                self.request(self._control(actor, "pause", "Paused"))

    def action_stop(self) -> None:
        if actor := self._actor("stop"):
            self.request(self._control(actor, "stop", "Stopped"))

    def action_kill(self) -> None:
        if actor := self._actor("kill"):
            self.request(self._control(actor, "kill", "Killed"))

    def action_edit(self) -> None:
        holder = self.holder
        if holder is None or holder.actor is None:
            self._actor("edit")
            return
        actor = holder.actor
        if isinstance(actor.spec, ProducerSpec):
            self.open_dialog(StartProducer(self._host, actor.spec, actor.id))
        else:
            self.open_dialog(StartConsumer(self._host, actor.spec, actor.id))

    def action_faster(self) -> None:
        self._change_speed(2.0)

    def action_slower(self) -> None:
        self._change_speed(0.5)

    def forget_actor(self) -> None:
        """Forget the selected actor of ours, if it has ended."""
        holder = self.holder
        if holder is None or holder.actor is None:
            self.notify("Only ended producers and consumers can be forgotten.")
        elif holder.actor.phase != "ended":
            self.notify(f"{holder.pid} is still running; {self.key('stop')} stops it.")
        else:
            self.request(self._control(holder.actor, "dismiss", "Forgot"))

    def _actor(self, verb: str) -> ActorState | None:
        """Return the selected actor of ours that can still be controlled; otherwise show why there is none."""
        holder = self.holder
        if holder is None:
            self.notify(f"Select a producer or consumer to {verb} (tab switches panes).")
        elif holder.actor is None:
            self.notify(f"{holder.pid} was not started by pipetui, which only watches it.")
        elif holder.actor.phase == "ended":
            forget, again = self.key("remove"), self.key("edit")
            self.notify(f"{holder.pid} has ended; {forget} forgets it, {again} restarts it.")
        else:
            return holder.actor
        return None

    @property
    def _host(self) -> Session:
        """The host of the selected process."""
        holder = self.holder
        return holder.session if holder is not None and holder.session is not None else self.session

    async def _control(self, actor: ActorState, action: requests.ActorAction, done: str) -> str:
        await self._host.ask(requests.Control(actor.id, action))
        return f"{done} {actor.spec.name} ({actor.pid})"

    def _change_speed(self, factor: float) -> None:
        if actor := self._actor("speed up or slow down"):
            self.request(_scale(self._host, actor, factor))


async def _scale(session: Session, actor: ActorState, factor: float) -> str:
    """Return the actor's new speed from the hub's answer: its row may lag behind quick keys."""
    answer = await session.ask(requests.Scale(actor.id, factor))
    if answer.rate is not None:
        how = f"writes {rate(answer.rate)}"
    else:
        how = f"sleeps {answer.delay:g} s after each message" if answer.delay else "reads as fast as possible"
    return f"{actor.spec.name} ({actor.pid}) now {how}"
