"""How a pipe is, told whenever its state changes, until a condition holds.

It watches passively: inotify for opens and closes, a census now and then because a blocked opener announces itself
nowhere, and the fill through a borrowed end. No end of the pipe is opened that could let anybody through.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from pipetui.backend.operations.target import pipe_id
from pipetui.kernel.errors import Gone
from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId
from pipetui.protocol.operations import Negative, Until, Watch, WatchedPipe
from pipetui.watch.activity import Activity
from pipetui.watch.diagnosis import Judge
from pipetui.watch.fill import fills
from pipetui.watch.finder import look
from pipetui.watch.memory import WaitMemory
from pipetui.watch.owners import SIDES, holding
from pipetui.watch.roots import absolute
from pipetui.watch.state import describe
from pipetui.watch.world import World, observe

_LISTENER = 1
#: The fill of a pipe is looked at so often, and everything at least and at most so often (seconds).
_FILL, _EAGER, _LAZY = 0.1, 0.5, 5.0
#: Looking at everything takes no more than this share of the time; what has to be confirmed may take more for once.
_SHARE = 0.05
_PACE = 10.0
_ENDS_SETTLE = 0.02


def _line(watched: WatchedPipe) -> tuple[object, ...]:
    """Return what makes a new line worth printing: the state in words, who holds it, and what is found wrong."""
    found = tuple((one.rule, one.level, one.pids) for one in watched.findings if one.level != "note")
    return describe(watched.pipe, watched.looked, watched.unseen), watched.writers, watched.readers, found


def _meets(watched: WatchedPipe, until: Until) -> bool:
    """Whether the condition holds."""
    if until == "problem":
        return any(one.level == "problem" for one in watched.findings)
    return UNTIL[until](watched.pipe, watched.whole)


def _holds(access: str, kind: str) -> Callable[[Pipe, bool], bool]:
    return lambda pipe, _: any(access in end.access for end in pipe.ends) or any(w.kind == kind for w in pipe.waiters)


def _empty(pipe: Pipe, known: bool) -> bool:
    return pipe.queued == 0 or (known and not pipe.ends)


def _full(pipe: Pipe, _: bool) -> bool:
    filled = pipe.queued is not None and pipe.capacity is not None and pipe.queued >= pipe.capacity
    return filled or any(waiter.kind == "write" for waiter in pipe.waiters)


#: What can be waited for: a function of the pipe and of whether all processes could be read.
UNTIL: dict[Until, Callable[[Pipe, bool], bool]] = {
    "empty": _empty,
    "full": _full,
    "reader": _holds("r", "open-read"),
    "writer": _holds("w", "open-write"),
    "problem": lambda *_: False,  # a matter of the findings
}


def answer(operation: Watch) -> Iterator[WatchedPipe]:
    """Watch until the condition holds. Raises Missing, NotAFifo, Gone, and Negative when the time is over before."""
    identity = pipe_id(operation.pipe)
    path = absolute(operation.pipe) if look(absolute(operation.pipe)) else None
    deadline = None if operation.timeout is None else time.monotonic() + operation.timeout
    watch = _Watch(identity, path, operation.pipe)
    shown: tuple[object, ...] = ()
    try:
        while True:
            watched = watch.look()
            if _line(watched) != shown:
                yield watched
                shown = _line(watched)
            if operation.until and _meets(watched, operation.until):
                return
            if not watch.wait(deadline):
                break
    finally:
        watch.close()
    if operation.until:
        raise Negative(f"{operation.pipe}: not {_condition(operation.until)} within {operation.timeout:g} s")


def _condition(until: str) -> str:
    return until if until in ("empty", "full") else {"problem": "in trouble"}.get(until, f"open to a {until}")


class _Watch:
    """Looks at one pipe again and again: at its fill often, at everything when something happened or time passed."""

    def __init__(self, identity: PipeId, path: str | None, name: str) -> None:
        self._identity = identity
        self._path = path
        self._name = name
        self._proc = Proc()
        self._kernel: set[int] = set()
        self._memory = WaitMemory()
        self._judgement = Judge()
        self._activity = Activity()
        if path is not None:
            self._activity.add(path, count=False)
        self._watched: WatchedPipe | None = None
        self._due = self._soonest = 0.0
        self._cost = 0.0

    def look(self) -> WatchedPipe:
        """Return how the pipe is now. Raises Gone when it no longer is."""
        now = time.monotonic()
        if self._watched is None or now >= self._due:
            self._activity.read()
            world = self._world()
            self._cost = time.monotonic() - now
            self._due = time.monotonic() + min(_LAZY, max(_EAGER, self._cost / _SHARE))
            self._soonest = time.monotonic() + self._cost * _PACE
            self._watched = self._judge(world)
            self._activity.read()  # a reopen of ours is nobody else's doing
        elif self._watched.pipe.ends:
            self._watched = replace(
                self._watched, pipe=self._measured(self._watched.pipe, reopen=False), time=time.time()
            )
        return self._watched

    def wait(self, deadline: float | None) -> bool:
        """Wait until another look is worth it; False when the deadline has passed."""
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return False
        soonest = min(self._due, now + _FILL) if self._watched and self._watched.pipe.ends else self._due
        if deadline is not None:
            soonest = min(soonest, deadline)
        poll = select.poll()
        poll.register(self._activity, select.POLLIN)
        poll.register(_LISTENER, 0)  # POLLERR alone: nobody reads our output any more
        ready = dict(poll.poll(max(0.0, soonest - now) * 1000))
        if _LISTENER in ready:
            raise BrokenPipeError
        if ready:
            time.sleep(max(_ENDS_SETTLE, min(_EAGER, self._cost)))
            self._activity.read()
            self._due = 0.0
        return True

    def close(self) -> None:
        """End the watch."""
        self._activity.close()

    def _world(self) -> World:
        found = look(self._path) if self._path else None
        known = [found] if found is not None and found.id == self._identity else []
        return observe(known, self._proc, kernel=self._kernel, memory=self._memory)

    def _judge(self, world: World) -> WatchedPipe:
        pipe = world.by_id.get(self._identity)
        if pipe is None:
            raise Gone(f"{self._name} is no longer there, and nobody has it open")
        found = self._judgement.judge(world)
        if found.again is not None:
            self._due = min(self._due, max(self._soonest, time.monotonic() + found.again - time.time()))
        findings = tuple(one for one in found.findings if self._identity in [PipeId(*ref[:2]) for ref in one.pipes])
        writers, readers = (holding(pipe, access, world.parents) for access in SIDES)
        measured = self._measured(pipe, reopen=True) if pipe.ends else pipe
        return WatchedPipe(measured, findings, not world.unseen, world.time, world.unseen, writers, readers, world.time)

    def _measured(self, pipe: Pipe, *, reopen: bool) -> Pipe:
        capacities = self._memory.capacities
        filled = fills({pipe.id: pipe.ends}, self._proc, reopen=reopen, capacities=capacities).get(pipe.id)
        return pipe if filled is None else replace(pipe, queued=filled[0], capacity=filled[1])
