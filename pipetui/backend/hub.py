"""The hub: one loop that joins a client, the observatory, our actors and the message log.

It never blocks and never scans; all that is done by children. It answers each `Ready` with at most one `Update`, as
soon as there is something to say and not sooner than the client's frame interval after the last, so that a slow
client gets fewer updates and the hub's memory does not grow.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from pipetui import __version__
from pipetui.backend import demo
from pipetui.backend.actors import validation as validate
from pipetui.backend.actors.supervisor import Member, Troupe, authors
from pipetui.backend.inventory.inventory import Observatory
from pipetui.backend.labs.bench import Bench
from pipetui.backend.labs.runner import Theatre
from pipetui.backend.messages.framing import Frame
from pipetui.backend.messages.logview import LogReader
from pipetui.backend.messages.patterns import BadPattern, TooSlow
from pipetui.backend.messages.retrieval import export, find
from pipetui.backend.messages.ring import Entry, Ring
from pipetui.backend.runtime import limits, tempdir
from pipetui.backend.runtime import tasks as errands
from pipetui.backend.runtime.children import Nursery
from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.backend.runtime.writer import Outlet
from pipetui.kernel import fifo
from pipetui.kernel.delivery import Delivery, open_writer_in_time
from pipetui.kernel.errors import Gone, PipeError
from pipetui.kernel.fd import Fd
from pipetui.kernel.peek import peek
from pipetui.kernel.signals import send as send_signal
from pipetui.model import ActorSpec, PipeId, Said, Status
from pipetui.protocol import messages as wire
from pipetui.protocol.codec import codec
from pipetui.text import decode, encode
from pipetui.watch.examination import Examination, examine
from pipetui.watch.roots import default_roots

#: How many rows travel in one update; the rest follow in the next.
MOST_ROWS = 1000

#: How long they may be in all (characters, each up to 6 bytes of JSON; a frame has 16 MiB).
MOST_TEXT = 1 << 20

#: Bounds of the frame interval that a client may ask for (seconds).
FASTEST, SLOWEST = 0.02, 10.0

#: So long (seconds) at most a message that is to be sent waits for a reader.
LONGEST = 60.0


EXAMINATION = codec(Examination)


class Hub:
    """One hub for one client on two descriptors."""

    def __init__(self, stdin: int = 0, stdout: int = 1, outlet: type[Outlet] = Outlet) -> None:
        self._loop = Loop()
        self._stdin = stdin
        self._outlet = outlet(self._loop, stdout)
        self._splitter = wire.Splitter()
        self._nursery = Nursery(self._loop)
        self._ring = Ring()
        self._reader = LogReader(self._ring)
        self._observatory = Observatory(self._loop, self._nursery, self._on_row)
        self._troupe = Troupe(self._loop, self._nursery, self._on_actor, self._on_frames, self._on_pipe)
        self._theatre = Theatre(self._nursery, self._on_lab, self._on_said, self._on_cast)
        self._bench = Bench(self._nursery, self._on_bench)
        self._place: tempdir.TempFifos | None = None
        self._greeted = False
        self._credit: wire.Ready | None = None
        self._timer: Timer | None = None
        self._last_update = 0.0
        self._interval = 0.1
        self._log_news = True
        self._findings_news = False
        self._bench_news = False
        self._dirty_pipes: dict[PipeId, None] = {}
        self._dirty_actors: dict[int, None] = {}
        self._dirty_processes: dict[int, None] = {}
        self._shown_pipes: set[PipeId] = set()
        self._shown_processes: set[int] = set()
        self._shown_actors: set[int] = set()
        self._dirty_labs: dict[int, None] = {}
        self._shown_labs: set[int] = set()
        self._said_status: Status | None = None
        self._handlers: dict[type, Callable[[Any], wire.Answer | None]] = {
            wire.StartProducer: self._start,
            wire.StartConsumer: self._start,
            wire.Control: self._control,
            wire.Retune: self._retune,
            wire.Scale: self._scale,
            wire.CreateFifo: self._create_fifo,
            wire.RemoveFifo: self._remove_fifo,
            wire.Send: self._send,
            wire.Fetch: self._fetch,
            wire.Find: self._find,
            wire.Export: self._export,
            wire.Peek: self._peek,
            wire.Past: self._past,
            wire.Examine: self._examine,
            wire.Signal: self._signal,
            wire.ListLabs: lambda request: wire.Labs(request.request, self._theatre.cards()),
            wire.RunLab: lambda request: wire.Done(request.request, self._theatre.run(request.name, request.pace)),
            wire.StopLab: self._stop_lab,
            wire.TellLab: self._tell_lab,
            wire.MakeMine: lambda request: wire.Mine(request.request, self._theatre.make_mine(request.name)),
            wire.RunBench: self._run_bench,
            wire.StopBench: self._stop_bench,
        }

    # --- life -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve the client until its stdin ends or a signal says so; then end the children and clean up."""
        wakeup, waker = (Fd(number) for number in os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self._loop.stop())
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        with wakeup, waker:
            self._loop.on_readable(wakeup.fileno(), lambda: self._swallow(wakeup))
            self._listen()
            tempdir.clean_up()
            try:
                self._loop.run()
            finally:
                self._leave()
                signal.set_wakeup_fd(-1)

    def _listen(self) -> None:
        """Take what comes on stdin; a file or /dev/null can't be polled (EPERM, epoll_ctl(2)), nor has it to be."""
        try:
            self._loop.on_readable(self._stdin, self._on_stdin)
        except PermissionError:
            self._loop.later(0, self._on_file)

    def _on_file(self) -> None:
        self._on_stdin()
        self._loop.later(0, self._on_file)

    @staticmethod
    def _swallow(wakeup: Fd) -> None:
        try:
            os.read(wakeup.fileno(), 64)
        except BlockingIOError:
            pass

    def _leave(self) -> None:
        self._nursery.end_all()
        self._theatre.close()
        if self._place is not None:
            self._place.close()
        self._outlet.finish(0.2)
        self._loop.close()

    def _on_stdin(self) -> None:
        data = os.read(self._stdin, 1 << 16)
        if not data:
            self._loop.stop()
            return
        try:
            for body in self._splitter.feed(data):
                self._on_request(wire.unpack_request(body))
        except wire.WireError as error:
            self._end_link(f"the client sent something that is not understood ({error})")

    def _end_link(self, reason: str) -> None:
        self._say(wire.Goodbye(reason))
        self._loop.stop()

    def _say(self, reply: wire.Reply) -> None:
        self._outlet.write(wire.pack(reply))
        if self._outlet.broken:
            self._loop.stop()

    # --- requests -------------------------------------------------------------------------------------------------

    def _on_request(self, request: wire.Request) -> None:
        if isinstance(request, wire.Hello):
            self._hello(request)
        elif not self._greeted:
            self._end_link("the client did not say hello first")
        elif isinstance(request, wire.Ready):
            self._ready(request)
        else:
            try:
                handler = self._handlers.get(type(request))
                answer = handler(request) if handler else wire.Failed(request.request, "this hub can't do that")
            except (PipeError, BadPattern, TooSlow) as error:
                answer = wire.Failed(request.request, str(error))
            if answer is not None:
                self._say(answer)

    def _hello(self, hello: wire.Hello) -> None:
        if self._greeted:
            self._end_link("the client said hello twice")
            return
        if hello.version != wire.VERSION:
            self._end_link(
                f"this hub (pipetui {__version__}) speaks version {wire.VERSION} of the wire, "
                f"the client version {hello.version}; install the same pipetui on both sides"
            )
            return
        self._greeted = True
        self._say(wire.Welcome(wire.VERSION, socket.gethostname(), os.getpid(), f"pipetui {__version__}"))
        if not hello.watch:
            return
        try:
            self._begin(hello)
        except PipeError as error:  # no folder for the demo, or no process to look with
            self._end_link(str(error))

    def _begin(self, hello: wire.Hello) -> None:
        """Look at the machine, and play the demo if it is wanted."""
        self._theatre.opened = self._observatory.search
        roots = hello.roots or (() if hello.demo else default_roots())
        if hello.demo:
            self._place = tempdir.TempFifos()
            roots = (str(self._place.path), *roots)
            for spec in demo.cast(self._place):
                self._launch(spec)
        self._observatory.start(roots, elsewhere=not hello.roots and not hello.demo)

    def _start(self, request: wire.StartProducer | wire.StartConsumer) -> wire.Answer:
        validate.check(request.spec)
        return wire.Done(request.request, self._launch(request.spec))

    def _launch(self, spec: ActorSpec) -> int:
        number = self._troupe.start(spec)
        self._observatory.name(self._troupe.members[number].state.pid, spec.name)
        return number

    def _control(self, request: wire.Control) -> wire.Answer:
        self._troupe.control(request.actor, request.action)
        return wire.Done(request.request)

    def _retune(self, request: wire.Retune) -> wire.Answer:
        if request.rate is not None:
            validate.check_rate(request.rate)
        if request.delay is not None:
            validate.check_delay(request.delay)
        self._troupe.retune(request.actor, request.rate, request.delay)
        return wire.Done(request.request)

    def _scale(self, request: wire.Scale) -> wire.Answer:
        validate.check_factor(request.factor)
        return wire.Scaled(request.request, *self._troupe.scale(request.actor, request.factor))

    def _create_fifo(self, request: wire.CreateFifo) -> wire.Answer:
        if not 0 <= request.mode <= 0o777:
            return wire.Failed(request.request, f"{request.mode:o} is not a mode between 0 and 777")
        fifo.create(request.path, request.mode)
        return wire.Done(request.request)

    def _remove_fifo(self, request: wire.RemoveFifo) -> wire.Answer:
        fifo.remove(request.path, request.id)
        return wire.Done(request.request)

    def _send(self, request: wire.Send) -> None:
        """Writing may have to wait for a reader."""
        identity = fifo.identify(request.path)
        timeout = max(0.0, min(request.timeout, LONGEST))

        def send() -> None:
            with open_writer_in_time(request.path, timeout, identity) as pipe:
                Delivery(pipe, request.path, timeout).write(encode(request.payload))

        self._errand(request, send, lambda _: wire.Done(request.request))

    def _errand(self, request: Any, errand: errands.Errand, answer: Callable[[Any], wire.Answer]) -> None:
        """Let a child do what may take its time, and answer when it has."""
        errands.run(
            self._nursery,
            "pipetui-errand",
            errand,
            lambda value: self._say(answer(value)),
            lambda problem: self._say(wire.Failed(request.request, problem)),
        )

    def _fetch(self, request: wire.Fetch) -> wire.Answer:
        entry = self._ring.get(request.number)
        return wire.Whole(request.request, entry.line() if entry else None)

    def _find(self, request: wire.Find) -> wire.Answer:
        return wire.Found(request.request, find(self._ring, request))

    def _export(self, request: wire.Export) -> wire.Answer:
        return export(self._ring, request)

    def _peek(self, request: wire.Peek) -> None:
        pipe = self._observatory.pipe(request.id)
        if pipe is None:
            raise Gone("the pipe is gone")
        name = pipe.path or f"pipe:[{pipe.id.inode}]"

        def look() -> tuple[bytes, int, int, float]:
            seen = peek(pipe.ends, pipe.id, name)
            return seen.data, seen.queued, seen.capacity, seen.time

        def answer(seen: tuple[bytes, int, int, float]) -> wire.Answer:
            return wire.Peeked(request.request, decode(seen[0]), *seen[1:])

        self._errand(request, look, answer)

    def _examine(self, request: wire.Examine) -> None:
        def answer(value: Any) -> wire.Answer:
            examined: Examination = EXAMINATION.decode(value)
            return wire.Examined(request.request, examined.process, examined.family, examined.pipes)

        self._errand(request, lambda: EXAMINATION.encode(examine(request.pid)), answer)

    def _past(self, request: wire.Past) -> wire.Answer:
        samples = self._observatory.histories.whole(request.id)
        return wire.Samples(request.request, tuple(wire.Sample(*sample) for sample in samples))

    def _signal(self, request: wire.Signal) -> wire.Answer:
        send_signal(request.pid, request.command, request.number)
        return wire.Done(request.request)

    def _stop_lab(self, request: wire.StopLab) -> wire.Answer:
        self._theatre.stop(request.run)
        return wire.Done(request.request)

    def _tell_lab(self, request: wire.TellLab) -> wire.Answer:
        self._theatre.tell(request.run, request.text)
        return wire.Done(request.request)

    def _run_bench(self, request: wire.RunBench) -> wire.Answer:
        self._bench.run(request.seconds, request.mechanisms, request.sizes)
        return wire.Done(request.request)

    def _stop_bench(self, request: wire.StopBench) -> wire.Answer:
        self._bench.stop()
        return wire.Done(request.request)

    # --- what changes ---------------------------------------------------------------------------------------------

    def _on_row(self, kind: str, key: Any) -> None:
        if kind == "pipe":
            self._dirty_pipes[key] = None
        elif kind == "process":
            self._dirty_processes[key] = None
        elif kind == "findings":
            self._findings_news = True
        self._wake()

    def _on_actor(self, number: int) -> None:
        self._dirty_actors[number] = None
        member = self._troupe.members.get(number)
        if member is not None and member.state.phase == "ended":
            self._observatory.unname(member.state.pid)
        self._wake()

    def _on_lab(self, number: int) -> None:
        self._dirty_labs[number] = None
        self._wake()

    def _on_bench(self) -> None:
        self._bench_news = True
        self._wake()

    def _on_said(self, lab: str, said: Said) -> None:
        """What a lab's process says is a message too, one that nobody had to read from a pipe."""
        payload = encode(f"{said.name}: {said.text}")
        number = self._ring.advance(1, len(payload)) + 1
        self._ring.add(Entry(number, said.time, lab, 0, said.pid, len(payload), payload, ""))
        self._log_news = True

    def _on_cast(self, pid: int, part: str) -> None:
        if part:
            self._observatory.name(pid, part)
        else:
            self._observatory.unname(pid)

    def _on_pipe(self, identity: PipeId, queued: int | None, capacity: int | None) -> None:
        """An actor has told something about its pipe: its fill, or that it may have ended."""
        actors = self._troupe.on_pipe(identity)
        if not actors:
            self._observatory.forget_fill(identity)
        elif queued is not None and capacity is not None:
            self._observatory.note_fill(identity, queued, capacity)
        ours = {actor.pid for actor in actors}
        pipe = self._observatory.pipe(identity)
        rates: list[float | None] = []
        for role, access in (("producer", "w"), ("consumer", "r")):
            mine = [actor.rate for actor in actors if actor.role == role]
            all_mine = pipe is None or set(pipe.holders(access)) <= ours  # type: ignore[arg-type]
            rates.append(sum(mine) if mine and all_mine else None)
        self._observatory.note_rates(identity, *rates)

    def _on_frames(self, member: Member, messages: int, count: int, frames: list[tuple[Frame, float]]) -> None:
        """A consumer has read messages: number them all, keep those it showed."""
        state = member.state
        before = self._ring.advance(messages, count)
        offset = before - (state.counters.messages - messages)
        writers = self._writers(state.pipe, [frame for frame, _ in frames])
        path, pid = state.spec.path, state.pid
        for (frame, when), writer in zip(frames, writers, strict=True):
            payload = frame.payload
            self._ring.add(Entry(frame.number + offset, when, path, pid, writer, len(payload), payload, frame.piece))
        self._log_news = True
        self._wake()

    def _writers(self, identity: PipeId | None, frames: list[Frame]) -> list[int | None]:
        """Say who wrote each message, where that is known: a pipe does not carry it (pipe(7)).

        It is known when the pipe has just one writer, and when all its writers are our own and announced it.
        """
        if identity is None:
            return [None] * len(frames)
        members = self._troupe.writers(identity)
        ours = {member.state.pid for member in members}
        everybody = ours | set(self._observatory.writers(identity))
        if len(everybody) == 1:
            return [everybody.pop()] * len(frames)
        return authors(members, frames) if ours == everybody else [None] * len(frames)

    # --- updates --------------------------------------------------------------------------------------------------

    def _ready(self, ready: wire.Ready) -> None:
        looked_elsewhere = self._credit is None or ready.log != self._credit.log
        self._credit = ready
        self._interval = min(max(ready.interval, FASTEST), SLOWEST)
        self._observatory.show_anonymous(ready.anonymous)
        if looked_elsewhere:
            self._log_news = True
        self._wake()

    def _wake(self) -> None:
        """There may be something to say: say it when the frame interval allows."""
        if self._credit is None or (self._timer is not None and self._timer.pending):
            return
        wait = self._last_update + self._interval - time.monotonic()
        self._timer = self._loop.later(wait, self._update)

    def _update(self) -> None:
        ready = self._credit
        if ready is None or self._outlet.backlog:
            if ready is not None:
                self._timer = self._loop.later(self._interval, self._update)
            return
        update = self._news(ready)
        if update is None:
            return
        self._credit = None
        self._last_update = time.monotonic()
        self._say(update)

    def _news(self, ready: wire.Ready) -> wire.Update | None:
        """Return what the client does not know yet, or None."""
        status = self._status()
        page = self._reader.page(ready.log) if self._log_news or self._reader.unfinished else None
        self._log_news = False
        rows, gone = self._take(self._dirty_pipes, self._shown_pipes, self._observatory.row)
        actors, actors_gone = self._take(self._dirty_actors, self._shown_actors, self._actor)
        processes, processes_gone = self._take(self._dirty_processes, self._shown_processes, self._observatory.process)
        labs, labs_gone = self._take(self._dirty_labs, self._shown_labs, self._theatre.state)
        update = wire.Update(
            status if status != self._said_status else None,
            rows,
            gone,
            actors,
            actors_gone,
            processes,
            processes_gone,
            page,
            bool(self._dirty_pipes),
            self._observatory.findings() if self._findings_news else None,
            labs,
            labs_gone,
            self._bench.report if self._bench_news else None,
        )
        self._said_status = status
        self._findings_news = False
        self._bench_news = False
        if self._reader.unfinished:
            self._timer = None
            self._loop.later(0.01, self._wake)
        return None if update == wire.Update() else update

    @staticmethod
    def _take(dirty: dict[Any, None], shown: set[Any], row: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Take up to `MOST_ROWS` changed rows; return those that are and the keys of those that no longer are.

        Fewer if they are large: all have to fit into one frame.
        """
        rows: list[Any] = []
        gone: list[Any] = []
        room = MOST_TEXT
        for key in list(dirty)[:MOST_ROWS]:
            if room < 0:
                break
            del dirty[key]
            value = row(key)
            if value is not None:
                room -= limits.weight(value)
                rows.append(value)
                shown.add(key)
            elif key in shown:
                gone.append(key)
                shown.discard(key)
        return tuple(rows), tuple(gone)

    def _actor(self, number: int) -> Any:
        member = self._troupe.members.get(number)
        return member.state if member else None

    def _status(self) -> Status:
        return Status(
            socket.gethostname(),
            bool(self._observatory.scanning),
            self._observatory.unreadable,
            self._observatory.notes,
            self._observatory.troubles,
            self._observatory.unseen,
        )
