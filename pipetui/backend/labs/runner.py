"""The labs as the hub knows them: plays them in children, keeps what was said and seen, and clears up after them.

A run is a child, the player (`labs/play.py`), whose processes are in one group: should the player be killed, the hub
kills the group. Each run has a folder of its own in one temporary folder, which a finder watches, so that a lab's FIFOs
are on the screen like any others.
"""

from __future__ import annotations

import itertools
import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pipetui.backend.runtime.channel import Receiver, Sender
from pipetui.backend.runtime.children import Child, ChildProcesses
from pipetui.backend.runtime.tempdir import LabFolders
from pipetui.backend.service import NotPossible
from pipetui.kernel import fifo
from pipetui.kernel.lifetime import adopt_orphans, die_with_parent, end_orphans
from pipetui.labs import all_labs
from pipetui.labs.context import LabEvent
from pipetui.labs.lab import Lab
from pipetui.labs.play import judge, play
from pipetui.model import ActorSpec, Fact, LabCard, LabLine, LabPart, LabRun, Pace
from pipetui.protocol.codec import codec

#: So many of the newest lines are kept of each run, and so many runs that have ended.
MOST_LINES = 200
MOST_RUNS = 20

#: Runs at one time.
MOST_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Stop:
    """Orders a player to end its run."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line from the person for the process of a lab that listens."""

    text: str


LAB_ORDER = codec(Stop | TypedLine)


class _Run:
    """One run: its state for the screen, its player, its folder, and what has turned out so far."""

    def __init__(self, lab: Lab, state: LabRun, folder: Path) -> None:
        self.lab = lab
        self.state = state
        self.folder = folder
        self.player: Child | None = None
        self.group = 0
        self.facts: dict[str, Fact] = {}
        self.skipped: dict[str, str] = {}


