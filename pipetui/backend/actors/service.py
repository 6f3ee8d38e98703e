"""The service of our own producers and consumers: starts them, and passes on what they know and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipetui.backend.actors import validation
from pipetui.backend.actors.actor import Kept
from pipetui.backend.actors.supervisor import ActorSupervisor, ManagedActor, authors
from pipetui.backend.inventory.service import Inventory
from pipetui.backend.messages.service import Messages
from pipetui.backend.publisher import Rows, Source
from pipetui.backend.runtime.children import ChildProcesses
from pipetui.backend.runtime.loop import Loop
from pipetui.backend.service import Handler, Service
from pipetui.model import ActorSpec, ActorState, Line, PipeId
from pipetui.protocol.feeds import ACTORS
from pipetui.protocol.requests import (
    Control,
    Request,
    Retune,
    Scale,
    StartConsumer,
    Started,
    StartProducer,
)


class Actors(Service):
    """All our producers and consumers, for the client, for the inventory and for the log."""

    def __init__(self, loop: Loop, children: ChildProcesses, inventory: Inventory, messages: Messages) -> None:
        self._inventory = inventory
        self._messages = messages
        self._supervisor = ActorSupervisor(loop, children, self._on_actor, self._on_messages, self._on_pipe)
        self._rows: Rows[int, ActorState] = Rows(ACTORS, self._row)

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {
            StartProducer: self._start,
            StartConsumer: self._start,
            Control: self._supervisor.control,
            Retune: self._supervisor.retune,
            Scale: self._supervisor.scale,
        }

    def feeds(self) -> Sequence[Source]:
        return (self._rows,)

    def start(self, spec: ActorSpec) -> int:
        """Fork an actor and return its number. Raises `NotPossible`."""
        number = self._supervisor.start(spec)
        self._inventory.name(self._supervisor.actors[number].state.pid, spec.name)
        return number

    def _start(self, request: StartProducer | StartConsumer) -> Started:
        validation.check(request.spec)
        return Started(self.start(request.spec))

    # --- what actors report ---------------------------------------------------------------------------------------

    def _row(self, number: int) -> ActorState | None:
        actor = self._supervisor.actors.get(number)
        return actor.state if actor else None

    def _on_actor(self, number: int) -> None:
        actor = self._supervisor.actors.get(number)
        if actor is not None and actor.state.phase == "ended":
            self._inventory.unname(actor.state.pid)
        self._rows.changed(number)

    def _on_pipe(self, identity: PipeId, queued: int | None, capacity: int | None) -> None:
        """An actor has told something about its pipe: its fill, or that it may have ended."""
        actors = self._supervisor.on_pipe(identity)
        if not actors:
            self._inventory.forget_fill(identity)
        elif queued is not None and capacity is not None:
            self._inventory.note_fill(identity, queued, capacity)
        ours = {actor.pid for actor in actors}
        pipe = self._inventory.pipe(identity)
        rates: list[float | None] = []
        for role, access in (("producer", "w"), ("consumer", "r")):
            of_role = [actor.rate for actor in actors if actor.role == role]
            all_ours = pipe is None or set(pipe.holders(access)) <= ours  # type: ignore[arg-type]
            rates.append(sum(of_role) if of_role and all_ours else None)
        self._inventory.note_rates(identity, *rates)

    def _on_messages(self, actor: ManagedActor, messages: int, count: int, kept: list[Kept]) -> None:
        """A consumer has read messages: number them all, keep those it kept."""
        state = actor.state
        before = self._messages.advance(messages, count)
        offset = before - (state.counters.messages - messages)
        path, pid = state.spec.path, state.pid
        for (index, when, payload, piece), writer in zip(kept, self._writers(state.pipe, kept), strict=True):
            self._messages.add(Line(index + offset, when, path, pid, writer, len(payload), payload, piece))

    def _writers(self, identity: PipeId | None, kept: list[Kept]) -> list[int | None]:
        """Say who wrote each message, where that is known: a pipe does not carry it (pipe(7)).

        It is known when the pipe has just one writer, and when all its writers are our own and announced it.
        """
        if identity is None:
            return [None] * len(kept)
        producers = self._supervisor.writers(identity)
        ours = {producer.state.pid for producer in producers}
        everybody = ours | set(self._inventory.writers(identity))
        if len(everybody) == 1:
            return [everybody.pop()] * len(kept)
        return authors(producers, kept) if ours == everybody else [None] * len(kept)
