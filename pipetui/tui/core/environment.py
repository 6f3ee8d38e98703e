"""What Textual reads from the environment when it is imported: to be set before that, or it has no effect.

It redraws at most 30 times a second, and never animates nor scrolls smoothly: each costs bytes that somebody at
the other end of an SSH link waits for. What the person has set stays.
"""

from __future__ import annotations

import os


def prepare(fps: int = 30) -> None:
    """Set the defaults; call it before anything imports textual."""
    os.environ.setdefault("TEXTUAL_FPS", str(fps))
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
