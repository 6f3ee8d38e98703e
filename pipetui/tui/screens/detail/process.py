"""One process, looked at closely: what each of its tasks waits for, its pipe ends, its family; and signals for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.timer import Timer

from pipetui.client.session import Change, Examined, Refused, Session
from pipetui.model import Doing, End, Mood, Pipe, PipeId, PipeRow, Polled, ProcessState, TaskState, Waiter
from pipetui.text import plural, safe, size
from pipetui.tui.core.actions import Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.dialogs.signal import SendSignal
from pipetui.tui.screens.detail.base import WIDE, Look, shows
from pipetui.tui.views.cells import Part, Parts, beside, cut, heading, wrap_words
from pipetui.tui.views.chains import pipe_name
from pipetui.tui.views.facts import Entry, actor_facts, paragraphs
from pipetui.tui.views.findings import FindingKey, finding_lines, key_of
from pipetui.tui.views.holders import Holder, short_command
from pipetui.tui.views.links import link
from pipetui.tui.views.pipelines import pressure
from pipetui.tui.views.times import moment

#: How long what was asked of the hub is taken as true (seconds), and how wide the right column is.
_FRESH = 2.0
_FAMILY = 50

_DOING: dict[Doing, str] = {
    "open-read": "waits to open {pipe} for reading: nobody writes to it",
    "open-write": "waits to open {pipe} for writing: nobody reads it",
    "read": "waits to read {pipe}{fd}",
    "write": "waits to write to {pipe}{fd}: it is full",
    "child": "waits for {children} to end",
    "poll": "waits for {polls}, without a time limit",
    "stopped": "{be} stopped by a signal; CONT lets it go on",
    "traced": "{be} held by a debugger or tracer",
    "sleeping": "{be} asleep",
    "waiting": "{be} waiting for {polls}",
    "busy": "{be} running",
}
#: The most telling first.
_SHORT: dict[Doing, str] = {
    "write": "waits to write", "open-write": "waits for a reader", "open-read": "waits for a writer",
    "read": "waits to read", "poll": "waits to read", "child": "waits for a child", "stopped": "stopped",
    "traced": "traced", "busy": "running", "sleeping": "sleeps", "waiting": "waits",
}  # fmt: skip
_MOODS: dict[Doing, Mood] = {"open-read": "waiting", "open-write": "waiting", "write": "waiting", "busy": "active"}


@shows(int)
class ProcessLook(Look):
    """The screen. What the hub was asked for is asked for anew when something changes, at most every two seconds."""

    SCOPE: ClassVar[Scope] = "process"
    BINDINGS: ClassVar[list[BindingType]] = bindings("process")

    def __init__(self, session: Session, pid: int, holder: Holder | None = None) -> None:
        super().__init__(session)
        self.pid = pid
        self._holder = holder
        self._known = Examined(0, None)
        self._asked_at = 0.0
        self._again: Timer | None = None
        self._answered = False
        self._refused = ""

    def on_mount(self) -> None:
        self._examine()

    # --- what changes ---------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        if change.pipes or change.processes or change.findings:
            self._examine_soon()
        super().changed(change)

    def _examine_soon(self) -> None:
        wait = self._asked_at + _FRESH - time.monotonic()
        if wait <= 0:
            self._examine()
        elif self._again is None:
            self._again = self.set_timer(wait, self._examine)

    def _examine(self) -> None:
        if self._again is not None:
            self._again.stop()
            self._again = None
        self._asked_at = time.monotonic()
        self.ask(self._ask())

    async def _ask(self) -> None:
        try:
            self._known, self._refused = await self.session.examine(self.pid), ""
        except Refused as refused:
            self._refused = str(refused)
        self._answered = True
        self.lay_out()

    # --- what is known --------------------------------------------------------------------------------------------

    @property
    def command(self) -> str:
        """Its command line, from whoever knows it."""
        listed = self.session.processes.get(self.pid)
        state = self._known.process
        held = self._holder.command if self._holder else ""
        known = (state.command if state else "") or (listed.command if listed else "") or held
        return known or next((each.command for each in self._named() if each.pid == self.pid and each.command), "")

    def _named(self) -> Iterable[End | Waiter]:
        """Yield whoever is at a listed pipe: they too know commands."""
        for row in self.session.pipes.values():
            yield from row.pipe.ends
            yield from row.pipe.waiters

    @property
    def ours(self) -> bool:
        """Whether it is one of our producers or consumers."""
        return any(actor.pid == self.pid and actor.phase != "ended" for actor in self.session.actors.values())

    def _pipes(self) -> dict[PipeId, PipeRow]:
        """Return its pipes: as they are listed, else as they were when the hub was asked."""
        asked = {pipe.id: PipeRow(pipe) for pipe in self._known.pipes}
        rows = {**asked, **self.session.pipes}
        mine = {key: row for key, row in rows.items() if _is_at(row.pipe, self.pid)}
        return dict(sorted(mine.items(), key=lambda item: (item[1].pipe.kind == "anonymous", item[0])))

    @property
    def _gone(self) -> bool:
        return self._answered and not self._refused and self._known.process is None

    # --- what stands in it ----------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        palette, room = self.palette, self.room
        load = _load(self)
        right: Parts = ((load, palette.dim),) if load else ()
        if self._gone:
            right = (("has ended", palette.waiting),)
        name = cut(short_command(self.command), max(10, room - 50)) or "?"
        self.head.say("PROCESS", (*self.where, (f"{self.pid}  ", palette.text), (name, palette.accent)), right)
        if room >= WIDE:
            left = room - _FAMILY - 2
            lines = beside(self._draw_left(left - 2), self._draw_right(_FAMILY), left, palette)
        else:
            lines = [*self._draw_left(room), (), *self._draw_right(room)]
        self.sheet.put(lines)

    def _draw_left(self, width: int) -> list[Parts]:
        palette = self.palette
        lines = [*self._draw_tasks(width), (), *self._draw_ends(width), ()]
        if self._refused:
            lines += [((piece, palette.waiting),) for piece in wrap_words(safe(self._refused), width)]
        mine = [finding for finding in self.session.findings if self.pid in (*finding.pids, *finding.behind)]
        seen: set[FindingKey] = set()
        for finding in mine:
            if key_of(finding) not in seen:
                seen.add(key_of(finding))
                lines += [*finding_lines(finding, palette, width), ()]
        return lines

    def _draw_tasks(self, width: int) -> list[Parts]:
        palette = self.palette
        lines: list[Parts] = [heading("WHAT IT DOES", "", palette)]
        state = self._known.process
        if state is None:
            words = "It has ended." if self._gone else "asking…" if not self._refused else "not known"
            return [*lines, (("  " + words, palette.dim),)]
        names = {pipe: _name(row.pipe) for pipe, row in self._pipes().items()}
        for task, alike in _folded(state.tasks):
            who = f"task {task.tid}" if task.tid != self.pid else "it" if len(state.tasks) == 1 else "main task"
            lines += self._draw_task(task, plural(alike, "task") if alike > 1 else who, alike, names, width)
        return lines

    def _draw_task(self, task: TaskState, who: str, alike: int, names: dict[PipeId, str], width: int) -> list[Parts]:
        palette = self.palette
        known = names.get(task.pipe) if task.pipe is not None else None
        pipe = known or (safe(task.path) if task.path else "a pipe")
        children = ", ".join(self._called(pid) for pid in task.children) or "a child"
        fd = f" (fd {task.fd})" if task.fd is not None else ""
        polls = " or ".join(self._polled(one, names) for one in task.polls) or "something other than a pipe"
        be = "are" if alike > 1 else "is"
        words = _DOING[task.doing].format(pipe=pipe, fd=fd, children=children, polls=polls, be=be)
        if task.since is not None and task.doing not in ("busy", "sleeping", "waiting"):
            words += f", since {moment(task.since)}"
        if task.certainty == "inferred":
            words += " (inferred)"
        style = palette.mood(_MOODS.get(task.doing, "calm"))
        return [((f"  {piece}" if index == 0 else f"    {piece}", style),)
                for index, piece in enumerate(wrap_words(f"{who} {words}", width - 4))]  # fmt: skip

    def _polled(self, polled: Polled, names: dict[PipeId, str]) -> str:
        if polled.pid is not None:
            return f"the end of {self._called(polled.pid)}"
        if polled.pipe is None:
            return safe(polled.what)
        name = names.get(polled.pipe) or pipe_name(None, polled.pipe.inode)
        return f"room in {name}" if polled.events == "w" else f"{name} to read"

    def _called(self, pid: int) -> str:
        states = {state.pid: state.command for state in self._known.family}
        return f"{short_command(states[pid])} ({pid})" if states.get(pid) else f"process {pid}"

    def _draw_ends(self, width: int) -> list[Parts]:
        palette, rows = self.palette, self._pipes()
        lines: list[Parts] = [heading("ITS PIPE ENDS", "", palette)]
        all_ends = ((end, key) for key, row in rows.items() for end in row.pipe.ends)
        ends = sorted((end.fd, end.access, key) for end, key in all_ends if end.pid == self.pid)
        opening = [
            (waiter.kind, row)
            for row in rows.values()
            for waiter in row.pipe.waiters
            if waiter.pid == self.pid and waiter.kind in ("open-read", "open-write")
        ]
        if not ends and not opening:
            lines.append((("  none", palette.dim),))
        for kind, row in opening:
            wants = "reads" if kind == "open-read" else "writes"
            name = cut(_name(row.pipe), max(10, width - 36))
            head: Part = (f"  {'–':<6} {wants:<7} ", palette.dim)
            lines.append((head, link(name, row.pipe.id, palette.accent), (f"  {_SHORT[kind]}", palette.waiting)))
        for fd, access, key in ends:
            lines += self._draw_end(fd, access, rows[key], width)
        return lines

    def _draw_end(self, fd: int, access: str, row: PipeRow, width: int) -> list[Parts]:
        palette, pipe = self.palette, row.pipe
        verb = {"r": "reads", "w": "writes", "rw": "reads and writes"}[access]
        level = pressure(row)
        style = palette.waiting if level == "full" else palette.accent if level == "some" else palette.dim
        amount = f"{size(pipe.queued)}{' full' if level == 'full' else ''}" if pipe.queued is not None else ""
        name = cut(_name(pipe), max(10, width - 36))
        head: list[Part] = [(f"  {f'fd {fd}':<6} {verb:<7} ", palette.dim), link(name, pipe.id, palette.accent)]
        lines: list[Parts] = [(*head, ("  " + amount, style))]
        return [*lines, *self._draw_others(pipe, access, width)]

    def _draw_others(self, pipe: Pipe, access: str, width: int) -> list[Parts]:
        """Return who is at the other end."""
        palette, other = self.palette, "r" if access == "w" else "w"
        pids = [pid for pid in pipe.holders(other) if pid != self.pid]  # type: ignore[arg-type]
        arrow = "──▶" if access == "w" else "◀──"
        indent = (" " * 17 + arrow + " ", palette.rule)
        if not pids:
            nobody = "only itself" if self.pid in pipe.holders(other) else "nobody"  # type: ignore[arg-type]
            return [(indent, (f"{nobody} {'reads' if other == 'r' else 'writes'}", palette.waiting))]
        commands = {end.pid: end.command for end in pipe.ends}
        lines: list[Parts] = []
        for pid in pids[:8]:
            listed = self.session.processes.get(pid)
            command = short_command(commands.get(pid) or (listed.command if listed else "")) or "process"
            lines.append((indent, link(f"{cut(command, max(8, width - 32))} ({pid})", pid, palette.text)))
        if len(pids) > 8:
            lines.append((indent, (f"and {len(pids) - 8} more", palette.dim)))
        return lines

    def _draw_right(self, width: int) -> list[Parts]:
        palette = self.palette
        facts = paragraphs(self._rows(), palette, width, 12)
        lines = [heading("WHO IT IS", "", palette), *facts, (), *self._draw_family(width)]
        actor = next((actor for actor in self.session.actors.values() if actor.pid == self.pid), None)
        if actor is not None:
            lines += [(), heading("OURS", "", palette), *paragraphs(actor_facts(actor), palette, width, 16)]
        return lines

    def _rows(self) -> list[Entry]:
        listed, state = self.session.processes.get(self.pid), self._known.process
        rows: list[Entry] = [("command", safe(self.command) or "–")]
        rows.append(("user", safe((listed and listed.user) or "–")))
        rows.append(("cpu", "–" if listed is None or listed.cpu is None else f"{listed.cpu * 100:.0f}% of one core"))
        rows.append(("memory", size(listed.rss if listed else None)))
        if state is not None:
            rows.append(("session", str(state.session)))
        return rows if self.ours else [*rows, ("ours", f"no; {self._key('process_signal')} sends it a signal")]

    def _draw_family(self, width: int) -> list[Parts]:
        palette = self.palette
        lines: list[Parts] = [heading("ITS FAMILY", "", palette)]
        if not self._known.family:
            return [*lines, (("  not known" if self._answered else "  asking…", palette.dim),)]
        members = {state.pid: state for state in self._known.family}
        if self._known.process is not None:
            members[self.pid] = self._known.process
        for depth, state in tree(members.values()):
            branch = "  " + ("  " * (depth - 1) + "└ " if depth else "")
            me = state.pid == self.pid
            does = cut(_summary(state), 18)
            room = max(8, width - len(branch) - len(does) - 3)
            words = cut(f"{state.pid} {short_command(state.command)}", room)
            style = palette.title + palette.accent if me else palette.text
            name: Part = (words, style) if me else link(words, state.pid, style)
            lines.append(((branch, palette.rule), name, ("  " + does, palette.dim)))
        return lines

    # --- keys -----------------------------------------------------------------------------------------------------

    def deeds(self) -> dict[str, Callable[[], object]]:
        return {"process_signal": self._signal, "process_examine": self._examine}

    def _signal(self) -> None:
        if self._gone:
            self.tell(f"{self.pid} has ended.")
            return
        dialog = SendSignal(self.session, self.pid, self.command, ours=self.ours)
        self.app.push_screen(dialog, lambda sentence: self.tell(sentence) if sentence else None)


def _load(shown: ProcessLook) -> str:
    """Return who runs it and what it costs, as far as that is known."""
    listed = shown.session.processes.get(shown.pid)
    if listed is None:
        return ""
    words = [safe(listed.user)] if listed.user else []
    words += [f"{listed.cpu * 100:.0f}% cpu"] if listed.cpu is not None else []
    return " · ".join([*words, *([size(listed.rss)] if listed.rss is not None else [])])


def _is_at(pipe: Pipe, pid: int) -> bool:
    return any(end.pid == pid for end in pipe.ends) or any(waiter.pid == pid for waiter in pipe.waiters)


def _name(pipe: Pipe) -> str:
    return pipe_name(pipe.path, pipe.id.inode)


def _folded(tasks: Iterable[TaskState]) -> list[tuple[TaskState, int]]:
    """Return tasks that tell something one by one; those that sleep, wait or compute as one, with their number."""
    alike: dict[Doing, list[TaskState]] = {}
    found: list[tuple[TaskState, int]] = []
    for task in tasks:
        if task.doing in ("sleeping", "waiting", "busy", "stopped", "traced") and not task.polls:
            alike.setdefault(task.doing, []).append(task)
        else:
            found.append((task, 1))
    return found + [(several[0], len(several)) for several in alike.values()]


def _summary(state: ProcessState) -> str:
    """Return in two words what a process does: the most telling of its tasks."""
    doings = {task.doing for task in state.tasks}
    return next((words for doing, words in _SHORT.items() if doing in doings), "")


def tree(states: Iterable[ProcessState]) -> list[tuple[int, ProcessState]]:
    """Return processes as a tree, parents before children, with the depth of each."""
    members = {state.pid: state for state in states}
    children: dict[int, list[ProcessState]] = {}
    for state in sorted(members.values(), key=lambda state: state.pid):
        at = state.parent if state.parent in members and state.parent != state.pid else 0
        children.setdefault(at, []).append(state)
    found: list[tuple[int, ProcessState]] = []
    waiting = [(0, state) for state in reversed(children.get(0, []))]
    while waiting:
        depth, state = waiting.pop()
        found.append((depth, state))
        if state.pid:
            waiting += [(depth + 1, child) for child in reversed(children.get(state.pid, []))]
    return found
