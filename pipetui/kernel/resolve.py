"""What a path means to another process: its root, current folder and descriptors count, not ours (path_resolution(7)).

The walk goes one name at a time by O_PATH handles, which open nothing: a FIFO at its end gains no reader or writer.
It starts at `/proc/PID/root`, `/proc/PID/cwd` or `/proc/PID/fd/N`, so that a chroot, another mount namespace or a
changed folder is respected; an absolute symbolic link starts again at that root, and `..` never leaves it.
`/proc/self`, and with it `/dev/stdin` and `/dev/fd/N`, mean that process.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from pipetui.kernel.birth import made
from pipetui.kernel.errors import explain
from pipetui.kernel.fd import Fd
from pipetui.kernel.procfs import Proc

#: What openat(2) takes for "relative to the current folder".
AT_FDCWD = 0xFFFF_FF9C
#: As many symbolic links as the kernel follows.
_LINKS = 40
_HANDLE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class ResolvedPath(NamedTuple):
    """What is at the end of a path: stat(2)'s answer, the name that it has now, and when it was made, if known."""

    status: os.stat_result
    path: str
    made: float | None = None


def resolve(proc: Proc, pid: int, folder: int, path: str) -> ResolvedPath | None:
    """Return what `path`, relative to descriptor `folder`, means to a process or task; None when it means nothing.

    Raises NotPermitted or Failed when that could not be found out.
    """
    if not path or "\0" in path:
        return None
    own = f"{proc.root}/{pid}"
    start = "root" if path.startswith("/") else "cwd" if folder == AT_FDCWD else f"fd/{folder}"
    try:
        with Fd(os.open(f"{own}/root", os.O_PATH | os.O_CLOEXEC)) as root:
            walk = _Walk(proc, own, root, Fd(os.open(f"{own}/{start}", os.O_PATH | os.O_CLOEXEC)))
            try:
                walk.follow(path)
                number = walk.here.fileno()
                return ResolvedPath(os.fstat(number), os.readlink(f"/proc/self/fd/{number}"), made(number))
            finally:
                walk.here.close()
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError, ValueError):
        return None
    except OSError as error:
        raise explain(error, path) from error


class _Walk:
    """Stands at one place of a process's view and goes on from there."""

    def __init__(self, proc: Proc, own: str, root: Fd, here: Fd) -> None:
        self._own = own
        self._root = root
        self._procfs = os.stat(proc.root).st_dev
        self._links = 0
        self.here = here

    def follow(self, path: str) -> None:
        """Go along `path`. Raises OSError where it leads nowhere."""
        if path.startswith("/"):
            self._stand(os.dup(self._root.fileno()))
        for name in path.split("/"):
            if name not in ("", "."):
                self._step(name)

    def _step(self, name: str) -> None:
        here = self.here.fileno()
        if name == "..":
            if not os.path.samestat(os.fstat(here), os.fstat(self._root.fileno())):
                self._stand(os.open("..", _HANDLE, dir_fd=here))
            return
        if name in ("self", "thread-self") and os.fstat(here).st_dev == self._procfs:
            self._stand(os.open(self._own, _HANDLE))
            return
        try:
            link = os.readlink(name, dir_fd=here)
        except OSError:
            self._stand(os.open(name, _HANDLE, dir_fd=here))
            return
        if os.fstat(here).st_dev == self._procfs:  # a link to an open file: its text is only for people
            self._stand(os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=here))
            return
        self._links += 1
        if self._links > _LINKS:
            raise OSError("too many symbolic links")
        self.follow(link)

    def _stand(self, number: int) -> None:
        self.here.close()
        self.here = Fd(number)
