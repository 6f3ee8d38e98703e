"""What labs are written against: names for FIFOs, processes, and a way to tell what happens.

A lab's functions say what they do (`say`), find facts (`saw`), take their time (`pause`) and may ask the person
(`hear`). What they tell goes through one socket, which is no pipe, so it does not mix with what there is to see.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

from pipetui.kernel.lifetime import die_with_parent, set_name
from pipetui.kernel.procfs import Proc
from pipetui.model import Fact, Pace

#: How long a `pause` of a second lasts, and how long everybody rests after each thing said (seconds).
_SECOND: dict[Pace, float] = {"fast": 0.05, "normal": 1.0, "slow": 2.0}
_REST: dict[Pace, float] = {"fast": 0.0, "normal": 0.0, "slow": 1.0}

#: Longer things are cut (characters): each must fit in one datagram.
_MOST = 2000

#: How long a person has to answer (seconds).
TIME_TO_ANSWER = 120.0

#: Where a lab keeps its own descriptors, out of the way of those that a lesson shows.
_HIGH = 200


#: What an event is: a process began or ended, it says something, has found a fact or why it can't, asks for a line,
#: failed; and at last the end of the run. The names are those of the functions below, where there is one.
EventKind = Literal["main", "part", "gone", "say", "saw", "skip", "hear", "trouble", "end"]


class LabEvent(NamedTuple):
    """What happens in a run, when (epoch), and in which process.

    `name` is that of the process or of the fact, `value` what is said, the fact, the reason or the pid that has gone.
    """

    kind: EventKind
    time: float
    pid: int
    name: str = ""
    value: Fact = ""


class _Here:
    """What a process of a lab needs to know."""

    events: socket.socket | None = None
    typed: socket.socket | None = None
    pace: Pace = "normal"
    part: int = 0
    resting: mmap.mmap | None = None
    name: str = ""
    pid: int = 0

    @classmethod
    def be(cls, name: str) -> None:
        """Be a process of this name from now on."""
        cls.name, cls.pid = name, os.getpid()


def lift(end: socket.socket) -> socket.socket:
    """Return the same socket at a high descriptor; the low ones are the lesson's."""
    import fcntl

    number = fcntl.fcntl(end.fileno(), fcntl.F_DUPFD_CLOEXEC, _HIGH)
    end.close()
    return socket.socket(fileno=number)


def _tell(kind: EventKind, name: str = "", value: Fact = "") -> None:
    if _Here.events is None:
        raise RuntimeError("this only works in a lab: run it with `pipetui lab`")
    try:
        _Here.events.send(json.dumps(LabEvent(kind, time.time(), os.getpid(), name, value)).encode())
    except OSError:
        os._exit(0)  # the lab has gone: so do we


def say(text: object) -> None:
    """Say what happens; the person reads it beside the name of the part.

    A process that the lesson has forked by itself is called like the function that speaks first.
    """
    if _Here.pid != os.getpid():
        _Here.be(sys._getframe(1).f_code.co_name.strip("_"))
    _tell("say", _Here.name, str(text)[:_MOST])
    _rest(_REST[_Here.pace])


def saw(key: str, value: Fact | OSError) -> None:
    """Note what has turned out: the fact that answers the question, or makes the observation, of this key.

    A failed system call counts as the name of its errno, such as "ENXIO".
    """
    if isinstance(value, OSError):
        value = errno.errorcode.get(value.errno or 0, str(value))
    _tell("saw", key, value[:_MOST] if isinstance(value, str) else value)


def skip(key: str, reason: str) -> None:
    """Note that something can't be tried here, and why."""
    _tell("skip", key, reason[:_MOST])


def pause(seconds: float) -> None:
    """Wait `seconds` at the person's pace: less in a check, longer in slow motion."""
    _rest(seconds * _SECOND[_Here.pace])


def _rest(seconds: float) -> None:
    """Sleep for the person's sake, and let `Part.sleeps` know that it is no wait of the lesson."""
    resting = _Here.resting if _Here.part == os.getpid() else None
    if resting:
        resting[0] = 1
    try:
        time.sleep(seconds)
    finally:
        if resting:
            resting[0] = 0


