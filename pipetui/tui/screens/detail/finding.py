"""One finding in full: what is wrong, why, what to do, and how its pipes and processes are connected."""

from __future__ import annotations

from pipetui.client.session import Change, Session
from pipetui.model import Finding, PipeId
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.views.cells import Parts, heading
from pipetui.tui.views.chains import chain_lines, pipe_name
from pipetui.tui.views.findings import finding_lines, key_of, named
from pipetui.tui.views.holders import short_command
from pipetui.tui.views.links import link
from pipetui.tui.views.pipelines import chains

_READABLE = 100


class FindingScreen(DetailScreen):
    """The screen, with links to the pipes and processes."""

    def __init__(self, session: Session, finding: Finding) -> None:
        super().__init__(session)
        self.anonymous = any(ref.path is None for ref in finding.pipes)
        self._finding = finding
        self._over = False

    def changed(self, change: Change) -> None:
        now = {key_of(finding): finding for finding in self.session.findings}
        self._over = key_of(self._finding) not in now
        self._finding = now.get(key_of(self._finding), self._finding)
        super().changed(change)

    def lay_out(self) -> None:
        palette = self.palette
        over: Parts = (("resolved: no longer found", palette.active),) if self._over else ()
        self.head.update(
            "FINDING",
            (
                *self.where,
                (named(self._finding.rule), palette.dim),
            ),
            over,
        )
        width = min(self.room, _READABLE)
        self.sheet.put([*finding_lines(self._finding, palette, width), (), *self._parts()])

    def _parts(self) -> list[Parts]:
        palette, session = self.palette, self.session
        refs = {PipeId(ref.dev, ref.inode): ref for ref in self._finding.pipes}
        rows = [session.pipes[pipe] for pipe in refs if pipe in session.pipes]
        lines: list[Parts] = []
        if rows:
            lines.append(heading("CONNECTIONS", "", palette))
            for chain in chains(rows)[0]:
                lines += [*chain_lines(chain, session.processes, palette, self.room, explain=False), ()]
        lines.append(heading("INVOLVED", "", palette))
        for pipe, ref in refs.items():
            lines.append((("  pipe      ", palette.dim), link(pipe_name(ref.path, ref.inode), pipe, palette.accent)))
        for pid in self._finding.pids:
            lines.append((("  process   ", palette.dim), link(_named(session, pid), pid, palette.accent)))
        return lines


def _named(session: Session, pid: int) -> str:
    process = session.processes.get(pid)
    ends = (end.command for row in session.pipes.values() for end in row.pipe.ends if end.pid == pid and end.command)
    command = (process.command if process else "") or next(ends, "")
    return f"{pid}  {short_command(command)}" if command else str(pid)
