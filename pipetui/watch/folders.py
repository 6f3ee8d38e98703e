"""What is known of the folders that are searched for FIFOs, and what of that has changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipetui.model import Pipe


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new or different (a pipe replaces whatever was at its path), and which paths no longer are FIFOs."""

    found: list[Pipe] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.found or self.gone)


@dataclass(slots=True)
class Folder:
    """A folder we know: its depth below the root, its watch (-1: none), its FIFOs by path, its sub-folders.

    `only` are the paths of interest in a folder that is no root itself but has roots in it; None for all.
    """

    level: int
    only: set[str] | None = None
    wd: int = -1
    fifos: dict[str, Pipe] = field(default_factory=dict)
    subs: set[str] = field(default_factory=set)

    def wants(self, path: str) -> bool:
        return self.only is None or path in self.only


def outer_first(root: str) -> tuple[int, str]:
    """Return what sorts paths so that each comes behind those that it lies in."""
    return root.rstrip("/").count("/"), root


def fair_share() -> int:
    """Return how many watches one tree may take: the user's other programs need some of the limit too."""
    try:
        with open("/proc/sys/fs/inotify/max_user_watches", "rb") as file:
            return max(64, int(file.read()) // 4)
    except (OSError, ValueError):
        return 2048
