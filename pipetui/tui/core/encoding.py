"""Where the screen is drawn, and in which encoding: plain ASCII where the locale has nothing else (LC_ALL=POSIX).

Textual draws on `sys.__stderr__`. A character that its encoding lacks is replaced on output, so widgets need
not care: by one of the same width from `pipetui.substitutes`, or by `?`.
"""

from __future__ import annotations

import os
import sys

from rich.cells import split_graphemes

from pipetui.substitutes import drawn, register


def _in_cells(text: str) -> str:
    spans, _ = split_graphemes(text)
    return "".join(drawn(text[start:end]) or "?" * width for start, end, width in spans)


CELLS = register("pipetui.cells", _in_cells)


def prepare() -> None:
    """Let Textual draw on this terminal; call it before creating the app."""
    if not os.isatty(2):  # `pipetui 2>log`: the terminal is where stdin and stdout are
        sys.__stderr__ = open(1, "w", closefd=False)  # type: ignore[misc]  # noqa: SIM115 (it stays open)
    stream = sys.__stderr__
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=CELLS)
