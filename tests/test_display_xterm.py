"""The thin display in a real xterm: after random frames it prints the cells and styles that were wanted.

xterm prints its screen (media copy, CSI i) into a file, with the styles as SGR (its resource printAttributes). It runs
in an X server without a screen (Xvfb). Its print has ways of its own: the second half of a wide character is U+FFFF,
and where attributes end but the colours stay nothing is printed, so attributes that are off are not looked at here.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulator import Emulator
from frames import HEIGHT, WIDTH, anchored, certain_lines, change, differences
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from waiting import wait_until

from pipetui.tui.display.abilities import Abilities, abilities
from pipetui.tui.display.frame import Frame, fitted, row_of
from pipetui.tui.display.painter import Painter

_MISSING = [name for name in ("xterm", "Xvfb") if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"{' and '.join(_MISSING)} not installed")

#: The second half of a wide character, in a style of its own.
_HALF = re.compile("(?:\x1b\\[[0-9;:]*m)*\uffff")


class XTerm:
    """An xterm of which the test is the program: it writes to its terminal and reads what it prints."""

    def __init__(self, folder: Path) -> None:
        self._printed, name = folder / "printed", folder / "tty"
        self._printed.touch()
        self._server, display = _x_server()
        resources = {
            "printAttributes": "2",
            "printerCommand": f"cat >> {self._printed}",
            "printerAutoClose": "true",
            "allowWindowOps": "true",
        }
        options = [part for key, value in resources.items() for part in ("-xrm", f"XTerm*{key}: {value}")]
        program = ["sh", "-c", f"tty > {name}.new; mv {name}.new {name}; exec sleep 600"]
        with (folder / "complaints").open("wb") as complaints:
            self._xterm = subprocess.Popen(
                ["xterm", "-u8", "-geometry", f"{WIDTH}x{HEIGHT}", *options, "-e", *program],
                env={**os.environ, "DISPLAY": display, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
            )
        try:
            wait_until(name.exists, what="xterm starts its program", shown=(folder / "complaints").read_text)
        except AssertionError:
            self._end()
            raise
        self._tty = os.open(name.read_text().strip(), os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._tty)
        self.write("\x1b[?1049h\x1b[?7l\x1b[?19h")  # 19 (DECPEX): print all of the screen, not just the scroll region

    def write(self, text: str) -> None:
        """Write to the terminal."""
        data = text.encode()
        while data:
            data = data[os.write(self._tty, data) :]

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size, and wait until the terminal has it."""
        self.write(f"\x1b[8;{rows};{columns}t")
        wait_until(lambda: os.get_terminal_size(self._tty) == (columns, rows), what="xterm has another size")

    def screen(self, painter: Painter) -> Emulator:
        """Return what the terminal shows, of the painter's newest frame."""
        columns, rows = painter.wanted.width, painter.wanted.height
        before = self._printed.stat().st_size
        self.write(f"{anchored(painter)}\x1b[i\x1b[6n")
        assert select.select([self._tty], [], [], 15.0)[0], "xterm does not answer"
        os.read(self._tty, 100)
        wait_until(lambda: self._print_from(before).count("\n") >= rows, what="xterm prints its screen")
        emulator = Emulator(columns, rows)
        printed = _HALF.sub("", self._print_from(before)).replace("\x1b#5", "").rstrip("\r\n")
        emulator.feed(("\x1b[?7l" + printed).encode())
        return emulator

    def _print_from(self, start: int) -> str:
        return self._printed.read_bytes()[start:].decode("utf-8", "replace")

    def close(self) -> None:
        """End it."""
        os.close(self._tty)
        self._end()

    def _end(self) -> None:
        for process in (self._xterm, self._server):
            process.terminate()
            process.wait()


def _x_server() -> tuple[subprocess.Popen[bytes], str]:
    """Start an X server and return its display, which it chooses."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    number = b""
    while not number.endswith(b"\n") and select.select([read], [], [], 15.0)[0] and (more := os.read(read, 20)):
        number += more
    os.close(read)
    if not number:
        server.kill()
        server.wait()
        pytest.skip("Xvfb does not start here")
    return server, f":{number.decode().strip()}"


@pytest.fixture(scope="module")
def xterm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XTerm]:
    made = XTerm(tmp_path_factory.mktemp("xterm"))
    yield made
    made.close()


ABILITIES = [
    abilities({"TERM": "xterm-256color"}),
    Abilities(bce=True, repeat=True, scroll_by=True),  # xterm can repeat; not every terminal of that name can
    Abilities(),
]


@pytest.mark.parametrize("has", ABILITIES, ids=str)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_xterm_shows_every_frame(xterm: XTerm, has: Abilities, data: st.DataObject) -> None:
    # 24-bit colours come out of its print slightly changed, so the palette is used
    painter = Painter(has, ColorSystem.EIGHT_BIT)
    painter.resize(WIDTH, HEIGHT)
    for _ in range(data.draw(st.integers(1, 4))):
        change(data, painter, certain_lines)
        xterm.write(painter.paint())
        wrong = list(differences(painter.wanted, painter.styles, xterm.screen(painter), sure_of_off=False))
        assert not wrong, wrong[:5]


def test_after_a_resize_a_repaint_makes_all_right(xterm: XTerm) -> None:
    painter = Painter(ABILITIES[0], ColorSystem.EIGHT_BIT)
    for columns, rows in ((60, 14), (WIDTH, HEIGHT)):
        xterm.resize(columns, rows)
        painter.resize(columns, rows)
        _fill(painter.wanted, painter)
        painter.forget()
        xterm.write(painter.paint())
        assert not list(differences(painter.wanted, painter.styles, xterm.screen(painter)))


def _fill(frame: Frame, painter: Painter) -> None:
    for y in range(frame.height):
        frame.rows[y] = fitted(
            row_of([(f"{y} 漢字 {'─' * 50}", None, None)], painter.styles), frame.width, painter.styles
        )
