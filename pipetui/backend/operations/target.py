"""Which pipe a person means: a FIFO's path, `PID/FD` (a descriptor of a process), `pipe:[INODE]`; and which folders."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence

from pipetui.kernel.errors import Missing, NotAFifo, PipeError, translated
from pipetui.model import Pipe, PipeId
from pipetui.protocol.operations import Complaint
from pipetui.watch.census import pipefs_device
from pipetui.watch.finder import kind_of
from pipetui.watch.roots import absolute, default_roots


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
        raise Missing("an empty path names nothing" if not name else "a path can't hold a NUL byte")
    with translated(name):
        status = os.stat(place)
    if not stat.S_ISFIFO(status.st_mode):
        raise NotAFifo(f"{name} is no FIFO or pipe")
    return PipeId(status.st_dev, status.st_ino)


def unknown(paths: Sequence[str], pipes: Iterable[Pipe], unseen: str) -> Iterator[Complaint]:
    """Complain about each FIFO that was named and that nobody seems to have open, where not all could be seen."""
    wanted = {absolute(path): path for path in paths}
    for pipe in pipes:
        if not pipe.ends and not pipe.waiters:
            for path in wanted.keys() & set(pipe.paths):
                yield Complaint(f"{wanted[path]}: who has it open is unknown: {unseen}")


def roots_of(paths: Sequence[str]) -> tuple[list[str], list[Complaint]]:
    """Return where to look, from the root on, and a complaint about each path where that is not possible."""
    roots, complaints = [], []
    for path in paths or default_roots():
        try:
            kind_of(path)
            roots.append(absolute(path))
        except PipeError as error:
            if paths:  # a default place that can't be searched is nobody's mistake
                complaints.append(Complaint(str(error)))
    return list(dict.fromkeys(roots)), complaints
