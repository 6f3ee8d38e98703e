"""The screen of the labs: on the left the list, on the right one lab: its story and code, a prediction, its run.

On a small screen the list and the lab are two pages; on a very wide one the code stays beside questions and run.
Predictions and runs are kept in the lab session, so leaving the screen changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical

from pipetui.client.session import Change, Session
from pipetui.protocol import requests
from pipetui.protocol.feeds import LABS
from pipetui.text import safe
from pipetui.tui.core.actions import BY_ID, Action
from pipetui.tui.screens.detail.base import WIDE, DetailScreen
from pipetui.tui.state.lab_session import PACE_WORDS, LabAttempt, LabSession
from pipetui.tui.views.cells import Part, Parts
from pipetui.tui.views.labs.lesson import lesson_lines
from pipetui.tui.views.labs.results import result_lines
from pipetui.tui.views.labs.run import run_lines
from pipetui.tui.widgets.answer_list import AnswerList
from pipetui.tui.widgets.bars import Bar
from pipetui.tui.widgets.inputs import TextInput
from pipetui.tui.widgets.lab_list import DONE, RIGHT, RUNNING, LabList
from pipetui.tui.widgets.link_sheet import LinkSheet
from pipetui.tui.widgets.rule import Divider, Rule

#: From this width on the code stands beside the run, and how wide the list is.
_VERY_WIDE = 170
_LIST = 33

#: Which keys the footer shows, the most wanted first, and what Enter is called.
_FOOTERS: dict[str, tuple[str, ...]] = {
    "list": ("open", "labs_run", "labs_pace", "labs_bench", "labs_help", "labs_close"),
    "predict": ("open", "labs_run", "labs_pace", "labs_back", "labs_next", "labs_mine", "labs_help", "labs_close"),
    "running": ("open", "labs_stop", "labs_code", "labs_leave", "labs_pace", "labs_help", "labs_close"),
    "listening": ("open", "labs_close"),
    "over": ("labs_next", "labs_again", "labs_run", "labs_mine", "labs_code", "labs_pace", "labs_help", "labs_close"),
}


class LabsLayout(DetailScreen, inherit_bindings=False):
    """What is on the screen; what its keys do stands in `screen`."""

    DEFAULT_CSS = """
    LabsLayout #body { height: 1fr; }
    LabsLayout #lab { width: 1fr; height: 1fr; }
    LabsLayout #columns { height: 1fr; layout: vertical; }
    LabsLayout.-wide #columns { layout: horizontal; }
    LabsLayout #play { height: auto; width: 1fr; }
    LabsLayout #play.-whole { height: 1fr; }
    LabsLayout #page { height: 1fr; width: 1fr; }
    LabsLayout #prompt { height: 1; display: none; }
    LabsLayout #prompt.-asked { display: block; }
    LabsLayout #prompt Bar { width: 14; }
    LabsLayout #prompt TextInput { width: 1fr; }
    """

    def __init__(self, session: Session, labs: LabSession) -> None:
        super().__init__(session)
        self.labs = labs
        self._empty = "Loading the labs…"
        self.code_shown = False
        self._shown: tuple[object, ...] = ()
        self.list_, self.page = LabList(), LinkSheet()
        self.title_, self.part = Rule("title"), Rule("part")
        self.line = TextInput(name="line")
        self._dividers = Divider("list-divider"), Divider("code-divider")
        self._ready = False

    def compose(self) -> ComposeResult:
        self.answers = AnswerList(self.app.config.keys)
        yield self.head
        with Horizontal(id="body"):
            yield self.list_
            yield self._dividers[0]
            with Vertical(id="lab"):
                yield self.title_
                with Container(id="columns"):
                    with Vertical(id="page"):
                        yield self.page
                    yield self._dividers[1]
                    with Vertical(id="play"):
                        yield self.part
                        yield self.answers
                        yield self.sheet
                        with Horizontal(id="prompt"):
                            yield Bar("listens")
                            yield self.line
        yield self.keys

    def begin(self) -> None:
        self.query_one("#listens", Bar).update(((" Your input: ", self.palette.waiting),))
        self.line.placeholder = "type a line"
        self._ready = True
        self.labs.use(self.session)
        if self.labs.cards:
            self.labs.update_runs()
        self.lay_out()
        self._focus()
        self.request(self._list())

    async def _list(self) -> None:
        self._empty = "No labs here."
        self.labs.take((await self.session.ask(requests.ListLabs())).labs)
        self.lay_out()
        self._focus()

    # --- where the person is --------------------------------------------------------------------------------------

    @property
    def anonymous(self) -> bool:  # type: ignore[override]
        """Whether anonymous pipes are wanted: while a lab runs, some of its pipes may have no name."""
        attempt = self.labs.attempt
        return attempt is not None and attempt.phase == "running"

    @property
    def mode(self) -> str:
        """What is being done: browsing the list, or one of the phases of a lab."""
        attempt = self.labs.attempt
        return attempt.phase if self.labs.inside and attempt is not None else "list"

    def _focus(self) -> None:
        """Focus what is to be used next."""
        if self.app.screen is not self:
            return
        if self.mode == "list":
            self.set_focus(self.list_)
        elif self.line.display and self._listening:
            self.set_focus(self.line)
        elif self.code_shown and not self.has_class("-wide"):
            self.set_focus(self.page)
        else:
            self.set_focus(self.answers if self.mode == "predict" else self.sheet)

    @property
    def _listening(self) -> bool:
        attempt = self.labs.attempt
        return bool(attempt and attempt.phase == "running" and attempt.run and attempt.run.listening)

    # --- what stands in it ----------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        if change.has(LABS) or change.lost:
            self.labs.update_runs()
            self._lay_out_soon()
        super().changed(change)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._ready:
            self._focus()

    def lay_out(self) -> None:
        if not self._ready or not self.size.width:
            return
        attempt = self.labs.attempt
        marks = [(card.name, self._mark(card.name)) for card in self.labs.cards]
        self.list_.show(self.labs.cards, self.labs.selected, marks, self._empty)
        self._arrange(attempt)
        self._show_head()
        self._show_keys(attempt)
        if attempt is None:
            self.title_.update("")
            return
        card, palette = attempt.card, self.palette
        left = (safe(card.article), palette.dim)
        self.title_.update(safe(card.title), (), (left,))
        self.title_.highlight(self.labs.inside)
        fresh = (card.name, attempt.phase)
        if fresh != self._shown:
            self._turn(fresh)
        room = self._room()
        if self.page.parent.display:  # type: ignore[union-attr]
            self.page.put(lesson_lines(card, palette, room))
        {"predict": self._predict, "running": self._run, "over": self._over}[attempt.phase](attempt, room)

    def _turn(self, fresh: tuple[object, ...]) -> None:
        """Start at the top of another lab, or of another phase of it."""
        before, self._shown = self._shown, fresh
        if before[:1] != fresh[:1]:
            self.page.to_first()
        if before and before[:1] == fresh[:1] and self.labs.inside:
            self.code_shown = False
        self.sheet.put([])
        self.app.update_anonymous()
        self.call_after_refresh(self._focus)

    def _arrange(self, attempt: LabAttempt | None) -> None:
        """Share the space among the parts that are shown."""
        width = self.size.width
        narrow, wide = width < WIDE, width >= _VERY_WIDE
        self.set_class(narrow, "-narrow")
        self.set_class(wide, "-wide")
        self.list_.display = not narrow or not self.labs.inside
        self.query_one("#lab").display = not narrow or self.labs.inside
        self.list_.styles.width = "1fr" if narrow else self._list_width()
        self._dividers[0].display = not narrow
        self._dividers[1].display = wide
        phase = attempt.phase if attempt else "predict"
        code = wide or phase == "predict" or self.code_shown
        self.query_one("#page").display = code
        self.query_one("#play").display = attempt is not None and (wide or phase == "predict" or not self.code_shown)
        self.query_one("#play").set_class(phase != "predict", "-whole")
        self.answers.display = phase == "predict"
        self.sheet.display = phase != "predict"
        asked = self._listening and self.labs.inside
        if asked != self.query_one("#prompt").has_class("-asked"):
            self.query_one("#prompt").set_class(asked, "-asked")
            self.call_after_refresh(self._focus)

    def _room(self) -> int:
        """Return how many cells a line of the lab has, in each of its columns."""
        whole = self.size.width - (0 if self.has_class("-narrow") else self._list_width() + 1)
        return max(20, (whole - 1) // 2 - 2 if self.has_class("-wide") else whole - 2)

    def _list_width(self) -> int:
        """Return the width of the list beside a lab: enough for its titles, if there is space."""
        return min(max(_LIST, self.list_.wanted()), self.size.width * 7 // 20)

    @property
    def _height(self) -> int:
        """How many lines a run has."""
        return self.size.height - 4 - self._listening

    def _show_head(self) -> None:
        palette, labs = self.palette, self.labs
        done = sum(card.name in labs.progress.done for card in labs.cards)
        words: Parts = ((f"on {safe(self.session.name)} · ", palette.dim),) if self.session.name else ()
        if labs.cards:
            words += ((f"{done} of {len(labs.cards)} done", palette.dim),)
        if any(card.name in labs.progress.right for card in labs.cards):
            words += ((f" · {RIGHT} predicted correctly", palette.dim),)
        pace = (("pace ", palette.dim), (PACE_WORDS[labs.pace], palette.accent))
        self.head.update("LABS", words, pace)

    def _mark(self, name: str) -> str:
        if self.labs.running(name):
            return RUNNING
        progress = self.labs.progress
        return RIGHT if name in progress.right else DONE if name in progress.done else " "

    # --- the phases -----------------------------------------------------------------------------------------------

    def _predict(self, attempt: LabAttempt, room: int) -> None:
        palette, total = self.palette, len(attempt.card.questions)
        words: Parts = ((f"{attempt.at + 1} of {total}", palette.dim),) if total > 1 and attempt.question else ()
        more: Parts = ((f"{self.key('page_down')} scrolls the text above", palette.dim),)
        long = self.page.count > self.page.size.height > 0
        self.part.update("WHAT WILL HAPPEN?" if attempt.question else "READY", words, more if long else ())
        self.part.highlight(self.labs.inside)
        self.answers.styles.height = self.answers.show(attempt, room, self._hint(attempt))

    def _hint(self, attempt: LabAttempt) -> Parts:
        palette = self.palette
        if not self.labs.inside:
            return ((self.key("open"), palette.accent), (" starts", palette.dim))
        parts: list[Part] = []
        if attempt.question:
            parts += [
                ("↑ ↓", palette.accent),
                (" or ", palette.dim),
                ("1 2 3", palette.accent),
                (" choose   ", palette.dim),
            ]
        parts += [(self.key("open"), palette.accent), (f" {self._enter(attempt)}   ", palette.dim)]
        if attempt.question and (run := self.key("labs_run")):
            parts += [(run, palette.accent), (" runs without predicting", palette.dim)]
        return tuple(parts)

    def _enter(self, attempt: LabAttempt) -> str:
        """Return what Enter does while predicting."""
        return "next question" if attempt.at + 1 < len(attempt.card.questions) else "run it"

    def _run(self, attempt: LabAttempt, room: int) -> None:
        palette = self.palette
        pace = attempt.run.pace if attempt.run else self.labs.pace
        key = self.key("labs_stop")
        stop: Parts = ((f"{key} stops it", palette.dim),) if key else ()
        self.part.update("RUNNING", ((PACE_WORDS[pace], palette.waiting),), stop)
        self.part.highlight(self.labs.inside)
        self.sheet.put(run_lines(attempt, self.session, palette, room, self._height))

    def _over(self, attempt: LabAttempt, room: int) -> None:
        run, palette = attempt.run, self.palette
        assert run is not None
        questions = attempt.card.questions
        right = sum(
            attempt.found(each.key) == attempt.predictions[each.key]
            for each in questions
            if each.key in attempt.predictions
        )
        words: Parts = ()
        if attempt.predictions:
            style = palette.active if attempt.right else palette.waiting
            words = ((f"{right} of {len(questions)} predicted correctly", style),)
        if run.trouble:
            words = (("it did not finish", palette.stuck),)
        self.part.update("WHAT HAPPENED", words)
        self.part.highlight(self.labs.inside)
        self.sheet.put(result_lines(attempt, palette, room))

    def _show_keys(self, attempt: LabAttempt | None) -> None:
        mode = "listening" if self.focused is self.line else self.mode
        names = {
            "listening": "send",
            "list": "open lab",
            "predict": self._enter(attempt) if attempt else "",
            "running": "details",
        }
        actions: list[Action] = []
        for each in _FOOTERS[mode]:
            action = BY_ID[each]
            if each == "open":
                action = replace(action, label=names[mode])
            elif each == "labs_code" and self.has_class("-wide"):
                continue
            elif each == "labs_run" and self.mode == "over":
                action = replace(action, label="run again")
            actions.append(action)
        self.show_keys(actions)
