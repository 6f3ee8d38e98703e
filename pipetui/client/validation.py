"""How a hub on another host may behave: `Ledger` bounds what a client keeps of it, `Manners` sees to it that it speaks
only when asked, and to the question. A hub here is our own child; nobody checks that one."""

from __future__ import annotations

from typing import Any

from pipetui.protocol import messages as wire
from pipetui.protocol.codec import WireError

#: How many rows, and how many bytes of them as JSON, are kept of one host.
_MOST_ROWS, _MOST_BYTES = 200_000, 256 << 20


class Ledger:
    """How much a host has made its client keep. Raises WireError when that is more than any host has."""

    def __init__(self, most_rows: int = _MOST_ROWS, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: dict[Any, int] = {}
        self._bytes = 0
        self._most_rows, self._most_bytes = most_rows, most_bytes

    def note(self, reply: wire.Reply, size: int) -> None:
        """Take note of a reply that came as `size` bytes: each of its rows replaces the one of the same key."""
        if not isinstance(reply, wire.Update):
            return
        keys: list[Any] = [row.pipe.id for row in reply.pipes]
        keys += [("actor", actor.id) for actor in reply.actors]
        keys += [("process", process.pid) for process in reply.processes]
        keys += [("lab", run.id) for run in reply.labs]
        share = size // len(keys) if keys else 0
        for key in keys:
            self._bytes += share - self._kept.get(key, 0)
            self._kept[key] = share
        gone: list[Any] = [*reply.pipes_gone]
        gone += [("actor", number) for number in reply.actors_gone]
        gone += [("process", pid) for pid in reply.processes_gone]
        gone += [("lab", number) for number in reply.labs_gone]
        for key in gone:
            self._bytes -= self._kept.pop(key, 0)
        if len(self._kept) > self._most_rows or self._bytes > self._most_bytes:
            raise WireError(f"{len(self._kept):,} rows, {self._bytes >> 20:,} MiB of them")


#: What each request may be answered with, other than `Failed`.
ANSWERS: dict[type, type] = {
    wire.StartProducer: wire.Done,
    wire.StartConsumer: wire.Done,
    wire.Control: wire.Done,
    wire.Retune: wire.Done,
    wire.Scale: wire.Scaled,
    wire.CreateFifo: wire.Done,
    wire.RemoveFifo: wire.Done,
    wire.Send: wire.Done,
    wire.Fetch: wire.Whole,
    wire.Find: wire.Found,
    wire.Export: wire.Page,
    wire.Peek: wire.Peeked,
    wire.Past: wire.Samples,
    wire.Examine: wire.Examined,
    wire.Signal: wire.Done,
    wire.ListLabs: wire.Labs,
    wire.RunLab: wire.Done,
    wire.StopLab: wire.Done,
    wire.TellLab: wire.Done,
    wire.MakeMine: wire.Mine,
    wire.RunBench: wire.Done,
    wire.StopBench: wire.Done,
}
#: `Done` must name what these have started.
_STARTS = (wire.StartProducer, wire.StartConsumer, wire.RunLab)


class Manners:
    """What has been asked, and whether a reply is an answer to it."""

    def __init__(self) -> None:
        self._asked: dict[int, wire.Request] = {}
        self._credit = 0
        self._welcomed = False

    def said(self, request: wire.Request) -> None:
        """Take note of what is asked."""
        if isinstance(request, wire.Ready):
            self._credit += 1
        elif not isinstance(request, wire.Hello):
            self._asked[request.request] = request

    def heard(self, reply: wire.Reply) -> None:
        """Raise WireError when nobody asked for this."""
        if isinstance(reply, wire.Goodbye):
            return
        if isinstance(reply, wire.Welcome) == self._welcomed:
            raise WireError("a welcome out of place" if self._welcomed else "no welcome")
        if isinstance(reply, wire.Welcome):
            if reply.version != wire.VERSION:
                raise WireError(f"version {reply.version}")
            self._welcomed = True
        elif isinstance(reply, wire.Update):
            self._credit -= 1
            if self._credit < 0:
                raise WireError("an update that nobody asked for")
        elif not self._fits(self._asked.pop(reply.request, None), reply):
            raise WireError("an answer that nobody asked for")

    @staticmethod
    def _fits(asked: wire.Request | None, reply: wire.Answer) -> bool:
        if asked is None or isinstance(reply, wire.Failed):
            return asked is not None
        if isinstance(asked, wire.Export) and isinstance(reply, wire.Page):
            return reply.next is None or reply.next > asked.start
        if isinstance(reply, wire.Done) and isinstance(asked, _STARTS):
            return reply.actor is not None
        return isinstance(reply, ANSWERS.get(type(asked), ()))
