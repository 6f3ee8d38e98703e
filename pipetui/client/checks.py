"""Whether what a host says can be true: the protocol's codec has checked the types, this checks the values.

A screen divides by a capacity, turns times into dates, draws a bar for each sample. So numbers must be such as the
kernel could have told, and texts and lists must have a length that can be drawn. Whatever else a hostile host makes up
is only a wrong picture of that host.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin, get_type_hints

from pipetui.protocol.codec import WireError

Check = Callable[[Any], None]

#: Counts and sizes fit into 63 bits; a time or duration (seconds) lies before the year 9999, a rate below that number.
_MOST_INT, _MOST_FLOAT = 1 << 63, 2.5e11

#: Characters: of a message (FRAME_LIMIT, each byte one character), and of any other text (a command line, a path).
_PAYLOAD, _TEXT = 1 << 21, 1 << 18

_TEXTS = {"payload": _PAYLOAD, "template": _PAYLOAD, "host": 300}

#: So many things at most are in one list, but for what a row draws one by one.
_ITEMS, _LENGTHS = 1 << 17, {"history": 100, "samples": 10_000, "lines": 1 << 16}
#: Lowest and highest of what is bounded otherwise, by field, or by the field of one class.
_RANGES: dict[str, tuple[float, float]] = {
    "mode": (0, 0o7777),
    "capacity": (1, 1 << 31),
    "queued": (0, 1 << 31),
    "history": (0, 8),
    "pid": (0, 1 << 30),
    "exit_code": (-255, 255),
    "version": (0, 1 << 30),
    "BenchFigure.rate": (1e-9, _MOST_FLOAT),
}


def check(value: Any) -> None:
    """Raise WireError when something that was decoded (a dataclass) can't be true."""
    check_as(type(value), value)


def check_as(kind: Any, value: Any, name: str = "") -> None:
    """Raise WireError when a value of this type, in a field of this name, can't be true."""
    _of(kind, name)(value)


@functools.cache
def _of(kind: Any, name: str, owner: str = "") -> Check:
    """Return the check of a value of this type in a field of this name (of this class)."""
    origin = get_origin(kind)
    if kind in (int, float):
        most = _MOST_INT if kind is int else _MOST_FLOAT
        return _between(name, *_RANGES.get(f"{owner}.{name}", _RANGES.get(name, (0, most))))
    if kind in (str, bytes):
        return _no_longer(name, _TEXTS.get(name, _TEXT))
    if origin is tuple:
        return _each(name, _LENGTHS.get(name, _ITEMS), _of(get_args(kind)[0], name, owner))
    if origin in (Union, types.UnionType):
        return _whichever(get_args(kind), name, owner)
    if dataclasses.is_dataclass(kind):
        return _fields(kind, tuple(field.name for field in dataclasses.fields(kind)))
    if isinstance(kind, type) and hasattr(kind, "_fields"):
        return _fields(kind, kind._fields)
    return lambda value: None  # a literal, true or false, None


def _between(name: str, low: float, high: float) -> Check:
    def within(value: float) -> None:
        if not low <= value <= high:
            raise WireError(f"{name} can't be {value:.4g}")

    return within


def _no_longer(name: str, most: int) -> Check:
    def short(value: str | bytes) -> None:
        if len(value) > most:
            raise WireError(f"{name} is {len(value):,} characters long")

    return short


def _each(name: str, most: int, item: Check) -> Check:
    def all_of(values: Any) -> None:
        if len(values) > most:
            raise WireError(f"{name} are {len(values):,}")
        for value in values:
            item(value)

    return all_of


def _whichever(kinds: tuple[Any, ...], name: str, owner: str) -> Check:
    """Return the check of a union; which of its types a value has, the codec has made sure of."""
    checks = {get_origin(kind) or kind: _of(kind, name, owner) for kind in kinds if kind is not type(None)}

    def one(value: Any) -> None:
        if value is not None:
            checks.get(type(value), lambda _: None)(value)

    return one


def _fields(kind: Any, names: tuple[str, ...]) -> Check:
    hints = get_type_hints(kind)
    checks = [(name, _of(hints[name], name, kind.__name__)) for name in names]

    def fields(value: Any) -> None:
        for name, each in checks:
            each(getattr(value, name))

    return fields
