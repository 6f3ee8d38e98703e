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
from pipetui.text import encode

#: How many are remembered of one host.
MOST = 1_000

_SIGNALS = {"pause": "STOP", "resume": "CONT", "stop": "TERM", "kill": "KILL"}


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """One action. `command` is empty where no command does the same; `outcome` says it if this was not done, or may not
    have been."""

    time: float
    host: str
    what: str
    command: str = ""
    outcome: str = ""


class ActionLog:
    """The actions on one host, oldest first. `actors` are those of its hub, as they are known."""

    def __init__(self, actors: Mapping[int, ActorState]) -> None:
        self._actors = actors
        self.actions: list[LoggedAction] = []

    def note(self, request: Request[Any], host: str, far: str, outcome: str) -> None:
        """Note a request that was answered, if it acts; `far` is what ssh calls the host."""
        if request.effect == "passive":
            return
        what, command = _described(request, self._actors)
        command = on_host(command, far) if far else command
        self.actions.append(LoggedAction(time.time(), host, what, command, outcome))
        del self.actions[:-MOST]


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
            return f"Send a message to {path}", _sent(payload, path)
        case Signal(pid, command, number):
            name, program = _signal(number), next(iter(command.split()), "process")
            return f"Send SIG{name} to {program} ({pid})", f"kill -{name} {pid}"
        case RunLab(name, pace):
            return f"Run lab {name}", f"pipetui lab {name}{f' --pace {pace}' if pace != 'normal' else ''}"
        case PrepareLab(name):
            return f"Create FIFOs for lab {name}", ""
        case StopLab() | TellLab():
            return ("Stop a lab" if isinstance(request, StopLab) else "Send a line to a lab"), ""
        case RunBench(seconds, mechanisms, sizes):
            return "Run the comparison", "" if mechanisms or sizes else f"pipetui bench --seconds {seconds:g}"
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


def _sent(payload: str, path: str) -> str:
    """Return a command that writes a message; what is not printable is written as printf(1) takes it."""
    text = payload.removesuffix("\n")
    if text.isprintable():
        return f"printf '%s{'' if text == payload else chr(92) + 'n'}' {shlex.quote(text)} > {shlex.quote(path)}"
    plain = {byte for byte in range(33, 127) if byte not in b"%\\'"}
    octal = "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in encode(payload))
    return f"printf '{octal}' > {shlex.quote(path)}"


def _producer(spec: ProducerSpec) -> str:
    """Return what the shell has for it; empty where that would write something else."""
    path = shlex.quote(spec.path)
    endless = not spec.count and not spec.size and spec.burst == 1
    if spec.source == "file" and not spec.count and not spec.rate:
        return f"cat {shlex.quote(spec.file)} > {path}"
    if spec.source != "template" or not endless or not spec.template.isprintable() or "{" in spec.template:
        return ""
    line = shlex.quote(spec.template)
    if not spec.rate:
        return f"yes -- {line} > {path}"
    return f"while sleep {1 / spec.rate:.3g}; do printf '%s\\n' {line}; done > {path}"


def _consumer(spec: ConsumerSpec) -> str:
    frames = {"line": "", "nul": " --frame nul", "chunk": " --frame chunk", "fixed": f" --frame {spec.fixed}"}
    return f"pipetui tail {shlex.quote(spec.path)}{frames[spec.framing]}" if spec.framing in frames else ""
