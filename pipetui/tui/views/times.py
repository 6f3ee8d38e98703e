"""Moments as words."""

from __future__ import annotations

import time


def moment(when: float | None) -> str:
    """Return a time of day, with the date if that is not today; a dash for the unknown."""
    if when is None:
        return "–"
    day, today = time.localtime(when), time.localtime()
    form = "%H:%M:%S" if day[:3] == today[:3] else "%Y-%m-%d %H:%M"
    return time.strftime(form, day)


def clock(when: float) -> str:
    """Return a time of day with milliseconds."""
    whole = time.localtime(when)
    return f"{whole.tm_hour:02}:{whole.tm_min:02}:{whole.tm_sec:02}.{int(when * 1000) % 1000:03}"
