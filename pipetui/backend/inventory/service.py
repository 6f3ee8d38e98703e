"""The service of what is known of every pipe, put together from the finders, the watcher and our own actors.

Each root has a finder child (the FIFOs in its folders), the host has one watcher child (ends, waits, fill).
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pipetui.backend.inventory.children import (
    WATCH_ORDER,
    WATCH_REPORT,
    FinderOrder,
    FinderReport,
    watcher_main,
)
from pipetui.backend.inventory.finders import Finders, FoundFifos
from pipetui.backend.inventory.history import Histories
from pipetui.backend.inventory.movement import RECENT, Floods, Movement
from pipetui.backend.publisher import Rows, Source, Value
from pipetui.backend.runtime import limits
from pipetui.backend.runtime.children import Child, ChildProcesses
from pipetui.backend.runtime.loop import Loop
from pipetui.backend.service import Handler, Service
from pipetui.model import Finding, Pipe, PipeId, PipeRow, Process, Severity, Status
from pipetui.protocol.feeds import FINDINGS, PIPES, PROCESSES, STATUS
from pipetui.protocol.messages import Ready
from pipetui.protocol.requests import Past, Request, Sample, Samples
from pipetui.watch.owners import owners
from pipetui.watch.report import Known, Rate, Reach, WatchOrder, WatchReport
from pipetui.watch.state import describe

#: How a finding calls a process.
_CALLED = re.compile(r"\S+ \((\d+)\)")


class Inventory(Service):
    """The tables of pipes and processes, and what is wrong with them."""

    def __init__(self, loop: Loop, children: ChildProcesses) -> None:
        self._children = children
        self._pipes: Rows[PipeId, PipeRow] = Rows(PIPES, self._row)
        self._processes: Rows[int, Process] = Rows(PROCESSES, self._process)
        self._status: Value[Status] = Value(STATUS, self._status_now)
        self._judged: Value[tuple[Finding, ...]] = Value(FINDINGS, self._findings_now)
        self._finders = Finders(loop, children, self._on_found, self._status.changed)
        self._found = FoundFifos()
        self._movement = Movement(loop, self._pipes.changed)
        self._floods = Floods(
            lambda folder: self._finders.order(FinderOrder("rest", folder)),
            lambda folder: self._finders.order(FinderOrder("wake", folder)),
        )
        self._histories = Histories(loop, self._fill, self._pipes.changed)
        self._observed: dict[PipeId, Pipe] = {}
        self._known_processes: dict[int, Process] = {}
        self._listed: set[int] | None = None  # who is at a listed pipe; None when that may have changed
        self._fills: dict[PipeId, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        self._findings: tuple[Finding, ...] = ()
        self._deadlocked: set[PipeId] = set()
        self._reach = Reach()
        self._watcher: Child | None = None
        self._watcher_trouble = ""
        self._started = False
        self._elsewhere = True
        self._anonymous = False

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {Past: self._past}

    def feeds(self) -> Sequence[Source]:
        return (self._status, self._pipes, self._processes, self._judged)

    def ready(self, ready: Ready) -> None:
        """Look at anonymous pipes too, as long as they are on a screen."""
        if ready.anonymous != self._anonymous:
            self._anonymous = ready.anonymous
            self._order(WatchOrder(anonymous=ready.anonymous))

    def start(self, roots: tuple[str, ...], *, elsewhere: bool = True) -> None:
        """Fork the watcher and a finder for each root; `elsewhere` also lists FIFOs that only a process holds."""
        self._started = True
        self._elsewhere = elsewhere
        self._watcher = self._children.fork("pipetui-watch", watcher_main, self._on_watch_report, self._on_watcher_end)
        self._order(WatchOrder(elsewhere=elsewhere))
        self._finders.start(roots)

    def search_more(self, root: str) -> None:
        """Find FIFOs below one more root, if anything is watched at all."""
        if self._started:
            self._finders.search(root)

    def _past(self, request: Past) -> Samples:
        return Samples(tuple(Sample(*sample) for sample in self._histories.whole(request.id)))

    # --- status ---------------------------------------------------------------------------------------------------

    def _status_now(self) -> Status:
        notes = (*self._finders.notes, *((limits.TOO_MANY_FIFOS,) if self._found.crowded else ()))
        trouble = (self._watcher_trouble,) if self._watcher_trouble else ()
        return Status(
            socket.gethostname(),
            bool(self._finders.scanning),
            self._reach.unreadable,
            (*notes, *self._reach.partial),
            (*self._finders.troubles.values(), *trouble),
            self._reach.unseen,
        )

    # --- finders --------------------------------------------------------------------------------------------------

    def _on_found(self, report: FinderReport) -> None:
        self._listed = None
        known = [Known(pipe.paths[0], pipe.id) for pipe in report.found if self._add(pipe)]
        for path in report.gone:
            self._on_gone(self._found.remove(path))
        if known or report.gone:
            self._order(WatchOrder(tuple(known), report.gone))

    def _add(self, pipe: Pipe) -> bool:
        """Take over a FIFO that was found; return whether there was room for it."""
        self._on_gone(self._found.add(pipe))
        path = pipe.paths[0]
        if path not in self._found.at(pipe.id):
            self._status.changed()
            return False
        if pipe.id in self._floods:
            self._floods.begin(pipe.id, {os.path.dirname(path)})
        if not self._elsewhere:
            self._list_processes(pipe.id)
            self._judged.changed()
        self._pipes.changed(pipe.id)
        return True

    def _on_gone(self, identity: PipeId | None) -> None:
        """A path no longer is that of this FIFO."""
        if identity is None:
            return
        if identity not in self._found:
            self._list_processes(identity)
            self._judged.changed()
        self._pipes.changed(identity)

    def _list_processes(self, identity: PipeId) -> None:
        """A pipe has come onto the list, or left it: so have the processes at it."""
        for pid in _present(self._observed.get(identity)):
            self._processes.changed(pid)

    # --- the watcher ----------------------------------------------------------------------------------------------

    def _order(self, order: WatchOrder) -> None:
        if self._watcher is not None:
            self._watcher.send(WATCH_ORDER.encode(order))

    def _on_watch_report(self, value: Any) -> None:
        report: WatchReport = WATCH_REPORT.decode(value)
        self._listed = None
        for pipe in report.pipes:
            self._observe(pipe)
        for identity in report.gone:
            for pid in _present(self._observed.pop(identity, None)):
                self._processes.changed(pid)
            self._pipes.changed(identity)
        for process in report.processes:
            named = replace(process, command=self._names.get(process.pid, process.command))
            self._known_processes[process.pid] = named
            self._processes.changed(process.pid)
        for pid in report.ended:
            self._known_processes.pop(pid, None)
            self._processes.changed(pid)
        for rate in report.rates:
            self._movement.note_counted(rate)
            self._note_flood(rate)
        if report.findings is not None:
            self._on_findings(report.findings)
        if report.reach is not None:
            self._on_reach(report.reach)

    def _observe(self, pipe: Pipe) -> None:
        before = self._observed.get(pipe.id)
        if time.time() - max(pipe.last_write or 0, pipe.last_read or 0) < RECENT and before is not None:
            self._movement.note_moved(pipe.id)  # what has moved since the look before may have moved long ago
        self._observed[pipe.id] = pipe
        for pid in _present(before) ^ _present(pipe):
            self._processes.changed(pid)
        self._pipes.changed(pipe.id)
        self._histories.notice(pipe.id)

    def _note_flood(self, rate: Rate) -> None:
        if rate.flooded and rate.id not in self._floods:
            observed = self._observed.get(rate.id)
            paths = self._found.at(rate.id) or (observed.paths if observed else ())
            self._floods.begin(rate.id, {os.path.dirname(path) for path in paths})
        elif not rate.flooded and rate.id in self._floods:
            self._floods.end(rate.id)

    def _on_findings(self, findings: tuple[Finding, ...]) -> None:
        self._findings = findings
        self._judged.changed()
        dead = {
            PipeId(ref.dev, ref.inode)
            for finding in findings
            if finding.rule == "deadlock" and finding.level == "problem"
            for ref in finding.pipes
        }
        for identity in dead ^ self._deadlocked:
            self._pipes.changed(identity)
        self._deadlocked = dead

    def _on_reach(self, reach: Reach) -> None:
        before, self._reach = self._reach, reach
        if reach != before:
            self._status.changed()
        if reach.unseen != before.unseen:
            for identity in {*self._found.identities(), *self._observed}:
                self._pipes.changed(identity)

    def _on_watcher_end(self, child: Child) -> None:
        self._watcher = None
        self._watcher_trouble = f"the watcher of processes has ended ({child.ending}); ends and waits are out of date"
        for identity in self._floods.end_all():
            self._pipes.changed(identity)
        self._movement.forget_counted()
        self._status.changed()

    # --- what actors know -----------------------------------------------------------------------------------------

    def note_fill(self, identity: PipeId, queued: int, capacity: int) -> None:
        """Take over the fill that one of our actors saw at its own end."""
        if self._fills.get(identity) != (queued, capacity):
            self._fills[identity] = (queued, capacity)
            self._pipes.changed(identity)
            self._histories.notice(identity)

    def forget_fill(self, identity: PipeId) -> None:
        """No actor of ours holds this pipe any more."""
        if self._fills.pop(identity, None) is not None:
            self._pipes.changed(identity)

    def note_rates(self, identity: PipeId, written: float | None, read: float | None) -> None:
        """Take over the rates of our own actors on this pipe (messages/s)."""
        self._movement.note_ours(identity, written, read)

    def name(self, pid: int, name: str) -> None:
        """Call one of our own actors by its name from now on."""
        self._names[pid] = name

    def unname(self, pid: int) -> None:
        """That actor has ended; its pid may soon be somebody else's."""
        self._names.pop(pid, None)

    def writers(self, identity: PipeId) -> tuple[int, ...]:
        """Return the pids that hold a write end, as far as is known."""
        observed = self._observed.get(identity)
        return observed.holders("w") if observed else ()

    # --- rows -----------------------------------------------------------------------------------------------------

    def pipe(self, identity: PipeId) -> Pipe | None:
        """Return a pipe with all that is known of it; None if it is not listed."""
        found = self._found.at(identity)
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

    def _fill(self, identity: PipeId) -> tuple[int, int] | None:
        """Return what is known of a pipe's fill: our own actors' word counts most, it is the freshest."""
        observed = self._observed.get(identity)
        if identity in self._fills:
            return self._fills[identity]
        if observed is None or observed.queued is None or observed.capacity is None:
            return None
        return observed.queued, observed.capacity

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

    def _row(self, identity: PipeId) -> PipeRow | None:
        pipe = self.pipe(identity)
        if pipe is None:
            return None
        state, severity = self._state(pipe)
        return PipeRow(
            pipe,
            state,
            severity,
            *self._movement.rates(identity),
            self._histories.shown(identity),
            self._owners(pipe, "w"),
            self._owners(pipe, "r"),
        )

    def _owners(self, pipe: Pipe, access: Literal["r", "w"]) -> tuple[tuple[int, ...], ...]:
        present = (self._known_processes.get(pid) for pid in _present(pipe))
        parents = {process.pid: process.above for process in present if process is not None}
        return tuple(owners(pipe, access, parents).values())

    def _state(self, pipe: Pipe) -> tuple[str, Severity]:
        if pipe.id in self._deadlocked:
            return "deadlocked", "stuck"
        state, severity = describe(pipe, unseen=self._reach.unseen)
        both = bool(pipe.holders("r") and pipe.holders("w"))
        if both and severity in ("calm", "active") and (self._movement.flows(pipe.id) or self._floods_unknown(pipe.id)):
            return "flowing", "active"
        return state, severity

    def _floods_unknown(self, identity: PipeId) -> bool:
        """Whether a pipe is flooded, so that nobody counts what flows."""
        return identity in self._floods and None in self._movement.rates(identity)

    def _process(self, pid: int) -> Process | None:
        """Return a process that is at a listed pipe: holds an end of it, or waits for one in open."""
        process = self._known_processes.get(pid)
        if process is None or self._elsewhere:
            return process
        if self._listed is None:
            pipes = (pipe for identity, pipe in self._observed.items() if identity in self._found)
            self._listed = {one for pipe in pipes for one in _present(pipe)}
        return process if pid in self._listed else None

    def _findings_now(self) -> tuple[Finding, ...]:
        """Return what is wrong with the pipes that are listed, the most severe first."""
        return tuple(
            self._renamed(finding)
            for finding in self._findings
            if self._elsewhere or any(PipeId(ref.dev, ref.inode) in self._found for ref in finding.pipes)
        )

    def _renamed(self, finding: Finding) -> Finding:
        """Return a finding in which our own actors are called by their names: `python (12)` is `clerk (12)`."""

        def name(match: re.Match[str]) -> str:
            known = self._names.get(int(match.group(1)))
            return f"{known} ({match.group(1)})" if known else match.group()

        headline, why, fix = (_CALLED.sub(name, text) for text in (finding.headline, finding.why, finding.fix))
        return replace(finding, headline=headline, why=why, fix=fix)


def _present(pipe: Pipe | None) -> set[int]:
    """Return the processes that hold an end of a pipe or wait for one: who is blocked in open holds none yet."""
    return {end.pid for end in pipe.ends} | {waiter.pid for waiter in pipe.waiters} if pipe is not None else set()
