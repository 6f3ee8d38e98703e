"""Start an actor in the place of another: stop the old one, start the new one, forget the old one's row."""

from __future__ import annotations

import asyncio

from pipetui.client.session import Refused, Session
from pipetui.model import ActorSpec

_STEPS = 40
_STEP = 0.05


async def start_instead(session: Session, old: int | None, spec: ActorSpec) -> int:
    """Start `spec`; raise `Refused` when the hub won't. The old actor, if it is still there, goes first."""
    before = session.actors.get(old) if old is not None else None
    if before is None:
        return await session.start(spec)
    if before.phase != "ended":
        await session.control(before.id, "stop")
    new = await session.start(spec)
    for _ in range(_STEPS):
        state = session.actors.get(before.id)
        if state is None:
            break
        if state.phase == "ended":
            try:
                await session.control(before.id, "dismiss")
            except Refused:
                pass
            break
        await asyncio.sleep(_STEP)
    return new
