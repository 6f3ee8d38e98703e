"""The watcher: looks at all ends, fills and waits again and again, in a child process, and tells what changed.

Three things make it look. Inotify says that somebody opened or closed a FIFO it knows: then the screen is right
within a frame or two. A glance, one small file a task, sees that other tasks than before are blocked in an open. And
time passes, because a fork, an exit and waits on anonymous pipes announce themselves nowhere. How often it glances and
looks depends on what that costs, so that the steady share of a core stays small on a machine of any size. Writes and
reads are counted by inotify while they are few (see `activity.py`) and told as rates.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pipetui.kernel.procfs import Proc
from pipetui.model import Finding, Pipe, PipeId, Process
from pipetui.watch import bounds
from pipetui.watch.activity import SETTLE as EVENTS_APART
from pipetui.watch.activity import Activity, Stirred
from pipetui.watch.diagnosis import Judge
from pipetui.watch.memory import WaitMemory
from pipetui.watch.processes import Processes
from pipetui.watch.report import Rate, Reach, WatchOrder, WatchReport
from pipetui.watch.waits import openers
from pipetui.watch.world import World, observe

#: The share of a core that looks, and that glances, may take when nothing happens; the bounds of their intervals (s).
SHARE = 0.003
EAGER, LAZY = 1.0, 120.0

#: The share of a core that looks may take while something is too young to be told: there always is on a busy machine.
HASTE = 0.02

#: Looks that events ask for are this far apart at least (seconds), and further if a look takes long.
SETTLE = 0.03
SETTLE_FACTOR = 8.0

#: Rates are taken over this time and told this often while there are any (seconds); over less than the last of these
#: they are not known.
WINDOW = 2.0
RATES_EVERY = 0.5
LEAST = 1.0


#: A FIFO that was not written for so long (seconds) is not flooded; its times are that exact.
STILL = 0.5


class _Meter:
    """Writes and reads of one FIFO in the last moments."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque()

    def mark(self, stirred: Stirred) -> None:
        if stirred.counted:
            self._marks.append((time.monotonic(), stirred.writes, stirred.reads))
        else:
            self._marks.clear()

    def rates(self, span: float) -> tuple[float, float]:
        """Return writes and reads a second in the last `span` seconds."""
        now = time.monotonic()
        while self._marks and self._marks[0][0] < now - span:
            self._marks.popleft()
        writes, reads = (sum(mark[index] for mark in self._marks) / span for index in (1, 2))
        return float(f"{writes:.2g}"), float(f"{reads:.2g}")


