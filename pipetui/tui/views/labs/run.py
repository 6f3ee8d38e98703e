"""A run while it goes: its processes, its pipes, what is wrong, and what the processes say."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from pipetui.client.session import Session
from pipetui.model import LabLine, LabRun, PipeId, PipeRow, WaitKind
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.lab_session import LabAttempt
from pipetui.tui.views.cells import Part, Parts, cut, fit, heading, wrap_words
from pipetui.tui.views.fifos import short
from pipetui.tui.views.fill import gauge
from pipetui.tui.views.findings import level_mark, named, sentence
from pipetui.tui.views.links import link

#: How many pipes and findings stand there at most, and how wide a name is (cells).
_PIPES = 6
_FINDINGS = 2
_NAME = 14

#: What the process is called that starts the others.
_DIRECTOR = "main"

#: From this width on a pipe has its fill as a gauge.
_GAUGE = 64

_WAITS: dict[WaitKind, str] = {
    "open-write": "waits to open {}: no reader",
    "open-read": "waits to open {}: no writer",
    "read": "waits to read {}",
    "write": "waits to write to {}: it is full",
}


def run_pipes(run: LabRun | None, session: Session) -> list[PipeRow]:
    """Return the pipes at which a run's processes are, FIFOs first.

    An anonymous pipe that several others hold too was not made for this run: it was inherited. One
    other may have it: the process that starts the lab's.
    """
    pids = {part.pid for part in run.parts} if run else set()
    rows = []
    for row in session.pipes.values():
        there = {end.pid for end in row.pipe.ends} | {waiter.pid for waiter in row.pipe.waiters}
        if there & pids and (row.pipe.kind == "fifo" or len(there - pids) <= 1):
            rows.append(row)
    return sorted(rows, key=lambda row: (row.pipe.kind == "anonymous", row.pipe.path or "", row.pipe.id))


def run_lines(attempt: LabAttempt, session: Session, palette: Palette, width: int, height: int) -> list[Parts]:
    """Return a run as lines; of what is said the newest, as much as `height` leaves room for."""
    run = attempt.run
    above = [*_predicted(attempt, palette, width), *_processes(attempt, session, palette, width)]
    above += [*_pipes(run, session, palette, width), *_findings(run, session, palette, width)]
    above.append(heading("OUTPUT", "", palette))
    output = output_lines(attempt, palette, width)
    if run is None or not output:
        output = [(("  …", palette.dim),)]
    room = max(5, height - len(above))
    return [*above, *output[-room:]]


def _predicted(attempt: LabAttempt, palette: Palette, width: int) -> list[Parts]:
    """Return the predictions, a line each."""
    lines: list[Parts] = []
    for question in attempt.card.questions:
        if question.key in attempt.predictions:
            words = cut(text_of(attempt, question.key, attempt.predictions[question.key]), max(10, width - 10))
            lines.append((("Predicted: ", palette.dim), (words, palette.accent)))
    return [*lines, ()] if lines else []


def text_of(attempt: LabAttempt, key: str, value: object) -> str:
    """Return a fact in the words of the choice that it makes true, safe; in its own if there is none."""
    for question in attempt.card.questions:
        if question.key == key:
            for choice in question.choices:
                if choice.value == value:
                    return safe(choice.text)
    return safe(str(value))


def _processes(attempt: LabAttempt, session: Session, palette: Palette, width: int) -> list[Parts]:
    lines: list[Parts] = [heading("PROCESSES", "", palette)]
    run = attempt.run
    if run is None or not run.parts:
        return [*lines, (("  starting…", palette.dim),), ()]
    rows = run_pipes(run, session)
    for part in run.parts:
        name = fit(cut(safe(part.name), _NAME), _NAME)
        words, style = _doing(part.pid, rows, palette)
        if part.name == _DIRECTOR and not words:
            words = "starts and watches the others"
        who = link(name, part.pid, process_style(attempt, part.name, palette))
        pid: Part = (f" {part.pid:<8}", palette.dim)
        lines.append((("  ", None), who, pid, (cut(words, max(0, width - _NAME - 11)), style)))
    return [*lines, ()]


def _doing(pid: int, rows: Sequence[PipeRow], palette: Palette) -> tuple[str, Style]:
    """Return what a process does, as far as its pipes tell."""
    for row in rows:
        for waiter in row.pipe.waiters:
            if waiter.pid == pid:
                return _WAITS[waiter.kind].format(pipe_words(row)), palette.waiting
    held = []
    for access, has in (("w", "has the write end of"), ("r", "has the read end of")):
        names = [pipe_words(row) for row in rows if pid in row.pipe.holders(access)]  # type: ignore[arg-type]
        if names:
            held.append(f"{has} {', '.join(names)}")
    return " · ".join(held), palette.dim


def pipe_words(row: PipeRow) -> str:
    """Return a pipe's name, safe."""
    return short(row.pipe.path) if row.pipe.path is not None else f"pipe:[{row.pipe.id.inode}]"


