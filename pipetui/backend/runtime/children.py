"""Forks the hub's children and minds them: a control pipe to each, a report pipe from each, a pidfd for its end.

A child keeps nothing of the hub but its two pipe ends and stderr; it dies with the hub (PR_SET_PDEATHSIG, and EOF on
its control pipe). Its end is known when its pidfd becomes readable, and told only after its last report was read.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from pipetui.backend.runtime.channel import Receiver, Sender
from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.backend.runtime.orders import ACTOR_ORDER, ActorOrder
from pipetui.kernel.fd import Fd
from pipetui.kernel.lifetime import close_all_except, die_with_parent, pidfd_open, set_name

#: What a child runs: it is given its control fd and its report fd, both nonblocking.
ChildMain = Callable[[int, int], None]

#: The exit code of a child that ended by an error of ours (EX_SOFTWARE, sysexits.h).
BROKEN = 70

#: Seconds after which an unacknowledged poke is repeated.
POKE_AGAIN = 0.1

#: What our producers and consumers are called, and the seconds after which they are asked to end once more.
ACTORS = ("pipetui-prod", "pipetui-cons")
TERM_AGAIN = 0.2

#: How far our children stand back (nice(2)): helpers a little, producers and consumers far enough that the
#: screen and the hub stay quick while four floods run. On an idle machine they are as fast as ever.
HELPER_NICENESS = 5
ACTOR_NICENESS = 10


class Child:
    """One forked child as the hub knows it."""

    def __init__(self, loop: Loop, name: str, pid: int, control: Fd, report: Fd) -> None:
        self.name = name
        self.pid = pid
        self.exit_code: int | None = None
        self.exit_signal: int | None = None
        self._loop = loop
        self._control = control
        self._report = report
        self._sender = Sender(control.fileno())
        self._receiver = Receiver(report.fileno())
        self._pidfd = pidfd_open(pid)
        self._orders = 0
        self._poke: Timer | None = None
        self._on_report: Callable[[Any], None] = lambda _report: None
        self._on_exit: Callable[[], None] = lambda: None

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if self.exit_signal is not None:
            return f"killed by signal {self.exit_signal}"
        return f"exit code {self.exit_code}"

    @property
    def alive(self) -> bool:
        """Whether its end has not been seen yet."""
        return self.exit_code is None and self.exit_signal is None

    def listen(self, on_report: Callable[[Any], None], on_exit: Callable[[], None]) -> None:
        """Call `on_report` with each of its reports, and `on_exit` once, after the last."""
        self._on_report, self._on_exit = on_report, on_exit
        self._loop.on_readable(self._report.fileno(), self._read)
        if self._pidfd is not None:
            self._loop.on_readable(self._pidfd.fileno(), self._ended)

    def catch_up(self) -> None:
        """Take what it has reported up to now, out of turn."""
        before = -1
        while self.alive and not self._receiver.ended and self._receiver.taken != before:
            before = self._receiver.taken
            self._read()

    def _read(self) -> None:
        for report in self._receiver.receive():
            self._on_report(report)
        if self._receiver.ended:
            self._loop.forget(self._report.fileno())
            if self._pidfd is None:
                self._ended()

    def _ended(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            self.exit_signal = -code
        else:
            self.exit_code = code
        while not self._receiver.ended:
            before = self._receiver.taken
            for report in self._receiver.receive():
                self._on_report(report)
            if self._receiver.taken == before:
                break
        self._close()
        self._on_exit()

    def _close(self) -> None:
        if self._poke:
            self._poke.cancel()
        self._loop.forget(self._report.fileno())
        self._loop.forget(self._control.fileno())
        self._report.close()
        self._control.close()
        if self._pidfd is not None:
            self._loop.forget(self._pidfd.fileno())
            self._pidfd.close()

    def send(self, value: Any) -> None:
        """Send it a value over its control pipe; what does not fit now follows when there is room."""
        if not self.alive:
            return
        try:
            self._sender.send(value)
        except BrokenPipeError:
            return
        if self._sender.backlog:
            self._loop.on_writable(self._control.fileno(), self._send_more)

    def _send_more(self) -> None:
        try:
            done = self._sender.flush()
        except BrokenPipeError:
            done = True
        if done:
            self._loop.on_writable(self._control.fileno(), None)

    def order(self, *, pause: bool | None = None, rate: float | None = None, delay: float | None = None) -> int:
        """Give an actor an order, and poke it until it says that it has taken it. Return the order's number."""
        self._orders += 1
        self.send(ACTOR_ORDER.encode(ActorOrder(self._orders, pause, rate, delay)))
        if self._poke is None or not self._poke.pending:
            self._poke_it()
        return self._orders

    def _poke_it(self) -> None:
        self.signal(signal.SIGUSR1)
        self._poke = self._loop.later(POKE_AGAIN, self._poke_it)

    def acknowledge(self, order: int) -> None:
        """Take note of the newest order that the child has taken."""
        if self._poke is not None and order >= self._orders:
            self._poke.cancel()

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended (its pid is ours until we have waited for it)."""
        if self.alive:
            os.kill(self.pid, number)


class ChildProcesses:
    """All children of one hub."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._by_pid: dict[int, Child] = {}
        # Forked children inherit it: a poke that comes before a child has its own handler must not end it.
        signal.signal(signal.SIGUSR1, _ignore)

    def fork(
        self,
        name: str,
        main: ChildMain,
        on_report: Callable[[Any], None],
        on_exit: Callable[[Child], None],
        niceness: int = HELPER_NICENESS,
    ) -> Child:
        """Fork a child that runs `main`; `name` is what `ps` calls it. Raises OSError when there can be no more."""
        control_read, control_write = _pipe()
        report_read, report_write = _pipe()
        hub = os.getpid()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            _be_child(name, main, hub, control_read.detach(), report_write.detach(), niceness)
        control_read.close()
        report_write.close()
        child = Child(self._loop, name, pid, control_write, report_read)
        self._by_pid[pid] = child

        def ended() -> None:
            del self._by_pid[pid]
            on_exit(child)

        child.listen(on_report, ended)
        return child

    def count(self, name: str) -> int:
        """Return how many children of this name there are."""
        return sum(child.name == name for child in self._by_pid.values())

    def end_all(self, timeout: float = 1.0) -> None:
        """End every child: SIGTERM, and SIGKILL for those still there after `timeout` seconds. Waits for them.

        All are asked at once, and actors again: they notice a signal that came just before a system call at the next.
        """
        deadline = time.monotonic() + timeout
        for child in self._by_pid.values():
            child.signal(signal.SIGTERM)
            child.signal(signal.SIGCONT)
        again = time.monotonic() + TERM_AGAIN
        while self._by_pid and time.monotonic() < deadline:
            if time.monotonic() >= again:
                again = time.monotonic() + TERM_AGAIN
                for child in self._by_pid.values():
                    if child.name in ACTORS:
                        child.signal(signal.SIGTERM)
            self._reap()
            time.sleep(0.005)
        for child in self._by_pid.values():
            child.signal(signal.SIGKILL)
        while self._by_pid:
            self._reap()
            time.sleep(0.001)

    def _reap(self) -> None:
        for pid in list(self._by_pid):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._by_pid[pid]


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; unlike SIG_IGN, exec(2) sets it back to the default."""


def _pipe() -> tuple[Fd, Fd]:
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    return Fd(read), Fd(write)


def _be_child(name: str, main: ChildMain, hub: int, control: int, report: int, niceness: int) -> None:
    """Be the child; never returns."""
    code = BROKEN
    try:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        die_with_parent(hub)
        set_name(name)
        os.nice(niceness)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        close_all_except((control, report))
        main(control, report)
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)
