"""All hosts of a screen: one session each, kept alive, and what they tell put together into one picture.

A pipe's identity, a pid, an actor's number and a message's number are unique on one host only. So whatever is listed
here says which session it comes from, and whoever looks closer or acts asks that session: nothing else has to know
that there are several. What is put together is kept current by what changed, never made anew.

Each host has a task of its own, so none waits for another. One that is away is tried again after pauses that grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from pipetui.client import LOCAL
from pipetui.client.link import LinkLike, LinkLost
from pipetui.client.mergedlog import MergedLog
from pipetui.client.session import Change, LogView, Session
from pipetui.model import Finding, Level, Line, LogFilter, PipeId, PipeRow
from pipetui.protocol.feeds import FINDINGS, PIPES

#: The pause before a host is tried again, and what it grows to (seconds).
SHORTEST, LONGEST = 1.0, 60.0

_RANKS: dict[Level, int] = {"problem": 0, "warning": 1, "note": 2}


#: Gives a link to a hub that has been started; called again for each further try.
OpenLink = Callable[[], LinkLike]


class Reachable(Protocol):
    """A host with a name (`client.remote.FarHost`). `open` gives a link at once; whether it stands is seen later."""

    @property
    def name(self) -> str: ...
    def open(self) -> LinkLike: ...


@dataclass(frozen=True)
class Here:
    """This machine as one host among others."""

    open_link: OpenLink
    name: str = LOCAL

    def open(self) -> LinkLike:
        """Start a hub."""
        return self.open_link()


class FifoKey(NamedTuple):
    """Which FIFO of which host: the host's number in the pool, and the FIFO's identity there."""

    host: int
    pipe: PipeId


@dataclass(frozen=True, slots=True)
class HostPipe:
    """A FIFO of some host. `away` says why it is shown as it was, not as it is; empty when it is current."""

    session: Session
    row: PipeRow
    away: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding of some host."""

    session: Session
    finding: Finding


class HostConnection:
    """The place of one host: its session, how to get a link to it, and the link there is."""

    def __init__(self, session: Session, open_link: OpenLink, *, again: bool) -> None:
        self.session = session
        self._open = open_link
        self._again = again
        self._link: LinkLike | None = None
        self._wished = asyncio.Event()

    async def keep(self) -> None:
        """Talk with the host for ever. When a link is lost, get another: after a pause if `again`, else at a wish."""
        pause = SHORTEST
        while True:
            lasted = await self._talk()
            if lasted:
                self._wished.clear()  # what was wished for before there was a hub has come true
            if lasted > pause:
                pause = SHORTEST
            try:
                await asyncio.wait_for(self._wished.wait(), pause if self._again else None)
                self._wished.clear()
                pause = SHORTEST
            except asyncio.TimeoutError:
                pause = min(2 * pause, LONGEST)

    async def _talk(self) -> float:
        """Get a link and use it up; return how long there was a hub at its other end (seconds)."""
        await self.let_go()
        began = asyncio.get_running_loop().time()
        try:
            link = self._link = self._open()
            await link.attach()
        except LinkLost as error:
            self.session.fail(str(error))
            return 0.0
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self.session.fail(reason if self.session.name else f"The hub can't be started: {reason}")
            return 0.0
        self.session.over(link)
        answered = await self.session.run()
        return asyncio.get_running_loop().time() - began if answered else 0.0

    def wish(self) -> None:
        """Try at once, if it is away."""
        if self.session.lost:
            if not self._again:
                self.session.start_over()
            self._wished.set()

    async def let_go(self) -> None:
        """Close the link, if there is one."""
        link, self._link = self._link, None
        if link is not None:
            await link.wait_closed()


