"""`world-access` and `stale`: what the names in folders tell (fifo(7), chmod(1)). Many FIFOs make one finding.

Only FIFOs below paths that a person named are told of: of others nobody asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipetui.model import Access, Finding, Pipe
from pipetui.text import plural
from pipetui.watch.findings.wording import named, quoted
from pipetui.watch.world import World, ref

_MAY = {
    "r": "read, and so take bytes away",
    "w": "write",
    "rw": "read and write",
}


def world_access(world: World) -> Iterator[Finding]:
    """Tell of FIFOs that every user of the machine may open."""
    groups: dict[tuple[str, Access], list[Pipe]] = {}
    for identity, access in world.exposed.items() if world.asked else ():
        if identity not in world.found:
            continue
        pipe = world.by_id[identity]
        groups.setdefault((os.path.dirname(pipe.path or ""), access), []).append(pipe)
    for (_, access), pipes in groups.items():
        yield Finding(
            "world-access",
            "note" if access == "r" else "warning",
            tuple(ref(pipe) for pipe in pipes),
            tuple(sorted({end.pid for pipe in pipes for end in pipe.ends})),
            f"every user may {_MAY[access]}: {_several(pipes, 'and')}",
            f"The mode ({pipes[0].mode or 0:04o}) lets others in: whoever reads first takes the bytes, and what "
            "anybody writes ends up in the same stream (fifo(7)).",
            f"If only its owner should use it: `chmod 600 {_paths(pipes)}`. New ones: `mkfifo -m 600`, or "
            "`pipetui create`, which does so by default.",
        )


def stale(world: World) -> Iterator[Finding]:
    """Tell of FIFOs under the roots that nobody has open and nobody waits for: all of them in one finding."""
    if not world.asked or world.unreadable or world.blind or world.contained:
        return  # nobody was asked, or somebody may have it open who can't be seen
    pipes = [
        pipe for pipe in world.pipes if pipe.id in world.found and not pipe.ends and not pipe.waiters and pipe.path
    ]
    if pipes:
        yield Finding(
            "stale",
            "note",
            tuple(ref(pipe) for pipe in pipes),
            (),
            f"nobody has {_several(pipes, 'or')} open",
            "A FIFO is only a name until two processes open it, and holds nothing meanwhile (fifo(7)).",
            f"Nothing, if somebody still needs it. Otherwise remove what is left over: `pipetui rm {_paths(pipes)}`.",
            "exact",
        )


def _several(pipes: list[Pipe], word: str) -> str:
    names = [named(pipe) for pipe in pipes]
    return f" {word} ".join(names) if len(names) <= 2 else f"{plural(len(names), 'FIFO')} ({names[0]}, {names[1]}, …)"


def _paths(pipes: list[Pipe]) -> str:
    shown = [quoted(pipe.path or "") for pipe in pipes[:3]]
    return " ".join([*shown, "…"] if len(pipes) > 3 else shown)
