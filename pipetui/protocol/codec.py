"""Frozen dataclasses to JSON values and back, by their type hints, with every value checked.

`Codec(T)` knows one type: int, float, str, bytes (see `text.decode`), bool, None, `Literal`, `X | None`,
`tuple[X, ...]`, named tuples, dataclasses and unions of dataclasses (told apart by a tag `t`). Fields equal to their
default are left out, so a row is as small as what it says. A value of the wrong type, an unknown field or a missing
one is a `WireError`: neither end trusts the other.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pipetui import text

Convert = Callable[[Any], Any]

#: What JSON numbers may be: more than a 64-bit counter is nonsense here.
_INT_LIMIT = 1 << 64


class WireError(Exception):
    """The bytes are not what this protocol carries; the message says what was wrong, in one line."""


@dataclasses.dataclass(frozen=True)
class Codec:
    """`encode(value)` gives a JSON value, `decode(json)` the value or raises `WireError`."""

    encode: Convert
    decode: Convert


def codec(kind: Any) -> Codec:
    """Return the codec of a type hint, built once."""
    return _codec(kind)


@functools.cache
def _codec(kind: Any) -> Codec:
    origin = get_origin(kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if origin is Literal:
        return _literal(get_args(kind))
    if origin in (Union, types.UnionType):
        return _union(get_args(kind))
    if origin is tuple:
        item, ellipsis = get_args(kind)
        assert ellipsis is Ellipsis, kind
        return _sequence(codec(item))
    if dataclasses.is_dataclass(kind):
        return record(kind)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple(kind)
    raise TypeError(f"no codec for {kind!r}")


def _same(value: Any) -> Any:
    return value


def _check(kind: type, name: str) -> Codec:
    def decode(value: Any) -> Any:
        if type(value) is not kind:
            raise WireError(f"expected {name}, got {type(value).__name__}")
        return value

    return Codec(_same, decode)


def _decode_int(value: Any) -> int:
    if type(value) is not int or not -_INT_LIMIT < value < _INT_LIMIT:
        raise WireError(f"expected an integer, got {type(value).__name__}")
    return value


def _decode_float(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise WireError(f"expected a finite number, got {type(value).__name__}")
    return float(value)


def _decode_bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise WireError(f"expected a string, got {type(value).__name__}")
    return text.encode(value)


_SCALARS: dict[Any, Codec] = {
    int: Codec(_same, _decode_int),
    float: Codec(_same, _decode_float),
    str: _check(str, "a string"),
    bytes: Codec(text.decode, _decode_bytes),
    bool: _check(bool, "true or false"),
    type(None): _check(type(None), "null"),
}


def _literal(choices: tuple[Any, ...]) -> Codec:
    def decode(value: Any) -> Any:
        if type(value) is not str or value not in choices:
            raise WireError(f"expected one of {', '.join(map(repr, choices))}")
        return value

    return Codec(_same, decode)


def _sequence(item: Codec) -> Codec:
    def encode(value: Any) -> Any:
        return [item.encode(each) for each in value]

    def decode(value: Any) -> Any:
        if type(value) is not list:
            raise WireError(f"expected a list, got {type(value).__name__}")
        return tuple([item.decode(each) for each in value])

    return Codec(encode, decode)


def _named_tuple(kind: Any) -> Codec:
    codecs = [codec(hint) for hint in get_type_hints(kind).values()]

    def decode(value: Any) -> Any:
        if type(value) is not list or len(value) != len(codecs):
            raise WireError(f"expected {len(codecs)} values for {kind.__name__}")
        return kind(*(each.decode(part) for each, part in zip(codecs, value, strict=True)))

    def encode(value: Any) -> Any:
        return [each.encode(part) for each, part in zip(codecs, value, strict=True)]

    return Codec(encode, decode)


def _union(kinds: tuple[Any, ...]) -> Codec:
    rest = [kind for kind in kinds if kind is not type(None)]
    optional = len(rest) < len(kinds)
    if len(rest) == 1:
        inner = codec(rest[0])
    elif all(kind in _SCALARS for kind in rest):
        inner = _scalars({kind: _SCALARS[kind] for kind in rest})
    else:
        inner = tagged(tuple(rest))

    def encode(value: Any) -> Any:
        return None if value is None else inner.encode(value)

    def decode(value: Any) -> Any:
        return None if value is None and optional else inner.decode(value)

    return Codec(encode, decode)


def _scalars(codecs: dict[Any, Codec]) -> Codec:
    """Return the codec of a union such as `str | int`: JSON itself tells which it is."""

    def decode(value: Any) -> Any:
        known = codecs.get(type(value))
        if known is None:
            raise WireError(f"expected {' or '.join(kind.__name__ for kind in codecs)}, got {type(value).__name__}")
        return known.decode(value)

    return Codec(_same, decode)


def tagged(kinds: Iterable[type] | Mapping[type, Codec]) -> Codec:
    """Return the codec of a union of dataclasses: the class's name travels as the field `t`.

    A mapping gives the codec of each.
    """
    chosen = kinds if isinstance(kinds, Mapping) else {kind: codec(kind) for kind in kinds}
    codecs = {kind.__name__: each for kind, each in chosen.items()}

    def encode(value: Any) -> Any:
        name = type(value).__name__
        return {"t": name, **codecs[name].encode(value)}

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise WireError(f"expected an object, got {type(value).__name__}")
        name = value.get("t")
        known = codecs.get(name) if type(name) is str else None
        if known is None:
            raise WireError(f"unknown kind of message {str(name)[:40]!r}")
        return known.decode({key: part for key, part in value.items() if key != "t"})

    return Codec(encode, decode)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return dataclasses.MISSING


def record(kind: Any, **fields_codecs: Codec) -> Codec:
    """Return the codec of a dataclass; that of a field whose type hint does not say it is given by the field's name."""
    hints = get_type_hints(kind)
    fields = [
        (field.name, fields_codecs.get(field.name) or codec(hints[field.name]), _default(field))
        for field in dataclasses.fields(kind)
    ]
    codecs = {name: each for name, each, _ in fields}
    required = {name for name, _, default in fields if default is dataclasses.MISSING}

    def encode(value: Any) -> Any:
        out = {}
        for name, each, default in fields:
            part = getattr(value, name)
            if part != default:
                out[name] = each.encode(part)
        return out

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise WireError(f"expected an object for {kind.__name__}, got {type(value).__name__}")
        if not required <= value.keys():
            missing = ", ".join(sorted(required - value.keys()))
            raise WireError(f"{kind.__name__} lacks {missing}")
        try:
            return kind(**{name: codecs[name].decode(part) for name, part in value.items()})
        except KeyError as error:
            raise WireError(f"{kind.__name__} has no field {str(error)[:40]}") from None

    return Codec(encode, decode)
