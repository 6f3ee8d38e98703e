"""Which blocked opener names whose FIFO: the only sign from outside of what a program would open next.

Looked at are the words of its own command line and, where that runs a script, the script's text. A process that was
forked without running a program of its own has only the words of its parent: they say nothing of it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping

from pipetui.kernel.fd import Fd
from pipetui.kernel.procfs import Proc, Stat
from pipetui.model import PipeId
from pipetui.watch.census import far_away
from pipetui.watch.waits import Waits

#: Longer scripts are not read (bytes).
_LONGEST = 1 << 18


def mentions(proc: Proc, roster: Mapping[int, Stat], waits: Waits) -> dict[int, frozenset[PipeId]]:
    """Return for each blocked opener the FIFOs of other blocked openers that it names; nobody where it names none."""
    waiting = {
        pid: (task.pipe, os.path.normpath(task.path))
        for pid, tasks in waits.tasks.items()
        for task in tasks
        if task.doing in ("open-read", "open-write") and task.pipe is not None and task.path
    }
    if len(set(waiting.values())) < 2:
        return {}
    answer: dict[int, frozenset[PipeId]] = {}
    for pid, (own, path) in waiting.items():
        told = roster.get(pid)
        text = "" if told is None or told.forked else _words(proc, pid)
        others = {(pipe, other) for pipe, other in waiting.values() if pipe != own}
        named = frozenset(pipe for pipe, other in others if _names(text, other, path, proc.cwd(pid)))
        if named:
            answer[pid] = named
    return answer


def _names(text: str, path: str, own: str, cwd: str | None) -> bool:
    """Whether a text has a path, whole, as seen from `cwd`, or as a name in the folder of the text's `own` FIFO."""
    words = {path}
    if cwd is not None and path.startswith(cwd.rstrip("/") + "/"):
        words.add(os.path.relpath(path, cwd))
    if os.path.dirname(path) == os.path.dirname(own):
        words.add(os.path.basename(path))
    return any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", text) for word in words if text)


def _words(proc: Proc, pid: int) -> str:
    """Return the command line and the text of the script that it runs."""
    words = proc.arguments(pid)
    script = next((word for word in words[1:3] if word and not word.startswith("-")), "")
    return "\n".join([*words, _text(proc, pid, script)])


def _text(proc: Proc, pid: int, script: str) -> str:
    """Return the text of a script in its process's current folder; empty where it is no short regular file."""
    folder = proc.cwd(pid)
    if not script or "\0" in script or folder is None or not proc.shares_root(pid):
        return ""
    path = os.path.join(folder, script)
    if path.startswith(far_away(proc)):
        return ""
    try:
        with Fd(os.open(path, os.O_PATH | os.O_CLOEXEC)) as handle:  # it may be a FIFO, which must not be opened
            status = os.fstat(handle.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
                return ""
            with open(f"/proc/self/fd/{handle.fileno()}", "rb") as file:
                return file.read(_LONGEST).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):
        return ""
