"""What the commands of the command line do to a machine: the same code here and, through ssh, on another host.

Each operation (`protocol/operations.py`) has a module of its name here with `answer`, a generator that does it and
yields its answers. It raises `Negative` for a negative answer, `PipeError` for what can't be done, and BrokenPipeError
when nobody listens on descriptor 1 any more. Only `send` reads descriptor 0. What a person sees of it is the command
line's business: nothing here prints.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from pipetui.kernel.errors import NotPermitted
from pipetui.protocol import effects
from pipetui.protocol.operations import Operation, name_of


def load(name: str) -> Any:
    """Import the module of an operation."""
    return importlib.import_module(f"{__name__}.{name}")


def carry_out(operation: Operation) -> Iterator[Any]:
    """Do it here, and yield its answers. Raises NotPermitted where only looking is wanted."""
    if effects.read_only() and operation.effect != "passive":
        raise NotPermitted(effects.REFUSED)
    yield from load(name_of(operation)).answer(operation)
