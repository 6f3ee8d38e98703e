"""How a pipeline is drawn: on one line with what each stage does below it, or else one stage per line."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.style import Style

from pipetui.model import Process, Severity
from pipetui.text import safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Part, Parts, cut, fit, length, wrap_words
from pipetui.tui.views.fifos import short
from pipetui.tui.views.fill import percent
from pipetui.tui.views.holders import short_command
from pipetui.tui.views.links import link
from pipetui.tui.views.pipelines import Bottleneck, Chain, Edge, Stage, bottleneck, doing

#: How much of each command is shown (cells): less, rather than more lines.
_WIDTHS = (26, 18, 12)


def name(stage: Stage, processes: Mapping[int, Process], width: int = _WIDTHS[0]) -> str:
    """Return a stage's command, cut, safe."""
    listed = processes.get(stage.pids[0]) if stage.pids else None
    return cut(short_command(stage.command or (listed.command if listed else "")) or "process", width)


def label(
    stage: Stage, processes: Mapping[int, Process], palette: Palette, style: Style, width: int = _WIDTHS[0]
) -> Parts:
    """Return a stage's name, to be followed: `grep x (5839)`."""
    if not stage.pids:
        return (("nobody", palette.dim),)
    pid = stage.pids[0]
    head: Part = link(f"{name(stage, processes, width)} ({pid})", pid, style)
    more = len(stage.pids) - 1
    return (head, (f" +{more}", palette.dim)) if more else (head,)


def amount(edge: Edge) -> str:
    """Return what lies between two stages: `64.0 KiB full`, `0 B`, with the name of a FIFO."""
    pipe = edge.row.pipe
    words = "?" if pipe.queued is None else size(pipe.queued)
    if edge.pressure == "full":
        words = "full" if pipe.queued is None else f"{words} full"
    elif pipe.queued and pipe.capacity:
        words += f" {percent(pipe.queued, pipe.capacity)}"
    if pipe.path is not None:
        words = f"{short(pipe.path)} {words}"
    return f"{words} ({len(edge.rows)} pipes)" if len(edge.rows) > 1 else words


def edge_style(edge: Edge, palette: Palette) -> Style:
    """Return the style of an edge: a full one stands out, an empty one does not."""
    if edge.pressure == "full":
        return palette.stuck if edge.row.severity == "stuck" else palette.waiting
    return palette.accent if edge.pressure == "some" else palette.dim


def _line(edge: Edge) -> str:
    return "━" if edge.pressure == "full" else "─"


def _across(edge: Edge, width: int, palette: Palette) -> Parts:
    """Return an edge as an arrow of exactly `width` cells with its amount in it."""
    style, words, line = edge_style(edge, palette), amount(edge), _line(edge)
    room = width - cell_len(words) - 3
    left = room // 2
    return (
        (" " + line * left, style),
        link(words, edge.row.pipe.id, style),
        (line * (room - left) + "▶ ", style),
    )


def chain_lines(
    chain: Chain, processes: Mapping[int, Process], palette: Palette, width: int, *, explain: bool = True
) -> list[Parts]:
    """Return a chain as lines of at most `width` cells, with the sentence that says who holds it up."""
    found = bottleneck(chain)
    words = [doing(chain, index, processes) for index in range(len(chain.stages))]
    if chain.ring:
        words[-1] = "back to the start", "calm"
    lines: list[Parts] = []
    for most in _WIDTHS:
        lines = lines or _flat(chain, _labels(chain, found, processes, palette, most), words, palette, width)
    lines = lines or _tall(chain, _labels(chain, found, processes, palette, _WIDTHS[0]), words, palette, width)
    if explain and found:
        who = name(chain.stages[found.stage], processes)
        start = "The bottleneck is" if found.pressed else "Everything waits for"
        style = palette.waiting if found.pressed else palette.dim
        lines += [((piece, style),) for piece in wrap_words(f"{start} {who}: {found.why}.", width)]
    elif explain and chain.stuck:
        marks = dict.fromkeys(does for does, severity in words if severity == "stuck")
        sentence = f"{(' or '.join(marks) or 'stuck').capitalize()}: these stages can't continue by themselves."
        lines += [((piece, palette.stuck),) for piece in wrap_words(sentence, width)]
    elif explain and chain.ring:
        sentence = "This is a ring: its output comes back as its input."
        lines += [((piece, palette.dim),) for piece in wrap_words(sentence, width)]
    return lines


def _labels(
    chain: Chain, found: Bottleneck | None, processes: Mapping[int, Process], palette: Palette, most: int
) -> list[Parts]:
    """Return the stages' names, the bottleneck highlighted."""
    labels = []
    for index, stage in enumerate(chain.stages):
        style = palette.waiting if found and found.pressed and found.stage == index else palette.text
        labels.append(label(stage, processes, palette, style, most))
    if chain.ring:
        labels[-1] = (("↺ ", palette.dim), *labels[-1])
    return labels


def _flat(
    chain: Chain, labels: list[Parts], words: list[tuple[str, Severity]], palette: Palette, width: int
) -> list[Parts]:
    """Return the two lines of a chain that fits on one; nothing if it does not."""
    above: list[Part] = []
    below: list[Part] = []
    for index, (head, (does, severity)) in enumerate(zip(labels, words, strict=True)):
        room = length(head)
        above += head
        if index < len(chain.edges):
            arrow = max(cell_len(amount(chain.edges[index])) + 7, len(does) + 2 - room)
            above += _across(chain.edges[index], arrow, palette)
            room += arrow
        below.append((fit(does, max(room, len(does))), _quiet(severity, palette)))
    return [tuple(above), tuple(below)] if length(above) <= width and length(below) <= width else []


def _tall(
    chain: Chain, labels: list[Parts], words: list[tuple[str, Severity]], palette: Palette, width: int
) -> list[Parts]:
    """Return a chain with a stage, or what lies between two, on each line."""
    column = min(max(length(head) for head in labels) + 3, max(12, width - 20))
    lines: list[Parts] = []
    for index, (head, (does, severity)) in enumerate(zip(labels, words, strict=True)):
        pad = " " * max(1, column - length(head))
        lines.append((*head, (pad, None), (cut(does, max(0, width - column)), _quiet(severity, palette))))
        if index < len(chain.edges):
            edge = chain.edges[index]
            style = edge_style(edge, palette)
            shaft = "┃" if edge.pressure == "full" else "│"
            lines.append(((f"  {shaft} ", style), link(cut(amount(edge), width - 4), edge.row.pipe.id, style)))
    return lines


def _quiet(severity: Severity, palette: Palette) -> Style:
    return palette.dim if severity == "calm" else palette.severity(severity)


def pipe_name(path: str | None, inode: int) -> str:
    """Return a pipe's path, or what stands for it, safe."""
    return safe(path) if path is not None else f"pipe:[{inode}]"
