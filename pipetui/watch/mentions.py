"""Which blocked opener names whose FIFO: the only sign from outside of what a program would open next.

Looked at are the words of its own command line and, where that runs a script, the script's text. A process that was
forked without running a program of its own has only the words of its parent: they say nothing of it. Nor does a script
file that several of them run: it names the FIFOs of all.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipetui.kernel.fd import Fd
from pipetui.kernel.procfs import Proc, Stat
from pipetui.model import PipeId
from pipetui.watch.census import far_away
from pipetui.watch.waits import Waits

#: Longer scripts are not read (bytes), and more openers than this are not compared.
_LONGEST = 1 << 18
_MOST = 2_000

#: Of more FIFOs than this, only those are looked for whose name is among the words of a text.
_FEW = 64

_WORD = re.compile(r"[^\s'\"`<>=;&|(){}$/]+")


#: A FIFO at which somebody is blocked, and the path that was given for it.
_FoundPipe = tuple[PipeId, str]


class _Opener(NamedTuple):
    """A blocked opener: at which FIFO, the path it gave, the folder it is in, its arguments and its script."""

    pipe: PipeId
    path: str
    folder: str
    arguments: str
    script: _Script


class _Script(NamedTuple):
    """A script: which file it is, and its text; copies of it are others, beside other FIFOs."""

    file: tuple[int, int] = (0, 0)
    text: str = ""


def mentions(proc: Proc, roster: Mapping[int, Stat], waits: Waits) -> dict[int, frozenset[PipeId]]:
    """Return for each blocked opener the FIFOs of other blocked openers that it names; nobody where it names none."""
    blocked = {
        pid: (task.pipe, os.path.normpath(task.path))
        for pid, tasks in waits.tasks.items()
        for task in tasks
        if task.doing in ("open-read", "open-write") and task.pipe is not None and task.path
    }
    places = set(blocked.values())
    if not 1 < len(places) <= _MOST:
        return {}
    by_name: dict[str, list[_FoundPipe]] = {}
    for place in places:
        by_name.setdefault(os.path.basename(place[1]), []).append(place)
    far = far_away(proc)
    openers = {
        pid: _opener(proc, pid, pipe, path, far)
        for pid, (pipe, path) in blocked.items()
        if pid in roster and not roster[pid].forked
    }
    runs = Counter(one.script.file for one in openers.values())
    answer: dict[int, frozenset[PipeId]] = {}
    for pid, one in openers.items():
        script = one.script.text if runs[one.script.file] == 1 else ""
        named = frozenset(
            pipe for pipe, path in _likely(by_name, one, script) if pipe != one.pipe and _names(one, script, path)
        )
        if named:
            answer[pid] = named
    return answer


def _likely(by_name: Mapping[str, list[_FoundPipe]], one: _Opener, script: str) -> Iterator[_FoundPipe]:
    """Yield the FIFOs that an opener's words may name: all of a few, else those whose name is a word by itself."""
    names = by_name.keys()
    if len(names) > _FEW:
        names &= set(_WORD.findall(f"{one.arguments}\n{script}"))  # type: ignore[assignment]
    for name in names:
        yield from by_name[name]


def _opener(proc: Proc, pid: int, pipe: PipeId, path: str, far: tuple[str, ...]) -> _Opener:
    words = proc.arguments(pid)
    folder = proc.cwd(pid) or ""
    script = next((word for word in words[1:3] if word and not word.startswith("-")), "")
    return _Opener(pipe, path, folder, "\n".join(words), _script(proc, pid, folder, script, far))


def _names(one: _Opener, script: str, path: str) -> bool:
    """Whether an opener's words have a path: whole, as seen from its folder, or as a name beside its own FIFO.

    A name alone counts only where a shell or a program would have a file: behind `<`, `>`, a quote, a slash or an
    equals sign, or as an argument.
    """
    names = {path}
    if one.folder and path.startswith(one.folder.rstrip("/") + "/"):
        names.add(os.path.relpath(path, one.folder))
    if os.path.dirname(path) == os.path.dirname(one.path):
        names.add(os.path.basename(path))
    pattern = rf"(?:^|[<>] ?|['\"/=\n])(?:\./)?(?:{'|'.join(map(re.escape, sorted(names)))})(?![\w.-])"
    return re.search(pattern, f"{one.arguments}\n{script}") is not None


def _script(proc: Proc, pid: int, folder: str, script: str, far: tuple[str, ...]) -> _Script:
    """Return a script in its process's current folder; an empty one where that is no short regular file."""
    if not script or "\0" in script or not folder or not proc.shares_root(pid):
        return _Script()
    path = os.path.join(folder, script)
    if path.startswith(far):
        return _Script()
    try:
        with Fd(os.open(path, os.O_PATH | os.O_CLOEXEC)) as handle:  # it may be a FIFO, which must not be opened
            status = os.fstat(handle.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
                return _Script()
            with open(f"/proc/self/fd/{handle.fileno()}", "rb") as file:
                text = file.read(_LONGEST).decode("utf-8", "surrogateescape")
            return _Script((status.st_dev, status.st_ino), text)
    except (OSError, ValueError):
        return _Script()
