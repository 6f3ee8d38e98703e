"""Links to hubs on other hosts, as a screen needs them: the same as to one here, and nothing that comes is trusted.

    far = FarHost("user@box")
    far.connect()            # before the screen: ssh may ask for a password on the terminal
    link = far.open()        # the link that has just been made; later calls connect anew and ask nobody

A `FarLink` has what `link.Link` has, and ends with `LinkLost` and one sentence. ssh stays in our process group, since
only so may it ask on the terminal; a screen in raw mode turns ctrl+c into a key, so that does not end it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from pipetui.client.link import Link, LinkLike, LinkLost
from pipetui.client.ssh import HUB, TIMEOUT, Remote, check_host, payload, until_the_first_word
from pipetui.client.validation import Quota, ReplyValidation, check_message
from pipetui.protocol.codec import WireError
from pipetui.protocol.compression import Decompressor
from pipetui.protocol.frames import Splitter
from pipetui.protocol.heartbeat import BEAT, SILENCE
from pipetui.protocol.messages import FromClient, FromHub, pack, unpack_from_hub

__all__ = ["FarHost", "FarLink", "LinkLost"]


#: So many heartbeats more than time would have it are forgiven: a line that was stopped brings them all at once.
_MOST_HEARTBEATS = 1000


class FarHost:
    """Another host by the name that ssh knows it by. Raises BadHost for what can't be one."""

    def __init__(self, name: str, python: str = "python3") -> None:
        self.name = check_host(name)
        self._python = python
        self._first: Remote | None = None
        self._failed = ""

    def connect(self) -> None:
        """Connect now, ssh asking on the terminal what it must. Raises LinkLost, which the first link repeats."""
        try:
            remote = Remote(self.name, HUB, python=self._python)
            payload(HUB)  # while ssh connects
            remote.reach()
        except LinkLost as error:
            self._failed = str(error)
            raise
        self._first = remote

    def open(self) -> LinkLike:
        """Return a link: the first time the one that `connect` made, later a fresh one, for which ssh asks nobody."""
        first, self._first = self._first, None
        failed, self._failed = self._failed, ""
        if failed:
            return _NoLink(failed)
        try:
            return FarLink(first or Remote(self.name, HUB, python=self._python, batch=True))
        except LinkLost as error:
            return _NoLink(str(error))

    def close(self) -> None:
        """End a connection that no link was opened for."""
        if self._first is not None:
            self._first.kill()
            self._first = None


class FarLink(Link):
    """An asyncio view of a hub on another host. What is sent before it stands is sent as soon as it does."""

    def __init__(self, remote: Remote, *, timeout: float | None = None, silence: float = SILENCE) -> None:
        super().__init__(remote.process)
        self._remote = remote
        self._silence = silence
        self._waiting: list[bytes] = []
        self._entered = False
        self._validation = ReplyValidation()
        self._timer: asyncio.TimerHandle | None = None
        self._last_read_at = self._felt = self._heartbeats = 0.0
        self._grace = 1
        self._timeout = timeout
        self._limit = TIMEOUT if timeout is None else timeout
        self._given_up = ""

    async def attach(self) -> None:
        """Connect the pipes to the running event loop, and listen from now on whether the far side lives."""
        await super().attach()
        self._last_read_at = asyncio.get_running_loop().time()
        if self._remote.greeted:
            self._enter()
        self._listen()

    def send(self, message: FromClient) -> None:
        """Queue a message; it is dropped when the link is already lost (`replies` then says why)."""
        self._validation.sent(message)
        if self._entered:
            super().send(message)
        else:
            self._waiting.append(pack(message))

    async def replies(self) -> AsyncIterator[FromHub]:
        """Yield what the hub says, checked, until it is gone, silent or talks nonsense: then raise `LinkLost`."""
        if not self._remote.greeted:
            await self._greet()
        decompressor, splitter, quota = Decompressor(), Splitter(), Quota()
        data = self._remote.rest or await self._read()
        self._limit = self._silence  # not before: on a slow line our packages take their time
        self._listen()
        try:
            while data:
                for piece in decompressor.unpack(data):
                    for body in splitter.feed(piece):
                        if not body:
                            self._heartbeat()
                            continue
                        reply = unpack_from_hub(body)
                        check_message(reply)
                        self._validation.received(reply)
                        quota.note(reply, len(body))
                        yield reply
                    await asyncio.sleep(0)  # much may come out of little: the screen goes on meanwhile
                data = await self._read()
        except WireError as error:
            self._end()
            host = self._remote.host
            raise LinkLost(f"{host} sent something that is not understood ({error}); the link was ended") from error
        raise LinkLost(await self._exit_reason())

    async def _greet(self) -> None:
        while not self._remote.greeted:
            data = await self._read()
            if not data:
                raise LinkLost(await self._exit_reason())
            try:
                self._remote.take(data)
            except LinkLost:
                self._end()
                raise
        self._enter()
        self._listen()

    def _enter(self) -> None:
        """Send our packages, and what was asked meanwhile."""
        self._entered = True
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(payload(HUB) + b"".join(self._waiting))
        self._waiting.clear()
        if self._timeout is None:
            self._limit = until_the_first_word(HUB)

    def _heartbeat(self) -> None:
        """Raise WireError when heartbeats race: nothing is said by it, but it costs time to hear."""
        now = asyncio.get_running_loop().time()
        self._heartbeats = max(0.0, self._heartbeats - (now - self._felt) / BEAT) + 1
        self._felt = now
        if self._heartbeats > _MOST_HEARTBEATS:
            raise WireError("too many heartbeats")

    async def _read(self) -> bytes:
        """Return what comes next; empty at the end, also at the one that `_listen` makes."""
        data = await self._reader.read(1 << 18)
        self._last_read_at, self._grace = asyncio.get_running_loop().time(), 1
        return data

    # A timer, no `wait_for`: before Python 3.12 that may swallow the cancellation of whoever reads.
    def _listen(self) -> None:
        """Look whether there was something to hear, and again when there could be silence; end a silent link."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        left = self._last_read_at + self._limit - loop.time()
        if left <= 0 and self._grace:  # it may be we who were stopped: then what came meanwhile is still to be read
            self._grace, left = 0, 1.0
        if left > 0:
            self._timer = loop.call_later(left, self._listen)
        else:
            self._given_up = self._remote.silent(self._limit)
            self._end()
            self._inputs[0].close()

    async def _exit_reason(self) -> str:
        if self._given_up:
            return self._given_up
        for _ in range(60):
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        await asyncio.wait([self._drain], timeout=0.5)
        self._remote.stderr += self._stderr
        return self._remote.exit_reason()

    async def wait_closed(self, timeout: float = 3.0) -> None:
        """Let the hub go and wait for ssh, at most `timeout` seconds; after that it is killed."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writer is None:  # never attached
            self._remote.kill()
        else:
            await super().wait_closed(timeout)

    def _end(self) -> None:
        """End ssh at once: it may be stopped, and then would not notice that its stdin has ended."""
        if self.process.poll() is None:
            self.process.kill()


class _NoLink:
    """What stands in for a link that could not be made: it is lost as soon as somebody listens."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def attach(self) -> None:
        pass

    def send(self, message: FromClient) -> None:
        pass

    async def replies(self) -> AsyncIterator[FromHub]:
        raise LinkLost(self._why)
        yield  # an async generator, as that of a link

    async def wait_closed(self) -> None:
        pass
