"""What the keys of the labs do, and what happens when an answer is marked or a line is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from pipetui.client.session import Refused
from pipetui.protocol import requests
from pipetui.tui.core.actions import Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.screens.bench import BenchScreen
from pipetui.tui.screens.labs.layout import LabsLayout
from pipetui.tui.screens.labs.play_on import start_actors
from pipetui.tui.state.lab_session import PACE_WORDS, LabAttempt
from pipetui.tui.widgets.answer_list import AnswerList
from pipetui.tui.widgets.lab_list import LabList
from pipetui.tui.widgets.lists import LineList


class LabsScreen(LabsLayout):
    """The screen of the labs."""

    SCOPE: ClassVar[Scope] = "labs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("labs")

    @property
    def active_list(self) -> LineList:
        lists: dict[str, LineList] = {"list": self.list_, "predict": self.answers}
        return lists.get(self.mode, self.sheet)

    def perform(self, action: str) -> None:
        if action == "open" and self.focused is self.line:
            self.request(self.line.action_submit())
        else:
            super().perform(action)

    # --- a run ----------------------------------------------------------------------------------------------------

    def action_labs_run(self) -> None:
        attempt = self.labs.attempt
        if attempt is None:
            self.notify("No lab to run.")
        elif attempt.phase == "running":
            self.notify("Already running.")
        else:
            self.request(self._start(attempt))

    async def _start(self, attempt: LabAttempt) -> None:
        attempt.start((await self.session.ask(requests.RunLab(attempt.card.name, self.labs.pace))).number)
        self.labs.inside = True
        self.labs.update_runs()
        self.lay_out()

    def action_labs_stop(self) -> None:
        attempt = self.labs.attempt
        if attempt is None or attempt.phase != "running" or attempt.number is None:
            self.notify("Not running.")
        else:
            self.request(self.session.ask(requests.StopLab(attempt.number)))

    def action_labs_pace(self) -> None:
        words = PACE_WORDS[self.labs.turn_pace()]
        self.lay_out()
        if self.mode == "running":
            self.notify(f"Pace of the next run: {words}.")

    def action_labs_mine(self) -> None:
        attempt = self.labs.attempt
        if attempt is not None:
            self.app.run_worker(self._start_actors(attempt.card.name))  # not the screen's: it goes on when that is left

    async def _start_actors(self, name: str) -> None:
        try:
            self.app.notify(await start_actors(self.app, self.session, name))
        except Refused as refused:
            self.notify(str(refused), severity="error")

    # --- questions ------------------------------------------------------------------------------------------------

    def action_labs_choose(self) -> None:
        """Do nothing here: the list of answers handles the number itself."""

    def action_labs_back(self) -> None:
        attempt = self.labs.attempt
        if attempt is None or attempt.phase != "predict" or not attempt.back():
            self.notify("No previous question.")
        self.lay_out()

    def action_labs_again(self) -> None:
        attempt = self.labs.attempt
        if attempt is not None and attempt.phase == "running":
            self.notify("Already running.")
        elif attempt is not None:
            attempt.restart()
            self.enter()

    def action_labs_next(self) -> None:
        if self.labs.next():
            self.enter()
        else:
            self.notify("That was the last lab.")

    # --- what is in sight -----------------------------------------------------------------------------------------

    def action_labs_code(self) -> None:
        self.turn_code()

    def action_labs_switch(self) -> None:
        self._switch(1)

    def action_labs_switch_back(self) -> None:
        self._switch(-1)

    def _switch(self, step: int) -> None:
        if self.mode == "running" and self.sheet.target is not None:
            self.sheet.step(step)
        else:
            self.enter(not self.labs.inside)

    def action_labs_help(self) -> None:
        self.action_detail_help()

    def action_labs_bench(self) -> None:
        self.app.push_screen(BenchScreen(self.session))

    def action_labs_leave(self) -> None:
        self.dismiss(None)

    def action_labs_close(self) -> None:
        if self.focused is self.line:
            self.set_focus(self.sheet)
        elif self.code_shown and self.mode in ("running", "over"):
            self.turn_code()
        elif self.labs.inside:
            self.enter(False)
        else:
            self.dismiss(None)

    def enter(self, inside: bool = True) -> None:
        """Go into the lab, or back to the list."""
        self.labs.inside = inside and self.labs.attempt is not None
        self.lay_out()
        self.call_after_refresh(self._focus)

    def turn_code(self) -> None:
        """Show the code instead of the run, or the run again."""
        if self.mode in ("running", "over") and not self.has_class("-wide"):
            self.code_shown = not self.code_shown
            self.lay_out()
            self.call_after_refresh(self._focus)

    # --- events ---------------------------------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        self._show_keys(self.labs.attempt)

    def on_lab_list_moved(self, event: LabList.Moved) -> None:
        self.labs.selected = event.name
        self.labs.inside = False
        self.code_shown = False
        self.lay_out()

    def on_lab_list_opened(self, event: LabList.Opened) -> None:
        self.labs.selected = event.name
        self.enter()

    def on_answer_list_marked(self) -> None:
        if not self.labs.inside:
            self.enter()
        self.lay_out()

    def on_answer_list_scrolled(self, event: AnswerList.Scrolled) -> None:
        self.page.move_top(event.lines)

    def on_answer_list_taken(self) -> None:
        attempt = self.labs.attempt
        if attempt is None or attempt.phase != "predict":
            return
        if attempt.question is not None and attempt.mark is None:
            run = self.key("labs_run")
            skip = f"; {run} runs without predicting" if run else ""
            self.notify(f"Choose with ↑ ↓ or a number{skip}.")
            return
        if attempt.answer():
            self.lay_out()
        else:
            self.perform("labs_run")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        attempt, text = self.labs.attempt, event.value
        if attempt is None or attempt.number is None:
            return
        self.line.value = ""
        self.request(self.session.ask(requests.TellLab(attempt.number, text)))
