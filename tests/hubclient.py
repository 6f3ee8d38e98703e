"""A synchronous client of a real hub process, for tests and benchmarks: no event loop, every wait has a deadline.

    with HubClient(roots=[str(folder)]) as hub:
        hub.create_fifo(path)
        consumer = hub.start(ConsumerSpec(path))
        hub.wait_for(lambda: hub.actors[consumer].phase == "running")

Updates are asked for only inside `update` and `wait_for` (the hub answers credit, it never pushes), and build up the
same tables a screen would have: `pipes`, `actors`, `processes`, `status`, `lines`.
"""

from __future__ import annotations

import itertools
import os
import select
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar, cast

from waiting import TIMEOUT

from pipetui.client.link import start_hub
from pipetui.client.state import Change, HubState
from pipetui.model import ActorSpec, Line, LogCounts, LogFilter, Pace, PipeId, PipeRow, ProducerSpec
from pipetui.protocol import requests
from pipetui.protocol.feeds import LogPage
from pipetui.protocol.frames import Splitter
from pipetui.protocol.messages import (
    VERSION,
    Answer,
    Call,
    Failed,
    FromClient,
    FromHub,
    Goodbye,
    Hello,
    LogView,
    Ready,
    Update,
    Welcome,
    pack,
    unpack_from_hub,
)
from pipetui.protocol.requests import Request

A = TypeVar("A")

#: The filter that every message passes.
EVERYTHING = LogFilter()


class HubRefusedError(Exception):
    """The hub answered `Failed`; the message is its sentence."""


class HubGoneError(Exception):
    """The hub's output ended, or it said `Goodbye`; the message is its reason and its last words on stderr."""


