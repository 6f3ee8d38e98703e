"""All pipes as pipelines, anonymous ones too: the chains of commands, how full it is between them, and who lags."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType

from pipetui.client.session import Change, Session
from pipetui.model import Finding, PipeId
from pipetui.text import number, plural
from pipetui.tui.actions import Scope
from pipetui.tui.cells import Part, Parts
from pipetui.tui.findings import named, sentence, tone
from pipetui.tui.keys import bindings
from pipetui.tui.looks.chains import chain_lines
from pipetui.tui.looks.look import Look
from pipetui.tui.pipelines import Chain, bottleneck, chains
from pipetui.tui.sheet import wrap_words

Key = tuple[PipeId, ...]


class PipelinesLook(Look):
    """The chains. Those under pressure stand first when a chain comes or goes; else nothing changes its place."""

    SCOPE: ClassVar[Scope] = "pipelines"
    BINDINGS: ClassVar[list[BindingType]] = bindings("pipelines")
    anonymous = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._order: dict[Key, int] = {}
        self._asked = False

    def changed(self, change: Change) -> None:
        self._asked = self._asked or any(row.pipe.kind == "anonymous" for row in self.session.pipes.values())
        super().changed(change)

    def lay_out(self) -> None:
        found, left_out = chains(self.session.pipes.values())
        pressed = sum(map(_is_pressed, found))
        look = self.look
        figures: list[Part] = [(plural(len(found), "chain"), look.dim)]
        if pressed:
            figures += [(" · ", look.dim), (f"{number(pressed)} under pressure", look.waiting)]
        self.head.say("PIPELINES", (("FIFOs and anonymous pipes", look.dim),), tuple(figures))
        lines: list[Parts] = [()] if self.size.height >= 30 else []
        for chain in self._sorted(found):
            lines += [*self._chain(chain), ()]
        if not self._asked and not self.session.lost:
            lines += [(("Looking for anonymous pipes…", look.dim),), ()]
        elif not found:
            lines += [(("No pipe joins two processes now.", look.dim),), ()]
        if left_out:
            has = "has" if left_out == 1 else "have"
            words = f"{plural(left_out, 'pipe')} more {has} only one process, or the same ones, at both ends."
            lines += [((piece, look.dim),) for piece in wrap_words(words, self.room)]
        self.sheet.put(lines)

    def _sorted(self, found: list[Chain]) -> list[Chain]:
        if self._order.keys() != {chain.key for chain in found}:
            began = sorted(found, key=lambda chain: (not self._troubled(chain), not _is_pressed(chain)))
            self._order = {chain.key: index for index, chain in enumerate(began)}
        return sorted(found, key=lambda chain: self._order[chain.key])

    def _troubled(self, chain: Chain) -> list[Finding]:
        """Return the problems that are about a pipe of this chain."""
        pipes = set(chain.key)
        problems = (finding for finding in self.session.findings if finding.level == "problem")
        return [each for each in problems if any(PipeId(ref.dev, ref.inode) in pipes for ref in each.pipes)]

    def _chain(self, chain: Chain) -> list[Parts]:
        look, room = self.look, self.room
        troubles = self._troubled(chain)
        lines = chain_lines(chain, self.session.processes, look, room, verdict=not troubles)
        for finding in troubles:
            mark, style = tone(finding.level, look)
            rule = named(finding.rule)
            pieces = wrap_words(f"{rule}: {sentence(finding.headline)}", room - 2)
            lines.append(((f"{mark} {rule}", style), (pieces[0][len(rule) :], look.text)))
            lines += [(("  " + piece, look.text),) for piece in pieces[1:]]
        return lines

    def deeds(self) -> dict[str, Callable[[], object]]:
        return {"pipelines_close": lambda: self.dismiss(None)}


def _is_pressed(chain: Chain) -> bool:
    verdict = bottleneck(chain)
    return verdict is not None and verdict.pressed
