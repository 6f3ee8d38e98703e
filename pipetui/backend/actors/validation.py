"""Whether a spec makes sense: asked by the hub before it forks anything, each answer one sentence."""

from __future__ import annotations

import math
from pathlib import Path

from pipetui.backend.actors.template import BadTemplate, compile_template
from pipetui.kernel import fifo
from pipetui.kernel.errors import PipeError
from pipetui.model import ActorSpec, ConsumerSpec, ProducerSpec

#: Bounds of what a spec may ask for.
MAX_SIZE = 1 << 20
MAX_LIMIT = 16 << 20
MAX_BURST = 1_000_000


class BadSpec(PipeError):
    """The spec makes no sense; the message names the field."""


def check(spec: ActorSpec) -> None:
    """Raise `BadSpec`, or the FIFO's own error if its path is not that of a FIFO."""
    if isinstance(spec, ProducerSpec):
        _check_producer(spec)
    else:
        _check_consumer(spec)
    fifo.identify(spec.path)


def check_rate(rate: float) -> None:
    """Raise `BadSpec` unless this is a rate (messages/s)."""
    if not math.isfinite(rate) or rate < 0:
        raise BadSpec(f"the rate must be 0 (as fast as possible) or more messages a second, not {rate:g}")


def check_delay(delay: float) -> None:
    """Raise `BadSpec` unless this is a delay (seconds)."""
    if not math.isfinite(delay) or not 0 <= delay <= 3600:
        raise BadSpec(f"the delay must be between 0 and 3600 seconds, not {delay:g}")


def check_factor(factor: float) -> None:
    """Raise `BadSpec` unless something can be made this many times as fast."""
    if not math.isfinite(factor) or factor <= 0:
        raise BadSpec(f"the factor must be above 0, not {factor:g}")


def _check_producer(spec: ProducerSpec) -> None:
    check_rate(spec.rate)
    _between("the size", spec.size, 0, MAX_SIZE, "bytes")
    _between("the burst", spec.burst, 1, MAX_BURST, "messages")
    _between("the count", spec.count, 0, 1 << 62, "messages")
    if spec.source == "template":
        try:
            compile_template(spec.template)
        except BadTemplate as error:
            raise BadSpec(str(error)) from None
    elif spec.source == "file":
        path = Path(spec.file)
        if not spec.file or not path.exists():
            raise BadSpec(f"{spec.file or 'the file'} does not exist")
        if not path.is_file():
            raise BadSpec(f"{spec.file} is not a regular file")


def _check_consumer(spec: ConsumerSpec) -> None:
    check_delay(spec.delay)
    _between("the frame length", spec.fixed, 1, MAX_SIZE, "bytes")
    _between("the limit of a frame", spec.limit, 1, MAX_LIMIT, "bytes")


def _between(what: str, value: int, low: int, high: int, unit: str) -> None:
    if not low <= value <= high:
        raise BadSpec(f"{what} must be between {low:,} and {high:,} {unit}, not {value:,}")
