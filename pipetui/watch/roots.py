"""Where to look when nobody says where: the current folder, the temporary folder, the user's runtime folder, /run."""

from __future__ import annotations

import os
from collections.abc import Iterable

from pipetui.kernel.mounts import Mount
from pipetui.kernel.procfs import Proc


def default_roots() -> tuple[str, ...]:
    """Return the folders that exist of those, each once, none inside another unless a mount lies between them."""
    # not tempfile.gettempdir(): that tries folders by making a file in them
    wanted = [_cwd(), os.environ.get("TMPDIR", "/tmp"), os.environ.get("XDG_RUNTIME_DIR", ""), "/run"]
    there = [os.path.realpath(folder) for folder in wanted if folder and os.path.isdir(folder)]
    return merged(there, Proc().mounts())


def merged(roots: Iterable[str], mounts: Iterable[Mount]) -> tuple[str, ...]:
    """Drop doubles and roots that the walk of another root reaches anyway, which stays on one filesystem."""
    once = list(dict.fromkeys(roots))
    points = [mount.point for mount in mounts]
    return tuple(root for root in once if not any(other != root and _reaches(other, root, points) for other in once))


def absolute(path: str) -> str:
    """Return `path` from the root on; `..` is resolved as the kernel does, past symbolic links.

    An empty path, and a relative one where the current folder was removed, stay as they are: they name nothing.
    """
    try:
        if ".." in path.split("/"):
            return os.path.realpath(path)
        return os.path.abspath(path) if path else path
    except (OSError, ValueError):
        return path


def _reaches(outer: str, inner: str, points: list[str]) -> bool:
    if not _inside(inner, outer):
        return False
    return not any(point != outer and _inside(point, outer) and _inside(inner, point) for point in points)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # the current folder was removed
