"""What a person has on the desk: the labs, what was predicted of each, its newest run, and the pace.

It outlives the screen, so that a run goes on while the person looks at something else, and is there when they return.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from pipetui.client.session import Change, Session
from pipetui.model import Fact, LabCard, LabRun, Pace, Question
from pipetui.tui.state.lab_progress import Progress

#: "predict": it has not been run since it was last begun; "over": it was, and there is something to say about it.
Phase = Literal["predict", "running", "over"]

PACES: tuple[Pace, ...] = ("normal", "slow", "fast")
PACE_WORDS: dict[Pace, str] = {"fast": "as fast as it can", "normal": "as it is", "slow": "slow motion"}


@dataclass
class Study:
    """One lab in the person's hands: `said` are the predictions, `at` the question that is asked now."""

    card: LabCard
    said: dict[str, Fact] = field(default_factory=dict)
    at: int = 0
    mark: int | None = None
    number: int | None = None
    run: LabRun | None = None
    began: float | None = None

    @property
    def phase(self) -> Phase:
        """Where the person stands with it."""
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
            self.said[question.key] = question.choices[self.mark].value
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
        if question is not None and question.key in self.said:
            values = [choice.value for choice in question.choices]
            self.mark = values.index(self.said[question.key])

    def start(self, number: int) -> None:
        """A run of it has begun."""
        self.number, self.run, self.began = number, None, None

    def anew(self) -> None:
        """Ask everything again."""
        self.said.clear()
        self.at, self.mark, self.number, self.run, self.began = 0, None, None, None, None

    def was(self, key: str) -> Fact | None:
        """Return what the newest run found under a key; None if it found nothing there."""
        seen = next((seen for seen in self.run.seen if seen.key == key), None) if self.run else None
        return None if seen is None or seen.fine is None else seen.value

    @property
    def right(self) -> bool:
        """Whether everything was predicted, and came so."""
        asked = self.card.questions
        return bool(asked) and all(
            each.key in self.said and self.was(each.key) == self.said[each.key] for each in asked
        )


class Desk:
    """The studies by the names of their labs. `moved` is called when a run has changed."""

    def __init__(self, progress: Callable[[], Progress] = Progress) -> None:
        self.cards: tuple[LabCard, ...] = ()
        self.selected = ""
        self.inside = False
        self.pace: Pace = "normal"
        self._studies: dict[str, Study] = {}
        self._open_progress = progress
        self._progress: Progress | None = None
        self._session: Session | None = None

    @property
    def progress(self) -> Progress:
        """What has been done; read when it is first asked for."""
        if self._progress is None:
            self._progress = self._open_progress()
        return self._progress

    def use(self, session: Session) -> None:
        """Run labs on this hub from now on; runs on another are over."""
        if session is not self._session:
            self._session = session
            self.cards = ()
            self._drop_runs()
            session.on_change(partial(self._changed, session))

    def take(self, cards: tuple[LabCard, ...]) -> None:
        """Take the labs that the hub has; the first that is not done is selected, unless one was."""
        self.cards = cards
        names = [card.name for card in cards]
        for card in cards:
            study = self._studies.get(card.name)
            if study is None or study.card != card:
                self._studies[card.name] = Study(card)
        if self.selected not in names:
            fresh = (name for name in names if name not in self.progress.done)
            self.selected = next(fresh, names[0] if names else "")

    @property
    def study(self) -> Study | None:
        """The lab that is selected."""
        return self.of(self.selected)

    def of(self, name: str) -> Study | None:
        """Return one of the labs."""
        return self._studies.get(name) if any(card.name == name for card in self.cards) else None

    def next(self) -> bool:
        """Select the lab after this one; say whether there is one."""
        names = [card.name for card in self.cards]
        at = names.index(self.selected) + 1 if self.selected in names else 0
        if at < len(names):
            self.selected = names[at]
        return at < len(names)

    def turn_pace(self) -> Pace:
        """Take the next pace, and return it."""
        self.pace = PACES[(PACES.index(self.pace) + 1) % len(PACES)]
        return self.pace

    def running(self, name: str) -> bool:
        """Whether a lab is running now."""
        study = self._studies.get(name)
        return study is not None and study.phase == "running"

    def _changed(self, session: Session, change: Change) -> None:
        if session is self._session and change.renewed:
            self._drop_runs()
        elif session is self._session and (change.labs or change.lost):
            self.look_at_runs()

    def _drop_runs(self) -> None:
        """Forget runs on a hub that is gone."""
        for study in self._studies.values():
            study.number = study.run = study.began = None

    def look_at_runs(self) -> None:
        """Take the newest of each run from the session, and note what has been done."""
        assert self._session
        for study in self._studies.values():
            if study.phase == "running" and study.number is not None:
                self._look_at(study, self._session.labs.get(study.number))

    def _look_at(self, study: Study, run: LabRun | None) -> None:
        assert self._session
        study.run = run or study.run
        if self._session.lost and study.phase == "running":
            last = study.run or LabRun(study.number or 0, study.card.name)
            study.run = LabRun(last.id, last.lab, last.pace, (), last.said, last.seen, False, False, self._session.lost)
        if study.run and study.run.said and study.began is None:
            study.began = study.run.said[0].time
        if study.phase == "over" and study.run and not study.run.trouble:
            self.progress.note(study.card.name, right=study.right)
