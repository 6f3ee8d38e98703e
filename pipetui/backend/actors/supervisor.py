"""Our own producers and consumers as the hub knows them: starts them, takes their reports, tells how they end."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from pipetui.backend.actors import consumer, producer, validation
from pipetui.backend.actors.actor import Kept, counters
from pipetui.backend.runtime import limits
from pipetui.backend.runtime.children import ACTOR_NICENESS, Child, ChildProcesses
from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.backend.service import NotPossible
from pipetui.kernel.lifetime import stand_back
from pipetui.model import ActorSpec, ActorState, ConsumerSpec, PipeId, ProducerSpec
from pipetui.protocol.requests import Control, Done, Retune, Scale, Scaled

#: Rates are taken over about this time (seconds), and looked at again this often while any is above zero.
WINDOW = 1.0
AGAIN = 0.5

#: An actor that is to pause stands still by itself, with all counted; after so long (seconds) it is stopped anyway.
STAND_STILL = 5.0

#: How fast and slow an actor can be made step by step: messages/s of a producer, seconds of delay of a consumer. Steps
#: from "as fast as possible" lead to the last two.
FASTEST, SLOWEST = 1_000_000.0, 1 / 3600
SHORTEST, LONGEST = 0.001, 3600.0
FULL_SPEED_SLOWER, FIRST_DELAY = 10_000.0, 0.01

#: For so long (seconds) a producer that has ended still counts as a possible writer of what is read.
LINGER = 1.0


class _Meter:
    """A rate from a growing count: what came within the last window."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque([(time.monotonic(), 0, 0)])

    def mark(self, messages: int, count: int) -> None:
        self._marks.append((time.monotonic(), messages, count))

    def rates(self) -> tuple[float, float]:
        """Return messages/s and bytes/s, to three digits so that a steady stream has a steady figure."""
        now = time.monotonic()
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW:
            self._marks.popleft()
        begin, end = self._marks[0], self._marks[-1]
        span = max(now - max(begin[0], now - WINDOW), 0.2)
        return _steady((end[1] - begin[1]) / span), _steady((end[2] - begin[2]) / span)


def _steady(value: float) -> float:
    return float(f"{value:.2g}")


class Announcements:
    """Hashes of the messages that a producer was about to write and nobody of ours has read yet; the newest count."""

    LIMIT = 2000

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def add(self, message: int) -> None:
        """Note one more message of this hash."""
        self._counts[message] = self._counts.pop(message, 0) + 1
        if len(self._counts) > self.LIMIT:
            del self._counts[next(iter(self._counts))]

    def take(self, message: int) -> None:
        """Such a message has been read."""
        left = self._counts.pop(message, 0) - 1
        if left > 0:
            self._counts[message] = left

    def __contains__(self, message: int) -> bool:
        return message in self._counts


class ManagedActor:
    """One actor: its state for the screen, its process, and what the log has of it."""

    def __init__(self, state: ActorState) -> None:
        self.state = state
        self.child: Child | None = None
        self.meter = _Meter()
        self.announced = Announcements()
        self.paused = False
        self.pause_order = 0
        self.stopping: Timer | None = None
        self.ended_at = float("inf")
        self.last_state: dict[str, Any] = {}  # as it was reported: phase, detail, severity


#: What a consumer's report tells the log: the actor, how many messages are new, their bytes, and those it kept.
OnMessages = Callable[[ManagedActor, int, int, list[Kept]], None]


