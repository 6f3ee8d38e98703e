"""What the commands of the command line do to a machine: the same code here and, through ssh, on another host.

Each duty is a module with a frozen dataclass `Question`, the dataclasses of its `ANSWERS`, and `answer`, a generator
that does it and yields them. It raises `Negative` for a negative answer, `PipeError` for what can't be done, and
BrokenPipeError when nobody listens on descriptor 1 any more. Only `send` reads descriptor 0. What a person sees of it
is the command line's business: nothing here prints.

A new duty is a new module and its name in `DUTIES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

#: What another host may be asked to do.
DUTIES = ("ls", "doctor", "peek", "watch", "send", "tail")


class Negative(Exception):
    """The answer is no: nothing came in time, nobody reads. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An answer of any duty: something could not be done, the rest is. `message` is one sentence."""

    message: str


class Duty(Protocol):
    """A module of this folder."""

    Question: type
    ANSWERS: tuple[type, ...]

    def answer(self, question: Any) -> Iterator[Any]: ...


def load(name: str) -> Duty:
    """Import a duty's module."""
    return cast(Duty, importlib.import_module(f"{__name__}.{name}"))