def hear(suggestion: str) -> str:
    """Return a line from the person; `suggestion` when they have none, and in a check."""
    if _Here.typed is None or _Here.pace == "fast":
        return suggestion
    _tell("hear", value=suggestion)
    _Here.typed.settimeout(TIME_TO_ANSWER)
    try:
        return _Here.typed.recv(_MOST * 4).decode("utf-8", "surrogateescape") or suggestion
    except (TimeoutError, OSError):
        return suggestion


class Part:
    """A process of the lab. `wait` returns its exit status; below 0 it is the signal that ended it."""

    def __init__(self, pid: int, name: str, resting: mmap.mmap | None = None) -> None:
        self.pid = pid
        self.name = name
        self._resting = resting
        self._status: int | None = None

    def wait(self) -> int:
        """Wait until it has ended."""
        if self._status is None:
            self._note(os.waitpid(self.pid, 0)[1])
        assert self._status is not None
        return self._status

    def _note(self, status: int) -> None:
        self._status = os.waitstatus_to_exitcode(status)
        _tell("gone", value=self.pid)

    def ended(self) -> bool:
        """Whether it has ended by now."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._note(status)
        return self._status is not None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal."""
        if not self.ended():
            os.kill(self.pid, number)

    def sleeps(self, timeout: float = 5.0) -> bool:
        """Wait until it sleeps in a system call (it has nothing else to do then); say whether it came to that.

        A `pause`, or the rest after something said, does not count.
        """
        return until(lambda: self.ended() or self._asleep(), timeout) and not self.ended()

    def _asleep(self) -> bool:
        # it was not awake for a moment while we looked, so it rests now if it rested then
        return _sleeps(self.pid) and not (self._resting and self._resting[0])


def until(condition: Callable[[], bool], timeout: float = 5.0) -> bool:
    """Wait until a condition holds, `timeout` seconds at most; say whether it does."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _sleeps(pid: int) -> bool:
    """Whether a process has been asleep for a moment without having been woken."""
    proc = Proc()
    before = proc.switches(pid, pid)
    for _ in range(4):
        if _state(pid) != "S":
            return False
        time.sleep(0.01)
    return _state(pid) == "S" and proc.switches(pid, pid) == before


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


class LabContext:
    """What a lab's main function is given: a folder of its own, and processes."""

    def __init__(self, folder: Path, pace: Pace) -> None:
        self.folder = folder
        self.pace = pace
        self.parts: list[Part] = []

    def path(self, name: str) -> str:
        """Return a path in the folder of this run; nothing is made."""
        return str(self.folder / name)

    def fifo(self, name: str) -> str:
        """Make a FIFO and return its path."""
        path = self.path(name)
        os.mkfifo(path, 0o600)
        return path

    def start(self, function: Callable[..., Any], *arguments: Any, name: str = "") -> Part:
        """Run a function in a process of its own, which is called like the function."""
        name = name or function.__name__.strip("_")
        parent = os.getpid()
        resting = mmap.mmap(-1, 1)
        pid = os.fork()
        if pid == 0:
            die_with_parent(parent)
            _Here.part, _Here.resting = os.getpid(), resting
            _play(name, function, arguments)
        part = Part(pid, name, resting)
        self.parts.append(part)
        return part

    def join(self) -> None:
        """Wait until all processes that were started have ended."""
        for part in self.parts:
            part.wait()


def _play(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> NoReturn:
    """Be a part; never returns."""
    code = 1
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python has it: a write without a reader raises
        set_name(name)
        _Here.be(name)
        _tell("part", name)
        function(*arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        _tell("say", name, f"{type(error).__name__}: {error} (in {place.name}, line {place.lineno})"[:_MOST])
    finally:
        os._exit(code)


def be_main(
    main: Callable[[LabContext], None], context: LabContext, events: socket.socket, typed: socket.socket | None
) -> NoReturn:
    """Be the main process of a lab; never returns."""
    code = 1
    try:
        _Here.events, _Here.typed, _Here.pace = events, typed, context.pace
        _Here.be("main")
        main(context)
        context.join()
        code = 0
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        _tell("trouble", value=f"{type(error).__name__}: {error} (in {place.name}, line {place.lineno})"[:_MOST])
    finally:
        os._exit(code)