class ActorSupervisor:
    """All our actors. `changed` is called with the number of every actor whose row may differ."""

    def __init__(
        self,
        loop: Loop,
        children: ChildProcesses,
        changed: Callable[[int], None],
        on_messages: OnMessages,
        on_pipe: Callable[[PipeId, int | None, int | None], None],
    ) -> None:
        self._loop = loop
        self._children = children
        self._changed = changed
        self._on_messages = on_messages
        self._on_pipe = on_pipe
        self.actors: dict[int, ManagedActor] = {}
        self._numbers = 0
        self._again: Timer | None = None

    # --- requests -------------------------------------------------------------------------------------------------

    def start(self, spec: ActorSpec) -> int:
        """Fork an actor and return its number. Raises `NotPossible`."""
        self._make_sure_there_is_room()
        if not self._numbers:
            stand_back(ACTOR_NICENESS)  # from now on there may be floods in our session
        self._numbers += 1
        number = self._numbers
        role, main = ("producer", producer.main) if isinstance(spec, ProducerSpec) else ("consumer", consumer.main)
        actor = ManagedActor(ActorState(number, role, 0, spec))  # type: ignore[arg-type]
        self.actors[number] = actor
        try:
            child = self._children.fork(
                f"pipetui-{role[:4]}",
                partial(main, spec),  # type: ignore[arg-type]
                partial(self._on_report, actor),
                partial(self._on_end, actor),
                ACTOR_NICENESS,
            )
        except OSError as error:
            del self.actors[number]
            raise NotPossible(f"no process could be started: {error.strerror}") from None
        actor.child = child
        self._set(actor, pid=child.pid)
        return number

    def _make_sure_there_is_room(self) -> None:
        running = sum(actor.state.phase != "ended" for actor in self.actors.values())
        if running >= limits.MOST_RUNNING:
            raise NotPossible(
                f"{running:,} producers and consumers are running, as many as there can be; stop one first"
            )
        if len(self.actors) >= limits.MOST_ACTORS:
            raise NotPossible(f"{len(self.actors):,} producers and consumers are listed; dismiss some that have ended")

    def control(self, request: Control) -> Done:
        """Pause, resume, stop, kill or dismiss an actor. Raises `NotPossible`."""
        actor, action = self._actor(request.actor), request.action
        ended = actor.state.phase == "ended"
        if action == "dismiss":
            if not ended:
                raise NotPossible("it is still running; stop it first")
            del self.actors[actor.state.id]
            self._changed(actor.state.id)
            return Done()
        if ended or actor.child is None:
            raise NotPossible("it has already ended")
        if action in ("pause", "resume"):
            self._pause(actor, actor.child, paused=action == "pause")
        elif action == "stop":
            actor.paused = False
            actor.child.signal(signal.SIGTERM)
            actor.child.signal(signal.SIGCONT)
            self._loop.later(0.3, partial(self._stop_again, actor, actor.child))
        else:
            actor.child.signal(signal.SIGKILL)
        self._set(actor)
        if actor.state.pipe is not None:
            self._on_pipe(actor.state.pipe, None, None)
        return Done()

    def _pause(self, actor: ManagedActor, child: Child, *, paused: bool) -> None:
        """Let an actor pause, or go on.

        A SIGSTOP right away would leave uncounted what it has just written or read. So it is told to pause, reports
        all, stands still, and then is stopped for anybody to see.
        """
        actor.paused = paused
        actor.pause_order = child.order(pause=paused)
        if actor.stopping is not None:
            actor.stopping.cancel()
        if paused:
            actor.stopping = self._loop.later(STAND_STILL, partial(self._freeze, actor, child))
        else:
            child.signal(signal.SIGCONT)

    @staticmethod
    def _freeze(actor: ManagedActor, child: Child) -> None:
        if actor.paused:
            child.signal(signal.SIGSTOP)

    def _stop_again(self, actor: ManagedActor, child: Child) -> None:
        """A SIGTERM that came just before a system call is only noticed when the next one arrives."""
        if child.alive:
            child.signal(signal.SIGTERM)
            self._loop.later(0.3, partial(self._stop_again, actor, child))

    def retune(self, request: Retune) -> Done:
        """Change a producer's rate or a consumer's delay. Raises `NotPossible`, `BadSpec`."""
        if request.rate is not None:
            validation.check_rate(request.rate)
        if request.delay is not None:
            validation.check_delay(request.delay)
        self._retune(self._actor(request.actor), request.rate, request.delay)
        return Done()

    def _retune(self, actor: ManagedActor, rate: float | None, delay: float | None) -> None:
        spec = actor.state.spec
        if actor.child is None or actor.state.phase == "ended":
            raise NotPossible("it has already ended")
        if isinstance(spec, ProducerSpec) and rate is not None:
            actor.child.order(rate=rate)
            self._set(actor, spec=replace(spec, rate=rate))
        elif isinstance(spec, ConsumerSpec) and delay is not None:
            actor.child.order(delay=delay)
            self._set(actor, spec=replace(spec, delay=delay))
        else:
            raise NotPossible("a producer has a rate, a consumer a delay")

    def scale(self, request: Scale) -> Scaled:
        """Make an actor some times as fast as it is now. Raises `NotPossible`, `BadSpec`."""
        validation.check_factor(request.factor)
        actor, factor = self._actor(request.actor), request.factor
        spec = actor.state.spec
        if isinstance(spec, ProducerSpec):
            if not spec.rate and factor > 1:
                raise NotPossible("it writes as fast as possible already")
            self._retune(actor, _scaled(spec.rate, factor), None)
        else:
            if not spec.delay and factor > 1:
                raise NotPossible("it reads as fast as possible already")
            self._retune(actor, None, _delayed(spec.delay, factor))
        spec = actor.state.spec
        return Scaled(spec.rate) if isinstance(spec, ProducerSpec) else Scaled(None, spec.delay)

    def _actor(self, number: int) -> ManagedActor:
        actor = self.actors.get(number)
        if actor is None:
            raise NotPossible("there is no such producer or consumer any more")
        return actor

    # --- reports --------------------------------------------------------------------------------------------------

    def _on_report(self, actor: ManagedActor, report: tuple[Any, ...] | int) -> None:
        if isinstance(report, int):
            actor.announced.add(report)
            return
        counts, state, pipe, queued, capacity, acknowledged, blocked, kept = report
        phase, detail, severity = state
        if actor.child is not None:
            actor.child.acknowledge(acknowledged)
        new_messages = counts[0] - actor.state.counters.messages
        new_bytes = counts[1] - actor.state.counters.bytes
        identity = PipeId(*pipe) if pipe else None
        actor.meter.mark(counts[0], counts[1])
        if phase == "ended":
            phase = "running"  # it is over when the process has ended, and how is known then
        if phase != "paused":
            actor.last_state = {"phase": phase, "detail": detail, "severity": severity}
        elif actor.child is not None and acknowledged >= actor.pause_order:
            self._freeze(actor, actor.child)
        self._set(actor, counters=counters(counts, blocked), pipe=identity)
        if actor.state.role == "consumer" and new_messages:
            self._on_messages(actor, new_messages, new_bytes, kept)
        if identity is not None:
            self._on_pipe(identity, queued, capacity)
        if self._again is None or not self._again.pending:
            self._again = self._loop.later(AGAIN, self._remeasure)

    def _remeasure(self) -> None:
        """Let rates fall when nothing comes any more."""
        moving = False
        for actor in self.actors.values():
            self._set(actor)
            moving = moving or actor.state.rate > 0 or actor.state.byte_rate > 0
            if actor.state.pipe is not None:
                self._on_pipe(actor.state.pipe, None, None)
        if moving:
            self._again = self._loop.later(AGAIN, self._remeasure)

    def _on_end(self, actor: ManagedActor, child: Child) -> None:
        last_detail = actor.last_state.get("detail", "")
        if child.exit_signal is not None:
            detail, severity = f"killed by {_signal_name(child.exit_signal)}", "stuck"
        elif child.exit_code:
            detail, severity = f"failed with exit code {child.exit_code}", "stuck"
        else:
            detail, severity = last_detail or "ended", "calm"
        actor.paused = False
        actor.ended_at = time.monotonic()
        self._set(
            actor,
            phase="ended",
            detail=detail,
            severity=severity,
            exit_code=child.exit_code,
            exit_signal=child.exit_signal,
        )
        if actor.state.pipe is not None:
            self._on_pipe(actor.state.pipe, None, None)

    def _set(self, actor: ManagedActor, **changes: Any) -> None:
        if actor.state.phase == "ended" or changes.get("phase") == "ended":
            derived: dict[str, Any] = {"rate": 0.0, "byte_rate": 0.0}
        else:
            rate, byte_rate = (0.0, 0.0) if actor.paused else actor.meter.rates()
            shown = {"phase": "paused", "detail": "paused", "severity": "waiting"} if actor.paused else actor.last_state
            derived = {"rate": rate, "byte_rate": byte_rate, **shown}
        state = replace(actor.state, **{**derived, **changes})
        if state != actor.state:
            actor.state = state
            self._changed(state.id)

    # --- what others ask --------------------------------------------------------------------------------------------

    def on_pipe(self, identity: PipeId) -> list[ActorState]:
        """Return the actors that are alive on a pipe."""
        states = (actor.state for actor in self.actors.values())
        return [state for state in states if state.pipe == identity and state.phase != "ended"]

    def writers(self, identity: PipeId) -> list[ManagedActor]:
        """Return our producers that have opened a pipe, also those that have just gone: their bytes may be unread.

        A producer tells the hub that it has opened the FIFO, and at a modest rate what it is about to write, before
        it writes: so whatever a consumer has read was announced by now.
        """
        actors = [actor for actor in self.actors.values() if actor.state.role == "producer"]
        for actor in actors:
            if actor.child is not None:
                actor.child.catch_up()
        since = time.monotonic() - LINGER
        return [
            actor
            for actor in actors
            if actor.state.pipe == identity and actor.state.phase != "opening" and actor.ended_at > since
        ]


def _scaled(rate: float, factor: float) -> float:
    """Return a producer's rate `factor` times as fast; 0, as fast as possible, becomes a rate by the first step."""
    return min(max(rate * factor, min(rate, SLOWEST)), max(rate, FASTEST)) if rate else FULL_SPEED_SLOWER


def _delayed(delay: float, factor: float) -> float:
    """Return a consumer's delay for `factor` times its speed; one that is too short to be noticed is none."""
    after = min(delay / factor, LONGEST) if delay else FIRST_DELAY
    return after if after >= SHORTEST else 0.0


def authors(actors: list[ManagedActor], kept: list[Kept]) -> list[int | None]:
    """Return which of these producers wrote each message, by what they announced; None where that is not certain."""
    pids: list[int | None] = []
    for _, _, payload, _ in kept:
        message = hash(payload)
        candidates = [actor for actor in actors if message in actor.announced]
        for actor in candidates:
            actor.announced.take(message)
        pids.append(candidates[0].state.pid if len(candidates) == 1 else None)
    return pids


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