class HubClient(HubState):
    """One hub process and what it has told so far."""

    def __init__(
        self,
        roots: Iterable[str | os.PathLike[str]] = (),
        *,
        demo: bool = False,
        argv: Sequence[str] | None = None,
        greet: bool = True,
        keep_lines: int = 10_000,
    ) -> None:
        super().__init__()
        self.process: subprocess.Popen[bytes] = start_hub(argv)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to = self.process.stdin.fileno()
        self._from = self.process.stdout.fileno()
        self._splitter = Splitter()
        self._bodies: Iterator[bytes] = iter(())
        self._numbers = itertools.count(1)
        self._credit = False
        self._view = LogView()
        self.interval = 0.02
        self.welcome: Welcome | None = None
        self.anonymous = False
        self.counts = LogCounts()
        self.skipped = 0
        self.lines: deque[Line] = deque(maxlen=keep_lines)
        self.page: LogPage | None = None
        if greet:
            try:
                self.hello(roots, demo=demo)
            except BaseException:
                self.close()
                raise

    # --- the byte stream ------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The hub's pid."""
        return self.process.pid

    def write(self, data: bytes, timeout: float = TIMEOUT) -> None:
        """Write raw bytes to the hub (a test of the wire may send nonsense)."""
        deadline = time.monotonic() + timeout
        view = memoryview(data)
        while view:
            _, writable, _ = select.select([], [self._to], [], max(0.0, deadline - time.monotonic()))
            if not writable:
                raise TimeoutError(f"the hub took none of {len(view)} bytes in {timeout} s")
            try:
                view = view[os.write(self._to, view[: select.PIPE_BUF]) :]
            except BrokenPipeError:
                raise HubGoneError(f"the hub has gone; {self.stderr()}") from None

    def send_message(self, message: FromClient) -> None:
        """Send one message without waiting for anything."""
        self.write(pack(message))

    def reply(self, timeout: float = TIMEOUT) -> FromHub:
        """Return the hub's next frame; raise `HubGoneError` at its end and `TimeoutError` when none comes."""
        deadline = time.monotonic() + timeout
        while True:
            body = next(self._bodies, None)
            if body is not None:
                return unpack_from_hub(body)
            readable, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise TimeoutError(f"the hub said nothing for {timeout} s")
            data = os.read(self._from, 1 << 18)
            if not data:
                raise HubGoneError(f"the hub ended its output; {self.stderr()}")
            self._bodies = self._splitter.feed(data)

    def stderr(self, timeout: float = 2.0) -> str:
        """Return what a hub that is leaving said on stderr."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return "it still runs"
        assert self.process.stderr is not None
        if self.process.stderr.closed:
            return f"exit code {self.process.returncode}"
        stderr = self.process.stderr.read().decode("utf-8", "replace").strip()
        return f"exit code {self.process.returncode}: {stderr[-2000:]}"

    # --- the conversation -----------------------------------------------------------------------------------------

    def hello(self, roots: Iterable[str | os.PathLike[str]] = (), *, demo: bool = False) -> Welcome:
        """Greet the hub and return its `Welcome`."""
        self.send_message(Hello(VERSION, tuple(os.fspath(root) for root in roots), demo))
        answer = self.reply()
        if isinstance(answer, Goodbye):
            raise HubGoneError(answer.reason)
        assert isinstance(answer, Welcome), answer
        self.welcome = answer
        return answer

    def look(self, view: LogView) -> None:
        """Ask for another view of the log from the next credit on; the lines of the old one are forgotten."""
        self._view = view
        self._credit = False
        self.lines.clear()
        self.skipped = 0

    def ready(self) -> None:
        """Give the hub credit for one update."""
        self.send_message(Ready(self._view, self.interval, self.anonymous))
        self._credit = True

    def update(self, timeout: float = TIMEOUT) -> Update:
        """Give credit if none is out, and return the next update, applied to the tables."""
        deadline = time.monotonic() + timeout
        if not self._credit:
            self.ready()
        while True:
            reply = self.reply(max(0.0, deadline - time.monotonic()))
            if isinstance(reply, Update):
                self.apply(reply)
                return reply
            if isinstance(reply, Goodbye):
                raise HubGoneError(reply.reason)

    def apply(self, update: Update) -> Change:
        self._credit = False
        change = super().apply(update)
        if change.log is not None and change.log.view == self._view.id:
            self._take_page(change.log)
        return change

    def _take_page(self, page: LogPage) -> None:
        if not page.append:
            self.lines.clear()
        self.lines.extend(page.lines)
        self.skipped += page.skipped
        self.counts = page.counts
        self.page = page

    def wait_for(self, condition: Callable[[], object], timeout: float = TIMEOUT, what: str = "") -> None:
        """Take updates until `condition` holds; the failure says what the hub knew instead."""
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{what or 'the condition'} did not come true in {timeout} s\n{self.summary()}")
            try:
                self.update(min(left, 0.25))
            except TimeoutError:
                continue

    def summary(self) -> str:
        """Return what the tables hold, for a failure's message."""
        parts = [f"status: {self.status}"]
        parts += [f"pipe: {row}" for row in self.pipes.values()]
        parts += [f"actor: {actor}" for actor in self.actors.values()]
        parts += [f"log: {self.counts}, {len(self.lines)} lines, {self.skipped} skipped"]
        return "\n".join(parts)

    def call(self, request: Request[Any]) -> int:
        """Ask, without waiting for anything; return the number that the answer will have."""
        number = next(self._numbers)
        self.send_message(Call(number, request))
        return number

    def ask(self, request: Request[A], timeout: float = TIMEOUT) -> A:
        """Send a request and return its answer; updates that come between are applied. Raises `HubRefusedError`."""
        number = self.call(request)
        deadline = time.monotonic() + timeout
        while True:
            reply = self.reply(max(0.0, deadline - time.monotonic()))
            if isinstance(reply, Update):
                self.apply(reply)
            elif isinstance(reply, Goodbye):
                raise HubGoneError(reply.reason)
            elif isinstance(reply, (Answer, Failed)) and reply.number == number:
                break
        if isinstance(reply, Failed):
            raise HubRefusedError(reply.message)
        assert request.accepts(reply.answer), reply
        return cast(A, reply.answer)

    def refusal(self, request: Request[Any], timeout: float = TIMEOUT) -> str:
        """Send a request that has to be refused; return the sentence."""
        try:
            answer = self.ask(request, timeout)
        except HubRefusedError as error:
            return str(error)
        raise AssertionError(f"not refused: {request} was answered by {answer}")

    # --- the requests ---------------------------------------------------------------------------------------------

    def start(self, spec: ActorSpec) -> int:
        """Fork a producer or consumer; return its actor number."""
        request = requests.StartProducer(spec) if isinstance(spec, ProducerSpec) else requests.StartConsumer(spec)
        return self.ask(request).number

    def run_lab(self, name: str, pace: Pace = "fast") -> int:
        """Run a lab; return the number of its run."""
        return self.ask(requests.RunLab(name, pace)).number

    def control(self, actor: int, action: requests.ActorAction) -> None:
        """Pause, resume, stop, kill or dismiss an actor."""
        self.ask(requests.Control(actor, action))

    def retune(self, actor: int, *, rate: float | None = None, delay: float | None = None) -> None:
        """Change a running producer's rate or a consumer's delay."""
        self.ask(requests.Retune(actor, rate, delay))

    def scale(self, actor: int, factor: float) -> tuple[float | None, float | None]:
        """Make an actor this many times as fast; return its rate or its delay."""
        answer = self.ask(requests.Scale(actor, factor))
        return answer.rate, answer.delay

    def create_fifo(self, path: str | os.PathLike[str], mode: int = 0o600) -> None:
        """Make a FIFO."""
        self.ask(requests.CreateFifo(os.fspath(path), mode))

    def remove_fifo(self, path: str | os.PathLike[str], pipe: PipeId) -> None:
        """Remove a FIFO if it still is `pipe`."""
        self.ask(requests.RemoveFifo(os.fspath(path), pipe))

    def send(self, path: str | os.PathLike[str], payload: str, timeout: float = 2.0) -> None:
        """Write `payload` once."""
        self.ask(requests.Send(os.fspath(path), payload, timeout), timeout + TIMEOUT)

    def fetch(self, number: int) -> Line | None:
        """Return one whole message."""
        return self.ask(requests.Fetch(number)).line

    def find(self, within: LogFilter, find: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        """Return the number of the nearest match, or None."""
        return self.ask(requests.Find(within, find, start, backwards)).number

    def export(self, within: LogFilter = EVERYTHING) -> list[Line]:
        """Return all whole messages that pass `within`."""
        lines: list[Line] = []
        start: int | None = 1
        while start is not None:
            page = self.ask(requests.Export(within, start))
            lines += page.lines
            start = page.next
        return lines

    # --- what tests ask of the tables -----------------------------------------------------------------------------

    def pipe(self, path: str | os.PathLike[str]) -> PipeRow | None:
        """Return the row of the FIFO at `path`, if the hub has told of it."""
        name = os.fspath(path)
        return next((row for row in self.pipes.values() if name in row.pipe.paths), None)

    def narrow(self, within: LogFilter) -> None:
        """Filter the log: a view with a new id, so that its page comes anew."""
        self.look(replace(self._view, id=self._view.id + 1, filter=within))

    # --- the end --------------------------------------------------------------------------------------------------

    def close(self, timeout: float = 5.0) -> int:
        """End the hub's stdin, wait until it has gone (killing it after `timeout`), and return its exit code."""
        streams = (self.process.stdin, self.process.stdout, self.process.stderr)
        for stream in streams[:1]:
            if stream is not None:
                stream.close()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in streams:
            if stream is not None:
                stream.close()
        return self.process.returncode

    def __enter__(self) -> HubClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