class HostPool:
    """The hosts. Their sessions are numbered in the order of their names on the command line."""

    def __init__(self, connections: Sequence[HostConnection]) -> None:
        self.sessions = tuple(connection.session for connection in connections)
        self.fifos: dict[FifoKey, HostPipe] = {}
        self._connections = connections
        self._numbers = {id(session): number for number, session in enumerate(self.sessions)}
        self._listeners: list[Callable[[Session, Change], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._merged = MergedLog(self.sessions, self._on_page) if self.several else None
        for session in self.sessions:
            session.on_change(lambda change, session=session: self._on_change(session, change))  # type: ignore[misc]

    @property
    def several(self) -> bool:
        """Whether it has to be said where something is."""
        return len(self.sessions) > 1

    def number(self, session: Session) -> int:
        """Return the number of a host."""
        return self._numbers[id(session)]

    def key(self, session: Session, pipe: PipeId) -> FifoKey:
        """Return the key of a FIFO in `fifos`."""
        return FifoKey(self.number(session), pipe)

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep all links, until `close`."""
        self._tasks = [asyncio.create_task(connection.keep()) for connection in self._connections]
        await asyncio.gather(*self._tasks)

    def reconnect(self) -> bool:
        """Try all hosts that are away at once; return whether there are any."""
        away = [connection for connection in self._connections if connection.session.lost]
        for connection in away:
            connection.wish()
        return bool(away)

    async def close(self) -> None:
        """Let all hubs go, all at the same time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(connection.let_go() for connection in self._connections))

    # --- changes --------------------------------------------------------------------------------------------------

    def on_change(self, listener: Callable[[Session, Change], None]) -> None:
        """Call `listener` with a session and what changed there, after every update, in the event loop."""
        self._listeners.append(listener)

    def _tell(self, session: Session, change: Change) -> None:
        for listener in self._listeners:
            listener(session, change)

    def _on_change(self, session: Session, change: Change) -> None:
        if change.lost and session.name:
            self._list(session, session.pipes)
            change = replace(change, feeds=change.feeds | {PIPES.name, FINDINGS.name})
        else:
            self._list(session, change.rows)
        if self._merged is not None:
            if change.lost or change.renewed:
                self._merged.restart(session)
            if change.log is not None:
                change = replace(change, log=self._merged.take(session, change.log))
        self._tell(session, change)

    def _list(self, session: Session, pipes: Iterable[PipeId]) -> None:
        number = self.number(session)
        for pipe in pipes:
            row = session.pipes.get(pipe)
            if row is not None and row.pipe.kind == "fifo":
                self.fifos[FifoKey(number, pipe)] = HostPipe(session, row, _why_old(session, pipe))
            else:
                self.fifos.pop(FifoKey(number, pipe), None)

    @property
    def findings(self) -> tuple[Judged, ...]:
        """The findings of all hosts, the most severe first; of one that is away none is known to hold."""
        told = [
            Judged(session, finding)
            for session in self.sessions
            if session.there or not session.name
            for finding in session.findings
        ]
        return tuple(sorted(told, key=lambda judged: _RANKS[judged.finding.level])) if self.several else tuple(told)

    # --- the messages ---------------------------------------------------------------------------------------------

    def look(self, view: LogView) -> None:
        """Say what the screen shows of the log from now on."""
        if self._merged is not None:
            self._merged.look(view)
        else:
            self.sessions[0].look(view)

    def _on_page(self, session: Session, page: Any) -> None:
        self._tell(session, Change(log=page))

    def origin(self, number: int) -> tuple[Session, int]:
        """Return where a message of the log comes from, and its number there."""
        return (self.sessions[0], number) if self._merged is None else self._merged.origin(number)

    async def fetch(self, number: int) -> Line | None:
        """Return a whole message, or None when its hub no longer has it."""
        return await (self.sessions[0] if self._merged is None else self._merged).fetch(number)

    async def find(self, within: LogFilter, find: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        """Return the number of the nearest match after (before) message `start`, or None."""
        asked = self.sessions[0] if self._merged is None else self._merged
        return await asked.find(within, find, start, backwards=backwards)

    async def export(self, within: LogFilter) -> AsyncIterator[tuple[tuple[str, Line], ...]]:
        """Yield the whole messages that pass `within`, oldest first, in pages, each with its host's name if several."""
        if self._merged is not None:
            async for merged in self._merged.export(within):
                yield merged
            return
        async for page in self.sessions[0].export(within):
            yield tuple(("", line) for line in page)

    def address(self, session: Session, path: str) -> str:
        """Return a FIFO's path as a filter of the log takes it: with its host in front, as scp(1) writes it."""
        return f"{session.name}:{path}" if path and self.several else path


def _why_old(session: Session, pipe: PipeId) -> str:
    """Say why a pipe of a host with a name is shown as it was; nothing if it is current."""
    if not session.name or not session.is_stale(PIPES, pipe):
        return ""
    return session.away or f"{session.name} is back: looking…"


def one_host(
    open_link: OpenLink, roots: tuple[str, ...] = (), demo: bool = False, *, read_only: bool = False
) -> HostPool:
    """Return the pool of this machine alone: without a name, and with a new hub only when that is wished for."""
    return HostPool([HostConnection(Session(roots=roots, demo=demo, read_only=read_only), open_link, again=False)])


def far_hosts(hosts: Sequence[Reachable], roots: tuple[str, ...] = (), *, read_only: bool = False) -> HostPool:
    """Return a pool of hosts with names."""
    sessions = [Session(roots=roots, name=host.name, read_only=read_only) for host in hosts]
    pairs = zip(sessions, hosts, strict=True)
    return HostPool([HostConnection(session, host.open, again=True) for session, host in pairs])
