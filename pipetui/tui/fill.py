"""How full a pipe is, as a bar of eighths of a cell and a percentage."""

from __future__ import annotations

from rich.style import Style

from pipetui.model import Mood
from pipetui.tui.cells import Parts
from pipetui.tui.theme import Palette

_EIGHTHS = " ▏▎▍▌▋▊▉"
_PERCENT = 6


def bar(share: float, width: int, style: Style, look: Palette) -> Parts:
    """Return a bar of `width` cells that is full for a share of 1; something in the pipe is never drawn as nothing."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    head = "█" * full + (_EIGHTHS[rest] if rest else "")
    return ((head, style + look.track), (" " * (width - len(head)), look.track))


def gauge(queued: int | None, capacity: int | None, mood: Mood, width: int, look: Palette) -> Parts:
    """Return the bar and the percentage of a pipe; a dot where it is not known."""
    if queued is None or not capacity:
        return (("·", look.dim),)
    share = queued / capacity
    style = look.mood(mood) if mood in ("waiting", "stuck") else look.accent
    percent = f"{min(100, round(share * 100))}%"
    words = style if mood in ("waiting", "stuck") else (look.text if queued else look.dim)
    return (*bar(share, width - _PERCENT, style, look), (f"{percent:>{_PERCENT}}", words))
