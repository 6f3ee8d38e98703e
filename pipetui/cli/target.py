"""Which pipe a person means: the path of a FIFO, `PID/FD` for a descriptor of a process, or `pipe:[INODE]`."""

from __future__ import annotations

import os
import re
import stat

from pipetui.cli.exits import impossible
from pipetui.kernel.errors import NotAFifo, translated
from pipetui.model import PipeId
from pipetui.watch.census import pipefs_device

FORMS = "a FIFO, PID/FD (a descriptor of a process), or pipe:[INODE]"


def pipe_id(name: str) -> PipeId:
    """Return the identity of the pipe that `name` means. Raises Missing, NotAFifo, NotPermitted."""
    inode = re.fullmatch(r"pipe:\[?(\d+)\]?", name)
    if inode:
        return PipeId(pipefs_device(), int(inode.group(1)))
    descriptor = re.fullmatch(r"(\d+)/(\d+)", name)
    if descriptor and not os.path.lexists(name):
        return _stat(f"/proc/{descriptor.group(1)}/fd/{descriptor.group(2)}", name)
    return _stat(name, name)


def _stat(place: str, name: str) -> PipeId:
    if not name or "\0" in name:
        impossible("an empty path names nothing" if not name else "a path can't hold a NUL byte")
    with translated(name):
        status = os.stat(place)
    if not stat.S_ISFIFO(status.st_mode):
        raise NotAFifo(f"{name} is no FIFO or pipe")
    return PipeId(status.st_dev, status.st_ino)
