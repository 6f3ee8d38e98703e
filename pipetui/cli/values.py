"""The values of options: parsed strictly, and refused in words."""

from __future__ import annotations

import argparse
import math

#: How a person may name a pipe (understood by `backend/operations/target.py`).
PIPE_FORMS = "a FIFO, PID/FD (a descriptor of a process), or pipe:[INODE]"


def mode(text: str) -> int:
    """Parse permissions in octal: `600`, `0600`, `0o600`."""
    digits = text.removeprefix("0o")
    try:
        value = int(digits, 8) if digits.isdigit() else -1
    except ValueError:
        value = -1
    if not 0 <= value <= 0o777:
        raise argparse.ArgumentTypeError(f"{text!r} is not a mode from 0000 to 0777 in octal digits")
    return value


def seconds(text: str) -> float:
    """Parse a duration: a finite number of seconds, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return value


def count(text: str) -> int:
    """Parse a count: a whole number, 1 or more."""
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 1 or more")
    return value


def fps(text: str) -> int:
    """Parse frames a second: a whole number from 1 to 120."""
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= value <= 120:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 120")
    return value


#: The largest message of a comparison: more only shows how memory is copied.
_LARGEST = 16 << 20


def message_size(text: str) -> int:
    """Parse a message size: bytes, or `4K`, `64KiB`, `1M`; from 1 byte to 16 MiB."""
    digits = text.upper().removesuffix("B").removesuffix("I")
    factor = {"K": 1 << 10, "M": 1 << 20}.get(digits[-1:], 1)
    digits = digits.rstrip("KM") if factor > 1 else digits
    value = int(digits) * factor if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    if not 1 <= value <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size from 1 byte to 16M")
    return value
