"""One process in lines: what each of its tasks waits for, its pipe ends, its family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pipetui.model import Doing, Pipe, PipeId, PipeRow, Polled, Process, ProcessState, Severity, TaskState
from pipetui.protocol.requests import Examined
from pipetui.text import plural, safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, cut, wrap_words
from pipetui.tui.views.chains import pipe_name
from pipetui.tui.views.holders import short_command
from pipetui.tui.views.links import link
from pipetui.tui.views.pipelines import pressure
from pipetui.tui.views.times import moment

_DOING: dict[Doing, str] = {
    "open-read": "waits to open {pipe} for reading: it has no writer",
    "open-write": "waits to open {pipe} for writing: it has no reader",
    "read": "waits to read {pipe}{fd}",
    "write": "waits to write to {pipe}{fd}: it is full",
    "child": "waits for {children} to exit",
    "poll": "waits for {polls}, without a timeout",
    "stopped": "{be} stopped by a signal; CONT resumes it",
    "traced": "{be} stopped by a debugger or tracer",
    "sleeping": "{be} sleeping",
    "waiting": "{be} waiting for {polls}",
    "busy": "{be} running",
}
#: The most telling first.
_SHORT: dict[Doing, str] = {
    "write": "waits to write", "open-write": "waits for a reader", "open-read": "waits for a writer",
    "read": "waits to read", "poll": "waits to read", "child": "waits for a child", "stopped": "stopped",
    "traced": "traced", "busy": "running", "sleeping": "sleeps", "waiting": "waits",
}  # fmt: skip
_SEVERITIES: dict[Doing, Severity] = {
    "open-read": "waiting", "open-write": "waiting", "write": "waiting", "busy": "active",
}  # fmt: skip

#: How many processes at the other end of a pipe are named.
_MOST_OTHERS = 8


def task_lines(examined: Examined, rows: Mapping[PipeId, PipeRow], palette: Palette, width: int) -> list[Parts]:
    """Return what each task of a process does; those that do the same in one line."""
    state = examined.process
    if state is None:
        return []
    names = {pipe: _name(row.pipe) for pipe, row in rows.items()}
    commands = {member.pid: member.command for member in examined.family}
    lines: list[Parts] = []
    for task, alike in _folded(state.tasks):
        who = f"task {task.tid}" if task.tid != state.pid else "it" if len(state.tasks) == 1 else "main task"
        words = _task_words(task, names, commands, several=alike > 1)
        style = palette.severity(_SEVERITIES.get(task.doing, "calm"))
        pieces = wrap_words(f"{plural(alike, 'task') if alike > 1 else who} {words}", width - 4)
        lines += [((f"    {piece}" if index else f"  {piece}", style),) for index, piece in enumerate(pieces)]
    return lines


def _task_words(task: TaskState, names: Mapping[PipeId, str], commands: Mapping[int, str], *, several: bool) -> str:
    known = names.get(task.pipe) if task.pipe is not None else None
    words = _DOING[task.doing].format(
        pipe=known or (safe(task.path) if task.path else "a pipe"),
        fd=f" (fd {task.fd})" if task.fd is not None else "",
        children=", ".join(_called(pid, commands) for pid in task.children) or "a child",
        polls=" or ".join(_polled(one, names, commands) for one in task.polls) or "something other than a pipe",
        be="are" if several else "is",
    )
    if task.since is not None and task.doing not in ("busy", "sleeping", "waiting"):
        words += f", since {moment(task.since)}"
    return f"{words} (inferred)" if task.certainty == "inferred" else words


def _polled(polled: Polled, names: Mapping[PipeId, str], commands: Mapping[int, str]) -> str:
    if polled.pid is not None:
        return f"{_called(polled.pid, commands)} to exit"
    if polled.pipe is None:
        return safe(polled.what)
    name = names.get(polled.pipe) or pipe_name(None, polled.pipe.inode)
    return f"space in {name}" if polled.events == "w" else f"data in {name}"


def _called(pid: int, commands: Mapping[int, str]) -> str:
    return f"{short_command(commands[pid])} ({pid})" if commands.get(pid) else f"process {pid}"


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


# --- its pipe ends ------------------------------------------------------------------------------------------------


def pipes_of(pid: int, rows: Mapping[PipeId, PipeRow]) -> dict[PipeId, PipeRow]:
    """Return the pipes at which a process is, FIFOs first."""
    found = {key: row for key, row in rows.items() if _is_at(row.pipe, pid)}
    return dict(sorted(found.items(), key=lambda item: (item[1].pipe.kind == "anonymous", item[0])))


def _is_at(pipe: Pipe, pid: int) -> bool:
    return any(end.pid == pid for end in pipe.ends) or any(waiter.pid == pid for waiter in pipe.waiters)


def pipe_end_lines(
    pid: int, rows: Mapping[PipeId, PipeRow], processes: Mapping[int, Process], palette: Palette, width: int
) -> list[Parts]:
    """Return each pipe end of a process, and under it who is at the other end; first what it waits to open."""
    ends = sorted((end.fd, end.access, key) for key, row in rows.items() for end in row.pipe.ends if end.pid == pid)
    lines: list[Parts] = []
    for row in rows.values():
        for waiter in row.pipe.waiters:
            if waiter.pid == pid and waiter.kind in ("open-read", "open-write"):
                wants = "reads" if waiter.kind == "open-read" else "writes"
                head: Part = (f"  {'–':<6} {wants:<7} ", palette.dim)
                what: Part = (f"  {_SHORT[waiter.kind]}", palette.waiting)
                lines.append((head, _link(row.pipe, palette, width), what))
    for fd, access, key in ends:
        lines.append(_end(fd, access, rows[key], palette, width))
        lines += _others(pid, rows[key].pipe, access, processes, palette, width)
    return lines or [(("  none", palette.dim),)]


def _link(pipe: Pipe, palette: Palette, width: int) -> Part:
    return link(cut(_name(pipe), max(10, width - 36)), pipe.id, palette.accent)


def _end(fd: int, access: str, row: PipeRow, palette: Palette, width: int) -> Parts:
    verb = {"r": "reads", "w": "writes", "rw": "reads and writes"}[access]
    level = pressure(row)
    style = palette.waiting if level == "full" else palette.accent if level == "some" else palette.dim
    queued = row.pipe.queued
    amount = f"{size(queued)}{' full' if level == 'full' else ''}" if queued is not None else ""
    head: Part = (f"  {f'fd {fd}':<6} {verb:<7} ", palette.dim)
    return (head, _link(row.pipe, palette, width), ("  " + amount, style))


def _others(
    pid: int, pipe: Pipe, access: str, processes: Mapping[int, Process], palette: Palette, width: int
) -> list[Parts]:
    """Return who is at the other end."""
    other: Literal["r", "w"] = "r" if access == "w" else "w"
    holders = pipe.holders(other)
    pids = [holder for holder in holders if holder != pid]
    indent = (" " * 17 + ("──▶" if access == "w" else "◀──") + " ", palette.rule)
    if not pids:
        words = f"no {'other ' if pid in holders else ''}{'reader' if other == 'r' else 'writer'}"
        return [(indent, (words, palette.waiting))]
    commands = {end.pid: end.command for end in pipe.ends}
    lines: list[Parts] = []
    for each in pids[:_MOST_OTHERS]:
        listed = processes.get(each)
        command = short_command(commands.get(each) or (listed.command if listed else "")) or "process"
        lines.append((indent, link(f"{cut(command, max(8, width - 32))} ({each})", each, palette.text)))
    if len(pids) > _MOST_OTHERS:
        lines.append((indent, (f"and {len(pids) - _MOST_OTHERS} more", palette.dim)))
    return lines


def _name(pipe: Pipe) -> str:
    return pipe_name(pipe.path, pipe.id.inode)


# --- its family ---------------------------------------------------------------------------------------------------


def family_lines(examined: Examined, palette: Palette, width: int) -> list[Parts]:
    """Return a process among its ancestors and descendants, a line each."""
    members = {state.pid: state for state in examined.family}
    itself = examined.process.pid if examined.process is not None else 0
    if examined.process is not None:
        members[itself] = examined.process
    lines: list[Parts] = []
    for depth, state in tree(members.values()):
        branch = "  " + ("  " * (depth - 1) + "└ " if depth else "")
        does = cut(_summary(state), 18)
        words = cut(f"{state.pid} {short_command(state.command)}", max(8, width - len(branch) - len(does) - 3))
        style = palette.title + palette.accent if state.pid == itself else palette.text
        name: Part = (words, style) if state.pid == itself else link(words, state.pid, style)
        lines.append(((branch, palette.rule), name, ("  " + does, palette.dim)))
    return lines


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
