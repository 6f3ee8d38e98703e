"""Bounds of what one client can make a hub start and keep, whatever it asks for.

A hub is given its roots by a shell's `*` as well as by a person. Each bound is far beyond what somebody can look at,
keeps the hub's descriptors below the usual 1,024 (three a child, getrlimit(2)), and is said in a sentence when it is
reached: in the answer to the request, or in the status.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

#: How many roots are searched, and by how many children at once.
MOST_ROOTS = 10_000
MOST_FINDERS = 8

#: How many paths of FIFOs are listed.
MOST_LISTED = 50_000

#: How many producers and consumers run, and how many are listed, those that have ended included.
MOST_RUNNING = 200
MOST_ACTORS = 1_000

#: How many requests are worked on by children at the same time.
MOST_TASKS = 50

TOO_MANY_FIFOS = f"only the first {MOST_LISTED:,} FIFOs that were found are listed"
TOO_MANY_TASKS = f"{MOST_TASKS} requests are being worked on already; try again when some are done"


def searched(roots: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Return the roots that are searched, each once, and a sentence if that leaves any out."""
    once = tuple(dict.fromkeys(roots))
    if len(once) <= MOST_ROOTS:
        return once, ""
    return once[:MOST_ROOTS], (
        f"only the first {MOST_ROOTS:,} of {len(once):,} paths are searched; name the folders they lie in instead"
    )


def shares(roots: Sequence[str], mount_points: Collection[str]) -> list[tuple[str, ...]]:
    """Return which roots share a finder.

    Each has its own while they are few, so that one that hangs holds nobody up. Many are divided by filesystem, since
    those on a dead disk hang anyway, and the largest of these shares are halved while there may be more finders.
    """
    if len(roots) <= MOST_FINDERS:
        return [(root,) for root in roots]
    groups: dict[str, list[str]] = {}
    for root in roots:
        groups.setdefault(_filesystem(root, mount_points), []).append(root)
    parts = sorted(groups.values(), key=len)
    if len(parts) > MOST_FINDERS:  # the small ones have to get along with each other
        few = parts[: 1 - MOST_FINDERS]
        parts = [[root for part in few for root in part], *parts[1 - MOST_FINDERS :]]
    while len(parts) < MOST_FINDERS:
        largest = max(parts, key=len)
        parts.remove(largest)
        parts += [largest[::2], largest[1::2]]
    return [tuple(part) for part in parts]


def called(roots: Sequence[str]) -> str:
    """Return what the roots of one finder are called in a sentence."""
    return roots[0] if len(roots) == 1 else f"{roots[0]} and {len(roots) - 1:,} more"


def _filesystem(path: str, mount_points: Collection[str]) -> str:
    """Return the mount point that a path lies below, judged by its name alone: a dead one must not be touched."""
    while path and path != "/" and path not in mount_points:
        path = path.rpartition("/")[0]
    return path
