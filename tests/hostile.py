"""Bytes that must never reach a terminal, things to put them into, and a judge of what a terminal received.

The judge does not look for one sequence or another: it takes away every control sequence that a full-screen program
may write, and whatever control byte then remains came from outside. Sequences that a program might write itself carry
numbers here that none would use.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

C0 = bytes(range(1, 0x20)) + b"\x7f"
C1_RAW = bytes(range(0x80, 0xA0))
C1_UTF8 = "".join(map(chr, range(0x80, 0xA0))).encode()
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069".encode()
INVALID = b"\xff\xfe\xc3\x28\xe2\x82\xf0\x9f\x92\xed\xa0\x80"
OSC_52 = b"\x1b]52;c;UHduZWQ=\x07"
CSI = b"\x1b[7331m\x1b[6n\x1b[7331z\x1b[?7331h\x9b7331m"
STRINGS = b"\x1bP7331\x1b\\\x1b_7331\x1b\\\x1b]0;pwned\x1b\\"

#: What each stands for, by the first letters of a name or a payload.
EVIL = {
    b"c0-": C0,
    b"c1raw-": C1_RAW,
    b"c1utf-": C1_UTF8,
    b"bidi-": BIDI,
    b"bad-": INVALID,
    b"osc-": OSC_52,
    b"csi-": CSI,
    b"str-": STRINGS,
}

_LEGITIMATE = re.compile(
    r"\x1b\[[<=>?]?[0-9;]*[ -/]*[@-~]"  # control sequences
    r"|\x1b[78=>HM]|\x1b[()][0-9A-B]"
    r"|\r\n?|\n"
)
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harm(raw: bytes) -> list[str]:
    """Return what a terminal received that it must not have received, with its surroundings."""
    raw = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", raw)  # the mouse pointer's shape, which Textual sets
    found = [f"{word!r} at {raw.index(word)}" for word in (b"\x1b]", b"\x1bP", b"\x1b_") if word in raw]
    found += [repr(match.group()) for match in re.finditer(rb"\x1b\[[?]?7331.", raw)]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return [*found, f"invalid UTF-8: {raw[max(0, error.start - 20) : error.end + 20]!r}"]
    rest = _LEGITIMATE.sub("", text)
    found += [repr(rest[max(0, match.start() - 20) : match.end() + 20]) for match in _HARMFUL.finditer(rest)]
    # what stands alone may be the program's own; beside these marks it is not
    found += [repr(match.group()) for match in re.finditer(rb"<<[\x00-\x1f]", raw)]
    return found


def evil_names() -> list[bytes]:
    """Return file names, each with one kind of bytes that must not be drawn."""
    return [kind + b"<<" + evil.replace(b"/", b"") for kind, evil in EVIL.items()]


def plant(folder: Path) -> list[bytes]:
    """Make a FIFO of each evil name in a folder; return the paths."""
    paths = [os.path.join(os.fsencode(folder), name) for name in evil_names()]
    for path in paths:
        os.mkfifo(path, 0o600)
    return paths


def payloads() -> bytes:
    """Return lines, each with one kind of bytes that must not be drawn, among them every byte but the newline."""
    kinds = [kind + b"<<" + evil.replace(b"\n", b"") for kind, evil in EVIL.items()]
    each = [b"<<" + bytes([byte]) + b">>" for byte in range(256) if byte != 0x0A]
    return b"".join(line + b"\n" for line in [*each, *kinds])


def holder(path: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process that holds a FIFO open, and whose command line and name are evil."""
    code = """
import os, sys
pipe = os.open(sys.argv[1], os.O_RDWR)
with open("/proc/self/comm", "wb") as name:
    name.write(b"ev<<\\x1b]52;c;\\x9b\\x07")
print("ready", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [os.fsencode(part) for part in (sys.executable, "-c", code, path)] + evil_names(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process
