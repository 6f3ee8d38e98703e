"""The messages that consumers have read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pipetui.model.actors import Piece


class Line(NamedTuple):
    """One line of the message log, as it is kept, travels and is drawn.

    `number` counts every message that our consumers have read, from 1. `gap` above 0 makes the line stand for
    that many messages (the last of them is `number`) that were counted but not kept. `payload` is the whole
    message or, in a listing, its first bytes; `length` is the message's true length without its delimiter. What a lab's
    process said is a line without a reader (0), and `fifo` is the lab's name.

    A named tuple, because floods make many: it costs a quarter of the time that a frozen dataclass does. `number` comes
    first, so lines sort by it.
    """

    number: int
    time: float
    fifo: str
    reader: int
    writer: int | None = None
    length: int = 0
    payload: bytes = b""
    piece: Piece = ""
    gap: int = 0


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which messages a log shows: those whose payload holds `pattern` and that came through `fifo` (both optional).

    A plain pattern ignores case when it is all lower case; `regex` makes it a Python regular expression.
    """

    pattern: str = ""
    regex: bool = False
    fifo: str = ""


@dataclass(frozen=True, slots=True)
class LogCounts:
    """What became of all messages: `seen` = `kept` + `not_kept` (too many at once) + `evicted` (the ring is full)."""

    seen: int = 0
    kept: int = 0
    not_kept: int = 0
    evicted: int = 0
    bytes: int = 0
