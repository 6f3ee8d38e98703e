"""The mounts of a namespace, as `/proc/PID/mountinfo` tells them (proc_pid_mountinfo(5))."""

from __future__ import annotations

from typing import NamedTuple

#: Types of filesystems whose server may be dead; a stat(2) on one can then block for ever.
_REMOTE = ("nfs", "cifs", "smb", "9p", "ceph", "fuse", "afs", "coda", "lustre", "gfs", "glusterfs", "ocfs2", "autofs")


class Mount(NamedTuple):
    """One mount: where, its filesystem's type, and whether its server may be out of reach."""

    point: str
    type: str
    remote: bool


def parse_mount(line: bytes) -> Mount | None:
    """Parse one line of mountinfo: `ID PARENT DEV ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE OPTIONS`."""
    front, _, back = line.partition(b" - ")
    words, more = front.split(b" "), back.split(b" ")
    if len(words) < 5 or not more[0]:
        return None
    kind = more[0].decode("ascii", "replace")
    return Mount(_unescape(words[4]).decode("utf-8", "surrogateescape"), kind, kind.startswith(_REMOTE))


def _unescape(word: bytes) -> bytes:
    """Undo the octal escapes of space, tab, newline and backslash."""
    first, *rest = word.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)
