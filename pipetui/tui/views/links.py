"""Links to a pipe or a process: parts of a line whose style carries a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.style import Style

from pipetui.model import PipeId
from pipetui.tui.views.cells import Part, Parts

#: What a name leads to: a pipe by its identity, a process by its pid.
Target = PipeId | int


class HostTarget(NamedTuple):
    """What a name leads to on one of several hosts, each with its number."""

    host: int
    target: Target


_GO = "go"


def link(words: str, target: Target, style: Style) -> Part:
    """Return `words` (safe) as a part that leads to `target`."""
    return words, style + Style(meta={_GO: target})


def on_host(lines: Sequence[Parts], host: int) -> list[Parts]:
    """Return lines in which every name leads to the host of this number."""

    def there(part: Part) -> Part:
        target, style = target_of(part), part[1]
        if target is None or style is None:
            return part
        return part[0], style + Style(meta={_GO: HostTarget(host, target)})

    return [tuple(map(there, line)) for line in lines]


def target_of(part: Part) -> Target | None:
    """Return what a part leads to."""
    style = part[1]
    return style.meta.get(_GO) if style is not None and style.meta else None
