"""Starts a hub and carries frames to and from it: one byte stream each way, a child's stdin and stdout.

The hub is started by `subprocess` (exec, never a bare fork) before the screen exists, so that it warms up while
the screen's libraries load. It gets a session of its own: ctrl+c in the terminal is the screen's business, and the
hub goes by itself when its stdin ends.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from pipetui.client.lost import LinkLost
from pipetui.protocol.codec import WireError
from pipetui.protocol.frames import MAX_FRAME, Splitter
from pipetui.protocol.messages import FromClient, FromHub, pack, unpack_from_hub

__all__ = ["Link", "LinkLike", "LinkLost", "hub_argv", "start_hub"]

_BACKEND = Path(__file__).resolve().parent.parent / "backend"

#: What a hub said on stderr is kept for the sentence that explains its end, up to this many bytes.
_STDERR_KEPT = 4000


def hub_argv() -> list[str]:
    """Return the command that runs a hub of this very program, wherever the current folder is."""
    return [sys.executable, str(_BACKEND)]


def start_hub(argv: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Start a hub process with pipes on its stdin, stdout and stderr."""
    return subprocess.Popen(
        list(argv) if argv is not None else hub_argv(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )


class LinkLike(Protocol):
    """What a screen needs of a link; a test's fake has it, too."""

    async def attach(self) -> None: ...
    def send(self, message: FromClient) -> None: ...
    def replies(self) -> AsyncIterator[FromHub]: ...
    async def wait_closed(self) -> None: ...


class Link:
    """An asyncio view of a running hub: `send` requests, iterate `replies`, `close` to let it go."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._writer: asyncio.WriteTransport | None = None
        self._inputs: list[asyncio.ReadTransport] = []
        self._stderr = b""

    async def attach(self) -> None:
        """Connect the pipes to the running event loop."""
        loop = asyncio.get_running_loop()
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self._reader = asyncio.StreamReader(limit=MAX_FRAME)
        self._errors = asyncio.StreamReader()
        for reader, pipe in ((self._reader, self.process.stdout), (self._errors, self.process.stderr)):
            protocol = asyncio.StreamReaderProtocol(reader)
            self._inputs.append((await loop.connect_read_pipe(lambda: protocol, pipe))[0])  # noqa: B023 (called at once)
        self._writer, _ = await loop.connect_write_pipe(asyncio.Protocol, self.process.stdin)
        self._drain = asyncio.create_task(self._collect_stderr())

    async def _collect_stderr(self) -> None:
        while data := await self._errors.read(4096):
            self._stderr = (self._stderr + data)[-_STDERR_KEPT:]

    def send(self, message: FromClient) -> None:
        """Queue a message; it is dropped when the link is already lost (`replies` then says why)."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(pack(message))

    async def replies(self) -> AsyncIterator[FromHub]:
        """Yield what the hub says, until it is gone or talks nonsense: then raise `LinkLost`."""
        splitter = Splitter()
        try:
            while data := await self._reader.read(1 << 18):
                for body in splitter.feed(data):
                    yield unpack_from_hub(body)
        except WireError as error:
            raise LinkLost(f"the hub sent something that is not understood ({error})") from error
        raise LinkLost(await self._exit_reason())

    async def _exit_reason(self) -> str:
        for _ in range(40):
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        code = self.process.poll()
        await asyncio.wait([self._drain], timeout=0.5)
        last = self._stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        if code is None:
            how = "the hub closed its output"
        elif code < 0:
            how = f"the hub was killed by signal {-code}"
        else:
            how = f"the hub ended with exit code {code}"
        return f"{how} ({last})" if last else how

    def close(self) -> None:
        """Let the hub go: the end of its stdin is its signal to clean up and leave."""
        if self._writer is not None:
            self._writer.close()

    async def wait_closed(self, timeout: float = 3.0) -> None:
        """Wait until the hub has gone, at most `timeout` seconds; after that it is killed."""
        self.close()
        deadline = asyncio.get_running_loop().time() + timeout
        while self.process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                self.process.kill()
                self.process.wait()
                break
            await asyncio.sleep(0.01)
        self._drain.cancel()
        for transport in self._inputs:
            transport.close()
