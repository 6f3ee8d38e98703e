"""A payload in three views: as text, as hex beside ASCII, and laid out if it is JSON. No drawing here.

A message may be 1 MiB of anything: the hex view makes a line only when it is asked for, and JSON is laid out by
its own tokens, so that numbers and strings stand exactly as they were sent.
"""

from __future__ import annotations

import json
import re

from pipetui.text import decode, hex_dump, safe
from pipetui.tui.views.cells import wrap

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_INDENT = "  "


def is_json(payload: bytes) -> bool:
    """Say whether the payload is a JSON object or array."""
    text = decode(payload)
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def is_text(payload: bytes) -> bool:
    """Say whether the payload reads as text: it has no undecodable byte and no NUL."""
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in payload


def text_lines(payload: bytes, width: int) -> list[str]:
    """Return the payload as safe lines of at most `width` cells."""
    lines: list[str] = []
    for line in decode(payload).split("\n"):
        lines += wrap(safe(line), width)
    return lines


def json_lines(payload: bytes, width: int) -> list[str]:
    """Return JSON one value a line, indented, its tokens as they are."""
    lines: list[str] = []
    current, depth, last = "", 0, ""
    for token in _TOKEN.findall(decode(payload)):
        if token in "}]":
            depth -= 1
            if last not in "{[":
                lines.append(current)
                current = _INDENT * depth
        elif last in ("{", "[", ","):
            lines.append(current)
            current = _INDENT * depth
        current += ": " if token == ":" else token
        depth += token in ("{", "[")
        last = token
    lines.append(current)
    return [piece for line in lines for piece in wrap(safe(line), width)]


class Hex:
    """The hex view: `count` lines, each made when asked for."""

    def __init__(self, payload: bytes, width: int) -> None:
        self.data = payload
        self.row = 16 if width >= 78 else 8 if width >= 44 else 4
        self.count = max(1, -(-len(self.data) // self.row))

    def line(self, index: int) -> str:
        """Return a line of offset, hex and ASCII."""
        start = index * self.row
        part = self.data[start : start + self.row]
        return hex_dump(part, start, self.row)[0] if part else "(empty)"
