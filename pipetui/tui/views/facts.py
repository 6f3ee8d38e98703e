"""What is known of a pipe or of one of our processes, as names and values."""

from __future__ import annotations

import stat

from pipetui.model import ActorState, ConsumerSpec, Counters, Pipe, PipeRow, ProducerSpec
from pipetui.text import byte_rate, number, plural, rate, safe, size
from pipetui.tui.core.theme import Palette
from pipetui.tui.views.cells import Parts, fit, wrap_words
from pipetui.tui.views.holders import ending
from pipetui.tui.views.times import moment

#: A heading, a pair of a name and what is said of it, or an empty line. All safe.
Entry = tuple[str, str]

_NAME = 16


def paragraphs(rows: list[Entry], palette: Palette, width: int, name_width: int = _NAME) -> list[Parts]:
    """Return rows as lines: a row without a name is a heading or a sentence, the others stand in two columns."""
    lines: list[Parts] = []
    for name, words in rows:
        if not name:
            lines += [((piece, palette.title),) for piece in wrap_words(words, width)]
            continue
        for index, piece in enumerate(wrap_words(words, max(10, width - name_width))):
            lines.append(((fit("" if index else name, name_width), palette.accent), (piece, None)))
    return lines


def actor_facts(actor: ActorState) -> list[Entry]:
    """Return all that is known of one of ours, by name and value, safe."""
    counters: Counters = actor.counters
    rows: list[Entry] = [
        ("started by", f"pipetui, {actor.role} number {actor.id}"),
        ("FIFO", safe(actor.spec.path)),
        ("rate", f"{rate(actor.rate)}, {byte_rate(actor.byte_rate)}"),
        ("messages", number(counters.messages)),
        ("bytes", f"{number(counters.bytes)} ({size(counters.bytes)})"),
        ("blocked", f"{counters.blocked:.1f} s in open or write"),
        ("EAGAIN", number(counters.eagain)),
        ("EPIPE", number(counters.epipe)),
        ("EOF", number(counters.eofs)),
        ("incomplete", number(counters.incomplete)),
        ("split", number(counters.split)),
        *_spec_facts(actor.spec),
    ]
    return [*rows, ("end", safe(ending(actor)))] if actor.phase == "ended" else rows


def _spec_facts(spec: ProducerSpec | ConsumerSpec) -> list[Entry]:
    names = spec.__dataclass_fields__
    return [(name.replace("_", " "), safe(str(getattr(spec, name)))) for name in names if name not in ("path", "name")]


def pipe_facts(row: PipeRow) -> list[Entry]:
    """Return what is known of a pipe, by name and value, safe."""
    pipe = row.pipe
    rows: list[Entry] = [("state", safe(row.state) or "–")]
    rows += [("path" if not index else "also", safe(path)) for index, path in enumerate(pipe.paths)]
    if pipe.deleted:
        rows.append(("removed", "no name left; it disappears once it is closed everywhere"))
    if pipe.kind == "anonymous":
        rows.append(("name", "none: an anonymous pipe, made by pipe(2)"))
    if pipe.mode is not None:
        rows.append(("permissions", f"{pipe.mode:04o}, {_permissions(pipe)}"))
    if pipe.owner is not None:
        rows.append(("owner", safe(pipe.owner)))
    rows.append(("identity", f"device {pipe.id.dev}, inode {pipe.id.inode}"))
    rows += [("last write", moment(pipe.last_write)), ("last read", moment(pipe.last_read))]
    holders = plural(len({end.pid for end in pipe.ends}), "process", "processes")
    opened = f"{plural(len(pipe.ends), 'descriptor')} in {holders}" if pipe.ends else safe(row.state)
    return [*rows, ("open", opened)]


def _permissions(pipe: Pipe) -> str:
    mode = pipe.mode or 0
    words = stat.filemode(stat.S_IFIFO | mode)[1:]
    return f"{words} ({'others have access' if mode & 0o077 else 'owner only'})"
