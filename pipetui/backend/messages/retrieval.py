"""Looking something up in the ring for a client: the next match, and pages for an export."""

from __future__ import annotations

import time
from dataclasses import replace

from pipetui.backend.messages.patterns import compile_filter, guarded
from pipetui.backend.messages.ring import Ring
from pipetui.model import Line
from pipetui.protocol.requests import Export, Find, Page

#: A page of an export carries about this much (bytes), and takes about this long to collect (seconds).
PAGE_BYTES = 1 << 20
PAGE_TIME = 0.05


def find(ring: Ring, request: Find) -> int | None:
    """Return the number of the nearest match. Raises `BadPattern`, `TooSlow`."""
    within, wanted = compile_filter(request.filter), compile_filter(replace(request.find, fifo=""))
    lines = ring.backwards(request.start) if request.backwards else ring.forwards(request.start + 1)
    with guarded():
        for line in lines:
            if (within is None or within(line)) and (wanted is None or wanted(line)):
                return line.number
    return None


def export(ring: Ring, request: Export) -> Page:
    """Return the next whole messages that pass the filter. Raises `BadPattern`, `TooSlow`."""
    test = compile_filter(request.filter)
    lines: list[Line] = []
    room = PAGE_BYTES
    deadline = time.monotonic() + PAGE_TIME
    with guarded():
        for line in ring.forwards(request.start):
            if test is None or test(line):
                lines.append(line)
                room -= len(line.payload)
            if room <= 0 or time.monotonic() > deadline:
                return Page(tuple(lines), line.number + 1)
    return Page(tuple(lines))
