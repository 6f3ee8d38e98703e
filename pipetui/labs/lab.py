"""What a lab is: its story, its questions, the functions that are the lesson, and what must come true."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipetui.model import ActorSpec, Choice, Code, LabCard, Observation, Question

if TYPE_CHECKING:
    from pipetui.labs.context import LabContext

__all__ = ["Choice", "Lab", "Observation", "Question"]


@dataclass(frozen=True)
class Lab:
    """One experiment.

    `main` runs it: it starts `code`, the functions that are shown, in processes of their own. Every question has
    an observation of the same key, and the fact that is expected there is one of its choices. `limit` is how many
    seconds a run may take at most at its fastest. `actors` are there to play on with, their paths plain names.
    """

    name: str
    article: str
    title: str
    question: str
    story: str
    code: tuple[Callable[..., Any], ...]
    main: Callable[[LabContext], None]
    questions: tuple[Question, ...]
    observations: tuple[Observation, ...]
    reason: str
    man: tuple[str, ...]
    answers: tuple[str, ...] = ()
    actors: tuple[ActorSpec, ...] = ()
    listens: bool = False
    limit: float = 10.0
    order: int = 0

    def card(self) -> LabCard:
        """Return the lab as a screen shows it; the code is the very source that runs."""
        return LabCard(
            self.name,
            self.article,
            self.title,
            self.question,
            tidy(self.story),
            tuple(Code(function.__name__, source(function)) for function in self.code),
            self.questions,
            self.observations,
            tidy(self.reason),
            self.man,
            self.answers,
            self.listens,
        )


def source(function: Callable[..., Any]) -> str:
    """Return the source of a function as it stands in its file."""
    return textwrap.dedent(inspect.getsource(function)).rstrip()


def tidy(text: str) -> str:
    """Return a text without the indentation of the file it was written in; a blank line parts two paragraphs."""
    paragraphs = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
