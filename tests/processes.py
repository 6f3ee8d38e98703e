"""Which processes and temporary FIFOs belong to a test, however they were forked, renamed or orphaned.

Everything that a `Sandbox` starts inherits a mark in its environment, so that `family` finds it in `/proc/PID/environ`
also when its parents have died. Cleaning up ends these processes only, each by its pid.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil
from terminal import Terminal
from waiting import allowed

#: No orphan may be left after this many seconds (the promise of the project's first issue).
ORPHAN_TIME = 2.0

#: What starts the program in tests: the installed console script, or the module where there is none.
_SCRIPT = Path(sys.executable).with_name("pipetui")
PIPETUI: tuple[str, ...] = (str(_SCRIPT),) if _SCRIPT.exists() else (sys.executable, "-m", "pipetui")


def descendants(pid: int) -> list[psutil.Process]:
    """Return the living descendants of a process, without zombies."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if _alive(child)]


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def describe(process: psutil.Process) -> str:
    """Return pid, parent, state and command line of a process for a failure's message."""
    try:
        return f"{process.pid} (parent {process.ppid()}, {process.status()}) {process.cmdline()}"
    except psutil.NoSuchProcess:
        return f"{process.pid} (gone)"


def fifos_below(*roots: Path) -> list[Path]:
    """Return every FIFO and every folder named `pipetui-*` below the roots."""
    return [path for root in roots for path in _walk(root)]


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in folders if name.startswith("pipetui-"))
        yield from (Path(folder, name) for name in files if _is_fifo(Path(folder, name)))


def _is_fifo(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.lstat().st_mode)
    except FileNotFoundError:
        return False


class Sandbox:
    """A home, temporary folder and working folder of its own, and every process that was started on it."""

    def __init__(self, folder: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="test-")
        self.folder = folder or Path(self._own.name if self._own else "")
        self.work, self.tmp, self.run = (self._folder(name) for name in ("work", "tmp", "run"))
        self.home, self.config = self._folder("home"), self._folder("home/.config")
        self.mark = f"PIPETUI_TEST_SANDBOX={uuid.uuid4().hex}"
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "XDG_RUNTIME_DIR": str(self.run),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_CACHE_HOME": str(self._folder("home/.cache")),
            "XDG_DATA_HOME": str(self._folder("home/.local/share")),
            "XDG_STATE_HOME": str(self._folder("home/.local/state")),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            **dict([self.mark.split("=")]),
            **(settings or {}),
        }
        self._terminals: list[Terminal] = []

    def _folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def terminal(
        self,
        *arguments: str | os.PathLike[str],
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = PIPETUI,
        answers: bool = False,
    ) -> Terminal:
        """Start `pipetui ARGUMENTS` (or another command) in a terminal in this sandbox."""
        terminal = Terminal(
            [*command, *arguments],
            columns=columns,
            rows=rows,
            env={**self.env, **(env or {})},
            cwd=self.work,
            answers=answers,
        )
        self._terminals.append(terminal)
        return terminal

    def name(self, word: str) -> str:
        """Return a word made unique to this sandbox, for what is found on the screen by its name."""
        return f"{word}-{self.mark[-5:]}"

    def fifo(self, name: str = "pipe") -> Path:
        """Make a FIFO in the working folder; its name is made unique to this sandbox."""
        path = self.work / self.name(name)
        os.mkfifo(path, 0o600)
        return path

    def family(self) -> list[psutil.Process]:
        """Return every living process that was started in this sandbox, orphans included."""
        mark = self.mark.encode()
        return [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and mark in _environ(process.pid) and _alive(process)
        ]

    def fifos(self) -> list[Path]:
        """Return the FIFOs and pipetui folders below the sandbox's temporary and runtime folder."""
        return fifos_below(self.tmp, self.run)

    def assert_empty(self, within: float = ORPHAN_TIME, *, fifos: bool = True) -> None:
        """Fail unless, within some seconds, no process of this sandbox lives and no temporary FIFO is left."""
        deadline, is_last = time.monotonic() + within, False
        while (family := self.family()) or (fifos and self.fifos()):
            if time.monotonic() > deadline and not is_last:  # what is promised is promised of an idle machine
                deadline, is_last = time.monotonic() + allowed(within) - within, True
            if time.monotonic() > deadline:
                left = [describe(process) for process in family] + [str(path) for path in self.fifos()]
                raise AssertionError("\n".join([f"left behind after {within} s:", *left]))
            time.sleep(0.02)

    def close(self) -> None:
        """End whatever still runs, and remove the sandbox's own folder."""
        for terminal in self._terminals:
            terminal.close()
        for process in self.family():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if self._own is not None:
            self._own.cleanup()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
