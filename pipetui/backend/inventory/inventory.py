"""What is known of every pipe, put together from the finders, the watcher and our own actors.

Each root has a finder child (the FIFOs in its folders), the host has one watcher child (ends, waits, fill). A child
that is stuck on a dead disk or has died costs a sentence in the status, never the screen.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pipetui.backend.inventory.history import Histories
from pipetui.backend.runtime import limits
from pipetui.backend.runtime.channel import Receiver, Sender, send_all
from pipetui.backend.runtime.children import Child, Nursery
from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.kernel.errors import PipeError
from pipetui.kernel.procfs import Proc
from pipetui.model import Finding, Mood, Pipe, PipeId, PipeRow, Process
from pipetui.protocol.codec import codec
from pipetui.watch import watcher
from pipetui.watch.owners import owners
from pipetui.watch.state import describe
from pipetui.watch.tree import TreeWatch

_PIPE = codec(Pipe)
_PROCESS = codec(Process)
_FINDING = codec(Finding)
_ORDER = codec(watcher.Order)

#: How a finding calls a process.
_CALLED = re.compile(r"\S+ \((\d+)\)")

#: A finder that has not finished its first search after this long is said to be stuck (seconds).
STUCK = 3.0

#: Bytes moved within this time (seconds) make a pipe "flowing".
RECENT = 2.0

#: How many FIFOs travel in one report.
BATCH = 500


# --- in the children ------------------------------------------------------------------------------------------------


def finder_main(roots: tuple[str, ...], control: int, report: int) -> None:
    """Find the FIFOs below `roots` and keep telling what changes, until the hub is gone."""
    sender, receiver = Sender(report), Receiver(control)
    tree = TreeWatch(*roots)
    said: tuple[str, ...] = ()

    def tell(found: list[Pipe], gone: list[str], *, done: bool) -> None:
        nonlocal said
        for start in range(0, len(found), BATCH):
            batch = [_PIPE.encode(pipe) for pipe in found[start : start + BATCH]]
            send_all(sender, report, {"found": batch, "gone": [], "done": False, "partial": []})
        if gone or done or tuple(tree.partial) != said:
            said = tuple(tree.partial)
            send_all(sender, report, {"found": [], "gone": gone, "done": done, "partial": list(said)})

    try:
        for found in tree.scan():
            tell(found, [], done=False)
        tell([], [], done=True)
    except PipeError as error:
        send_all(sender, report, {"found": [], "gone": [], "done": True, "partial": [str(error)]})
        return
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(tree.fileno(), select.POLLIN)
    while True:
        timeout = tree.timeout()
        if any(fd == control for fd, _ in poller.poll(None if timeout is None else timeout * 1000)):
            for order in receiver.receive():
                if "rest" in order:
                    tree.rest(order["rest"])
                else:
                    tree.wake(order["wake"])
            if receiver.ended:
                return
        changes = tree.read()
        tell(changes.found, changes.gone, done=False)


def watcher_main(control: int, report: int) -> None:
    """Watch ends and waits and tell what changes, until the hub is gone."""
    sender, receiver = Sender(report), Receiver(control)

    def orders() -> list[watcher.Order]:
        taken = [_ORDER.decode(order) for order in receiver.receive()]
        if receiver.ended:
            raise SystemExit
        return taken

    def tell(sight: watcher.Sight) -> None:
        findings = None if sight.findings is None else [_FINDING.encode(finding) for finding in sight.findings]
        value = {
            "pipes": [_PIPE.encode(pipe) for pipe in sight.pipes],
            "gone": [list(identity) for identity in sight.gone],
            "processes": [_PROCESS.encode(process) for process in sight.processes],
            "ended": sight.ended,
            "rates": [[tuple(rate.id), *rate[1:]] for rate in sight.rates],
            "findings": findings,
            "unreadable": sight.unreadable,
            "partial": list(sight.partial),
            "unseen": sight.unseen,
        }
        send_all(sender, report, value)

    try:
        watcher.run(watcher.Watcher(), orders, control, tell)
    except SystemExit:
        return


# --- in the hub -----------------------------------------------------------------------------------------------------


class Observatory:
    """The tables of pipes and processes. `changed` is called with the kind and key of every row that may differ."""

    def __init__(self, loop: Loop, nursery: Nursery, changed: Callable[[str, Any], None]) -> None:
        self._loop = loop
        self._nursery = nursery
        self._changed = changed
        self._found: dict[PipeId, dict[str, Pipe]] = {}
        self._by_path: dict[str, PipeId] = {}
        self._observed: dict[PipeId, Pipe] = {}
        self._fills: dict[PipeId, tuple[int, int]] = {}
        self._rates: dict[PipeId, tuple[float | None, float | None]] = {}
        self._moved: dict[PipeId, float] = {}
        self._calm: dict[PipeId, Timer] = {}
        self._partial: dict[str, tuple[str, ...]] = {}
        self._stuck: dict[str, Timer] = {}
        self._troubles: dict[str, str] = {}
        self._watcher: Child | None = None
        self._names: dict[int, str] = {}
        self.histories = Histories(loop, self._fill, partial(changed, "pipe"))
        self._elsewhere = True
        self._anonymous = False
        self._cut = ""
        self._crowded = False
        self._finders: dict[str, Child] = {}
        self._flooded: set[PipeId] = set()
        self._resting: dict[str, set[PipeId]] = {}
        self._counted: dict[PipeId, tuple[float | None, float | None]] = {}
        self._findings: tuple[Finding, ...] = ()
        self._deadlocked: set[PipeId] = set()
        self._processes: dict[int, Process] = {}
        self._listed: set[int] | None = None  # who has a pipe open that is listed; None when that may have changed
        self.unreadable = 0
        self.unseen = ""
        self.scanning: set[str] = set()

    def start(self, roots: tuple[str, ...], *, elsewhere: bool = True) -> None:
        """Fork the watcher and a finder for each root; `elsewhere` also lists FIFOs that only a process holds."""
        self._elsewhere = elsewhere
        self._watcher = self._nursery.fork("pipetui-watch", watcher_main, self._on_sight, self._on_watcher_end)
        self._order(watcher.Order(elsewhere=elsewhere))
        taken, self._cut = limits.searched(roots)
        for share in limits.shares(taken, {mount.point for mount in Proc().mounts()}):
            self.search(*share)

    def search(self, *roots: str) -> None:
        """Find FIFOs below more roots, by one more child, from now on."""
        root = limits.called(roots)
        report = partial(self._on_found, root)
        ended = partial(self._on_finder_end, root)
        try:
            finder = self._nursery.fork("pipetui-find", partial(finder_main, roots), report, ended)
        except OSError as error:
            self._troubles[root] = f"{root} can't be searched: no process could be started ({error.strerror})"
            self._changed("status", None)
            return
        self._finders[root] = finder
        self.scanning.add(root)
        self._stuck[root] = self._loop.later(STUCK, partial(self._on_stuck, root))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the view lacks."""
        cut = (self._cut, limits.TOO_MANY_FIFOS if self._crowded else "")
        return (*filter(None, cut), *(note for notes in self._partial.values() for note in notes))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What ails our own children."""
        return tuple(self._troubles.values())

    # --- finders --------------------------------------------------------------------------------------------------

    def _on_found(self, root: str, report: dict[str, Any]) -> None:
        self._listed = None
        known: list[watcher.Known] = []
        for encoded in report["found"]:
            pipe: Pipe = _PIPE.decode(encoded)
            path = pipe.paths[0]
            self._forget_path(path, unless=pipe.id)
            if len(self._by_path) >= limits.MOST_LISTED and path not in self._by_path:
                self._crowded = True
                continue
            self._found.setdefault(pipe.id, {})[path] = pipe
            self._by_path[path] = pipe.id
            if pipe.id in self._flooded:
                self._let_rest(path, pipe.id)
            if not self._elsewhere:
                self._list_processes(pipe.id)
                self._changed("findings", None)
            known.append(watcher.Known(path, pipe.id))
            self._changed("pipe", pipe.id)
        for path in report["gone"]:
            self._forget_path(path)
        if known or report["gone"]:
            self._order(watcher.Order(tuple(known), tuple(report["gone"])))
        if report["partial"] or self._partial.get(root):
            self._partial[root] = tuple(report["partial"])
            self._changed("status", None)
        if report["done"]:
            self._searched(root)

    def _list_processes(self, identity: PipeId) -> None:
        """A pipe has come onto the list, or left it: so have the processes at it."""
        for pid in _present(self._observed.get(identity)):
            self._changed("process", pid)

    def _searched(self, root: str) -> None:
        self.scanning.discard(root)
        self._stuck.pop(root).cancel()
        self._troubles.pop(root, None)
        self._changed("status", None)

    def _forget_path(self, path: str, unless: PipeId | None = None) -> None:
        identity = self._by_path.get(path)
        if identity is None or identity == unless:
            return
        del self._by_path[path]
        paths = self._found.get(identity, {})
        paths.pop(path, None)
        if not paths:
            self._found.pop(identity, None)
            self._list_processes(identity)
        self._changed("pipe", identity)

    def _on_finder_end(self, root: str, child: Child) -> None:
        del self._finders[root]
        if root in self.scanning:
            self.scanning.discard(root)
            self._stuck.pop(root).cancel()
        if child.exit_code != 0:
            self._troubles[root] = f"the search of {root} ended ({ending(child)}); its list is no longer kept current"
        self._changed("status", None)

    def _on_stuck(self, root: str) -> None:
        self._troubles[root] = f"still searching {root}"
        self._changed("status", None)

    def _order(self, order: watcher.Order) -> None:
        if self._watcher is not None:
            self._watcher.say(_ORDER.encode(order))

    def show_anonymous(self, shown: bool) -> None:
        """Look at anonymous pipes too, as long as they are on a screen."""
        if shown != self._anonymous:
            self._anonymous = shown
            self._order(watcher.Order(anonymous=shown))

    # --- the watcher ----------------------------------------------------------------------------------------------

    def _on_sight(self, report: dict[str, Any]) -> None:
        self._listed = None
        for encoded in report["pipes"]:
            pipe: Pipe = _PIPE.decode(encoded)
            before = self._observed.get(pipe.id)
            if time.time() - max(pipe.last_write or 0, pipe.last_read or 0) < RECENT and before is not None:
                self._note_movement(pipe.id)  # what has moved since the look before may have moved long ago
            self._observed[pipe.id] = pipe
            for pid in _present(before) ^ _present(pipe):
                self._changed("process", pid)
            self._changed("pipe", pipe.id)
            self.histories.notice(pipe.id)
        for identity in report["gone"]:
            for pid in _present(self._observed.pop(PipeId(*identity), None)):
                self._changed("process", pid)
            self._changed("pipe", PipeId(*identity))
        for encoded in report["processes"]:
            process: Process = _PROCESS.decode(encoded)
            process = replace(process, command=self._names.get(process.pid, process.command))
            self._processes[process.pid] = process
            self._changed("process", process.pid)
        for pid in report["ended"]:
            self._processes.pop(pid, None)
            self._changed("process", pid)
        for identity, *rate in report["rates"]:
            self._on_rate(watcher.Rate(PipeId(*identity), *rate))
        if report["findings"] is not None:
            self._on_findings(tuple(_FINDING.decode(finding) for finding in report["findings"]))
        if report["unreadable"] < 0:
            return  # a word about rates between two looks
        if report["unreadable"] != self.unreadable or tuple(report["partial"]) != self._partial.get("", ()):
            self.unreadable = report["unreadable"]
            self._partial[""] = tuple(report["partial"])
            self._changed("status", None)
        if report["unseen"] != self.unseen:
            self.unseen = report["unseen"]
            self._changed("status", None)
            for identity in self.identities():
                self._changed("pipe", identity)

    def _on_rate(self, rate: watcher.Rate) -> None:
        if rate.writes is None and rate.reads is None:
            self._counted.pop(rate.id, None)
        else:
            self._counted[rate.id] = (rate.writes, rate.reads)
        if rate.writes or rate.reads:
            self._note_movement(rate.id)
        self._note_flood(rate.id, flooded=rate.flooded)
        self._changed("pipe", rate.id)

    def _on_findings(self, findings: tuple[Finding, ...]) -> None:
        self._findings = findings
        self._changed("findings", None)
        dead = {
            PipeId(ref.dev, ref.inode)
            for finding in findings
            if finding.rule == "deadlock" and finding.level == "problem"
            for ref in finding.pipes
        }
        for identity in dead ^ self._deadlocked:
            self._changed("pipe", identity)
        self._deadlocked = dead

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong with the pipes that are listed, the most severe first."""
        return tuple(
            self._renamed(finding)
            for finding in self._findings
            if self._elsewhere or any(PipeId(ref.dev, ref.inode) in self._found for ref in finding.pipes)
        )

    def _note_flood(self, identity: PipeId, *, flooded: bool) -> None:
        if flooded and identity not in self._flooded:
            self._flooded.add(identity)
            observed = self._observed.get(identity)
            for path in self._found.get(identity) or (observed.paths if observed else ()):
                self._let_rest(path, identity)
        elif not flooded and identity in self._flooded:
            self._flooded.discard(identity)
            for folder, floods in list(self._resting.items()):
                floods.discard(identity)
                if not floods:
                    del self._resting[folder]
                    self._tell_finders(folder, "wake")

    def _let_rest(self, path: str, identity: PipeId) -> None:
        """Have the finder leave the folder of a flooded FIFO unwatched: that costs the flood a fifth of its speed."""
        folder = os.path.dirname(path)
        if folder not in self._resting:
            self._tell_finders(folder, "rest")
        self._resting.setdefault(folder, set()).add(identity)

    def _tell_finders(self, folder: str, what: str) -> None:
        for finder in self._finders.values():
            finder.say({what: folder})  # one that does not watch the folder does nothing

    def _renamed(self, finding: Finding) -> Finding:
        """Return a finding in which our own actors are called by their names: `python (12)` is `clerk (12)`."""

        def name(match: re.Match[str]) -> str:
            known = self._names.get(int(match.group(1)))
            return f"{known} ({match.group(1)})" if known else match.group()

        words = (_CALLED.sub(name, text) for text in (finding.headline, finding.why, finding.fix))
        headline, why, fix = words
        return replace(finding, headline=headline, why=why, fix=fix)

    def _on_watcher_end(self, child: Child) -> None:
        self._watcher = None
        self._troubles[""] = f"the watcher of processes has ended ({ending(child)}); ends and waits are out of date"
        counted = [*self._counted, *self._flooded]
        self._counted.clear()
        for identity in counted:
            self._note_flood(identity, flooded=False)
            self._changed("pipe", identity)
        self._changed("status", None)

    # --- what actors know -----------------------------------------------------------------------------------------

    def note_fill(self, identity: PipeId, queued: int, capacity: int) -> None:
        """Take over the fill that one of our actors saw at its own end."""
        if self._fills.get(identity) != (queued, capacity):
            self._fills[identity] = (queued, capacity)
            self._changed("pipe", identity)
            self.histories.notice(identity)

    def _fill(self, identity: PipeId) -> tuple[int, int] | None:
        """Return what is known of a pipe's fill: our own actors' word counts most, it is the freshest."""
        observed = self._observed.get(identity)
        if identity in self._fills:
            return self._fills[identity]
        if observed is None or observed.queued is None or observed.capacity is None:
            return None
        return observed.queued, observed.capacity

    def forget_fill(self, identity: PipeId) -> None:
        """No actor of ours holds this pipe any more."""
        if self._fills.pop(identity, None) is not None:
            self._changed("pipe", identity)

    def note_rates(self, identity: PipeId, written: float | None, read: float | None) -> None:
        """Take over the rates of our own actors on this pipe (messages/s)."""
        if self._rates.get(identity, (None, None)) != (written, read):
            self._rates[identity] = (written, read)
            self._changed("pipe", identity)

    def _note_movement(self, identity: PipeId) -> None:
        """Bytes have moved; the row is looked at once more when they no longer have for a while."""
        self._moved[identity] = time.monotonic()
        timer = self._calm.pop(identity, None)
        if timer is not None:
            timer.cancel()
        self._calm[identity] = self._loop.later(RECENT + 0.05, partial(self._calm_down, identity))

    def _calm_down(self, identity: PipeId) -> None:
        self._calm.pop(identity, None)
        self._moved.pop(identity, None)
        self._changed("pipe", identity)

    # --- rows -----------------------------------------------------------------------------------------------------

    def identities(self) -> set[PipeId]:
        """Return every pipe that has a row."""
        return self._found.keys() | self._observed.keys()

    def pipe(self, identity: PipeId) -> Pipe | None:
        """Return a pipe with all that is known of it."""
        found = self._found.get(identity, {})
        observed = self._observed.get(identity)
        if observed is None:
            if not found:
                return None
            pipe = replace(next(iter(found.values())), paths=tuple(sorted(found)))
        elif found:
            mode, owner = next((each.mode, each.owner) for each in found.values())
            pipe = replace(
                observed,
                paths=tuple(sorted(found)),
                deleted=False,
                mode=observed.mode if observed.mode is not None else mode,
                owner=observed.owner or owner,
            )
        elif self._elsewhere or observed.kind == "anonymous":
            pipe = observed
        else:
            return None
        fill = self._fills.get(identity)
        return self._named(replace(pipe, queued=fill[0], capacity=fill[1]) if fill else pipe)

    def _named(self, pipe: Pipe) -> Pipe:
        """Return the pipe with our own actors called by their names: their command lines are all those of the hub."""
        names = self._names
        if not any(end.pid in names for end in pipe.ends) and not any(wait.pid in names for wait in pipe.waiters):
            return pipe
        return replace(
            pipe,
            ends=tuple(replace(end, command=names.get(end.pid, end.command)) for end in pipe.ends),
            waiters=tuple(replace(wait, command=names.get(wait.pid, wait.command)) for wait in pipe.waiters),
        )

    def unname(self, pid: int) -> None:
        """That actor has ended; its pid may soon be somebody else's."""
        self._names.pop(pid, None)

    def name(self, pid: int, name: str) -> None:
        """Call one of our own actors by its name from now on."""
        self._names[pid] = name

    def row(self, identity: PipeId) -> PipeRow | None:
        """Return a pipe's row for the screen, None when it has none any more."""
        pipe = self.pipe(identity)
        if pipe is None:
            return None
        written, read = self._rates_of(identity)
        state, mood = self._state(pipe, written, read)
        return PipeRow(
            pipe,
            state,
            mood,
            written,
            read,
            self.histories.shown(identity),
            self._owners(pipe, "w"),
            self._owners(pipe, "r"),
        )

    def _owners(self, pipe: Pipe, access: Literal["r", "w"]) -> tuple[tuple[int, ...], ...]:
        present = (self._processes.get(pid) for pid in _present(pipe))
        parents = {process.pid: process.above for process in present if process is not None}
        return tuple(owners(pipe, access, parents).values())

    def _rates_of(self, identity: PipeId) -> tuple[float | None, float | None]:
        """Return writes and reads a second: our own actors' where they are all there are, else what inotify counted."""
        ours, counted = (rates.get(identity, (None, None)) for rates in (self._rates, self._counted))
        return (
            ours[0] if ours[0] is not None else counted[0],
            ours[1] if ours[1] is not None else counted[1],
        )

    def _state(self, pipe: Pipe, written: float | None, read: float | None) -> tuple[str, Mood]:
        if pipe.id in self._deadlocked:
            return "deadlocked", "stuck"
        state, mood = describe(pipe, unseen=self.unseen)
        moving = bool(written or read) or any(self._counted.get(pipe.id, ()))
        if written is None or read is None:
            recently = time.monotonic() - self._moved.get(pipe.id, -RECENT) < RECENT
            moving = moving or recently or pipe.id in self._flooded
        both = bool(pipe.holders("r") and pipe.holders("w"))
        if both and moving and mood in ("calm", "active"):
            return "flowing", "active"
        return state, mood

    def process(self, pid: int) -> Process | None:
        """Return a process that is at a listed pipe: holds an end of it, or waits for one in open."""
        process = self._processes.get(pid)
        if process is None or self._elsewhere:
            return process
        if self._listed is None:
            pipes = (self._observed[identity] for identity in self._found.keys() & self._observed.keys())
            self._listed = {one for pipe in pipes for one in _present(pipe)}
        return process if pid in self._listed else None

    def writers(self, identity: PipeId) -> tuple[int, ...]:
        """Return the pids that hold a write end, as far as is known."""
        observed = self._observed.get(identity)
        return observed.holders("w") if observed else ()

    def lookup(self, path: str) -> PipeId | None:
        """Return the identity of the FIFO found at `path`."""
        return self._by_path.get(os.path.abspath(path))


def _present(pipe: Pipe | None) -> set[int]:
    """Return the processes that hold an end of a pipe or wait for one: who is blocked in open holds none yet."""
    return {end.pid for end in pipe.ends} | {waiter.pid for waiter in pipe.waiters} if pipe is not None else set()


def ending(child: Child) -> str:
    """Return how a child ended, in words."""
    if child.exit_signal is not None:
        return f"killed by signal {child.exit_signal}"
    return f"exit code {child.exit_code}"
