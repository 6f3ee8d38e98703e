"""The experiments: what there is to see and to predict, and their runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How fast a lab goes: as fast as it can, as it is told, or slowly enough to watch each step.
Pace = Literal["fast", "normal", "slow"]

#: What a lab can find out. Two facts are the same when they are equal.
Fact = str | int | bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer to a question: the fact that makes it true, and its words."""

    value: Fact
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A turning point of a lab: what will happen? The answer is the fact that the run finds under `key`."""

    key: str
    text: str
    choices: tuple[Choice, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Observation:
    """Something that must come true in a lab: the fact under `key` equals `expected`."""

    key: str
    text: str
    expected: Fact = True


@dataclass(frozen=True, slots=True)
class Code:
    """The source of one of a lab's functions."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class LabCard:
    """A lab as a screen shows it. `article` is where it comes from, `answers` the users' questions that it answers."""

    name: str
    article: str
    title: str
    question: str
    story: str
    code: tuple[Code, ...]
    questions: tuple[Question, ...]
    observations: tuple[Observation, ...]
    reason: str
    man: tuple[str, ...]
    answers: tuple[str, ...] = ()
    listens: bool = False


@dataclass(frozen=True, slots=True)
class LabPart:
    """A process of a running lab and the part that it plays."""

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class LabLine:
    """What a process of a lab said: when (epoch), who, and what."""

    time: float
    pid: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a lab found out. `fine` is None for what could not be tried here; then `value` is the reason."""

    key: str
    value: Fact
    fine: bool | None


@dataclass(frozen=True, slots=True)
class LabRun:
    """One run of a lab: its living processes, the newest of what they said, and what was seen so far.

    `passed` is None until it has ended; then it says whether all observations came true. `trouble` is a sentence
    about a run that ended otherwise than by itself. `listening` says that a process waits for a line from the person.
    """

    id: int
    lab: str
    pace: Pace = "normal"
    parts: tuple[LabPart, ...] = ()
    lines: tuple[LabLine, ...] = ()
    seen: tuple[Seen, ...] = ()
    listening: bool = False
    passed: bool | None = None
    trouble: str = ""
