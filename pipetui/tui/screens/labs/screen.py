"""The screen of the labs: at the left the list, at the right one lab: its story and code, a prediction, its run.

On a small screen the list and the lab are two pages; on a very wide one the code stays beside questions and run. What
was predicted and run is kept on the desk (`desk.py`), so leaving changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from pipetui.client.session import Change, Session
from pipetui.text import safe
from pipetui.tui.core.actions import BY_ID, Action, Scope
from pipetui.tui.core.keys import bindings
from pipetui.tui.core.theme import palette_for
from pipetui.tui.screens.detail.base import WIDE, Look
from pipetui.tui.screens.labs.handlers import DEEDS
from pipetui.tui.state.lab_session import PACE_WORDS, Desk, Study
from pipetui.tui.views.cells import Part, Parts, strip
from pipetui.tui.views.labs.lesson import lesson_lines
from pipetui.tui.views.labs.results import verdict_lines
from pipetui.tui.views.labs.run import run_lines
from pipetui.tui.widgets.answer_list import Choices
from pipetui.tui.widgets.bars import Bar, KeyBar
from pipetui.tui.widgets.inputs import Line
from pipetui.tui.widgets.lab_list import DONE, RIGHT, RUNNING, LabList
from pipetui.tui.widgets.link_sheet import LinkSheet
from pipetui.tui.widgets.rule import Rule

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


class Wall(Widget):
    """A thin line between two columns."""

    DEFAULT_CSS = "Wall { width: 1; height: 100%; }"

    def render_line(self, y: int) -> Strip:
        palette = palette_for(self.app.theme)
        return strip((("│", palette.rule),), 1, palette.base)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()


class LabsLook(Look, inherit_bindings=False):
    """The screen."""

    SCOPE: ClassVar[Scope] = "labs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("labs")
    DEFAULT_CSS = """
    LabsLook #body { height: 1fr; }
    LabsLook #lab { width: 1fr; height: 1fr; }
    LabsLook #columns { height: 1fr; layout: vertical; }
    LabsLook.-wide #columns { layout: horizontal; }
    LabsLook #play { height: auto; width: 1fr; }
    LabsLook #play.-whole { height: 1fr; }
    LabsLook #page { height: 1fr; width: 1fr; }
    LabsLook #prompt { height: 1; display: none; }
    LabsLook #prompt.-asked { display: block; }
    LabsLook #prompt Bar { width: 14; }
    LabsLook #prompt Line { width: 1fr; }
    """

    def __init__(self, session: Session, desk: Desk) -> None:
        super().__init__(session)
        self.desk = desk
        self._says = "Asking for the labs…"
        self.code_shown = False
        self._shown: tuple[object, ...] = ()
        self.list_, self.page = LabList(), LinkSheet()
        self.title_, self.part = Rule("title"), Rule("part")
        self.line = Line(name="line")
        self._walls = Wall(id="wall"), Wall(id="inner-wall")
        self._ready = False

    def compose(self) -> ComposeResult:
        self.choices = Choices(self.app.config.keys)
        yield self.head
        with Horizontal(id="body"):
            yield self.list_
            yield self._walls[0]
            with Vertical(id="lab"):
                yield self.title_
                with Container(id="columns"):
                    with Vertical(id="page"):
                        yield self.page
                    yield self._walls[1]
                    with Vertical(id="play"):
                        yield self.part
                        yield self.choices
                        yield self.sheet
                        with Horizontal(id="prompt"):
                            yield Bar("listens")
                            yield self.line
        yield self.keys

    def begin(self) -> None:
        self.query_one("#listens", Bar).say(((" It listens: ", self.palette.waiting),))
        self.line.placeholder = "type a line"
        self._ready = True
        self.desk.use(self.session)
        if self.desk.cards:
            self.desk.look_at_runs()
        self.lay_out()
        self._focus()
        self.ask(self._list())

    async def _list(self) -> None:
        self._says = "This hub has no labs."
        self.desk.take(await self.session.list_labs())
        self.lay_out()
        self._focus()

    # --- where the person is --------------------------------------------------------------------------------------

    @property
    def anonymous(self) -> bool:  # type: ignore[override]
        """Whether anonymous pipes are wanted: while a lab runs, some of its pipes may have no name."""
        study = self.desk.study
        return study is not None and study.phase == "running"

    @property
    def place(self) -> str:
        """Where the person is: in the list, or in one of the phases of a lab."""
        study = self.desk.study
        return study.phase if self.desk.inside and study is not None else "list"

    def _focus(self) -> None:
        """Give the focus to what the person has to do with now."""
        if self.app.screen is not self:
            return
        if self.place == "list":
            self.set_focus(self.list_)
        elif self.line.display and self._listening:
            self.set_focus(self.line)
        elif self.code_shown and not self.has_class("-wide"):
            self.set_focus(self.page)
        else:
            self.set_focus(self.choices if self.place == "predict" else self.sheet)

    @property
    def _listening(self) -> bool:
        study = self.desk.study
        return bool(study and study.phase == "running" and study.run and study.run.listening)

    # --- what stands in it ----------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        if change.labs or change.lost:
            self.desk.look_at_runs()
            self._lay_out_soon()
        super().changed(change)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._ready:
            self._focus()

    def lay_out(self) -> None:
        if not self._ready or not self.size.width:
            return
        study = self.desk.study
        marks = [(card.name, self._mark(card.name)) for card in self.desk.cards]
        self.list_.show(self.desk.cards, self.desk.selected, marks, self._says)
        self._arrange(study)
        self._say_head()
        self._say_keys(study)
        if study is None:
            self.title_.say("")
            return
        card, palette = study.card, self.palette
        left = (safe(card.article), palette.dim)
        self.title_.say(safe(card.title), (), (left,))
        self.title_.light(self.desk.inside)
        fresh = (card.name, study.phase)
        if fresh != self._shown:
            self._turn(fresh)
        room = self._room()
        if self.page.parent.display:  # type: ignore[union-attr]
            self.page.put(lesson_lines(card, palette, room))
        {"predict": self._predict, "running": self._run, "over": self._over}[study.phase](study, room)

    def _turn(self, fresh: tuple[object, ...]) -> None:
        """Another lab, or another phase of it, has come: begin at its top."""
        before, self._shown = self._shown, fresh
        if before[:1] != fresh[:1]:
            self.page.to_first()
        if before and before[:1] == fresh[:1] and self.desk.inside:
            self.code_shown = False
        self.sheet.put([])
        self.app.ask_for_anonymous()
        self.call_after_refresh(self._focus)

    def _arrange(self, study: Study | None) -> None:
        """Share the room among the parts that there are now."""
        width = self.size.width
        narrow, wide = width < WIDE, width >= _VERY_WIDE
        self.set_class(narrow, "-narrow")
        self.set_class(wide, "-wide")
        self.list_.display = not narrow or not self.desk.inside
        self.query_one("#lab").display = not narrow or self.desk.inside
        self.list_.styles.width = "1fr" if narrow else self._list_width()
        self._walls[0].display = not narrow
        self._walls[1].display = wide
        phase = study.phase if study else "predict"
        code = wide or phase == "predict" or self.code_shown
        self.query_one("#page").display = code
        self.query_one("#play").display = study is not None and (wide or phase == "predict" or not self.code_shown)
        self.query_one("#play").set_class(phase != "predict", "-whole")
        self.choices.display = phase == "predict"
        self.sheet.display = phase != "predict"
        asked = self._listening and self.desk.inside
        if asked != self.query_one("#prompt").has_class("-asked"):
            self.query_one("#prompt").set_class(asked, "-asked")
            self.call_after_refresh(self._focus)

    def _room(self) -> int:
        """Return how many cells a line of the lab has, in each of its columns."""
        whole = self.size.width - (0 if self.has_class("-narrow") else self._list_width() + 1)
        return max(20, (whole - 1) // 2 - 2 if self.has_class("-wide") else whole - 2)

    def _list_width(self) -> int:
        """Return how wide the list is beside a lab: its titles are whole where there is room."""
        return min(max(_LIST, self.list_.wanted()), self.size.width * 7 // 20)

    @property
    def _height(self) -> int:
        """How many lines a run has."""
        return self.size.height - 4 - self._listening

    def _say_head(self) -> None:
        palette, desk = self.palette, self.desk
        done = sum(card.name in desk.progress.done for card in desk.cards)
        words: Parts = ((f"on {safe(self.session.name)} · ", palette.dim),) if self.session.name else ()
        if desk.cards:
            words += ((f"{done} of {len(desk.cards)} done", palette.dim),)
        if any(card.name in desk.progress.right for card in desk.cards):
            words += ((f" · {RIGHT} predicted right", palette.dim),)
        pace = (("pace ", palette.dim), (PACE_WORDS[desk.pace], palette.accent))
        self.head.say("LABS", words, pace)

    def _mark(self, name: str) -> str:
        if self.desk.running(name):
            return RUNNING
        progress = self.desk.progress
        return RIGHT if name in progress.right else DONE if name in progress.done else " "

    # --- the phases -----------------------------------------------------------------------------------------------

    def _predict(self, study: Study, room: int) -> None:
        palette, total = self.palette, len(study.card.questions)
        words: Parts = ((f"{study.at + 1} of {total}", palette.dim),) if total > 1 and study.question else ()
        more: Parts = ((f"{self._key('page_down')} scrolls what stands above", palette.dim),)
        long = self.page.count > self.page.size.height > 0
        self.part.say("WHAT WILL HAPPEN?" if study.question else "READY", words, more if long else ())
        self.part.light(self.desk.inside)
        self.choices.styles.height = self.choices.show(study, room, self._hint(study))

    def _hint(self, study: Study) -> Parts:
        palette = self.palette
        if not self.desk.inside:
            return ((self._key("open"), palette.accent), (" begins", palette.dim))
        parts: list[Part] = []
        if study.question:
            parts += [
                ("↑ ↓", palette.accent),
                (" or ", palette.dim),
                ("1 2 3", palette.accent),
                (" choose   ", palette.dim),
            ]
        parts += [(self._key("open"), palette.accent), (f" {self._enter(study)}   ", palette.dim)]
        if study.question:
            parts += [(self._key("labs_run"), palette.accent), (" runs it without predicting", palette.dim)]
        return tuple(parts)

    def _enter(self, study: Study) -> str:
        """Return what Enter does while predicting."""
        return "next question" if study.at + 1 < len(study.card.questions) else "run it"

    def _run(self, study: Study, room: int) -> None:
        palette = self.palette
        pace = study.run.pace if study.run else self.desk.pace
        stop = ((f"{self._key('labs_stop')} stops it", palette.dim),)
        self.part.say("RUNNING", ((PACE_WORDS[pace], palette.waiting),), stop)
        self.part.light(self.desk.inside)
        self.sheet.put(run_lines(study, self.session, palette, room, self._height))

    def _over(self, study: Study, room: int) -> None:
        run, palette = study.run, self.palette
        assert run is not None
        questions = study.card.questions
        right = sum(study.was(each.key) == study.said[each.key] for each in questions if each.key in study.said)
        words: Parts = ()
        if study.said:
            style = palette.active if study.right else palette.waiting
            words = ((f"{right} of {len(questions)} predicted right", style),)
        if run.trouble:
            words = (("it did not come to its end", palette.stuck),)
        self.part.say("WHAT HAPPENED", words)
        self.part.light(self.desk.inside)
        self.sheet.put(verdict_lines(study, palette, room))

    def _say_keys(self, study: Study | None) -> None:
        place = "listening" if self.focused is self.line else self.place
        names = {
            "listening": "send it",
            "list": "open the lab",
            "predict": self._enter(study) if study else "",
            "running": "look closer",
        }
        actions: list[Action] = []
        for each in _FOOTERS[place]:
            action = BY_ID[each]
            if each == "open":
                action = replace(action, label=names[place])
            elif each == "labs_code" and self.has_class("-wide"):
                continue
            elif each == "labs_run" and self.place == "over":
                action = replace(action, label="run again")
            actions.append(action)
        self.keys.show(actions, self.app.config.keys)

    # --- what happens ---------------------------------------------------------------------------------------------

    def deeds(self) -> dict[str, Callable[[], object]]:
        return {action: partial(does, self) for action, does in DEEDS.items()}

    def enter(self, inside: bool = True) -> None:
        """Go into the lab, or back to the list."""
        self.desk.inside = inside and self.desk.study is not None
        self.lay_out()
        self.call_after_refresh(self._focus)

    def turn_code(self) -> None:
        """Show the code instead of the run, or the run again."""
        if self.place in ("running", "over") and not self.has_class("-wide"):
            self.code_shown = not self.code_shown
            self.lay_out()
            self.call_after_refresh(self._focus)

    # --- events ---------------------------------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        self._say_keys(self.desk.study)

    def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        if event.action == "open" and self.focused is self.line:
            self.ask(self.line.action_submit())
        elif event.action == "open":
            {"list": self.list_.open, "predict": self.choices.open}.get(self.place, self.sheet.open)()
        else:
            self.action_do(event.action)

    def on_lab_list_moved(self, event: LabList.Moved) -> None:
        self.desk.selected = event.name
        self.desk.inside = False
        self.code_shown = False
        self.lay_out()

    def on_lab_list_opened(self, event: LabList.Opened) -> None:
        self.desk.selected = event.name
        self.enter()

    def on_choices_marked(self) -> None:
        if not self.desk.inside:
            self.enter()
        self.lay_out()

    def on_choices_scrolled(self, event: Choices.Scrolled) -> None:
        self.page.move_top(event.lines)

    def on_choices_taken(self) -> None:
        study = self.desk.study
        if study is None or study.phase != "predict":
            return
        if study.question is not None and study.mark is None:
            run = self._key("labs_run")
            self.tell(f"Choose with ↑ ↓ or a number; {run} runs it without predicting.")
            return
        if study.answer():
            self.lay_out()
        else:
            self.action_do("labs_run")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        study, text = self.desk.study, event.value
        if study is None or study.number is None:
            return
        self.line.value = ""
        self.ask(self.session.tell_lab(study.number, text))
