"""Plays a lab: a process runs its main function, and whatever happens, nothing of it is left behind.

All processes of a run are in one process group, which is killed at the end; those that have left it become children
of the player (PR_SET_CHILD_SUBREAPER, prctl(2)) and are killed one by one. The folder of the run is removed by whoever
made it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pipetui.kernel.lifetime import die_with_parent, set_name
from pipetui.labs.context import TIME_TO_ANSWER, LabContext, LabEvent, be_main, lift
from pipetui.labs.lab import Lab
from pipetui.model import Fact, Pace, Seen

#: How much longer a run may take when it is not played fast.
_TIMEOUT: dict[Pace, float] = {"fast": 1.0, "normal": 6.0, "slow": 20.0}

#: Signals that end a player.
_ENDING = (signal.SIGTERM, signal.SIGINT)


def play(
    lab: Lab,
    folder: Path,
    pace: Pace,
    tell: Callable[[LabEvent], None],
    control: int | None = None,
    orders: Callable[[], list[str] | None] = lambda: None,
    private: Sequence[int] = (),
) -> None:
    """Play a lab to its end and tell what happens; returns when no process of it is left.

    `control` is polled; then `orders` returns the lines that the person typed, or None when the run is to stop.
    `private` descriptors of the caller are kept from the lab's processes.
    """
    events, lab_events = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    typed, lab_typed = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    player = os.getpid()
    # Python drops an exception that a handler raises inside fork(2): so none comes now
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    main = os.fork()
    if main == 0:
        for ending in _ENDING:
            signal.signal(ending, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        events.close()
        typed.close()
        for number in private:
            os.close(number)
        os.setpgid(0, 0)
        die_with_parent(player)
        set_name("main")
        be_main(lab.main, LabContext(folder, pace), lift(lab_events), lift(lab_typed))
    try:
        os.setpgid(main, main)
    except OSError:
        pass  # it was quicker
    lab_events.close()
    lab_typed.close()
    with events, typed:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            tell(LabEvent("main", time.time(), main))
            _listen(events, typed, time.monotonic() + lab.limit * _TIMEOUT[pace], tell, control, orders, main)
        finally:
            _clear(main)
    tell(LabEvent("end", time.time(), main))


def _listen(
    events: socket.socket,
    typed: socket.socket,
    deadline: float,
    tell: Callable[[LabEvent], None],
    control: int | None,
    orders: Callable[[], list[str] | None],
    main: int,
) -> None:
    """Pass on what is told, until all who could tell something have gone, the main process has ended or time is up."""
    poller = select.poll()
    poller.register(events, select.POLLIN)
    if control is not None:
        poller.register(control, select.POLLIN)
    ended = False
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            tell(LabEvent("trouble", time.time(), main, value="it took too long and was ended"))
            return
        ready = [fd for fd, _ in poller.poll(0 if ended else min(left, 0.1) * 1000)]
        if events.fileno() in ready:
            data = events.recv(1 << 16)
            if not data:  # everybody has gone, the main process as well
                _has_ended(main, tell, os.WEXITED | os.WNOWAIT)
                return
            event = LabEvent(*json.loads(data))
            tell(event)
            if event.kind == "hear":
                deadline += TIME_TO_ANSWER  # a person's time does not count
        elif ended:
            return
        elif control is not None and control in ready:
            lines = orders()
            if lines is None:
                tell(LabEvent("trouble", time.time(), main, value="it was stopped"))
                return
            for line in lines:
                typed.send(line.encode("utf-8", "surrogateescape"))
        else:
            ended = _has_ended(main, tell, os.WEXITED | os.WNOWAIT | os.WNOHANG)


def _has_ended(main: int, tell: Callable[[LabEvent], None], options: int) -> bool:
    """Whether the main process has ended, and tell if it was killed; it is left to be waited for.

    So its process group can't become somebody else's before it is killed.
    """
    how = os.waitid(os.P_PID, main, options)
    if how is not None and how.si_code != os.CLD_EXITED:
        tell(LabEvent("trouble", time.time(), main, value=f"its main was killed by signal {how.si_status}"))
    return how is not None


def _clear(main: int) -> None:
    """Kill every process of the run and wait for those that are ours."""
    try:
        os.killpg(main, signal.SIGKILL)
    except OSError:
        pass
    try:
        os.waitpid(main, 0)
    except ChildProcessError:
        pass


def judge(lab: Lab, facts: dict[str, Fact], skipped: dict[str, str]) -> tuple[Seen, ...]:
    """Return each observation with what was seen; what nobody saw is not fine."""
    seen = []
    for observation in lab.observations:
        key = observation.key
        if key in facts:
            seen.append(Seen(key, facts[key], facts[key] == observation.expected))
        elif key in skipped:
            seen.append(Seen(key, skipped[key], None))
        else:
            seen.append(Seen(key, "not seen", False))
    return tuple(seen)
