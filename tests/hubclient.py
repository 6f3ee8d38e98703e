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

from patience import PATIENCE

from pipetui.client.link import start_hub
from pipetui.model import (
    ActorSpec,
    ActorState,
    BenchReport,
    Finding,
    LabRun,
    Line,
    LogCounts,
    LogFilter,
    Pace,
    PipeId,
    PipeRow,
    Process,
    ProducerSpec,
    Status,
)
from pipetui.protocol import messages as wire

#: The filter that every message passes.
EVERYTHING = LogFilter()


class HubRefusedError(Exception):
    """The hub answered `Failed`; the message is its sentence."""


class HubGoneError(Exception):
    """The hub's output ended, or it said `Goodbye`; the message is its reason and its last words on stderr."""


class HubClient:
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
        self.process: subprocess.Popen[bytes] = start_hub(argv)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to = self.process.stdin.fileno()
        self._from = self.process.stdout.fileno()
        self._splitter = wire.Splitter()
        self._bodies: Iterator[bytes] = iter(())
        self._numbers = itertools.count(1)
        self._credit = False
        self._view = wire.LogView()
        self.interval = 0.02
        self.welcome: wire.Welcome | None = None
        self.status = Status()
        self.pipes: dict[PipeId, PipeRow] = {}
        self.actors: dict[int, ActorState] = {}
        self.processes: dict[int, Process] = {}
        self.findings: tuple[Finding, ...] = ()
        self.labs: dict[int, LabRun] = {}
        self.anonymous = False
        self.bench: BenchReport | None = None
        self.counts = LogCounts()
        self.skipped = 0
        self.lines: deque[Line] = deque(maxlen=keep_lines)
        self.page: wire.LogPage | None = None
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

    def write(self, data: bytes, timeout: float = PATIENCE) -> None:
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

    def say(self, request: wire.Request) -> None:
        """Send one request without waiting for anything."""
        self.write(wire.pack(request))

    def reply(self, timeout: float = PATIENCE) -> wire.Reply:
        """Return the hub's next frame; raise `HubGoneError` at its end and `TimeoutError` when none comes."""
        deadline = time.monotonic() + timeout
        while True:
            body = next(self._bodies, None)
            if body is not None:
                return wire.unpack_reply(body)
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
        said = self.process.stderr.read().decode("utf-8", "replace").strip()
        return f"exit code {self.process.returncode}: {said[-2000:]}"

    # --- the conversation -----------------------------------------------------------------------------------------

    def hello(self, roots: Iterable[str | os.PathLike[str]] = (), *, demo: bool = False) -> wire.Welcome:
        """Greet the hub and return its `Welcome`."""
        self.say(wire.Hello(wire.VERSION, tuple(os.fspath(root) for root in roots), demo))
        answer = self.reply()
        if isinstance(answer, wire.Goodbye):
            raise HubGoneError(answer.reason)
        assert isinstance(answer, wire.Welcome), answer
        self.welcome = answer
        return answer

    def look(self, view: wire.LogView) -> None:
        """Ask for another view of the log from the next credit on; the lines of the old one are forgotten."""
        self._view = view
        self._credit = False
        self.lines.clear()
        self.skipped = 0

    def ready(self) -> None:
        """Give the hub credit for one update."""
        self.say(wire.Ready(self._view, self.interval, self.anonymous))
        self._credit = True

    def update(self, timeout: float = PATIENCE) -> wire.Update:
        """Give credit if none is out, and return the next update, applied to the tables."""
        deadline = time.monotonic() + timeout
        if not self._credit:
            self.ready()
        while True:
            reply = self.reply(max(0.0, deadline - time.monotonic()))
            if isinstance(reply, wire.Update):
                self._apply(reply)
                return reply
            if isinstance(reply, wire.Goodbye):
                raise HubGoneError(reply.reason)

    def _apply(self, update: wire.Update) -> None:
        self._credit = False
        if update.status is not None:
            self.status = update.status
        self.pipes.update({row.pipe.id: row for row in update.pipes})
        self.actors.update({actor.id: actor for actor in update.actors})
        self.processes.update({process.pid: process for process in update.processes})
        self.labs.update({run.id: run for run in update.labs})
        for number in update.labs_gone:
            self.labs.pop(number, None)
        if update.findings is not None:
            self.findings = update.findings
        if update.bench is not None:
            self.bench = update.bench
        for pipe in update.pipes_gone:
            self.pipes.pop(pipe, None)
        for actor in update.actors_gone:
            self.actors.pop(actor, None)
        for pid in update.processes_gone:
            self.processes.pop(pid, None)
        if update.log is not None and update.log.view == self._view.id:
            self._take_page(update.log)

    def _take_page(self, page: wire.LogPage) -> None:
        if not page.append:
            self.lines.clear()
        self.lines.extend(page.lines)
        self.skipped += page.skipped
        self.counts = page.counts
        self.page = page

    def wait_for(self, condition: Callable[[], object], timeout: float = PATIENCE, what: str = "") -> None:
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

    def ask(self, request: wire.Request, timeout: float = PATIENCE) -> wire.Answer:
        """Send a request and return its answer (also a `Failed`); updates that come between are applied."""
        number = getattr(request, "request")  # noqa: B009  (Hello and Ready have none, and are no questions)
        deadline = time.monotonic() + timeout
        self.say(request)
        while True:
            reply = self.reply(max(0.0, deadline - time.monotonic()))
            if isinstance(reply, wire.Update):
                self._apply(reply)
            elif isinstance(reply, wire.Goodbye):
                raise HubGoneError(reply.reason)
            elif not isinstance(reply, wire.Welcome) and reply.request == number:
                return reply

    def _demand(self, request: wire.Request, timeout: float = PATIENCE) -> wire.Answer:
        answer = self.ask(request, timeout)
        if isinstance(answer, wire.Failed):
            raise HubRefusedError(answer.message)
        return answer

    def number(self) -> int:
        """Return a fresh request number."""
        return next(self._numbers)

    # --- the requests ---------------------------------------------------------------------------------------------

    def start(self, spec: ActorSpec) -> int:
        """Fork a producer or consumer; return its actor number."""
        number = self.number()
        request = (
            wire.StartProducer(number, spec) if isinstance(spec, ProducerSpec) else wire.StartConsumer(number, spec)
        )
        answer = self._demand(request)
        assert isinstance(answer, wire.Done)
        assert answer.actor is not None
        return answer.actor

    def run_lab(self, name: str, pace: Pace = "fast") -> int:
        """Run a lab; return the number of its run."""
        answer = self._demand(wire.RunLab(self.number(), name, pace))
        assert isinstance(answer, wire.Done)
        assert answer.actor is not None
        return answer.actor

    def control(self, actor: int, action: wire.Action) -> None:
        """Pause, resume, stop, kill or dismiss an actor."""
        self._demand(wire.Control(self.number(), actor, action))

    def retune(self, actor: int, *, rate: float | None = None, delay: float | None = None) -> None:
        """Change a running producer's rate or a consumer's delay."""
        self._demand(wire.Retune(self.number(), actor, rate, delay))

    def scale(self, actor: int, factor: float) -> tuple[float | None, float | None]:
        """Make an actor this many times as fast; return its rate or its delay."""
        answer = self._demand(wire.Scale(self.number(), actor, factor))
        assert isinstance(answer, wire.Scaled)
        return answer.rate, answer.delay

    def create_fifo(self, path: str | os.PathLike[str], mode: int = 0o600) -> None:
        """Make a FIFO."""
        self._demand(wire.CreateFifo(self.number(), os.fspath(path), mode))

    def remove_fifo(self, path: str | os.PathLike[str], pipe: PipeId) -> None:
        """Remove a FIFO if it still is `pipe`."""
        self._demand(wire.RemoveFifo(self.number(), os.fspath(path), pipe))

    def send(self, path: str | os.PathLike[str], payload: str, timeout: float = 2.0) -> None:
        """Write `payload` once."""
        self._demand(wire.Send(self.number(), os.fspath(path), payload, timeout), timeout + PATIENCE)

    def fetch(self, number: int) -> Line | None:
        """Return one whole message."""
        answer = self._demand(wire.Fetch(self.number(), number))
        assert isinstance(answer, wire.Whole)
        return answer.line

    def find(self, within: LogFilter, find: LogFilter, start: int, *, backwards: bool = False) -> int | None:
        """Return the number of the nearest match, or None."""
        answer = self._demand(wire.Find(self.number(), within, find, start, backwards))
        assert isinstance(answer, wire.Found)
        return answer.number

    def export(self, within: LogFilter = EVERYTHING) -> list[Line]:
        """Return all whole messages that pass `within`."""
        lines: list[Line] = []
        start: int | None = 1
        while start is not None:
            answer = self._demand(wire.Export(self.number(), within, start))
            assert isinstance(answer, wire.Page)
            lines += answer.lines
            start = answer.next
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
