"""A service is one part of a hub: it carries out some requests, publishes some feeds, and ends what it has started.

A hub is a link and the list of its services. None of them may block: what may take its time is a `Background`,
done by a child.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipetui.backend.publisher import Source
from pipetui.kernel.errors import PipeError
from pipetui.protocol.messages import Ready
from pipetui.protocol.requests import Request


class NotPossible(PipeError):
    """A request can't be carried out as things are; the message says why, in one sentence."""


@dataclass(frozen=True)
class Background:
    """What a child does for a request. `work` runs there and returns what marshal takes, or raises a PipeError;
    `answer` makes the answer of that, here."""

    work: Callable[[], Any]
    answer: Callable[[Any], Any]


#: Carries out a request: returns its answer or a `Background`, or raises a PipeError with one sentence for a person.
Handler = Callable[[Any], Any]


class Service:
    """What a service has to have; a part that it does not need can stay as it is here."""

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return what carries out each kind of request."""
        return {}

    def feeds(self) -> Sequence[Source]:
        """Return what it publishes."""
        return ()

    def ready(self, ready: Ready) -> None:
        """What the client has on the screen, with each credit."""

    def close(self) -> None:
        """Remove what is left; all children have ended."""
