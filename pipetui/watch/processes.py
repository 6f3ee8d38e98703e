"""What the processes at the ends are: command, user, CPU and memory, and which descends from which.

CPU and memory need psutil.

Without psutil (a bare remote host) those two are unknown and nothing else changes.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from pipetui.kernel.procfs import Proc
from pipetui.model import Process
from pipetui.watch.finder import owner_name

if TYPE_CHECKING:
    import psutil
else:
    try:
        import psutil
    except ImportError:
        psutil = None

#: Resident memory is rounded to this many bytes, so that a quiet process does not change its row.
_RSS_STEP = 64 << 10


class Processes:
    """Looks processes up again and again; remembers each one's CPU time from the look before."""

    def __init__(self, proc: Proc | None = None) -> None:
        self._proc = proc or Proc()
        self._known: dict[int, psutil.Process] = {}

    def look(self, pids: Iterable[int], known: Mapping[int, int] | None = None) -> tuple[Process, ...]:
        """Return the processes that still are, ascending. `cpu` is since the last look; None at the first one.

        `known` are parents of processes that need not be read once more.
        """
        wanted = sorted(set(pids))
        self._known = {pid: self._known[pid] for pid in wanted if pid in self._known}
        parents = dict(known or {})
        among = frozenset(wanted)
        looked = (self._one(pid, among, parents) for pid in wanted)
        return tuple(process for process in looked if process is not None)

    def _one(self, pid: int, among: Collection[int], parents: dict[int, int]) -> Process | None:
        command = self._proc.command(pid)
        if not command:
            return None
        cpu, rss = self._usage(pid)
        return Process(pid, command, self._user(pid), cpu, rss, self._above(pid, among, parents))

    def _above(self, pid: int, among: Collection[int], parents: dict[int, int]) -> int:
        """Return the nearest process above one that is `among` these; `parents` keeps what was read in this look."""
        seen = {pid}
        while True:
            if pid not in parents:
                told = self._proc.stat(pid)
                parents[pid] = told.parent if told is not None else 0
            pid = parents[pid]
            if pid == 0 or pid in seen:
                return 0
            if pid in among:
                return pid
            seen.add(pid)

    def _user(self, pid: int) -> str | None:
        try:
            return owner_name(os.stat(f"{self._proc.root}/{pid}").st_uid)
        except OSError:
            return None

    def _usage(self, pid: int) -> tuple[float | None, int | None]:
        """Return CPU (share of one core) and resident bytes. A pid that was reused is a new process."""
        if psutil is None:
            return None, None
        try:
            known = self._known.get(pid)
            if known is None or not known.is_running():
                self._known[pid] = fresh = psutil.Process(pid)
                fresh.cpu_percent(None)
                return None, _rounded(fresh.memory_info().rss)
            return known.cpu_percent(None) / 100, _rounded(known.memory_info().rss)
        except psutil.Error:
            return None, None


def _rounded(rss: int) -> int:
    return (rss + _RSS_STEP // 2) // _RSS_STEP * _RSS_STEP
