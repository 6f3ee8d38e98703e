"""What the keys of the labs do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pipetui.client.session import Refused
from pipetui.tui.screens.bench import BenchLook
from pipetui.tui.screens.help import Help
from pipetui.tui.screens.labs.play_on import make_mine
from pipetui.tui.state.lab_session import PACE_WORDS, Study

if TYPE_CHECKING:
    from pipetui.tui.screens.labs.screen import LabsLook

Deed = Callable[["LabsLook"], None]
D = TypeVar("D", bound=Deed)

DEEDS: dict[str, Deed] = {}


def deed(action: str) -> Callable[[D], D]:
    """Register what an action does."""

    def register(function: D) -> D:
        DEEDS[action] = function
        return function

    return register


@deed("labs_run")
def run(screen: LabsLook) -> None:
    study = screen.desk.study
    if study is None:
        screen.tell("There is no lab to run.")
    elif study.phase == "running":
        screen.tell("It is running.")
    else:
        screen.ask(_run(screen, study))


async def _run(screen: LabsLook, study: Study) -> None:
    study.start(await screen.session.run_lab(study.card.name, screen.desk.pace))
    screen.desk.inside = True
    screen.desk.look_at_runs()
    screen.lay_out()


@deed("labs_stop")
def stop(screen: LabsLook) -> None:
    study = screen.desk.study
    if study is None or study.phase != "running" or study.number is None:
        screen.tell("It does not run.")
    else:
        screen.ask(screen.session.stop_lab(study.number))


@deed("labs_pace")
def pace(screen: LabsLook) -> None:
    words = PACE_WORDS[screen.desk.turn_pace()]
    screen.lay_out()
    if screen.place == "running":
        screen.tell(f"From the next run on: {words}.")


@deed("labs_next")
def next_(screen: LabsLook) -> None:
    if screen.desk.next():
        screen.enter()
    else:
        screen.tell("That was the last lab.")


@deed("labs_again")
def again(screen: LabsLook) -> None:
    study = screen.desk.study
    if study is not None and study.phase == "running":
        screen.tell("It is running.")
    elif study is not None:
        study.anew()
        screen.enter()


@deed("labs_back")
def question_before(screen: LabsLook) -> None:
    study = screen.desk.study
    if study is None or study.phase != "predict" or not study.back():
        screen.tell("There is no question before.")
    screen.lay_out()


@deed("labs_choose")
def choose(screen: LabsLook) -> None:
    """Nothing: the question takes the number, if there is one."""


@deed("labs_code")
def code(screen: LabsLook) -> None:
    screen.turn_code()


@deed("labs_mine")
def mine(screen: LabsLook) -> None:
    study = screen.desk.study
    if study is not None:
        screen.app.run_worker(_mine(screen, study.card.name))  # not the screen's: it goes on when that is left


async def _mine(screen: LabsLook, name: str) -> None:
    try:
        screen.app.monitor.tell(await make_mine(screen.app, screen.session, name))
    except Refused as refused:
        screen.tell(str(refused), grave=True)


@deed("labs_switch")
def switch(screen: LabsLook) -> None:
    _switch(screen, 1)


@deed("labs_switch_back")
def switch_back(screen: LabsLook) -> None:
    _switch(screen, -1)


def _switch(screen: LabsLook, step: int) -> None:
    if screen.place == "running" and screen.sheet.target is not None:
        screen.sheet.step(step)
    else:
        screen.enter(not screen.desk.inside)


@deed("labs_help")
def help_(screen: LabsLook) -> None:
    screen.app.push_screen(Help(screen.app.config.keys))


@deed("labs_bench")
def bench(screen: LabsLook) -> None:
    screen.app.push_screen(BenchLook(screen.session))


@deed("labs_leave")
def leave(screen: LabsLook) -> None:
    screen.dismiss(None)


@deed("labs_close")
def close(screen: LabsLook) -> None:
    if screen.focused is screen.line:
        screen.set_focus(screen.sheet)
    elif screen.code_shown and screen.place in ("running", "over"):
        screen.turn_code()
    elif screen.desk.inside:
        screen.enter(False)
    else:
        screen.dismiss(None)
