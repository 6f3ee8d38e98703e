"""The thin display in a pseudo-terminal: what a resize, a stop and foreign output leave is put right again."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

import pytest
from frames import seen
from processes import PIPETUI, Sandbox
from terminal import Terminal
from waiting import wait_until

#: A terminal with a monitor on one FIFO that nobody has open: nothing moves there.
_STILL = "nobody has it open"

#: The last that comes onto that screen: the finder has told of the FIFO long before the watcher has looked at it.
_JUDGED = "FINDINGS"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        made.fifo("one")
        yield made


def come_to_rest(terminal: Terminal) -> None:
    """Wait until all is on the screen that will be."""
    terminal.wait_for(_STILL)
    terminal.wait_for(_JUDGED)
    terminal.settle()


def cells(terminal: Terminal) -> list[list[object]]:
    """Return what is seen of every cell of the screen."""
    rows = [[terminal.cell(x, y) for x in range(120)] for y in range(40)]
    return [[(cell.data, seen(cell)) for cell in row] for row in rows]


def repainted(terminal: Terminal) -> list[list[object]]:
    """Return every cell after the program was asked to draw all of them anew."""
    terminal.settle()
    before = terminal.received
    terminal.send("ctrl+l")
    terminal.wait_until(lambda: b"\x1b[2J" in terminal.raw[before:], what="a full repaint")
    terminal.settle()
    return cells(terminal)


def spoil(terminal: Terminal) -> None:
    """Write something else on the screen, as `wall` does."""
    path = os.readlink(f"/proc/{terminal.pid}/fd/0")
    with open(path, "wb", buffering=0) as other:
        other.write(b"\x1b7\x1b[H\x1b[31;45mBroadcast message from root: \x1b[10;10Hthe machine goes down\x1b[m\x1b8")


def test_a_repaint_removes_what_somebody_else_has_written(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal(sandbox.work)
    come_to_rest(terminal)
    before = cells(terminal)
    spoil(terminal)
    terminal.wait_for("the machine goes down")
    assert repainted(terminal) == before
    assert "the machine goes down" not in terminal.text()


def test_after_a_resize_all_is_drawn_anew(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal(sandbox.work)
    come_to_rest(terminal)
    before = cells(terminal)
    for columns, rows in ((80, 24), (120, 40)):
        spoil(terminal)
        terminal.wait_for("the machine goes down")
        terminal.resize(columns, rows)
        terminal.wait_gone("the machine goes down")
        terminal.settle()
    assert cells(terminal) == before


def test_the_shell_gets_the_terminal_back_and_gives_it_again(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal(command=["bash", "--norc", "--noprofile", "-i"], env={"PS1": "ready: "})
    terminal.wait_for("ready:")
    at_rest = terminal.left_behind()
    terminal.type_text(f"{' '.join(PIPETUI)} {sandbox.work}\r")
    come_to_rest(terminal)
    for key in ("j", "?", "escape"):
        terminal.send(key)
        terminal.settle()
    before = cells(terminal)
    terminal.send("ctrl+z")
    terminal.wait_for(re.compile(r"Stopped.*\n+ready:", re.DOTALL))
    wait_until(lambda: terminal.left_behind() == at_rest, what="the terminal is as it was", shown=terminal.left_behind)
    terminal.type_text("echo $((40 + 2)); fg\r")
    come_to_rest(terminal)
    assert cells(terminal) == before
    assert repainted(terminal) == before
    terminal.send("q")
    terminal.wait_for(re.compile("42\n.*ready:", re.DOTALL))
    terminal.send("ctrl+d")
    assert terminal.wait_exit() == 0


def test_without_a_shell_it_does_not_stop(sandbox: Sandbox) -> None:
    """Nothing could wake it up again: it would stand there for ever."""
    terminal = sandbox.terminal(sandbox.work)
    terminal.wait_for(_STILL)
    terminal.send("ctrl+z")
    terminal.wait_for("Can't suspend")
    terminal.send("q")
    assert terminal.wait_exit() == 0


def leave(terminal: Terminal) -> None:
    """Leave the notes, and then the monitor."""
    terminal.send("escape")
    terminal.wait_gone("NOTES")
    terminal.send("q")
    assert terminal.wait_exit() == 0


def test_the_configuration_chooses_the_stock_display(sandbox: Sandbox) -> None:
    sizes = []
    for display in ("thin", "stock"):
        (sandbox.config / "config.toml").write_text(f'display = "{display}"\ndisplay_budget = 4096\n')
        terminal = sandbox.terminal("--config", sandbox.config / "config.toml", sandbox.work)
        terminal.wait_for(_STILL)
        terminal.settle()
        sizes.append(terminal.received)
        terminal.send("i")
        terminal.wait_for("NOTES")
        assert "Using Textual's own display" not in terminal.text(), "what was chosen is no news"
        leave(terminal)
    assert sizes[1] > 3 * sizes[0]


def test_with_another_textual_the_notes_say_why_the_stock_display_is_used(sandbox: Sandbox) -> None:
    code = (
        "import sys, textual\ntextual.__version__ = '9.1.0'\nfrom pipetui.__main__ import main\n"
        "if __name__ == '__main__': sys.exit(main())"
    )
    terminal = sandbox.terminal(sandbox.work, command=[sys.executable, "-c", code])
    terminal.wait_for(_STILL)
    terminal.wait_for(re.compile(r"i: \d note"))
    terminal.send("i")
    terminal.wait_for(re.compile(r"display +Using Textual's own display.*9\.1\.0", re.DOTALL))
    leave(terminal)