class LabRunner:
    """All runs of labs. `changed` is called with the number of every run that may differ.

    `on_line` is called with a lab's name and what is said, `on_part` with a pid and the part that it plays (empty when
    it has ended), and `on_folder`, once, with the folder in which all FIFOs of labs will appear.
    """

    def __init__(
        self,
        children: ChildProcesses,
        changed: Callable[[int], None],
        on_line: Callable[[str, LabLine], None],
        on_part: Callable[[int, str], None],
        on_folder: Callable[[str], None],
    ) -> None:
        self._children = children
        self._changed = changed
        self._on_line = on_line
        self._on_part = on_part
        self._on_folder = on_folder
        self._numbers = itertools.count(1)
        self._runs: dict[int, _Run] = {}
        self._folders: LabFolders | None = None

    def cards(self) -> tuple[LabCard, ...]:
        """Return all labs."""
        return tuple(lab.card() for lab in all_labs().values())

    def state(self, number: int) -> LabRun | None:
        """Return a run, None if it has been forgotten."""
        run = self._runs.get(number)
        return run.state if run else None

    def close(self) -> None:
        """Kill what is left and remove all folders; the players have ended by now."""
        for run in self._runs.values():
            if run.player is not None:
                _kill_group(run.group)
        if self._folders is not None:
            self._folders.close()

    # --- requests -------------------------------------------------------------------------------------------------

    def run(self, name: str, pace: Pace) -> int:
        """Start a lab and return the number of its run. Raises `NotPossible`."""
        lab = _lab(name)
        if sum(run.state.passed is None for run in self._runs.values()) >= MOST_AT_ONCE:
            raise NotPossible(f"{MOST_AT_ONCE} labs are running; wait until one has ended, or stop one")
        number = next(self._numbers)
        folder = self._make_folder(f"{number}-{lab.name}")
        run = self._runs[number] = _Run(lab, LabRun(number, lab.name, pace), folder)
        try:
            run.player = self._children.fork(
                "pipetui-lab",
                partial(_player, lab, folder, pace),
                partial(self._on_event, run),
                partial(self._on_end, run),
                niceness=0,
            )
        except OSError as error:
            del self._runs[number]
            LabFolders.clear(folder)
            raise NotPossible(f"no process could be started: {error.strerror}") from None
        self._forget_the_oldest()
        self._changed(number)
        return number

    def stop(self, number: int) -> None:
        """End a run; forget one that has ended. Raises `NotPossible`."""
        run = self._run(number)
        if run.state.passed is None and run.player is not None:
            run.player.send(LAB_ORDER.encode(Stop()))
        else:
            del self._runs[number]
            self._changed(number)

    def tell(self, number: int, text: str) -> None:
        """Give a line to the process that listens. Raises `NotPossible`."""
        run = self._run(number)
        if not run.state.listening or run.player is None:
            raise NotPossible("nobody listens there now")
        run.player.send(LAB_ORDER.encode(TypedLine(text)))
        self._set(run, listening=False)

    def prepare(self, name: str) -> tuple[ActorSpec, ...]:
        """Make FIFOs for a lab's actors and return those with their true paths. Raises `NotPossible`."""
        lab = _lab(name)
        if not lab.actors:
            raise NotPossible(f"there is nothing to play on with after {name}")
        folder = self._make_folder(f"{next(self._numbers)}-mine-{name}")
        for fifo_name in {spec.path for spec in lab.actors}:
            fifo.create(str(folder / fifo_name), 0o600)
        return tuple(replace(spec, path=str(folder / spec.path)) for spec in lab.actors)

    def _make_folder(self, name: str) -> Path:
        """Make a folder for a run, in a folder that is found, by now or soon."""
        try:
            if self._folders is None:
                self._folders = LabFolders()
                self._on_folder(str(self._folders.path))
            return self._folders.make_folder(name)
        except OSError as error:
            raise NotPossible(f"no folder can be made for this lab: {(error.strerror or str(error)).lower()}") from None

    def _run(self, number: int) -> _Run:
        if number not in self._runs:
            raise NotPossible("that run of a lab is over and forgotten")
        return self._runs[number]

    def _forget_the_oldest(self) -> None:
        ended = [number for number, run in self._runs.items() if run.state.passed is not None]
        for number in ended[:-MOST_RUNS]:
            del self._runs[number]
            self._changed(number)

    # --- what the player tells ------------------------------------------------------------------------------------

    def _on_event(self, run: _Run, report: list[Any]) -> None:
        event = LabEvent(*report)
        match event.kind, event.value:
            case "main", _:
                run.group = event.pid
            case "part", _:
                self._enter(run, event.pid, event.name)
            case "gone", int(gone):
                self._set(run, parts=tuple(part for part in run.state.parts if part.pid != gone))
                self._on_part(gone, "")
            case "say", str(text):
                self._enter(run, event.pid, event.name)
                line = LabLine(event.time, event.pid, event.name, text)
                self._set(run, lines=(*run.state.lines, line)[-MOST_LINES:])
                self._on_line(run.lab.name, line)
            case "saw", fact:
                run.facts[event.name] = fact
                self._judge(run)
            case "skip", str(reason):
                run.skipped[event.name] = reason
                self._judge(run)
            case "hear", _:
                self._set(run, listening=True)
            case "trouble", str(trouble):
                self._set(run, trouble=trouble)

    def _judge(self, run: _Run) -> None:
        seen = judge(run.lab, run.facts, run.skipped)
        self._set(run, seen=tuple(one for one in seen if one.key in run.facts or one.key in run.skipped))

    def _enter(self, run: _Run, pid: int, name: str) -> None:
        """A process shows itself: from now on it is called by the part it plays."""
        if pid not in (part.pid for part in run.state.parts):
            self._set(run, parts=(*run.state.parts, LabPart(pid, name)))
            self._on_part(pid, name)

    def _on_end(self, run: _Run, child: Child) -> None:
        _kill_group(run.group)
        seen = judge(run.lab, run.facts, run.skipped)
        trouble = run.state.trouble
        if child.exit_code and not trouble:
            trouble = f"its player failed with exit code {child.exit_code}"
        elif child.exit_signal is not None and not trouble:
            trouble = f"its player was killed by signal {child.exit_signal}"
        passed = not trouble and all(one.fine is not False for one in seen)
        for part in run.state.parts:
            self._on_part(part.pid, "")
        self._set(run, seen=seen, parts=(), listening=False, trouble=trouble, passed=passed)
        run.player = None
        LabFolders.clear(run.folder)

    def _set(self, run: _Run, **changes: Any) -> None:
        state = replace(run.state, **changes)
        if state != run.state:
            run.state = state
            self._changed(state.id)


def _lab(name: str) -> Lab:
    lab = all_labs().get(name)
    if lab is None:
        raise NotPossible(f"there is no lab called {name!r}")
    return lab


def _kill_group(group: int) -> None:
    """Kill what is left of a run whose player may have been killed before it could; none is fine."""
    if group > 0:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass


def _player(lab: Lab, folder: Path, pace: Pace, control: int, report: int) -> None:
    """Play a lab in a child of the hub, and tell the hub; should the hub end, end all."""
    die_with_parent(os.getppid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, _leave)
    adopt_orphans()
    sender, receiver = Sender(report), Receiver(control)

    def tell(event: LabEvent) -> None:
        sender.send(list(event))
        while not sender.flush():
            select.select([], [report], [])

    def orders() -> list[str] | None:
        lines = []
        for order in map(LAB_ORDER.decode, receiver.receive()):
            match order:
                case TypedLine(text):
                    lines.append(text)
                case Stop():
                    return None
        return None if receiver.ended else lines

    try:
        play(lab, folder, pace, tell, control, orders, private=(control, report))
    finally:
        end_orphans()


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)
