"""The watcher: looks at all ends, fills and waits again and again, in a child process, and tells what changed.

Two things make it look: inotify says that somebody opened or closed a FIFO it knows (then the screen is right within
a frame or two), and time passes, because a blocked opener, a fork and an exit announce themselves nowhere. How often
depends on what a look costs, so that the steady share of a core stays small on a machine of any size.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable
from typing import Any

from pipetui.kernel import inotify
from pipetui.kernel.errors import PipeError
from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId, Process
from pipetui.watch.census import take
from pipetui.watch.fill import fills
from pipetui.watch.join import join
from pipetui.watch.processes import Processes
from pipetui.watch.waits import waits

_MASK = inotify.OPEN | inotify.CLOSE_WRITE | inotify.CLOSE_NOWRITE

#: The share of a core that looking may take when nothing happens, and the bounds of the interval (seconds).
SHARE = 0.004
EAGER, LAZY = 1.0, 15.0

#: Looks that events ask for are this far apart at least (seconds), and further if a look takes long.
SETTLE = 0.03
SETTLE_FACTOR = 4.0


class Sight:
    """What changed since the last look."""

    def __init__(self) -> None:
        self.pipes: list[Pipe] = []
        self.gone: list[PipeId] = []
        self.processes: list[Process] = []
        self.ended: list[int] = []
        self.unreadable = 0
        self.partial: tuple[str, ...] = ()


class Watcher:
    """Looks, and remembers what it has told."""

    def __init__(self, proc: Proc | None = None) -> None:
        self._proc = proc or Proc()
        self._inotify = inotify.Inotify()
        self._known: dict[str, PipeId] = {}
        self._watches: dict[str, int] = {}
        self._kernel: set[int] = set()
        self._processes = Processes(self._proc)
        self._pipes: dict[PipeId, Pipe] = {}
        self._people: dict[int, Process] = {}
        self._cost = 0.0
        self._due = 0.0
        self._last = 0.0

    def know(self, fifos: Iterable[tuple[str, PipeId]], forget: Iterable[str]) -> None:
        """Take over which FIFOs exist: their opens and closes are watched from now on."""
        for path in forget:
            self._known.pop(path, None)
            number = self._watches.pop(path, None)
            if number is not None:
                self._inotify.remove(number)
        for path, identity in fifos:
            self._known[path] = identity
            try:
                self._watches[path] = self._inotify.add(path, _MASK | inotify.DONT_FOLLOW)
            except PipeError:
                pass  # vanished, or no watch to be had: then it is looked at as often as everything else
        self._due = min(self._due, self._soon())

    def _soon(self) -> float:
        return max(time.monotonic(), self._last + max(SETTLE, self._cost * SETTLE_FACTOR))

    def fileno(self) -> int:
        """Return the descriptor that polls readable when `stir` should be called."""
        return self._inotify.fileno()

    def stir(self) -> None:
        """Take the events: an open or close makes the next look due soon."""
        if self._inotify.read():
            self._due = min(self._due, self._soon())

    def timeout(self) -> float:
        """Return the seconds until the next look is due."""
        return max(0.0, self._due - time.monotonic())

    def look(self) -> Sight:
        """Look at everything and return what changed."""
        started = time.process_time()
        self._inotify.read()  # what happened up to now is about to be seen
        sight = self._compare()
        self._cost = time.process_time() - started
        self._last = time.monotonic()
        self._due = self._last + min(LAZY, max(EAGER, self._cost / SHARE))
        return sight

    def _compare(self) -> Sight:
        census = take(self._proc, nonblocking=True, kernel=self._kernel)
        known = [Pipe(identity, paths=(path,)) for path, identity in self._known.items()]
        joined = join(known, census, fills(census.ends), waits(self._proc, census, known))
        pipes = {pipe.id: pipe for pipe in joined if pipe.ends or pipe.waiters}
        pids = {end.pid for pipe in pipes.values() for end in pipe.ends}
        pids |= {waiter.pid for pipe in pipes.values() for waiter in pipe.waiters}
        people = {process.pid: process for process in self._processes.look(pids)}
        sight = Sight()
        sight.pipes = [pipe for identity, pipe in pipes.items() if self._pipes.get(identity) != pipe]
        sight.gone = [identity for identity in self._pipes if identity not in pipes]
        sight.processes = [process for pid, process in people.items() if self._people.get(pid) != process]
        sight.ended = [pid for pid in self._people if pid not in people]
        sight.unreadable, sight.partial = census.unreadable, census.partial
        self._pipes, self._people = pipes, people
        return sight


def run(watcher: Watcher, orders: Callable[[], list[Any]], control: int, tell: Callable[[Sight], None]) -> None:
    """Look whenever it is due, until `orders` says by an exception that nobody listens any more.

    `control` polls readable when `orders` has something: pairs of FIFOs to know and paths to forget.
    """
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(watcher.fileno(), select.POLLIN)
    while True:
        for fd, _ in poller.poll(watcher.timeout() * 1000):
            if fd == control:
                for known, forget in orders():
                    watcher.know(known, forget)
            else:
                watcher.stir()
        if watcher.timeout() == 0:
            tell(watcher.look())