class Watcher:
    """Looks, and remembers what it has told."""

    def __init__(self, proc: Proc | None = None) -> None:
        self._proc = proc or Proc()
        self._activity = Activity()
        self._memory = WaitMemory()
        self._judge = Judge()
        self._again: float | None = None
        self._known: dict[str, PipeId] = {}
        self._names: dict[PipeId, set[str]] = {}
        self._elsewhere: set[PipeId] = set()
        self._kernel: set[int] = set()
        self._all = True
        self._anonymous = False
        self._processes = Processes(self._proc)
        self._pipes: dict[PipeId, Pipe] = {}
        self._people: dict[int, Process] = {}
        self._findings: tuple[Finding, ...] = ()
        self._meters: dict[PipeId, _Meter] = {}
        self._reported: dict[PipeId, Rate] = {}
        self._unsettled: set[PipeId] = set()
        self._cost = 0.0
        self._due = 0.0
        self._last = 0.0
        self._rates_due = float("inf")
        self._openers: frozenset[int] = frozenset()
        self._glance_due = float("inf")

    # --- what is to be watched ------------------------------------------------------------------------------------

    def obey(self, order: WatchOrder) -> None:
        """Take over which FIFOs exist, and what a screen shows."""
        nameless = {identity for path in order.forget if (identity := self._unname(path)) is not None}
        for path, identity in order.known:
            before = self._unname(path) if self._known.get(path) != identity else None
            if before is not None:
                nameless.add(before)
            self._known[path] = identity
            self._names.setdefault(identity, set()).add(path)
            self._activity.add(path, expected=identity)
        for identity in nameless - self._names.keys():
            if identity in self._pipes:
                self._elsewhere.add(identity)  # somebody has it open: the next look decides
            else:
                self._unwatch(identity)
        if order.elsewhere is not None:
            self._all = order.elsewhere
        if order.anonymous is not None:
            self._anonymous = order.anonymous
        self._due = min(self._due, self._soon())

    def _soon(self) -> float:
        return max(time.monotonic(), self._last + max(SETTLE, self._cost * SETTLE_FACTOR))

    def _unname(self, path: str) -> PipeId | None:
        """Forget a path; return its FIFO if no other path is known of it."""
        identity = self._known.pop(path, None)
        if identity is None:
            return None
        names = self._names[identity]
        names.discard(path)
        if names:
            return None
        del self._names[identity]
        return identity

    def _unwatch(self, identity: PipeId) -> None:
        self._elsewhere.discard(identity)
        self._meters.pop(identity, None)
        self._activity.remove(identity)
        self._unsettled.add(identity)
        self._rates_due = min(self._rates_due, time.monotonic())

    def _watch_elsewhere(self, world: World) -> None:
        """Watch FIFOs that were not found but that a process holds, by their name or, without one, by a descriptor.

        One list tells what is found, another what is held, and a FIFO is on either, on both, and may change over: it is
        watched until it is on neither.
        """
        fifos = [pipe for pipe in world.pipes if pipe.kind == "fifo" and (pipe.ends or pipe.waiters)]
        held = {pipe.id for pipe in fifos if pipe.id not in self._names} if self._all else set()
        for identity in self._elsewhere - held - self._names.keys():
            self._unwatch(identity)
        self._elsewhere = held
        for pipe in fifos:
            if (pipe.id in held or pipe.id in self._names) and not self._activity.watches(pipe.id):
                self._watch(pipe)
        self._unsettled.update(pipe.id for pipe in fifos)
        self._unsettled.update(self._reported)
        self._rates_due = min(self._rates_due, time.monotonic())

    def _watch(self, pipe: Pipe) -> None:
        ways = [] if pipe.deleted else list(pipe.paths[:1])
        ways += [f"{self._proc.root}/{end.pid}/fd/{end.fd}" for end in pipe.ends[:1]]
        for way in ways:
            self._activity.add(way, expected=pipe.id)

    # --- events ---------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return the descriptor that polls readable when `stir` should be called."""
        return self._activity.fileno()

    def stir(self) -> None:
        """Take the events: an open or close makes the next look due soon, a write or read counts."""
        for stirred in self._activity.read():
            if stirred.opens or stirred.closes:
                self._due = min(self._due, self._soon())
            if stirred.writes or stirred.reads:
                self._meters.setdefault(stirred.id, _Meter()).mark(stirred)
                self._unsettled.add(stirred.id)
                before = self._reported.get(stirred.id)
                # a flood is told at once: its folder then is left unwatched, which the flood feels
                news = self._activity.paused(stirred.id) and not (before and before.flooded)
                self._rates_due = min(self._rates_due, time.monotonic() + (0 if news else RATES_EVERY))

    def timeout(self) -> float:
        """Return the seconds until there is something to do although nothing happens."""
        now = time.monotonic()
        paused = self._activity.timeout()
        soonest = min(self._due, self._rates_due, self._glance_due) - now
        return max(0.0, soonest if paused is None else min(soonest, paused))

    def reports(self) -> Iterator[WatchReport]:
        """Do what is due, and yield what there is to tell, what is quickly found out first."""
        now = time.monotonic()
        if self._activity.timeout() == 0:
            self.stir()
        yield from self._due_rates()
        if now >= self._glance_due:
            self._glance()
        if time.monotonic() >= self._due:
            yield self.look()
            yield from self._due_rates()

    def _glance(self) -> None:
        """See whether others than before are blocked in an open; then look soon."""
        started = time.process_time()
        waiting = openers(self._proc, self._kernel)
        if waiting != self._openers:
            self._openers = waiting
            self._due = min(self._due, self._soon())
        self._glance_due = time.monotonic() + _interval(time.process_time() - started)

    def _due_rates(self) -> Iterator[WatchReport]:
        if time.monotonic() >= self._rates_due and (rates := self._changed_rates()):
            yield WatchReport(rates=tuple(rates))

    def _changed_rates(self) -> list[Rate]:
        """Return the rates that are others than they were told; come back soon for those that may change by themselves.

        A FIFO of which no rate was told has none that is known.
        """
        news: list[Rate] = []
        for identity in list(self._unsettled):
            rate = self._rate(identity)
            if rate != self._reported.get(identity, Rate(identity)):
                news.append(rate)
            if rate == Rate(identity):
                self._reported.pop(identity, None)
            else:
                self._reported[identity] = rate
            if self._is_settled(rate):
                self._meters.pop(identity, None)
                self._unsettled.discard(identity)
        self._rates_due = time.monotonic() + RATES_EVERY if self._unsettled else float("inf")
        return news

    def _rate(self, identity: PipeId) -> Rate:
        """Return what is known of writes and reads on a FIFO."""
        counted = self._activity.counted_for(identity)
        if counted is None or counted < LEAST:
            return Rate(identity, flooded=self._activity.paused(identity))
        meter = self._meters.get(identity)
        writes, reads = meter.rates(min(WINDOW, counted)) if meter else (0.0, 0.0)
        if not writes and not reads and identity not in self._pipes:
            return Rate(identity)  # nobody has it open any more
        return Rate(identity, writes, reads)

    def _is_settled(self, rate: Rate) -> bool:
        """Whether a rate stays as it is until something happens."""
        counted = self._activity.counted_for(rate.id)
        return not (rate.flooded or rate.writes or rate.reads) and (counted is None or counted >= LEAST)

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self) -> WatchReport:
        """Look at everything and return what changed."""
        started = time.process_time()
        world = self._observe()
        report = self._compare(world)
        self._watch_elsewhere(world)
        self._cost = time.process_time() - started
        self._last = time.monotonic()
        self._due = self._last + _interval(self._cost)
        if self._again is not None:  # something is too young to be told, or has to be confirmed
            soon = max(self._soon(), self._last + self._cost / HASTE)
            self._due = min(self._due, max(soon, self._last + self._again - time.time()))
        if self._glance_due == float("inf"):
            self._glance_due = self._last  # the first one: only now it is known who is a kernel thread
        return report

    def _observe(self) -> World:
        known = [Pipe(identity, paths=(path,)) for path, identity in self._known.items()]
        return observe(
            known,
            self._proc,
            nonblocking=True,
            measured="all" if self._anonymous else "fifos",
            asked=not self._all,
            kernel=self._kernel,
            memory=self._memory,
        )

    def _compare(self, world: World) -> WatchReport:
        plumbing = _plumbing(world) if self._anonymous else frozenset()
        pipes = {
            pipe.id: pipe
            for pipe in world.pipes
            if (pipe.ends or pipe.waiters)
            and (pipe.kind == "fifo" or (self._anonymous and not plumbing.issuperset(end.pid for end in pipe.ends)))
        }
        pipes, left_out = bounds.of_pipes(pipes)
        pids = {end.pid for pipe in pipes.values() for end in pipe.ends}
        pids |= {waiter.pid for pipe in pipes.values() for waiter in pipe.waiters}
        pids, more_people = bounds.of_pids(pids)
        looked = self._processes.look(pids, world.parents)
        people = {process.pid: bounds.of_process(_steady(process)) for process in looked}
        found = self._judge.judge(world)
        self._again = found.again
        findings, more_findings = bounds.of_findings(found.findings)
        self._hasten(pipes.values())
        notes = (*world.partial, *left_out, *more_people, *more_findings)
        report = WatchReport(
            pipes=tuple(pipe for identity, pipe in pipes.items() if self._pipes.get(identity) != pipe),
            gone=tuple(identity for identity in self._pipes if identity not in pipes),
            processes=tuple(process for pid, process in people.items() if self._people.get(pid) != process),
            ended=tuple(pid for pid in self._people if pid not in people),
            findings=findings if findings != self._findings else None,
            reach=Reach(world.unreadable, notes, world.unseen),
        )
        self._pipes, self._people, self._findings = pipes, people, findings
        return report

    def _hasten(self, pipes: Iterable[Pipe]) -> None:
        """A flooded FIFO whose times stand still is flooded no more."""
        still = time.time() - STILL
        for pipe in pipes:
            if pipe.last_write is not None and pipe.last_write < still:
                self._activity.hasten(pipe.id)


