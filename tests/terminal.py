"""A real pseudo-terminal around a real program, read through a terminal emulator (pyte).

The program runs as the leader of a session whose controlling terminal is the pty, as in a terminal window: closing
the master sends it SIGHUP, `resize` sends it SIGWINCH. A thread reads all the time, as a terminal does (`hold` makes
it stop, as a dead SSH link does). Every byte that was received is kept in `raw`.

The terminal answers no query (as many don't) unless told to with `answers`.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from emulator import Emulator
from picture import draw_svg
from pyte.screens import Char
from waiting import TIMEOUT

_NAMED_KEYS = {
    "enter": b"\r",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "escape": b"\x1b",
    "space": b" ",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "insert": b"\x1b[2~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "f1": b"\x1bOP",
    "f2": b"\x1bOQ",
    "f3": b"\x1bOR",
    "f4": b"\x1bOS",
    "f5": b"\x1b[15~",
    "f6": b"\x1b[17~",
    "f7": b"\x1b[18~",
    "f8": b"\x1b[19~",
    "f9": b"\x1b[20~",
    "f10": b"\x1b[21~",
    "f11": b"\x1b[23~",
    "f12": b"\x1b[24~",
}


def key_bytes(key: str) -> bytes:
    """Return what a terminal sends for a key: a name (`enter`, `ctrl+p`, `alt+x`, `f1`) or one character."""
    if key in _NAMED_KEYS:
        return _NAMED_KEYS[key]
    if len(key) == 1:
        return key.encode()
    modifier, _, rest = key.partition("+")
    if modifier == "ctrl" and len(rest) == 1:
        return bytes([ord(rest.upper()) & 0x1F])
    if modifier == "alt" and rest:
        return b"\x1b" + key_bytes(rest)
    raise ValueError(f"no such key: {key}")


class Terminal:
    """A program in a pseudo-terminal of `columns` x `rows`."""

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        answers: bool = False,
    ) -> None:
        self._emulator = Emulator(columns, rows)
        self._answers = answers
        self._changed = threading.Condition()
        self._raw = bytearray()
        self._held = False
        self.ended = False
        self.last_byte = 0.0
        self._master, slave = os.openpty()
        self._set_size(columns, rows)
        self.modes_at_start = termios.tcgetattr(self._master)
        self._wake_read, self._wake_write = os.pipe()
        self.started = time.monotonic()
        try:
            # util-linux's setsid execs in place when it is no group leader, so the pid is the program's own;
            # preexec_fn would fork this process while its threads run
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                ["setsid", "--ctty", *(os.fspath(part) for part in argv)],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=env,
                cwd=cwd,
            )
        finally:
            os.close(slave)
        self._reader = threading.Thread(target=self._read_all, name="terminal", daemon=True)
        self._reader.start()

    # --- reading --------------------------------------------------------------------------------------------------

    def _read_all(self) -> None:
        while True:
            watched = [self._wake_read] if self._held else [self._wake_read, self._master]
            readable, _, _ = select.select(watched, [], [])
            if self._wake_read in readable and os.read(self._wake_read, 1) == b"q":
                break
            if self._master not in readable:
                continue
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # EIO: nobody has the terminal open any more
                data = b""
            self._take(data)
            if not data:
                break

    def _take(self, data: bytes) -> None:
        with self._changed:
            self.last_byte = time.monotonic()
            self._raw += data
            self.ended = not data
            self._emulator.feed(data)
            answer, self._emulator.answer = self._emulator.answer, b""
            self._changed.notify_all()
        if answer and self._answers:
            os.write(self._master, answer)

    def hold(self, held: bool = True) -> None:
        """Stop reading, as a terminal does whose link is stuck; `hold(False)` reads on."""
        self._held = held
        os.write(self._wake_write, b"h")

    @property
    def raw(self) -> bytes:
        """Every byte received so far."""
        with self._changed:
            return bytes(self._raw)

    @property
    def received(self) -> int:
        """How many bytes were received so far."""
        return len(self._raw)

    def lines(self) -> list[str]:
        """Return the screen's rows, without trailing blanks."""
        with self._changed:
            return [row.rstrip() for row in self._emulator.screen.display]

    def text(self) -> str:
        """Return the whole screen."""
        return "\n".join(self.lines())

    def cell(self, x: int, y: int) -> Char:
        """Return one cell: `data`, `fg`, `bg`, `bold`, `reverse` and so on."""
        with self._changed:
            return self._emulator.screen.buffer[y][x]

    def find(self, text: str) -> tuple[int, int] | None:
        """Return column and row of the first place where `text` stands, or None."""
        for y, line in enumerate(self.lines()):
            if text in line:
                return line.index(text), y
        return None

    def row(self, pattern: str) -> str:
        """Return the first row that matches the regular expression, or an empty string."""
        return next((line for line in self.lines() if re.search(pattern, line)), "")

    @property
    def clipboard(self) -> list[bytes]:
        """What the program copied with OSC 52, oldest first."""
        with self._changed:
            return list(self._emulator.clipboard)

    @property
    def titles(self) -> list[str]:
        """The window titles that the program set, oldest first."""
        with self._changed:
            return list(self._emulator.titles)

    @property
    def alternate(self) -> bool:
        """Whether the program shows the alternate screen."""
        return self._emulator.modes.get(1049, False)

    def left_behind(self) -> list[str]:
        """Return what the program has changed of the terminal and not put back: modes, colours, line discipline."""
        with self._changed:
            left = self._emulator.left_behind()
        if termios.tcgetattr(self._master) != self.modes_at_start:
            left.append("the line discipline (stty) has changed")
        return left

    # --- waiting --------------------------------------------------------------------------------------------------

    def wait_for(
        self, wanted: str | re.Pattern[str] | Callable[[str], object], timeout: float = TIMEOUT, what: str = ""
    ) -> str:
        """Wait until the screen holds a text, matches a pattern or satisfies a function of it; return the screen."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                screen = "\n".join(row.rstrip() for row in self._emulator.screen.display)
                if _holds(screen, wanted):
                    return screen
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    break
                self._changed.wait(left)
        why = f"the program ended ({self.exit_code})" if self.ended else f"not within {timeout} s"
        raise AssertionError(f"{what or _name(wanted)}: {why}; the screen is:\n{_framed(screen)}")

    def wait_gone(self, unwanted: str | re.Pattern[str], timeout: float = TIMEOUT) -> str:
        """Wait until the screen no longer holds a text or matches a pattern; return the screen."""
        return self.wait_for(lambda screen: not _holds(screen, unwanted), timeout, f"{_name(unwanted)} should go")

    def wait_until(self, condition: Callable[[], object], timeout: float = TIMEOUT, what: str = "") -> None:
        """Wait for a condition on anything (files, processes, raw bytes), looking whenever bytes come or 20 ms pass."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                name = what or getattr(condition, "__name__", "the condition")
                raise AssertionError(f"{name}: not within {timeout} s; the screen is:\n{_framed(self.text())}")
            with self._changed:
                self._changed.wait(0.02)

    def settle(self, quiet: float = 0.3, timeout: float = TIMEOUT) -> None:
        """Wait until the program has written nothing for `quiet` seconds from now on."""
        start = time.monotonic()
        self.wait_until(lambda: time.monotonic() - max(start, self.last_byte) > quiet, timeout, "silence")

    def pause(self, quiet: float = 0.1, timeout: float = 1.0) -> None:
        """Wait for silence as `settle` does, but no longer than `timeout`: for screens that never stand still."""
        start = time.monotonic()
        self.wait_until(
            lambda: time.monotonic() - max(start, self.last_byte) > quiet or time.monotonic() - start > timeout
        )

    def wait_exit(self, timeout: float = TIMEOUT) -> int:
        """Wait until the program has ended and its last output is read; return its exit code."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"the program did not end in {timeout} s; the screen is:\n{_framed(self.text())}"
            ) from None
        self._reader.join(2.0)
        return self.process.returncode

    @property
    def exit_code(self) -> int | None:
        """The program's exit code (negative: killed by that signal), or None while it runs."""
        return self.process.poll()

    @property
    def pid(self) -> int:
        """The program's pid."""
        return self.process.pid

    # --- acting ---------------------------------------------------------------------------------------------------

    def send(self, *keys: str) -> None:
        """Press keys, by name or character; all of them arrive at once."""
        self.send_bytes(b"".join(key_bytes(key) for key in keys))

    def type_text(self, text: str) -> None:
        """Type a text, character by character, as fast as a paste without brackets."""
        self.send_bytes(text.encode())

    def send_bytes(self, data: bytes) -> None:
        """Send raw bytes as the keyboard's."""
        os.write(self._master, data)

    def click(self, x: int, y: int) -> None:
        """Press and release the left mouse button on a cell (from 0)."""
        self.send_bytes(b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (x + 1, y + 1, x + 1, y + 1))

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; the program gets SIGWINCH."""
        with self._changed:
            self._emulator.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # --- the end --------------------------------------------------------------------------------------------------

    def close_terminal(self) -> None:
        """Close the terminal window: the program gets SIGHUP, and errors when it still writes."""
        if self._master >= 0:
            os.write(self._wake_write, b"q")
            self._reader.join()
            os.close(self._master)
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._master = self._wake_read = self._wake_write = -1

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def close(self) -> None:
        """End the program, whatever it does, and free everything."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.close_terminal()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- pictures -------------------------------------------------------------------------------------------------

    def svg(self, path: str | os.PathLike[str], title: str) -> None:
        """Draw the screen with its colours into an SVG file."""
        with self._changed:
            rows = [
                [self._emulator.screen.buffer[y][x] for x in range(self._emulator.screen.columns)]
                for y in range(self._emulator.screen.lines)
            ]
        Path(path).write_text(draw_svg(rows, title), encoding="utf-8")


def _holds(screen: str, wanted: str | re.Pattern[str] | Callable[[str], object]) -> bool:
    if isinstance(wanted, str):
        return wanted in screen
    if isinstance(wanted, re.Pattern):
        return wanted.search(screen) is not None
    return bool(wanted(screen))


def _name(wanted: object) -> str:
    if isinstance(wanted, re.Pattern):
        return f"/{wanted.pattern}/"
    return repr(wanted) if isinstance(wanted, str) else getattr(wanted, "__name__", "the condition")


def _framed(screen: str) -> str:
    return "\n".join(f"  | {line}" for line in screen.rstrip("\n").split("\n"))
