"""The thin display in tmux: what its window shows, styles included, is what was wanted and what a repaint shows."""

from __future__ import annotations

import os
import re
import shutil
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulator import Emulator
from frames import HEIGHT, WIDTH, anchored, certain_lines, change, differences
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processes import PIPETUI, Sandbox
from test_e2e_tmux import Tmux
from waiting import wait_until

from pipetui.tui.display.abilities import abilities
from pipetui.tui.display.painter import Painter

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def tmux(sandbox: Sandbox) -> Iterator[Tmux]:
    made = Tmux(sandbox)
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


def test_after_a_story_the_window_shows_what_a_repaint_shows(sandbox: Sandbox, tmux: Tmux) -> None:
    for name in ("one", "two", "漢字"):
        sandbox.fifo(name)
    tmux.keys(f"{' '.join(PIPETUI)} {sandbox.work}", "Enter")
    wait_until(lambda: "nobody has it open" in tmux.screen(), what="the monitor in tmux", shown=tmux.screen)
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

    wait_until(same, what="the window stands still", shown=tmux.screen)


#: A character that no frame of these tests has.
_MARK = "¦"


class Pane:
    """A window of tmux of which the test is the program."""

    def __init__(self, tmux: Tmux, folder: Path) -> None:
        name = folder / "tty"
        program = f"tty > {name}.new; mv {name}.new {name}; exec sleep 600"
        tmux.run("new-window", "-n", "frames", program)
        tmux.run("resize-window", "-x", str(WIDTH), "-y", str(HEIGHT))
        wait_until(name.exists, what="tmux starts the program")
        self._tmux = tmux
        self._tty = os.open(name.read_text().strip(), os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._tty)
        wait_until(lambda: os.get_terminal_size(self._tty) == (WIDTH, HEIGHT), what="tmux resizes the window")
        self.write("\x1b[?1049h\x1b[?7l")

    def write(self, text: str) -> None:
        """Write to the terminal."""
        data = text.encode()
        while data:
            data = data[os.write(self._tty, data) :]

    def screen(self, painter: Painter) -> Emulator:
        """Return what the window shows, of the painter's newest frame.

        tmux leaves out what was erased, and plain blanks, at the end of a row: so a mark stands there meanwhile.
        """
        blanks = anchored(painter)
        termios.tcflush(self._tty, termios.TCIFLUSH)
        self.write(blanks.replace(" \x1b8", f"{_MARK}\x1b8") + "\x1b[6n")
        answer = b""
        while not answer.endswith(b"R"):  # it may come in parts; then what was written before has been drawn
            answer += os.read(self._tty, 100)
        printed = self._tmux.run("capture-pane", "-p", "-e", "-N", "-t", "frames").rstrip("\n")
        self.write(blanks)
        emulator = Emulator(WIDTH, HEIGHT)
        emulator.feed(("\x1b[?7l" + printed.replace("\n", "\r\n")).encode())
        for row in range(HEIGHT):
            last = emulator.screen.buffer[row][WIDTH - 1]
            if painter.wanted.rows[row].chars[-1] == " ":
                assert last.data == _MARK
                emulator.screen.buffer[row][WIDTH - 1] = last._replace(data=" ")
        return emulator

    def close(self) -> None:
        """Let go of the terminal."""
        os.close(self._tty)


@pytest.fixture(scope="module")
def pane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pane]:
    with Sandbox() as sandbox:
        tmux = Tmux(sandbox)
        made = Pane(tmux, tmp_path_factory.mktemp("tmux"))
        yield made
        made.close()
        tmux.run("kill-server")


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_tmux_shows_every_frame(pane: Pane, data: st.DataObject) -> None:
    painter = Painter(abilities({"TERM": "tmux-256color", "TMUX": "in it"}))
    painter.resize(WIDTH, HEIGHT)
    for _ in range(data.draw(st.integers(1, 4))):
        change(data, painter, certain_lines)
        pane.write(painter.paint())
        wrong = list(differences(painter.wanted, painter.styles, pane.screen(painter)))
        assert not wrong, wrong[:5]
