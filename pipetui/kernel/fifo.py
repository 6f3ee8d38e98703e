"""Making, recognising, opening and removing a FIFO without ever touching anything that is none.

A plain open(2) of a path may follow a symbolic link, open a device (which may act on it) or block for ever. So a
path is first opened with O_PATH|O_NOFOLLOW, which opens nothing (open(2), O_PATH): neither a reader nor a writer is
counted and nobody blocked in open is released. The handle is judged with fstat(2), and then the very inode it
stands for is opened through `/proc/self/fd/N`: nothing can be exchanged in between. Permissions are checked by that
second open as by any other; a blocking one waits in `wait_for_partner` as usual (seen on Linux 6.18).

Names are made and removed relative to an open parent folder, so a folder renamed or exchanged on the way up changes
nothing either.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from pipetui.kernel.errors import Failed, Gone, Missing, NotAFifo, translated
from pipetui.kernel.fd import Fd
from pipetui.model import PipeId

_KINDS = {
    stat.S_IFREG: "a regular file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


def create(path: str, mode: int = 0o600) -> PipeId:
    """Make a FIFO with exactly the permissions `mode`, whatever the umask; return its identity.

    It is made with no more than 0600 and gets `mode` by chmod(2) of that inode, so that the process-wide umask is
    never changed and nobody gets in before the mode is right. Raises Exists, Missing (the folder), NotPermitted,
    Gone (somebody exchanged it at once), Failed.
    """
    if mode & ~0o777:
        raise ValueError(f"not a FIFO's permissions: {mode:o}")
    with _parent(path) as (folder, name), translated(path):
        os.mkfifo(name, mode & 0o600, dir_fd=folder)
        with Fd(os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)) as handle:
            status = os.fstat(handle.fileno())
            if not stat.S_ISFIFO(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
                raise Gone(f"{path} was replaced while it was made")
            if stat.S_IMODE(status.st_mode) != mode:
                _chmod(handle, name, folder, mode)
            return PipeId(status.st_dev, status.st_ino)


def identify(path: str) -> PipeId:
    """Return the identity of the FIFO at `path` by lstat(2), without opening it. Raises Missing, NotAFifo."""
    with _nameable(path), translated(path):
        return _check(os.lstat(path), path, None)


def remove(path: str, expected: PipeId | None = None) -> None:
    """Remove the FIFO at `path`; with `expected`, only if it still is that one.

    Raises NotAFifo, Missing, Gone (`expected` was removed or replaced), NotPermitted. unlinkat(2) takes a name, not
    an inode, so between the last look and the removal a few microseconds remain in which the name may change hands.
    """
    with _parent(path) as (folder, name), translated(path):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            if expected is not None:
                raise Gone(f"{path} was removed in the meantime") from None
            raise
        _check(status, path, expected)
        os.unlink(name, dir_fd=folder)


def open_reader(path: str, *, blocking: bool = False, expected: PipeId | None = None) -> Fd:
    """Open the FIFO for reading; nonblocking this succeeds at once. Raises Missing, NotAFifo, NotPermitted, Gone.

    `blocking` waits for a writer (and gives a blocking descriptor): for children only, never in the hub or a screen.
    """
    return _open(path, os.O_RDONLY, blocking, expected)


def open_writer(path: str, *, blocking: bool = False, expected: PipeId | None = None) -> Fd:
    """Open the FIFO for writing; nonblocking this raises NoReader while there is none (ENXIO, fifo(7)).

    `blocking` waits for a reader (and gives a blocking descriptor): for children only.
    """
    return _open(path, os.O_WRONLY, blocking, expected)


def _open(path: str, access: int, blocking: bool, expected: PipeId | None) -> Fd:
    flags = access | os.O_CLOEXEC | (0 if blocking else os.O_NONBLOCK)
    with _nameable(path), translated(path):
        with Fd(os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)) as handle:
            found = _check(os.fstat(handle.fileno()), path, expected)
            try:
                return Fd(os.open(f"/proc/self/fd/{handle.fileno()}", flags))
            except FileNotFoundError:
                pass  # no /proc here: open the name, and look afterwards whether it was the same
        opened = Fd(os.open(path, flags | os.O_NOFOLLOW))
        try:
            _check(os.fstat(opened.fileno()), path, found)
        except BaseException:
            opened.close()
            raise
        return opened


def _check(status: os.stat_result, path: str, expected: PipeId | None) -> PipeId:
    """Return the identity if `status` is a FIFO and, where one is expected, that one."""
    identity = PipeId(status.st_dev, status.st_ino)
    if expected is not None and (identity != expected or not stat.S_ISFIFO(status.st_mode)):
        raise Gone(f"{path} was replaced in the meantime")
    if not stat.S_ISFIFO(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        hint = "; name what it points to" if stat.S_ISLNK(status.st_mode) else ""
        raise NotAFifo(f"{path} is {kind}, not a FIFO{hint}")
    return identity


def _chmod(handle: Fd, name: str, folder: int, mode: int) -> None:
    """Set the mode of the handle's inode; fchmod(2) refuses O_PATH handles, their `/proc` link does not."""
    try:
        os.chmod(f"/proc/self/fd/{handle.fileno()}", mode)
    except FileNotFoundError:
        os.chmod(name, mode, dir_fd=folder)


@contextmanager
def _parent(path: str) -> Iterator[tuple[int, str]]:
    """Open the folder that holds `path` (as a place, not for reading) and yield it with the last name."""
    folder, name = os.path.split(path)
    with _nameable(path):
        if name in ("", ".", ".."):
            raise NotAFifo(f"{path or 'an empty path'} names a folder, not a FIFO")
        with translated(folder):
            handle = Fd(os.open(folder or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        with handle:
            yield handle.fileno(), name


@contextmanager
def _nameable(path: str) -> Iterator[None]:
    """Translate what Python says of a text that can't be a path: a NUL byte, or no bytes in this encoding."""
    if not path:
        raise Missing("an empty path names nothing")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise Failed(f"{path} can't be the name of a file") from None
    if "\0" in path:
        raise Failed(f"{path} can't be the name of a file: it holds a NUL byte")
    yield
