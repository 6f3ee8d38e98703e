"""What the hub orders a producer or consumer to change."""

from __future__ import annotations

from dataclasses import dataclass

from pipetui.protocol.codec import codec


@dataclass(frozen=True, slots=True)
class ActorOrder:
    """An order by its number, which the actor acknowledges. What is None stays as it is."""

    number: int
    pause: bool | None = None
    rate: float | None = None
    delay: float | None = None


ACTOR_ORDER = codec(ActorOrder)
