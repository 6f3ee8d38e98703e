"""The labs as one user works through them: the predictions for each, its latest run, and the pace.

It outlives the screen, so that a run continues while the user looks at something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from pipetui.client.session import Change, Session
from pipetui.model import Fact, LabCard, LabRun, Pace, Question
from pipetui.protocol.feeds import LABS
from pipetui.tui.state.lab_progress import LabProgress

#: "predict": it has not been run since it was last begun; "over": it was, and there is something to say about it.
LabPhase = Literal["predict", "running", "over"]

PACES: tuple[Pace, ...] = ("normal", "slow", "fast")
PACE_WORDS: dict[Pace, str] = {"fast": "fast", "normal": "normal", "slow": "slow motion"}


@dataclass
class LabAttempt:
    """One attempt at a lab: what was predicted, and the run. `at` is the question that is asked now."""

    card: LabCard
    predictions: dict[str, Fact] = field(default_factory=dict)
    at: int = 0
    mark: int | None = None
    number: int | None = None
    run: LabRun | None = None
    began: float | None = None

    @property
    def phase(self) -> LabPhase:
        """How far the attempt has got."""
        if self.number is None:
            return "predict"
        return "running" if self.run is None or self.run.passed is None else "over"

    @property
    def question(self) -> Question | None:
        """The question that is asked now; None if there is none."""
        return self.card.questions[self.at] if self.at < len(self.card.questions) else None

    def answer(self) -> bool:
        """Take the marked choice as the prediction; say whether there is another question."""
        question = self.question
        if question is not None and self.mark is not None:
            self.predictions[question.key] = question.choices[self.mark].value
        self.at, self.mark = min(self.at + 1, len(self.card.questions)), None
        self._recall()
        return self.question is not None

    def back(self) -> bool:
        """Go back to the question before; say whether there is one."""
        if self.at == 0:
            return False
        self.at -= 1
        self._recall()
        return True

    def _recall(self) -> None:
        question = self.question
        if question is not None and question.key in self.predictions:
            values = [choice.value for choice in question.choices]
            self.mark = values.index(self.predictions[question.key])

    def start(self, number: int) -> None:
        """A run of it has begun."""
        self.number, self.run, self.began = number, None, None

    def restart(self) -> None:
        """Ask everything again."""
        self.predictions.clear()
        self.at, self.mark, self.number, self.run, self.began = 0, None, None, None, None

    def found(self, key: str) -> Fact | None:
        """Return what the newest run found under a key; None if it found nothing there."""
        seen = next((seen for seen in self.run.seen if seen.key == key), None) if self.run else None
        return None if seen is None or seen.fine is None else seen.value

    @property
    def right(self) -> bool:
        """Whether all predictions were made and correct."""
        asked = self.card.questions
        return bool(asked) and all(
            each.key in self.predictions and self.found(each.key) == self.predictions[each.key] for each in asked
        )


class LabSession:
    """An attempt at each lab, by the names of the labs, and which is selected."""

    def __init__(self, progress: Callable[[], LabProgress] = LabProgress) -> None:
        self.cards: tuple[LabCard, ...] = ()
        self.selected = ""
        self.inside = False
        self.pace: Pace = "normal"
        self._attempts: dict[str, LabAttempt] = {}
        self._open_progress = progress
        self._progress: LabProgress | None = None
        self._session: Session | None = None

    @property
    def progress(self) -> LabProgress:
        """What has been done; read when it is first asked for."""
        if self._progress is None:
            self._progress = self._open_progress()
        return self._progress

    def use(self, session: Session) -> None:
        """Run labs on this hub from now on; runs on another are over."""
        if session is not self._session:
            self._session = session
            self.cards = ()
            self._forget_runs()
            session.on_change(partial(self._changed, session))

    def take(self, cards: tuple[LabCard, ...]) -> None:
        """Take the labs that the hub has; the first that is not done is selected, unless one was."""
        self.cards = cards
        names = [card.name for card in cards]
        for card in cards:
            attempt = self._attempts.get(card.name)
            if attempt is None or attempt.card != card:
                self._attempts[card.name] = LabAttempt(card)
        if self.selected not in names:
            fresh = (name for name in names if name not in self.progress.done)
            self.selected = next(fresh, names[0] if names else "")

    @property
    def attempt(self) -> LabAttempt | None:
        """The lab that is selected."""
        return self.of(self.selected)

    def of(self, name: str) -> LabAttempt | None:
        """Return one of the labs."""
        return self._attempts.get(name) if any(card.name == name for card in self.cards) else None

    def next(self) -> bool:
        """Select the lab after this one; say whether there is one."""
        names = [card.name for card in self.cards]
        at = names.index(self.selected) + 1 if self.selected in names else 0
        if at < len(names):
            self.selected = names[at]
        return at < len(names)

    def turn_pace(self) -> Pace:
        """Switch to the next pace, and return it."""
        self.pace = PACES[(PACES.index(self.pace) + 1) % len(PACES)]
        return self.pace

    def running(self, name: str) -> bool:
        """Whether a lab is running now."""
        attempt = self._attempts.get(name)
        return attempt is not None and attempt.phase == "running"

    def _changed(self, session: Session, change: Change) -> None:
        if session is self._session and change.renewed:
            self._forget_runs()
        elif session is self._session and (change.has(LABS) or change.lost):
            self.update_runs()

    def _forget_runs(self) -> None:
        """Forget runs of a hub that is gone."""
        for attempt in self._attempts.values():
            attempt.number = attempt.run = attempt.began = None

    def update_runs(self) -> None:
        """Take the newest of each run from the session, and note what has been done."""
        assert self._session
        for attempt in self._attempts.values():
            if attempt.phase == "running" and attempt.number is not None:
                self._update_run(attempt, self._session.labs.get(attempt.number))

    def _update_run(self, attempt: LabAttempt, run: LabRun | None) -> None:
        assert self._session
        attempt.run = run or attempt.run
        if self._session.lost and attempt.phase == "running":
            last = attempt.run or LabRun(attempt.number or 0, attempt.card.name)
            attempt.run = LabRun(
                last.id, last.lab, last.pace, (), last.lines, last.seen, False, False, self._session.lost
            )
        if attempt.run and attempt.run.lines and attempt.began is None:
            attempt.began = attempt.run.lines[0].time
        if attempt.phase == "over" and attempt.run and not attempt.run.trouble:
            self.progress.note(attempt.card.name, right=attempt.right)
