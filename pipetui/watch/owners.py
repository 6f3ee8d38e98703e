"""Whose a side of a pipe is: of all that hold an end, those that mean to use it. Pure.

fork(2) hands every descriptor down, so most holders of an end never asked for it: the child that a shell loop has
forked for a moment, what a launcher started while it had a pipe of its own open, the parent that kept a copy of what
it gave its child. Who is named as a stage, a holder or the other side is the process whose end it is.

What is seen is who holds which descriptor, who is whose parent, and who waits. From that:

- A copy that was handed down as it was belongs to the ancestor: of those, the topmost is the owner. It lives longest,
  and its children come and go.
- A standard stream (0 to read, 1 and 2 to write; stdio(3)) that the parent holds under another number was given on
  purpose, by dup2(2): the child owns it, and the parent has kept a copy.
- Who waits in open has no end yet, and owns the one it will get.
- Beside an owner that has the end as a standard stream or waits on it, a process above that one owns nothing: it has
  kept a copy. Of an anonymous pipe neither does anybody else who has it under some number: nobody can have opened it
  for himself. A FIFO anybody may have opened, so there the others stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from pipetui.model import Pipe

#: The sides of a pipe by their access: who writes, who reads.
SIDES: tuple[Literal["w"], Literal["r"]] = ("w", "r")

#: The descriptors of standard streams by the access that they are made for.
_STANDARD = {"r": frozenset({0}), "w": frozenset({1, 2})}


def owners(pipe: Pipe, access: Literal["r", "w"], parents: Mapping[int, int]) -> dict[int, tuple[int, ...]]:
    """Return who owns the read ("r") or write ("w") side of a pipe; empty if nobody holds it or waits to open it.

    Each owner, ascending, comes with the processes whose copies are its: itself first, then those, ascending. A copy
    that nobody means to use is in none of them. `parents` gives the parent of each process, or the nearest process
    above it that matters, as far as that is known; what is missing there counts as unrelated.
    """
    held: dict[int, set[int]] = {}
    for end in pipe.ends:
        if access in end.access:
            held.setdefault(end.pid, set()).add(end.fd)
    kinds = ("read", "open-read") if access == "r" else ("write", "open-write")
    waiting = {waiter.pid for waiter in pipe.waiters if waiter.kind in kinds}
    standard = {pid for pid, fds in held.items() if fds & _STANDARD[access]}
    groups: dict[int, list[int]] = {}
    roots = {pid: _root(pid, held.keys(), standard, parents) for pid in held.keys() | waiting}
    for pid in sorted(roots):
        groups.setdefault(_settled(pid, roots), []).append(pid)
    sure = {root for root, group in groups.items() if not (standard | waiting).isdisjoint(group)}
    if sure:
        above = {pid for root in sure for pid in _above(root, parents)}
        idle = groups.keys() - sure
        for root in idle if pipe.kind == "anonymous" else idle & above:
            del groups[root]
    return {root: (root, *(pid for pid in group if pid != root)) for root, group in sorted(groups.items())}


def holding(pipe: Pipe, access: Literal["r", "w"], parents: Mapping[int, int]) -> tuple[int, ...]:
    """Return the owners of a side that have it open already: not those who wait in open."""
    held = pipe.holders(access)
    return tuple(pid for pid in owners(pipe, access, parents) if pid in held)


def _root(pid: int, held: Collection[int], standard: set[int], parents: Mapping[int, int]) -> int:
    """Return whose copy a process has: its own, or the one of a process above it."""
    root = pid
    if pid not in held:
        return pid
    for one in _above(pid, parents):
        if one not in held:
            continue
        if root in standard and one not in standard:
            break
        root = one
    return root


def _settled(pid: int, roots: Mapping[int, int]) -> int:
    """Return the root that is its own root: parents that were read at different moments may make a circle."""
    passed: list[int] = []
    while pid not in passed:
        passed.append(pid)
        pid = roots[pid]
    return min(passed[passed.index(pid) :])


def _above(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    """Yield the processes above one, the nearest first."""
    seen = {pid}
    while (pid := parents.get(pid, 0)) and pid not in seen:
        seen.add(pid)
        yield pid
