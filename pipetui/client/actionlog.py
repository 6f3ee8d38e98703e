"""What pipetui did to a machine because somebody wanted it: when, on which host, and the command that does the same."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipetui.client.advice import on_host
from pipetui.model import ActorState, ConsumerSpec, ProducerSpec
from pipetui.protocol.requests import (
    Control,
    CreateFifo,
    PrepareLab,
    RemoveFifo,
    Request,
    Retune,
    RunBench,
    RunLab,
    Scale,
    Send,
    Signal,
    StartConsumer,
    StartProducer,
    StopBench,
    StopLab,
    TellLab,
)

#: How many are remembered of one host.
MOST = 1_000

_SIGNALS = {"pause": "STOP", "resume": "CONT", "stop": "TERM", "kill": "KILL"}


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """One action. `command` is empty where no command does the same; `refused` says why it was not done."""

    time: float
    host: str
    what: str
    command: str = ""
    refused: str = ""


class ActionLog:
    """The actions on one host, oldest first. `actors` are those of its hub, as they are known."""

    def __init__(self, actors: Mapping[int, ActorState]) -> None:
        self._actors = actors
        self.actions: list[LoggedAction] = []

    def note(self, request: Request[Any], host: str, far: str, refused: str) -> bool:
        """Note a request that was answered, if it acts; `far` is what ssh calls the host. Return whether it was."""
        if request.effect == "passive":
            return False
        what, command = _described(request, self._actors)
        command = on_host(command, far) if far else command
        self.actions.append(LoggedAction(time.time(), host, what, command, refused))
        del self.actions[:-MOST]
        return True


def _described(request: Request[Any], actors: Mapping[int, ActorState]) -> tuple[str, str]:
    """Return what a request does, and a command that does the same."""
    match request:
        case StartProducer(spec):
            return f"Start producer {spec.name} on {spec.path}", _producer(spec)
        case StartConsumer(spec):
            return f"Start consumer {spec.name} on {spec.path}", _consumer(spec)
        case Control(number, action):
            return _controlled(number, action, actors.get(number))
        case Retune(number) | Scale(number):
            return f"Change the speed of {_called(number, actors.get(number))}", ""
        case CreateFifo(path, mode):
            return f"Create FIFO {path}", f"mkfifo -m {mode:o} {shlex.quote(path)}"
        case RemoveFifo(path):
            return f"Remove FIFO {path}", f"rm {shlex.quote(path)}"
        case Send(path, payload):
            return f"Send a message to {path}", f"printf %s {shlex.quote(payload)} > {shlex.quote(path)}"
        case Signal(pid, command, number):
            name, program = _signal(number), next(iter(command.split()), "process")
            return f"Send SIG{name} to {program} ({pid})", f"kill -{name} {pid}"
        case RunLab(name):
            return f"Run lab {name}", f"pipetui lab {name}"
        case PrepareLab(name):
            return f"Create FIFOs for lab {name}", ""
        case StopLab() | TellLab():
            return ("Stop a lab" if isinstance(request, StopLab) else "Send a line to a lab"), ""
        case RunBench(seconds):
            return "Run the comparison", f"pipetui bench --seconds {seconds:g}"
        case StopBench():
            return "Stop the comparison", ""
    return type(request).__name__, ""


def _controlled(number: int, action: str, actor: ActorState | None) -> tuple[str, str]:
    name = _SIGNALS.get(action)
    command = f"kill -{name} {actor.pid}" if name and actor is not None else ""
    return f"{action.capitalize()} {_called(number, actor)}", command


def _called(number: int, actor: ActorState | None) -> str:
    return f"{actor.role} {actor.spec.name} ({actor.pid})" if actor is not None else f"actor {number}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def _producer(spec: ProducerSpec) -> str:
    """Return a loop of the shell that writes about the same, where there is one."""
    path = shlex.quote(spec.path)
    if spec.source == "file":
        return f"cat {shlex.quote(spec.file)} > {path}"
    if spec.source == "random":
        return f"cat /dev/urandom > {path}"
    if "{" in spec.template:
        return ""
    line = shlex.quote(spec.template)
    return f"while sleep {1 / spec.rate:.3g}; do echo {line}; done > {path}" if spec.rate else f"yes {line} > {path}"


def _consumer(spec: ConsumerSpec) -> str:
    frames = {"line": "", "nul": " --frame nul", "chunk": " --frame chunk", "fixed": f" --frame {spec.fixed}"}
    return f"pipetui tail {shlex.quote(spec.path)}{frames[spec.framing]}" if spec.framing in frames else ""
