"""Settings that Textual reads from the environment at import: set later, they have no effect.

Redraw at most 30 times a second, and neither animate nor scroll smoothly: that costs bytes on an SSH link. What
the user has set is kept.
"""

from __future__ import annotations

import os


def prepare(fps: int = 30) -> None:
    """Set the defaults; call it before importing textual."""
    os.environ.setdefault("TEXTUAL_FPS", str(fps))
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
