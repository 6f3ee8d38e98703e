"""The one sanitiser for anything untrusted, and sizes, rates and ages in words for people.

A FIFO's name, a command line or a payload may hold bytes that drive a terminal: C0 controls (ESC among them),
DEL, the C1 controls, and the bidirectional controls of Unicode (Trojan Source, CVE-2021-42574). Everything
that is drawn or printed on a terminal goes through `safe`, which shows each of them as a visible escape.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad"  # soft hyphen
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # bidi controls, zero widths, separators, invisibles
    "\ufff0-\uffff"  # interlinear annotations, non-characters
    "\ud800-\udfff"  # surrogates: bytes that were not UTF-8
    "\U000e0000-\U000e0fff"  # tags and variation selectors
    "]"
)
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e", "\0": "\\0"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    if 0xDC80 <= code <= 0xDCFF:  # a surrogate escape: the byte itself
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe(value: str) -> str:
    """Return `value` on one line with every control, bidi and undecodable character as a visible escape."""
    return _UNSAFE.sub(_escape, value)


def safe_lines(value: str) -> list[str]:
    """Return the lines of `value`, each made safe: for multi-line views, where a newline is a new line."""
    return [safe(line) for line in value.split("\n")]


def decode(data: bytes) -> str:
    """Return `data` as text in which undecodable bytes stand as surrogate escapes; `encode` takes it back."""
    return data.decode("utf-8", "surrogateescape")


def encode(value: str) -> bytes:
    """Return the bytes that `decode` was given. Lone surrogates that are no escapes become `?`."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: float | None) -> str:
    """Return a byte count for people: `0 B`, `1.2 KiB`, `64.0 KiB`; a dash for the unknown."""
    if count is None:
        return "–"
    if count < 1024:
        return f"{int(count)} B"
    value = float(count)
    for unit in _UNITS:  # noqa: B007 (it is the one where the loop ends)
        value /= 1024
        if value < 1000:
            break
    return f"{value:.1f} {unit}"


def number(count: int) -> str:
    """Return a count with thousands separated: `1,204`."""
    return f"{count:,}"


def amount(count: int) -> str:
    """Return a count of any size in little room: `1,204`, `2.04 M`, `1.50 G`."""
    if count < 1_000_000:
        return f"{count:,}"
    return f"{count / 1e6:.2f} M" if count < 999_995_000 else f"{count / 1e9:.2f} G"


def rate(per_second: float | None) -> str:
    """Return a rate of things per second: `0`, `0.5/s`, `60/s`, `1.2 k/s`, `3.4 M/s`; a dash for the unknown."""
    if per_second is None:
        return "–"
    if per_second <= 0:
        return "0"
    if per_second < 9.95:
        return f"{per_second:.1f}".removesuffix(".0") + "/s"
    if per_second < 999.5:
        return f"{per_second:.0f}/s"
    if per_second < 999_500:
        return f"{per_second / 1e3:.1f} k/s"
    return f"{per_second / 1e6:.1f} M/s"


def byte_rate(per_second: float | None) -> str:
    """Return a rate of bytes per second: `1.2 KiB/s`; a dash for the unknown, `0` for none."""
    if per_second is None:
        return "–"
    return "0" if per_second < 0.5 else f"{size(per_second)}/s"


def age(seconds: float) -> str:
    """Return a duration in its largest fitting unit: `14 s`, `3 min`, `2 h`, `5 d`."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 172_800:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return `1 problem`, `2 problems`; `nouns` is an irregular plural (`processes`)."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def cut_middle(value: str, width: int) -> str:
    """Return `value` cut in its middle to `width` characters, keeping the end (a path's name) whole if it fits."""
    if len(value) <= width:
        return value
    if width <= 1:
        return "…"[:width]
    name = value.rsplit("/", 1)[-1]
    tail = min(max(len(name) + 1, width // 2), width - 1)
    return value[: width - 1 - tail] + "…" + value[-tail:]


def hex_dump(data: bytes, start: int = 0, width: int = 16) -> list[str]:
    """Return lines of offset, hex bytes and printable ASCII side by side, as `xxd` and `hexdump -C` print them."""
    lines = []
    for offset in range(0, len(data), width):
        row = data[offset : offset + width]
        half = width // 2
        left, right = row[:half].hex(" "), row[half:].hex(" ")
        hexes = f"{left:<{half * 3 - 1}}  {right:<{half * 3 - 1}}"
        ascii_ = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{start + offset:08x}  {hexes}  {ascii_}")
    return lines