def _pipes(run: LabRun | None, session: Session, palette: Palette, width: int) -> list[Parts]:
    rows = run_pipes(run, session)
    if not rows:
        return []
    lines: list[Parts] = [heading("PIPES", "", palette)]
    for row in rows[:_PIPES]:
        name = link(fit(cut(pipe_words(row), _NAME), _NAME), row.pipe.id, palette.accent)
        parts: list[Part] = [("  ", None), name, (" ", None)]
        if width >= _GAUGE:
            drawn = gauge(row.pipe.queued, row.pipe.capacity, row.severity, 17, palette, row.history)
            parts += [*drawn, (" " * max(0, 17 - sum(len(words) for words, _ in drawn)) + "  ", None)]
        used = sum(len(words) for words, _ in parts)
        parts.append((cut(safe(row.state), max(0, width - used)), palette.severity(row.severity)))
        lines.append(tuple(parts))
    if len(rows) > _PIPES:
        lines.append(((f"  and {len(rows) - _PIPES} more", palette.dim),))
    return [*lines, ()]


def _findings(run: LabRun | None, session: Session, palette: Palette, width: int) -> list[Parts]:
    """Return what is wrong with the run's processes: often that is the lesson."""
    pids = {part.pid for part in run.parts} if run else set()
    pipes = {row.pipe.id for row in run_pipes(run, session)}
    found = [
        finding
        for finding in session.findings
        if pids & set(finding.pids) and any(PipeId(ref.dev, ref.inode) in pipes for ref in finding.pipes)
    ]
    lines: list[Parts] = []
    for finding in found[:_FINDINGS]:
        mark, style = level_mark(finding.level, palette)
        rule = named(finding.rule)
        pieces = wrap_words(f"{rule}: {sentence(finding.headline)}", width - 2)
        lines.append(((f"{mark} ", style), (pieces[0][: len(rule)], style), (pieces[0][len(rule) :], palette.text)))
        lines += [(("  " + piece, palette.text),) for piece in pieces[1:]]
    return [*lines, ()] if lines else []


# --- what they say ------------------------------------------------------------------------------------------------


def process_style(attempt: LabAttempt, name: str, palette: Palette) -> Style:
    """Return the colour of a process of a lab: the same wherever it is named."""
    names = [code.name.strip("_") for code in attempt.card.code]
    if name not in names:
        return palette.dim
    return (palette.accent, palette.active, palette.waiting, palette.text)[names.index(name) % 4]


def output_lines(attempt: LabAttempt, palette: Palette, width: int) -> list[Parts]:
    """Return what the processes of the newest run said, each line with its second and its name."""
    if attempt.run is None:
        return []
    lines: list[Parts] = []
    for line in attempt.run.lines:
        lines += _output(line, attempt, palette, width)
    return lines


def _output(line: LabLine, attempt: LabAttempt, palette: Palette, width: int) -> list[Parts]:
    since = max(0.0, line.time - (attempt.began or line.time))
    when = f"{since:6.2f} s  "
    lines: list[Parts] = []
    for index, piece in enumerate(wrap_words(safe(line.text), max(10, width - len(when) - _NAME - 1))):
        if index:
            lines.append(((" " * (len(when) + _NAME + 1), None), (piece, palette.text)))
        else:
            name: Part = (fit(cut(safe(line.name), _NAME), _NAME) + " ", process_style(attempt, line.name, palette))
            lines.append(((when, palette.dim), name, (piece, palette.text)))
    return lines
