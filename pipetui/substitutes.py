"""What is printed instead of a character that the encoding of a terminal or file lacks (LC_ALL=POSIX, Latin-1).

What we draw with has a substitute of the same width in ASCII, from one table, so that columns stay columns; of anything
else the bytes of its UTF-8 are shown as escapes. It is an error handler of the codec (codecs, "Error Handlers"), so
nobody who draws or prints has to think of it: whatever can be encoded is never asked for.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable

#: The name of the handler for lines of text: what the `errors` of a stream takes.
TEXT = "pipetui.text"

_PAIRS = {
    "–—−‐‑": "-----", "“”„‘’‚«»‹›": "\"\"\"'''<><>", "…": "~", "·•×µ°": ".*xu*", "\xa0": " ",
    "←↑→↓↔↕↺↻⇒": "<^>v-|@@>", "▸▶►▹◀◂◄▲▴△▼▾▽": ">>>><<<^^^vvv", "●○◉◌■□▪▫◆◇★☆": "*o*o#o*o*o**", "✓✔✗✘✖": "++xxx",
    "█▉▊▋▌▍▎▏▐▕": "#####|||#|", "▁▂▃▄▅▆▇": "_.:-=+*", "▀▔░▒▓": "^-.:#", "▖▗▘▙▚▛▜▝▞▟": "..'#%##'%#",
}  # fmt: skip

_TABLE = {char: instead for chars, row in _PAIRS.items() for char, instead in zip(chars, row, strict=True)}
_TABLE["🔎"] = "> "  # two cells, in Textual's palette of commands


def drawn(char: str) -> str | None:
    """Return the ASCII character that stands for one of those we draw with; None for any other text."""
    if len(char) == 1 and "\u2500" <= char <= "\u257f":
        return _box(unicodedata.name(char))
    return _TABLE.get(char)


def _box(name: str) -> str:
    """Return a part of a box from its name: `BOX DRAWINGS LIGHT DOWN AND HORIZONTAL` is where lines meet."""
    words = set(name.split())
    across, upright = words & {"HORIZONTAL", "LEFT", "RIGHT"}, words & {"VERTICAL", "UP", "DOWN"}
    if "DIAGONAL" in words:
        return "/"
    if across and upright:
        return "+"
    if across:
        return "-" if "LIGHT" in words else "="
    return "|"


def _escaped(text: str) -> str:
    """Return text as escapes of its bytes; of a lone surrogate that stands for no byte, a question mark."""
    return "".join(f"\\x{byte:02x}" for byte in text.encode("utf-8", "surrogateescape"))


def _in_text(text: str) -> str:
    """Return what is printed in a line of text: there is room for three dots."""
    parts = []
    for char in text:
        if char == "…":
            parts.append("...")
        elif "\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff":
            parts.append("?")
        else:
            parts.append(drawn(char) or _escaped(char))
    return "".join(parts)


def register(name: str, instead: Callable[[str], str]) -> str:
    """Make `instead`, which is given all characters in a row that can't be encoded, an error handler; return `name`."""

    def handle(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        return instead(error.object[error.start : error.end]), error.end

    codecs.register_error(name, handle)
    return name


register(TEXT, _in_text)
