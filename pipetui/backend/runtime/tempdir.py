"""A temporary folder for FIFOs of our own that does not outlive its hub, however the hub ends.

Its owner holds a flock(2) on a file in it for life. A folder of ours whose lock can be had has lost its owner (it was
killed with SIGKILL), and whoever starts next removes it. Only FIFOs and the lock file are ever removed from it, and
the folders in which labs ran, with all that is in them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

from pipetui.kernel import fifo
from pipetui.kernel.errors import Failed, PipeError, explain
from pipetui.kernel.fd import Fd

PREFIX = "pipetui-"
LABS_PREFIX = PREFIX + "labs-"
LOCK = ".owner"


class TempFifos:
    """A private folder (0700) with FIFOs; `close` removes both. Raises PipeError where there is no place for it."""

    prefix = PREFIX

    def __init__(self) -> None:
        self.path = _folder(self.prefix)
        try:
            self._lock = Fd(os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            fcntl.flock(self._lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.path.rmdir()
            raise _impossible(error) from None

    def make(self, name: str) -> str:
        """Make a FIFO of this name and return its path."""
        path = str(self.path / name)
        fifo.create(path, 0o600)
        return path

    def close(self) -> None:
        """Remove the FIFOs and the folder; what is not ours stays, and so does the folder then."""
        _empty(self.path)
        self._lock.close()


class LabFolders(TempFifos):
    """A private folder with a folder for each run of a lab, in which everything is the lab's; `close` removes all."""

    prefix = LABS_PREFIX

    def make_folder(self, name: str) -> Path:
        """Make a folder of this name for one run and return its path."""
        path = self.path / name
        path.mkdir(0o700)
        return path

    @staticmethod
    def clear(folder: Path) -> None:
        """Remove a run's folder with all that is in it."""
        shutil.rmtree(folder, ignore_errors=True)


def clean_up() -> list[Path]:
    """Remove the folders that owners left behind; return those that were removed."""
    try:
        folders = list(Path(tempfile.gettempdir()).glob(PREFIX + "*"))
    except OSError:  # there is no temporary folder: nothing can have been left in it
        return []
    return [folder for folder in folders if _is_ours(folder) and _is_orphaned(folder) and _empty(folder)]


def check() -> None:
    """Raise PipeError where no temporary folder can be made; leaves nothing, even when killed meanwhile."""
    try:
        tempfile.gettempdir()  # tries all places, each by making a file in it
    except FileNotFoundError:
        where = "$TMPDIR, /tmp and /var/tmp are missing, full or read-only"
        raise Failed(f"there is no temporary folder: {where}") from None


def _folder(prefix: str) -> Path:
    check()
    try:
        return Path(tempfile.mkdtemp(prefix=prefix))
    except OSError as error:
        raise _impossible(error) from None


def _impossible(error: OSError) -> PipeError:
    return explain(error, f"no temporary folder can be made in {tempfile.gettempdir()}")


def _is_ours(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700


def _is_orphaned(folder: Path) -> bool:
    try:
        with Fd(os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)) as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def _empty(folder: Path) -> bool:
    """Remove the FIFOs, the lock file and then the folder, if that leaves nothing in it; of labs, all there is."""
    try:
        if folder.name.startswith(LABS_PREFIX):
            for entry in list(os.scandir(folder)):
                if entry.is_dir(follow_symlinks=False):
                    LabFolders.clear(Path(entry.path))
        for entry in list(os.scandir(folder)):
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISFIFO(status.st_mode):
                fifo.remove(entry.path)
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()
    except (OSError, PipeError):
        return False
    return True
