"""The thin display in tmux: what its window shows, styles included, is what a repaint of all of it shows."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from emulator import Emulator
from patience import wait_until
from processes import PIPETUI, Stage
from test_e2e_tmux import Tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    made = Tmux(stage)
    yield made
    made.run("kill-server")


def cells(tmux: Tmux) -> list[str]:
    """Return what stands in each row of the window, with its styles; digits are alike, they may change meanwhile.

    tmux leaves out what was erased and keeps what was written as blanks, so blanks at the end of a row are left out.
    """
    emulator = Emulator(120, 40)
    emulator.feed(b"\x1b[?7l" + tmux.run("capture-pane", "-p", "-e").rstrip("\n").replace("\n", "\r\n").encode())
    rows = []
    for y in range(40):
        row = [emulator.screen.buffer[y][x] for x in range(120)]
        while row and row[-1].data == " ":
            row.pop()
        rows.append(" ".join(f"{re.sub('[0-9]', '#', c.data)}{'' if c.data == ' ' else c.fg}/{c.bg}" for c in row))
    return rows


def test_after_a_story_the_window_shows_what_a_repaint_shows(stage: Stage, tmux: Tmux) -> None:
    for name in ("one", "two", "漢字"):
        stage.fifo(name)
    tmux.keys(f"{' '.join(PIPETUI)} {stage.work}", "Enter")
    wait_until(lambda: "nobody has it open" in tmux.screen(), what="the monitor in tmux", say=tmux.screen)
    for keys in (("j", "j", "k"), ("?",), ("Escape",), ("c",), ("Escape",), ("G",), ("g",), ("t",), ("j",)):
        tmux.keys(*keys)
        _still(tmux)
    drawn = cells(tmux)
    tmux.keys("C-l")
    _still(tmux)
    assert cells(tmux) == drawn


def _still(tmux: Tmux) -> None:
    """Wait until the window does not change any more."""
    seen = [""]

    def same() -> bool:
        seen.append(tmux.screen())
        return len(seen) > 12 and len(set(seen[-12:])) == 1

    wait_until(same, what="the window stands still", say=tmux.screen)