def _plumbing(world: World) -> frozenset[int]:
    """Return pipetui's own processes, between which anonymous pipes run that nobody asks about.

    They are the hub, of which this is a child, its other children, and whoever started the hub.
    """
    hub = os.getppid()
    state = world.processes.get(hub)
    starter = {state.parent} if state else set()
    return frozenset({hub, *starter} | {one.pid for one in world.processes.values() if one.parent == hub})


def _interval(cost: float) -> float:
    """Return how long to wait after something that took `cost` seconds of CPU."""
    return min(LAZY, max(EAGER, cost / SHARE))


def _steady(process: Process) -> Process:
    """Return the process with its CPU share in whole percents, so that an idle one does not change its row."""
    return process if process.cpu is None else replace(process, cpu=round(process.cpu, 2))


def run(
    watcher: Watcher, orders: Callable[[], Iterable[WatchOrder]], control: int, tell: Callable[[WatchReport], None]
) -> None:
    """Watch until `orders`, called when `control` polls readable, says by an exception that nobody listens any more."""
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(watcher.fileno(), select.POLLIN)
    while True:
        for fd, _ in poller.poll(int(watcher.timeout() * 1000 + 0.999) if watcher.timeout() < 1e6 else None):
            if fd == control:
                for order in orders():
                    watcher.obey(order)
            else:
                time.sleep(EVENTS_APART)  # let equal events merge in the queue
                watcher.stir()
        for report in watcher.reports():
            for portion in _portions(report):
                tell(portion)


def _portions(report: WatchReport) -> Iterator[WatchReport]:
    """Divide what is told into portions between which the hub does other things; the last one has all but pipes."""
    *first, last = bounds.portions(report.pipes)
    for pipes in first:
        yield WatchReport(tuple(pipes))
    yield replace(report, pipes=tuple(last))
