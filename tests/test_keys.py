"""Each key does something: pressed where its action makes sense, it changes the screen, or asks the hub, or copies.

What it asks the hub for has the effect that the action says. A new action needs nothing here if its key works on the
first screen of its scope; else an entry in `POSES`, and one in `COMPLETED` if it opens a dialog.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from cells import at_rest
from test_bench import whole
from test_tui_labs import over, running, school
from textual.pilot import Pilot
from tui_fakes import FakeHub, make_app, observed, press, settle, until
from updates import update

from pipetui.protocol import effects, messages, requests
from pipetui.tui.core import actions

FeedRows = dict[str, Any]


@dataclass(frozen=True)
class Pose:
    """The keys that lead to where an action makes sense, what the hub tells then, and keys after that."""

    keys: tuple[str, ...] = ()
    rows: tuple[FeedRows, ...] = ()
    then: tuple[str, ...] = ()
    loses: bool = False


LAB = ("l", "enter")
RUNS: tuple[FeedRows, ...] = ({"labs": (running(),)},)
OVER: tuple[FeedRows, ...] = (*RUNS, {"labs": (over(),)})
COMPARED: tuple[FeedRows, ...] = ({"bench": whole()},)
MIDDLE = ("4", "k", "k", "k", "k", "k")

SCOPES: dict[actions.Scope, Pose] = {
    "everywhere": Pose(),
    "lists": Pose(),
    "fifos": Pose(),
    "processes": Pose(("j", "j", "2")),
    "messages": Pose(("4",)),
    "message": Pose((*MIDDLE, "enter")),
    "detail": Pose(("G", "enter")),
    "pipe": Pose(("G", "enter")),
    "process": Pose(("G", "2", "enter")),
    "pipelines": Pose(("a",)),
    "labs": Pose(("l",)),
    "bench": Pose(("l", "b"), COMPARED),
    "page": Pose(("?",)),
}

#: Where an action makes sense, if that isn't the first screen of its scope.
POSES: dict[str, Pose] = {
    "up": Pose(("j",)),
    "page_up": Pose(("4",)),
    "page_down": Pose(("4", "g")),
    "first": Pose(("4",)),
    "last": Pose(MIDDLE),
    "pane_1": Pose(("2",)),
    "escape": Pose(("slash", "o", "enter")),
    "reconnect": Pose(loses=True),
    "next": Pose((*MIDDLE, "f", "t", "e", "a", "enter", "N", "N")),
    "previous": Pose((*MIDDLE, "f", "t", "e", "a", "enter")),
    "view_text": Pose((*MIDDLE, "enter", "2")),
    "pipe_text": Pose(("G", "enter", "p", "2")),
    "pipe_hex": Pose(("G", "enter", "p")),
    "labs_choose": Pose((*LAB, "2")),
    "labs_back": Pose((*LAB, "1", "enter")),
    "labs_stop": Pose((*LAB, "r"), RUNS),
    "labs_code": Pose((*LAB, "r"), RUNS),
    "labs_again": Pose((*LAB, "r"), OVER),
    "labs_switch_back": Pose(LAB),
    "bench_run": Pose(("l", "b")),
    "bench_stop": Pose(("l", "b", "r"), ({"bench": replace(whole(), over=False)},)),
}

#: The keys that complete the dialog that an action opens.
COMPLETED: dict[str, tuple[str, ...]] = {
    "create": ("x", "enter"),
    "write": ("enter",),
    "read": ("enter",),
    "send": ("enter",),
    "remove": ("shift+tab", "enter"),
    "edit": ("enter",),
    "process_signal": ("enter", "enter"),
    "labs_mine": ("enter",),
}

EFFECTS: tuple[effects.Effect, ...] = get_args(effects.Effect)

#: What can't be seen here, with the test that shows it.
ELSEWHERE = {"repaint": "test_display_terminal: all is drawn again, and a foreign text is gone"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what was done in a folder of the test, and let no file be written anywhere else."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


async def seen(pilot: Pilot[Any], hub: FakeHub) -> list[object]:
    """Return all that a key could change: cells, requests, the clipboard, whether the program goes on."""
    asked = [one for one in hub.requests if not isinstance(one, (messages.Ready, requests.Past))]
    return [await at_rest(pilot), len(asked), pilot.app.clipboard, pilot.app._exit]


async def pressed(
    pose: Pose, keys: tuple[str, ...], completed: tuple[str, ...] = ()
) -> Iterator[tuple[list[object], list[object], set[effects.Effect]]]:
    """Press each key in its pose, in an app of its own; return what there was before and after.

    The third are the effects of what was asked for then and by the keys that complete it.
    """
    found = []
    for key in keys:
        hub = observed()
        hub.labs, hub.lab_actors = school().labs, school().lab_actors
        app = make_app(hub)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: hub.view is not None)  # noqa: B023
            await settle(pilot)
            await press(pilot, *pose.keys)
            for rows in pose.rows:
                hub.push(update(**rows))
                await settle(pilot)
            await press(pilot, *pose.then)
            if pose.loses:
                hub.lose("the hub has ended")
            before = await seen(pilot, hub)
            asked = len(hub.requests)
            await press(pilot, key)
            after = await seen(pilot, hub)
            await press(pilot, *completed)
            asked_for = {one.effect for one in hub.requests[asked:] if isinstance(one, requests.Request)}
            found.append((before, after, asked_for))
    return iter(found)


@pytest.mark.parametrize("action", actions.ACTIONS, ids=lambda action: action.id)
def test_its_key_does_something_and_has_the_effect_that_it_says(action: actions.Action) -> None:
    if action.id in ELSEWHERE:
        return
    pose = POSES.get(action.id, SCOPES[action.scope])
    for before, after, asked_for in asyncio.run(pressed(pose, action.keys[:1], COMPLETED.get(action.id, ()))):
        assert before != after
        strongest = max(asked_for, key=EFFECTS.index, default="passive")
        assert strongest == (action.effect if action.acts else "passive")


def test_a_key_that_nobody_has_does_nothing() -> None:
    """Without this the test above could be true of anything."""
    for scope, pose in SCOPES.items():
        free = next(key for key in "QWXZvVB" if all(key not in action.keys for action in actions.ACTIONS))
        for before, after, asked_for in asyncio.run(pressed(pose, (free,))):
            assert before == after, scope
            assert asked_for <= {"passive"}, scope


def test_every_pose_is_of_an_action() -> None:
    assert POSES.keys() | COMPLETED.keys() | ELSEWHERE.keys() <= actions.BY_ID.keys()
