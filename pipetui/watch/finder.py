"""Finds the FIFOs below a folder, as `find ROOT -xdev -type p` does, without opening or following anything.

`readdir(3)` tells the type of each name, so only FIFOs cost an lstat(2). Other filesystems are left out by comparing
names with the mount points of `/proc/self/mountinfo`: a mount whose server is dead is never touched, not even by a
stat. The walk goes level by level, so what a limit cuts off is what lies deepest.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache

from pipetui.kernel.errors import Missing, NotAFifo, NotPermitted, translated
from pipetui.kernel.mounts import Mount
from pipetui.kernel.procfs import Proc
from pipetui.model import Pipe, PipeId

DEPTH = 12
ENTRIES = 500_000


@lru_cache(maxsize=256)
def owner_name(uid: int) -> str:
    """Return the name of a user, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def pipe_of(path: str, status: os.stat_result) -> Pipe:
    """Return what lstat(2) says of the FIFO at `path`."""
    return Pipe(
        PipeId(status.st_dev, status.st_ino),
        "fifo",
        (path,),
        False,
        status.st_mode & 0o7777,
        owner_name(status.st_uid),
        None,
        None,
        status.st_mtime,
        status.st_atime,
    )


def look(path: str) -> Pipe | None:
    """Return the FIFO at `path` as lstat(2) sees it now; None when there is none."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    return pipe_of(path, status) if stat.S_ISFIFO(status.st_mode) else None


class Walk:
    """One walk: iterate it for the FIFOs of each folder, as a list (often empty); then `partial` says what was cut.

    `enter` is called with each folder before it is listed, so that a watch can be set first.
    """

    def __init__(
        self,
        root: str,
        *,
        depth: int = DEPTH,
        entries: int = ENTRIES,
        mounts: Iterable[Mount] | None = None,
        enter: Callable[[str], None] | None = None,
    ) -> None:
        self.root = root
        self.entries = 0
        self._depth = depth
        self._limit = entries
        self._enter = enter
        self._mounts = mounts
        self._too_deep = 0
        self.denied: list[str] = []
        self._failed: list[str] = []
        self._cut = False

    @property
    def cuts(self) -> tuple[str, ...]:
        """What a limit or an error left out, one sentence each."""
        notes = []
        if self._cut:
            notes.append(f"{self.root}: only the first {self._limit:,} names were looked at")
        if self._too_deep:
            notes.append(f"{self.root}: {_folders(self._too_deep)} more than {self._depth} levels down not searched")
        if self._failed:
            notes.append(f"{self.root}: can't list {_some(self._failed)}")
        return tuple(notes)

    @property
    def partial(self) -> tuple[str, ...]:
        """What this walk could not see, one sentence each; empty when it saw all."""
        return (*self.cuts, *denied_note(self.root, self.denied))

    def __iter__(self) -> Iterator[list[Pipe]]:
        elsewhere = self._mount_points()
        pending: deque[tuple[str, int]] = deque([(self.root, 0)])
        while pending and not self._cut:
            folder, level = pending.popleft()
            if self._enter is not None:
                self._enter(folder)
            folders, found = self._list(folder)
            if level < self._depth:
                pending.extend((sub, level + 1) for sub in folders if sub not in elsewhere)
            else:
                self._too_deep += len(folders)
            yield found

    def _list(self, folder: str) -> tuple[list[str], list[Pipe]]:
        """Return the sub-folders and the FIFOs of a folder; one that vanished has none."""
        folders: list[str] = []
        found: list[Pipe] = []
        try:
            with os.scandir(folder) as names:
                for entry in names:
                    self.entries += 1
                    if self.entries > self._limit:
                        self._cut = True
                        break
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif not (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                        pipe = _entry(entry)
                        if pipe is not None:
                            found.append(pipe)
        except PermissionError:
            self.denied.append(folder)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            self._failed.append(folder)
        return folders, found

    def _mount_points(self) -> frozenset[str]:
        """Return the mount points below the root, spelled as the walk will meet them."""
        mounts = Proc().mounts() if self._mounts is None else self._mounts
        real = os.path.realpath(self.root)
        below, prefix = real.rstrip("/") + "/", self.root.rstrip("/") + "/"
        return frozenset(prefix + mount.point[len(below) :] for mount in mounts if mount.point.startswith(below))


def walk(root: str, **limits: int) -> Walk:
    """Return a walk below the folder `root`. Raises Missing, NotAFifo (neither folder nor FIFO), NotPermitted."""
    if kind_of(root) == "fifo":
        raise NotAFifo(f"{root} is a FIFO, not a folder")
    return Walk(root, **limits)  # type: ignore[arg-type]


def kind_of(root: str) -> str:
    """Return "folder" or "fifo". A symbolic link that a person named is followed.

    Raises Missing, NotAFifo (neither of them), NotPermitted (a folder that can't be listed).
    """
    if not root or "\0" in root:
        raise Missing(f"{root or 'an empty path'} does not exist")
    try:
        with translated(root):
            mode = os.stat(root).st_mode
    except ValueError:
        raise Missing(f"{root} does not exist") from None
    if stat.S_ISDIR(mode):
        if not os.access(root, os.R_OK | os.X_OK):
            raise NotPermitted(f"{root}: no permission to list this folder")
        return "folder"
    if stat.S_ISFIFO(mode):
        return "fifo"
    raise NotAFifo(f"{root} is neither a folder nor a FIFO")


def find(root: str, *, depth: int = DEPTH, entries: int = ENTRIES) -> tuple[list[Pipe], tuple[str, ...]]:
    """Return every FIFO at or below `root`, and what could not be seen. Raises as `kind_of` does."""
    if kind_of(root) == "fifo":
        pipe = look(root) or look(os.path.realpath(root))
        return ([pipe] if pipe else []), ()
    walked = Walk(root, depth=depth, entries=entries)
    return [pipe for batch in walked for pipe in batch], walked.partial


def _entry(entry: os.DirEntry[str]) -> Pipe | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return pipe_of(entry.path, status) if stat.S_ISFIFO(status.st_mode) else None


def denied_note(root: str, folders: Collection[str]) -> tuple[str, ...]:
    """Return the one sentence on folders without permission, if there are any."""
    return (f"{root}: no permission to list {_some(folders)}",) if folders else ()


def _folders(count: int) -> str:
    return "1 folder" if count == 1 else f"{count:,} folders"


def _some(folders: Collection[str]) -> str:
    """Name one folder, count many."""
    first = next(iter(folders))
    return first if len(folders) == 1 else f"{_folders(len(folders))} ({first}, …)"
