"""The hub: one loop that serves a client with what its services offer.

It never blocks and never scans; all that may take its time is done by children.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipetui import __version__
from pipetui.backend.actors.service import Actors
from pipetui.backend.demo import Demo
from pipetui.backend.inventory.service import Inventory
from pipetui.backend.labs.bench import Bench
from pipetui.backend.labs.service import Labs
from pipetui.backend.machine import Machine
from pipetui.backend.messages.patterns import BadPattern, TooSlow
from pipetui.backend.messages.service import Messages
from pipetui.backend.publisher import Publisher
from pipetui.backend.runtime import tasks, tempdir
from pipetui.backend.runtime.children import ChildProcesses
from pipetui.backend.runtime.loop import Loop
from pipetui.backend.runtime.writer import Writer
from pipetui.backend.service import Background, Handler, Service
from pipetui.kernel.errors import NotPermitted, PipeError
from pipetui.kernel.fd import Fd
from pipetui.protocol import effects
from pipetui.protocol.codec import WireError
from pipetui.protocol.frames import Splitter
from pipetui.protocol.messages import (
    VERSION,
    Answer,
    Call,
    Failed,
    FromHub,
    Goodbye,
    Hello,
    Ready,
    Welcome,
    pack,
    unpack_from_client,
)
from pipetui.protocol.requests import Request
from pipetui.watch.roots import default_roots


class Hub:
    """One hub for one client on two descriptors."""

    def __init__(self, stdin: int = 0, stdout: int = 1, writer: type[Writer] = Writer) -> None:
        self._loop = Loop()
        self._stdin = stdin
        self._writer = writer(self._loop, stdout)
        self._splitter = Splitter()
        self._children = ChildProcesses(self._loop)
        self._inventory = Inventory(self._loop, self._children)
        messages = Messages(self._loop)
        actors = Actors(self._loop, self._children, self._inventory, messages)
        self._demo = Demo(actors)
        self._services: tuple[Service, ...] = (
            self._inventory,
            messages,
            actors,
            Machine(self._inventory),
            Labs(self._children, self._inventory, messages),
            Bench(self._children),
            self._demo,
        )
        self._handlers = handlers_of(self._services)
        sources = [source for service in self._services for source in service.feeds()]
        self._publisher = Publisher(self._loop, self._writer, sources, self._loop.stop)
        self._greeted = False
        self._read_only = effects.read_only()

    # --- life -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve the client until its stdin ends or a signal says so; then end the children and clean up."""
        with self._signals():
            self._listen()
            try:
                self._loop.run()
            finally:
                self._leave()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let signals end the loop, wherever it waits."""
        wakeup, waker = (Fd(number) for number in os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self._loop.stop())
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        with wakeup, waker:
            self._loop.on_readable(wakeup.fileno(), lambda: _swallow(wakeup))
            try:
                yield
            finally:
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

    def _leave(self) -> None:
        self._children.end_all()
        for service in self._services:
            service.close()
        self._writer.finish(0.2)
        self._loop.close()

    # --- the link -------------------------------------------------------------------------------------------------

    def _on_stdin(self) -> None:
        data = os.read(self._stdin, 1 << 16)
        if not data:
            self._loop.stop()
            return
        try:
            for body in self._splitter.feed(data):
                self._on_message(unpack_from_client(body))
        except WireError as error:
            self._end_link(f"the client sent something that is not understood ({error})")

    def _on_message(self, message: Hello | Ready | Call) -> None:
        if isinstance(message, Hello):
            self._hello(message)
        elif not self._greeted:
            self._end_link("the client did not say hello first")
        elif isinstance(message, Ready):
            for service in self._services:
                service.ready(message)
            self._publisher.ready(message)
        else:
            self._carry_out(message.number, message.request)

    def _send(self, message: FromHub) -> None:
        self._writer.write(pack(message))
        if self._writer.broken:
            self._loop.stop()

    def _end_link(self, reason: str) -> None:
        self._send(Goodbye(reason))
        self._loop.stop()

    def _hello(self, hello: Hello) -> None:
        if self._greeted:
            self._end_link("the client said hello twice")
            return
        if hello.version != VERSION:
            self._end_link(
                f"this hub (pipetui {__version__}) speaks version {VERSION} of the protocol, "
                f"the client version {hello.version}; install the same pipetui on both sides"
            )
            return
        self._greeted = True
        self._read_only = self._read_only or hello.read_only
        if not self._read_only:
            tempdir.clean_up()
        self._send(Welcome(VERSION, socket.gethostname(), os.getpid(), f"pipetui {__version__}", self._read_only))
        if not hello.watch:
            return
        try:
            self._begin(hello)
        except PipeError as error:  # no folder for the demo, or no process to look with
            self._end_link(str(error))

    def _begin(self, hello: Hello) -> None:
        """Look at the machine, and play the demo if it is wanted."""
        roots = hello.roots or (() if hello.demo else default_roots())
        if hello.demo and self._read_only:
            raise NotPermitted(effects.REFUSED)
        if hello.demo:
            roots = (self._demo.start(), *roots)
        self._inventory.start(roots, elsewhere=not hello.roots and not hello.demo)

    # --- requests -------------------------------------------------------------------------------------------------

    def _carry_out(self, number: int, request: Request[Any]) -> None:
        if self._read_only and request.effect != "passive":
            self._send(Failed(number, effects.REFUSED))
            return
        try:
            answer = self._handlers[type(request)](request)
        except (PipeError, BadPattern, TooSlow) as error:
            self._send(Failed(number, str(error)))
            return
        if isinstance(answer, Background):
            self._in_background(number, answer)
        else:
            self._send(Answer(number, answer))

    def _in_background(self, number: int, task: Background) -> None:
        """Let a child do what may take its time, and answer when it has."""
        tasks.run(
            self._children,
            "pipetui-task",
            task.work,
            lambda value: self._send(Answer(number, task.answer(value))),
            lambda problem: self._send(Failed(number, problem)),
        )


def handlers_of(services: tuple[Service, ...]) -> Mapping[type[Request[Any]], Handler]:
    """Return the handler of each kind of request; each has exactly one."""
    handlers: dict[type[Request[Any]], Handler] = {}
    for service in services:
        for kind, handler in service.handlers().items():
            assert kind not in handlers, kind
            handlers[kind] = handler
    return handlers


def _swallow(wakeup: Fd) -> None:
    try:
        os.read(wakeup.fileno(), 64)
    except BlockingIOError:
        pass
