"""Keeps the list of FIFOs below one root current, by inotify(7) instead of walking again.

Each folder is watched before it is listed, so nothing can appear unseen in between. An event only says where to
look: what is there is decided by lstat(2) at that moment, so a burst of renames ends in the right picture whatever
the order. When the kernel's queue overflows, everything is walked again; when it allows no more watches, everything
is walked again from time to time, and `partial` says so. All folders' state is in `_folders`, by path.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator

from pipetui.kernel import inotify
from pipetui.kernel.errors import Missing, PipeError, WatchLimit
from pipetui.kernel.inotify import Event, Inotify
from pipetui.model import Pipe
from pipetui.watch.finder import DEPTH, ENTRIES, Walk, denied_note, kind_of, pipe_of
from pipetui.watch.folders import Changes, Folder, fair_share, outer_first
from pipetui.watch.roots import absolute

__all__ = ["Changes", "TreeWatch"]

_MASK = (
    inotify.CREATE
    | inotify.DELETE
    | inotify.MOVED_FROM
    | inotify.MOVED_TO
    | inotify.ATTRIB
    | inotify.DELETE_SELF
    | inotify.MOVE_SELF
    | inotify.ONLYDIR
)
_SELF = inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.UNMOUNT

#: A first scan hands over what it has found at least this often (seconds).
_BATCH = 0.05
#: Walk again after this many seconds where watches are lacking, or this many times the last walk's time if longer.
_AGAIN = 5.0
_AGAIN_FACTOR = 20
#: Look at a resting folder's mtime this often (seconds).
_GLANCE = 0.1
#: Look for a root that has gone this often (seconds).
_ROOT_BACK = 1.0

#: So many sentences on what could not be searched, and one on how many more there are.
MOST_NOTES = 20


class TreeWatch:
    """The FIFOs below `roots` (folders, or single FIFOs): first `scan`, then `read` when `fileno` polls readable.

    It walks in the caller's thread and may block on a slow filesystem: for a child process of its own. All roots share
    one inotify instance, of which a user has few (128 on most systems).
    """

    def __init__(
        self,
        *roots: str,
        depth: int = DEPTH,
        entries: int = ENTRIES,
        watches: int | None = None,
        again: float = _AGAIN,
    ) -> None:
        # what lies inside comes behind what it lies in, so that it is walked only if that did not reach it
        self.roots = tuple(sorted({absolute(root): None for root in roots}, key=outer_first))
        self.label = self.roots[0] if len(self.roots) == 1 else f"{self.roots[0]} and {len(self.roots) - 1:,} more"
        self._depth = depth
        self._entries = entries
        self._watches = fair_share() if watches is None else watches
        self._again = again
        self._anchors: set[str] = set()  # the folders whose end is that of a root
        self._seen: set[str] = set()
        self._missing: set[str] = set()
        self._inotify = Inotify()
        self._folders: dict[str, Folder] = {}
        self._paths: dict[int, str] = {}
        self._before: dict[str, Pipe | None] = {}
        self._denied: set[str] = set()
        self._notes: dict[str, None] = {}
        self._limit = ""
        self._due: float | None = None
        self._resting: dict[str, int] = {}

    def fileno(self) -> int:
        """Return the descriptor that polls readable when there is something to `read`."""
        return self._inotify.fileno()

    def timeout(self) -> float | None:
        """Return after how many seconds `read` wants to be called even without an event; None for never."""
        due = None if self._due is None else max(0.0, self._due - time.monotonic())
        if self._resting:
            return _GLANCE if due is None else min(due, _GLANCE)
        return due

    @property
    def partial(self) -> tuple[str, ...]:
        """What is not seen below this root, one sentence each."""
        limit = (self._limit,) if self._limit else ()
        notes = tuple(self._notes)
        if len(notes) > MOST_NOTES:
            more = f"{len(notes) - MOST_NOTES:,} more things could not be searched below {self.label}"
            notes = (*notes[:MOST_NOTES], more)
        return (*notes, *denied_note(self.label, sorted(self._denied)), *limit)

    @property
    def pipes(self) -> list[Pipe]:
        """All FIFOs known now."""
        return [pipe for folder in self._folders.values() for pipe in folder.fifos.values()]

    def close(self) -> None:
        """End all watches."""
        self._inotify.close()

    def scan(self) -> Iterator[list[Pipe]]:
        """Walk the roots for the first time; yield what is found, in batches (an empty one says: still walking).

        Raises Missing, NotAFifo, NotPermitted of a root that is the only one; of others `partial` tells.
        """
        if len(self.roots) == 1:
            kind_of(self.roots[0])
        batch: list[Pipe] = []
        handed = started = time.monotonic()
        for found in self._walk_roots():
            batch += found
            if time.monotonic() - handed >= _BATCH:
                yield batch
                batch, handed = [], time.monotonic()
        self._before.clear()
        self._plan(time.monotonic() - started)
        yield batch

    def read(self) -> Changes:
        """Take the events that are there, look where they point, and return what changed since the last time."""
        events = self._inotify.read()
        due = self._due is not None and time.monotonic() >= self._due
        if due or any(event.mask & inotify.Q_OVERFLOW for event in events):
            self._rescan()
        else:
            self._follow(events)
            self._glance()
        return self._changes()

    # --- resting --------------------------------------------------------------------------------------------------

    def rest(self, folder: str) -> None:
        """Leave a folder unwatched while a flood goes through a FIFO in it; its mtime is looked at instead.

        A watch on a folder makes the kernel look up the parent at each read and write of its files, which cost a
        writer of 512 bytes at full speed 20 % (seen on Linux 6.18). A folder's mtime moves with each name that
        appears or vanishes.
        """
        known = self._folders.get(folder)
        if known is None or folder in self._resting:
            return
        if known.wd >= 0 and self._paths.pop(known.wd, None) is not None:
            self._inotify.remove(known.wd)
        known.wd = -1
        self._resting[folder] = 0

    def wake(self, folder: str) -> None:
        """Watch a folder again."""
        known = self._folders.get(folder)
        if self._resting.pop(folder, None) is not None and known is not None:
            self._enter(folder, known.level)
            self._relist(folder)

    def _glance(self) -> None:
        """Look at resting folders whose mtime has moved."""
        for folder, seen in list(self._resting.items()):
            try:
                moved = os.stat(folder).st_mtime_ns
            except OSError:
                del self._resting[folder]
                self._drop(folder)
                if folder in self._anchors:
                    self._due = time.monotonic()
                continue
            if moved != seen:
                self._resting[folder] = moved
                self._relist(folder)

    def _relist(self, folder: str) -> None:
        """Look at every name in a folder that is, or was, a FIFO or a folder."""
        known = self._folders.get(folder)
        if known is None:
            return
        places = {*known.fifos, *known.subs}
        try:
            with os.scandir(folder) as names:
                places |= {
                    entry.path for entry in names if not (entry.is_file(follow_symlinks=False) or entry.is_symlink())
                }
        except OSError:
            pass
        for path in places:
            self._look(path, False)

    # --- events ---------------------------------------------------------------------------------------------------

    def _follow(self, events: list[Event]) -> None:
        """Look once at each name that the events tell of, in their order."""
        places: dict[str, bool] = {}
        for event in events:
            folder = self._paths.get(event.wd)
            if folder is None:
                continue
            if event.mask & inotify.IGNORED:
                self._paths.pop(event.wd, None)
            elif event.name:
                path = os.path.join(folder, os.fsdecode(event.name))
                entered = event.mask & inotify.ISDIR and not event.mask & inotify.ATTRIB
                places[path] = bool(entered) or places.get(path, False)
            elif event.mask & _SELF and folder in self._anchors:
                self._rescan()
                return
        for path, walk in places.items():
            self._look(path, walk)

    def _look(self, path: str, walk: bool) -> None:
        """Make what we know of `path` true again; `walk` says that it is or was another folder than before."""
        folder = self._folders.get(os.path.dirname(path))
        if folder is None or not folder.wants(path):
            return
        if (walk and path in folder.subs) or (path in self._denied and os.access(path, os.R_OK | os.X_OK)):
            self._drop(path)
        try:
            status = os.lstat(path)
        except OSError:
            self._set(folder, path, None)
            self._drop(path)
            return
        self._set(folder, path, pipe_of(path, status) if stat.S_ISFIFO(status.st_mode) else None)
        if stat.S_ISDIR(status.st_mode) and path not in self._folders and folder.only is None:
            for _ in self._walk(path, folder.level + 1):
                pass

    def _set(self, folder: Folder, path: str, pipe: Pipe | None) -> None:
        known = folder.fifos.get(path)
        if known == pipe:
            return
        self._before.setdefault(path, known)
        if pipe is None:
            del folder.fifos[path]
        else:
            folder.fifos[path] = pipe

    def _drop(self, path: str) -> None:
        """Forget a folder and all below it."""
        parent = self._folders.get(os.path.dirname(path))
        if parent is not None:
            parent.subs.discard(path)
        pending = [path]
        while pending:
            gone = pending.pop()
            self._denied.discard(gone)
            folder = self._folders.pop(gone, None)
            if folder is None:
                continue
            pending += folder.subs
            for name, pipe in folder.fifos.items():
                self._before.setdefault(name, pipe)
            if self._paths.get(folder.wd) == gone:  # else it is another folder's by now: this one was moved there
                del self._paths[folder.wd]
                self._inotify.remove(folder.wd)

    def _changes(self) -> Changes:
        """Compare what was touched with what it was, so that a there-and-back is no change."""
        changes = Changes()
        for path, before in self._before.items():
            folder = self._folders.get(os.path.dirname(path))
            now = folder.fifos.get(path) if folder else None
            if now is None and before is not None:
                changes.gone.append(path)
            elif now is not None and now != before:
                changes.found.append(now)
        self._before.clear()
        return changes

    # --- walking --------------------------------------------------------------------------------------------------

    def _walk_roots(self) -> Iterator[list[Pipe]]:
        """Walk all roots, folders first; the notes tell of one that is not there, or none to walk."""
        self._missing.clear()
        self._anchors.clear()
        singles: list[str] = []
        for root in self.roots:
            try:
                kind = kind_of(root)
            except PipeError as error:
                self._missing.add(root)
                self._note(f"{root} is gone" if isinstance(error, Missing) and root in self._seen else str(error))
                continue
            self._seen.add(root)
            if kind == "fifo":
                singles.append(root)
                continue
            self._anchors.add(root)
            if root not in self._folders:  # else it lies inside another
                yield from self._walk(root, 0)
        for root in singles:
            yield self._take_single(root)

    def _take_single(self, root: str) -> list[Pipe]:
        """Know and watch one FIFO; return it, or nothing if the walk of its folder has found it before."""
        place = os.path.dirname(root)
        self._anchors.add(place)
        if place not in self._folders:
            self._enter(place, 0, only=set())
        folder = self._folders[place]
        if folder.only is None:
            return []
        folder.only.add(root)
        self._look(root, False)
        return [folder.fifos[root]] if root in folder.fifos else []

    def _walk(self, top: str, level: int) -> Iterator[list[Pipe]]:
        """Walk and watch `top` and all below it."""
        if level > self._depth:
            self._note(f"{top}: folders more than {self._depth} levels down are not searched")
            return
        base = top.rstrip("/").count("/") - level
        walk = Walk(
            top,
            depth=self._depth - level,
            entries=self._entries,
            enter=lambda folder: self._enter(folder, folder.rstrip("/").count("/") - base),
        )
        for found in walk:
            for pipe in found:
                self._set(self._folders[os.path.dirname(pipe.paths[0])], pipe.paths[0], pipe)
            yield found
        self._denied.update(walk.denied)
        for note in walk.cuts:
            self._note(note)

    def _enter(self, path: str, level: int, only: set[str] | None = None) -> None:
        """Know and watch a folder that is about to be listed."""
        folder = self._folders.setdefault(path, Folder(level, only))
        parent = self._folders.get(os.path.dirname(path))
        if parent is not None and parent is not folder:
            parent.subs.add(path)
        try:
            if len(self._paths) >= self._watches:
                raise WatchLimit(f"{self._watches:,} folders are watched; raise fs.inotify.max_user_watches for more")
            folder.wd = self._inotify.add(path, _MASK)
            self._paths[folder.wd] = path
        except WatchLimit as error:
            self._limit = f"{self.label}: {error}; until then it is searched again every {self._again:g} s"
        except PipeError:
            pass  # vanished, or not permitted: listing it will say so

    def _rescan(self) -> None:
        """Walk everything again and keep the watches of folders that still are."""
        old, resting = self._folders, list(self._resting)
        self._folders, self._paths = {}, {}
        self._resting.clear()
        self._notes.clear()
        self._denied.clear()
        self._limit = ""
        for folder in old.values():
            for path, pipe in folder.fifos.items():
                self._before.setdefault(path, pipe)
        started = time.monotonic()
        for _ in self._walk_roots():
            pass
        for folder in old.values():
            if folder.wd >= 0 and folder.wd not in self._paths:
                self._inotify.remove(folder.wd)
        for path in resting:
            self.rest(path)
        self._plan(time.monotonic() - started)

    def _plan(self, took: float) -> None:
        """Decide when to walk again although no event asks for it."""
        wait = None
        if self._missing:
            wait = max(_ROOT_BACK, took * _AGAIN_FACTOR)
        elif self._limit:
            wait = max(self._again, took * _AGAIN_FACTOR)
        self._due = None if wait is None else time.monotonic() + wait

    def _note(self, note: str) -> None:
        self._notes[note] = None
