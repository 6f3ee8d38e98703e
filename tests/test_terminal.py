"""The harness itself: what the emulator adds to pyte, and what a terminal is for a program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from emulator import Emulator
from terminal import Terminal, key_bytes


def rows(emulator: Emulator) -> list[str]:
    """Return the rows of a screen without trailing blanks."""
    return [row.rstrip() for row in emulator.screen.display]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_what_pyte_does_not_know_draws_nothing(size: int) -> None:
    emulator = Emulator(20, 3)
    noise = b"\x1b[?2026$p\x1b[>25u\x1b[<u\x1bP+q544e\x1b\\\x1b_G\x1b\\\x1b]2;title\x07\x1b[=5u\x1b[>4;1m\x1b[?6n"
    data = b"\x1b[1;1Ha" + noise + "bé▸".encode() + noise + b"c"
    for start in range(0, len(data), size):
        emulator.feed(data[start : start + size])
    assert rows(emulator) == ["abé▸c", "", ""]
    assert emulator.titles == ["title", "title"]


def test_the_alternate_screen_gives_the_main_one_back() -> None:
    emulator = Emulator(10, 2)
    emulator.feed(b"main\x1b[?1049h\x1b[2J\x1b[1;1Hother\x1b[?25l")
    assert rows(emulator) == ["other", ""]
    assert emulator.left_behind() == ["mode 25 is off", "mode 1049 is on"]
    emulator.feed(b"\x1b[?1049l\x1b[?25h")
    assert rows(emulator) == ["main", ""]
    assert emulator.left_behind() == []


def test_a_scroll_region_moves_its_lines_only() -> None:
    emulator = Emulator(4, 4)
    emulator.feed(b"a\r\nb\r\nc\r\nd\x1b[2;3r\x1b[S")
    assert rows(emulator) == ["a", "c", "", "d"]
    emulator.feed(b"\x1b[T\x1b[r")
    assert rows(emulator) == ["a", "", "c", "d"]
    emulator.feed(b"\x1b[2;4r\x1b[4;1H\n")
    assert rows(emulator) == ["a", "c", "d", ""]


def test_text_after_a_character_without_width_is_not_lost() -> None:
    emulator = Emulator(10, 1)
    emulator.feed("a\ufe0fb\u200dc".encode())
    assert rows(emulator) == ["abc"]


def test_the_clipboard_is_what_osc_52_says() -> None:
    emulator = Emulator(10, 1)
    emulator.feed(b"\x1b]52;c;aGVs")
    emulator.feed(b"bG8=\x07x")
    assert emulator.clipboard == [b"hello"]
    assert rows(emulator) == ["x"]


def test_keys_have_names() -> None:
    assert key_bytes("ctrl+p") == b"\x10"
    assert key_bytes("alt+x") == b"\x1bx"
    assert key_bytes("é") == "é".encode()
    with pytest.raises(ValueError, match="no such key"):
        key_bytes("hyper+x")


def test_a_program_sees_a_terminal_its_size_and_its_hangup(tmp_path: Path) -> None:
    code = """
import os, signal, sys, time
def resized(*_):
    print("size", *os.get_terminal_size(), flush=True)
def hung_up(*_):
    open(sys.argv[1], "w").close()
    os._exit(0)
signal.signal(signal.SIGWINCH, resized)
signal.signal(signal.SIGHUP, hung_up)
resized()
print("tty", os.isatty(0), os.tcgetpgrp(0) == os.getpid(), flush=True)
print("read", sys.stdin.readline().strip(), flush=True)
while True:
    time.sleep(1)
"""
    with Terminal(
        [sys.executable, "-S", "-c", code, tmp_path / "hup"], columns=33, rows=7, env=dict(os.environ)
    ) as made:
        made.wait_for("size 33 7")
        made.wait_for("tty True True")
        made.type_text("hello\r")
        made.wait_for("read hello")
        made.resize(44, 9)
        made.wait_for("size 44 9")
        made.close_terminal()
        assert made.process.wait(10) == 0
        assert (tmp_path / "hup").exists()
