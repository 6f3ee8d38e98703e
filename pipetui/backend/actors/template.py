"""Message templates: `Number {n:03d}` with the fields n, time, pid and random, in Python's format syntax.

Only these names and their format specs are allowed; attribute and index look-ups are refused, so that a template
is text with numbers in it and nothing else.
"""

from __future__ import annotations

import os
import random
import string
import time
from collections.abc import Callable

#: Each field with an example of its value: the message's number from 0, seconds since the epoch, the producer's
#: pid, and a random integer below one million.
FIELDS: dict[str, float | int] = {"n": 0, "time": 1.5, "pid": 1, "random": 1}

#: A template's text and a rendered message stay below this (bytes): a width of a billion is a mistake.
LIMIT = 1 << 20


class BadTemplate(ValueError):
    """The template can't be used; the message is one sentence that says why."""


def compile_template(template: str) -> Callable[[int], str]:
    """Return a function from the counter `n` to the message's text, or raise `BadTemplate`."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise BadTemplate(f"the template can't be read: {error}; write {{{{ and }}}} for braces") from None
    used = {name for _, name, _, _ in parsed if name is not None}
    for name in sorted(used - FIELDS.keys()):
        raise BadTemplate(f"the template has an unknown field {{{name}}}; known are {', '.join(sorted(FIELDS))}")
    for _, _, spec, _ in parsed:
        if spec and (any(len(run) > 6 for run in _digits(spec)) or "{" in spec):
            raise BadTemplate(f"the template's format {spec!r} is too wide")
    try:
        if len(template.format(**FIELDS)) > LIMIT:
            raise BadTemplate("the template makes messages of more than 1 MiB")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadTemplate(f"the template can't be filled in: {error}") from None
    pid = os.getpid

    def render(n: int) -> str:
        return template.format(n=n, time=time.time(), pid=pid(), random=random.randrange(1_000_000))

    if used <= {"n"}:
        return lambda n: template.format(n=n)
    return render


def _digits(spec: str) -> list[str]:
    return "".join(char if char.isdigit() else " " for char in spec).split()
