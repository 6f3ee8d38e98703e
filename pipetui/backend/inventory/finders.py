"""The finders as the hub knows them: one child for each root, or for a share of many, and what they have found.

A finder that is stuck on a dead disk or has died costs a sentence in the status, never the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from pipetui.backend.inventory.children import FINDER_ORDER, FINDER_REPORT, FinderOrder, FinderReport, finder_main
from pipetui.backend.runtime import limits
from pipetui.backend.runtime.children import Child, ChildProcesses
from pipetui.backend.runtime.loop import Loop, Timer
from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId

#: A finder that has not finished its first search after this long is said to be stuck (seconds).
STUCK = 3.0


class Finders:
    """All finders. `reported` is called with what one has told, `changed` when the status may be another."""

    def __init__(
        self,
        loop: Loop,
        children: ChildProcesses,
        reported: Callable[[FinderReport], None],
        changed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._children = children
        self._reported = reported
        self._changed = changed
        self._finders: dict[str, Child] = {}
        self._stuck: dict[str, Timer] = {}
        self._partial: dict[str, tuple[str, ...]] = {}
        self._left_out = ""
        self.scanning: set[str] = set()
        self.troubles: dict[str, str] = {}

    def start(self, roots: tuple[str, ...]) -> None:
        """Find FIFOs below these roots, by as many children as it takes."""
        taken, self._left_out = limits.searched(roots)
        for share in limits.shares(taken, {mount.point for mount in Proc().mounts()}):
            self.search(*share)

    def search(self, *roots: str) -> None:
        """Find FIFOs below more roots, by one more child, from now on."""
        name = limits.called(roots)
        try:
            self._finders[name] = self._children.fork(
                "pipetui-find", partial(finder_main, roots), partial(self._on_report, name), partial(self._on_end, name)
            )
        except OSError as error:
            self.troubles[name] = f"{name} can't be searched: no process could be started ({error.strerror})"
            self._changed()
            return
        self.scanning.add(name)
        self._changed()
        self._stuck[name] = self._loop.later(STUCK, partial(self._on_stuck, name))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not searched, one sentence each."""
        cut = (self._left_out,) if self._left_out else ()
        return (*cut, *(note for notes in self._partial.values() for note in notes))

    def order(self, order: FinderOrder) -> None:
        """Tell all of them."""
        for child in self._finders.values():
            child.send(FINDER_ORDER.encode(order))

    def _on_report(self, name: str, value: Any) -> None:
        report: FinderReport = FINDER_REPORT.decode(value)
        self._reported(report)
        if report.partial is not None and report.partial != self._partial.get(name, ()):
            self._partial[name] = report.partial
            self._changed()
        if report.done:
            self._calm(name)
            self.troubles.pop(name, None)
            self._changed()

    def _calm(self, name: str) -> None:
        self.scanning.discard(name)
        if name in self._stuck:
            self._stuck.pop(name).cancel()

    def _on_stuck(self, name: str) -> None:
        self.troubles[name] = f"still searching {name}"
        self._changed()

    def _on_end(self, name: str, child: Child) -> None:
        del self._finders[name]
        self._calm(name)
        if child.exit_code != 0:
            self.troubles[name] = f"the search of {name} ended ({child.ending}); its list is no longer kept current"
        self._changed()


class FoundFifos:
    """The FIFOs that finders have found, by path and by identity."""

    def __init__(self) -> None:
        self._by_id: dict[PipeId, dict[str, Pipe]] = {}
        self._by_path: dict[str, PipeId] = {}
        self.crowded = False

    def add(self, pipe: Pipe) -> PipeId | None:
        """Take over a FIFO at its path; return the one that was there before, None if there was none.

        Beyond `limits.MOST_LISTED` paths it is left out, see `crowded`.
        """
        path = pipe.paths[0]
        before = self.remove(path) if self._by_path.get(path, pipe.id) != pipe.id else None
        if len(self._by_path) >= limits.MOST_LISTED and path not in self._by_path:
            self.crowded = True
            return before
        self._by_id.setdefault(pipe.id, {})[path] = pipe
        self._by_path[path] = pipe.id
        return before

    def remove(self, path: str) -> PipeId | None:
        """Forget a path; return whose it was."""
        identity = self._by_path.pop(path, None)
        if identity is not None:
            paths = self._by_id[identity]
            del paths[path]
            if not paths:
                del self._by_id[identity]
        return identity

    def at(self, identity: PipeId) -> dict[str, Pipe]:
        """Return a FIFO as it was found at each of its paths; empty if it was found at none."""
        return self._by_id.get(identity, {})

    def identities(self) -> Iterable[PipeId]:
        """Return all that were found."""
        return self._by_id.keys()

    def __contains__(self, identity: PipeId) -> bool:
        return identity in self._by_id
