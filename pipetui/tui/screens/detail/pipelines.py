"""All pipes as pipelines, including anonymous ones: chains of commands, how full the pipes are, and who lags."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import BindingType

from pipetui.client.session import Change, Session
from pipetui.model import Finding, PipeId
from pipetui.text import number, plural, safe
from pipetui.tui.core.actions import Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.views.cells import Part, Parts, heading, wrap_words
from pipetui.tui.views.chains import chain_lines
from pipetui.tui.views.findings import level_mark, named, sentence
from pipetui.tui.views.links import HostTarget, Target, on_host
from pipetui.tui.views.pipelines import Chain, bottleneck, chains

#: A chain of some host.
Key = tuple[int, tuple[PipeId, ...]]


class PipelinesScreen(DetailScreen):
    """The chains. They are sorted, those under pressure first, only when one comes or goes, so that none jumps."""

    SCOPE: ClassVar[Scope] = "pipelines"
    BINDINGS: ClassVar[list[BindingType]] = bindings("pipelines")
    anonymous = True

    def __init__(self, session: Session, *more: Session) -> None:
        super().__init__(session)
        self._sessions = (session, *more)
        self._order: dict[Key, int] = {}
        self._asked = False

    def is_about(self, session: Session) -> bool:
        return session in self._sessions

    def found(self, target: Any) -> tuple[Session, Target]:
        return (self._sessions[target.host], target.target) if isinstance(target, HostTarget) else super().found(target)

    def changed(self, change: Change) -> None:
        rows = (row for session in self._sessions for row in session.pipes.values())
        self._asked = self._asked or any(row.pipe.kind == "anonymous" for row in rows)
        super().changed(change)

    def lay_out(self) -> None:
        made = [chains(session.pipes.values()) for session in self._sessions]
        found = [(host, chain) for host, (each, _) in enumerate(made) for chain in each]
        left_out = sum(count for _, count in made)
        pressed = sum(_is_pressed(chain) for _, chain in found)
        palette = self.palette
        figures: list[Part] = [(plural(len(found), "chain"), palette.dim)]
        if pressed:
            figures += [(" · ", palette.dim), (f"{number(pressed)} under pressure", palette.waiting)]
        self.head.update("PIPELINES", (("FIFOs and anonymous pipes", palette.dim),), tuple(figures))
        lines: list[Parts] = [()] if self.size.height >= 30 else []
        last = -1
        for host, chain in self._sorted(found):
            if len(self._sessions) > 1 and host != last:
                lines += [heading(safe(self._sessions[host].name), safe(self._sessions[host].away), palette), ()]
            last = host
            drawn = self._chain(self._sessions[host], chain)
            lines += [*(on_host(drawn, host) if len(self._sessions) > 1 else drawn), ()]
        if not self._asked and not all(session.lost for session in self._sessions):
            lines += [(("Looking for anonymous pipes…", palette.dim),), ()]
        elif not found:
            lines += [(("No pipe connects two processes.", palette.dim),), ()]
        if left_out:
            words = f"{plural(left_out, 'pipe')} not shown: the same processes are at both ends."
            lines += [((piece, palette.dim),) for piece in wrap_words(words, self.room)]
        self.sheet.put(lines)

    def _sorted(self, found: list[tuple[int, Chain]]) -> list[tuple[int, Chain]]:
        """Return chains with their hosts' numbers in display order, those of one host together."""
        if self._order.keys() != {(host, chain.key) for host, chain in found}:

            def order(of: tuple[int, Chain]) -> tuple[int, bool, bool]:
                host, chain = of
                troubled = chain.stuck or bool(self._troubled(self._sessions[host], chain))
                return host, not troubled, not _is_pressed(chain)

            began = sorted(found, key=order)
            self._order = {(host, chain.key): index for index, (host, chain) in enumerate(began)}
        return sorted(found, key=lambda of: self._order[of[0], of[1].key])

    @staticmethod
    def _troubled(session: Session, chain: Chain) -> list[Finding]:
        """Return the problems that are about a pipe of this chain."""
        pipes = set(chain.key)
        problems = (finding for finding in session.findings if finding.level == "problem")
        return [each for each in problems if any(PipeId(ref.dev, ref.inode) in pipes for ref in each.pipes)]

    def _chain(self, session: Session, chain: Chain) -> list[Parts]:
        palette, room = self.palette, self.room
        troubles = self._troubled(session, chain)
        lines = chain_lines(chain, session.processes, palette, room, explain=not troubles)
        for finding in troubles:
            mark, style = level_mark(finding.level, palette)
            rule = named(finding.rule)
            pieces = wrap_words(f"{rule}: {sentence(finding.headline)}", room - 2)
            lines.append(((f"{mark} {rule}", style), (pieces[0][len(rule) :], palette.text)))
            lines += [(("  " + piece, palette.text),) for piece in pieces[1:]]
        return lines

    def action_pipelines_close(self) -> None:
        self.dismiss(None)


def _is_pressed(chain: Chain) -> bool:
    explain = bottleneck(chain)
    return explain is not None and explain.pressed
