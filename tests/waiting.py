"""Waiting for a condition with a deadline, where there is no terminal or hub that could wake us."""

from __future__ import annotations

import time
from collections.abc import Callable

#: In seconds. Waiting for what comes at once costs nothing; a busy machine may be slow to let it come.
TIMEOUT = 60.0


def allowed(seconds: float) -> float:
    """Return how long something may take now that takes `seconds` on an idle machine."""
    start, cpu = time.monotonic(), time.process_time()
    while time.process_time() < cpu + 0.05:
        pass
    return seconds * max(1.0, (time.monotonic() - start) / 0.05)


def wait_until(
    condition: Callable[[], object], timeout: float = TIMEOUT, what: str = "", shown: Callable[[], object] | None = None
) -> None:
    """Look every 20 ms until `condition` holds; the failure says what was waited for, and what `shown` returns."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'the condition'}: not within {timeout} s\n{shown() if shown else ''}")
        time.sleep(0.02)
