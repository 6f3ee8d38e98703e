"""Pictures of the screens, compared cell by cell with those in `pictures/`. After a wanted change, `make pictures`."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cells import at_rest
from test_bench import whole
from test_tui_labs import over, running, school
from tui_fakes import FakeHub, make_app, observed, press, settle, until
from updates import update

FOLDER = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class Picture:
    """What is pressed on a screen of a size, and the updates that a hub then tells."""

    columns: int
    rows: int
    keys: tuple[str, ...] = ()
    told: tuple[dict[str, Any], ...] = ()
    hub: Callable[[], FakeHub] = observed
    theme: str = "pipetui-dark"


LAB = ("l", "enter")
PREDICTED = (*LAB, "1", "enter", "2", "enter")

PICTURES = {
    "main-120x40": Picture(120, 40),
    "main-80x24": Picture(80, 24),
    "main-200x50": Picture(200, 50, ("4", "k", "k")),
    "16-colours-80x24": Picture(80, 24, theme="pipetui-ansi-dark"),
    "light-120x40": Picture(120, 40, ("t", "2")),
    "findings-80x24": Picture(80, 24, ("5", "j")),
    "finding-120x40": Picture(120, 40, ("5", "enter")),
    "producer-120x40": Picture(120, 40, ("w",)),
    "remove-80x24": Picture(80, 24, ("d",)),
    "message-120x40": Picture(120, 40, ("4", "space", "enter", "2")),
    "pipe-120x40": Picture(120, 40, ("G", "enter", "p")),
    "process-120x40": Picture(120, 40, ("G", "2", "enter")),
    "pipelines-200x50": Picture(200, 50, ("a",)),
    "help-80x24": Picture(80, 24, ("?",)),
    "prediction-120x40": Picture(120, 40, (*LAB, "2"), hub=school),
    "run-120x40": Picture(120, 40, PREDICTED, ({"labs": (running(),)},), hub=school),
    "result-80x24": Picture(80, 24, PREDICTED, ({"labs": (running(),)}, {"labs": (over(),)}), hub=school),
    "comparison-120x40": Picture(120, 40, ("l", "b"), ({"bench": whole()},), hub=school),
}


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of this machine or user may be in a picture."""
    for name in ("STATE", "CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def taken(picture: Picture) -> list[str]:
    """Bring the app into its pose, and return what it has drawn then."""
    hub = picture.hub()
    app = make_app(hub)
    async with app.run_test(size=(picture.columns, picture.rows)) as pilot:
        await until(pilot, lambda: hub.view is not None)
        app.theme = picture.theme  # the terminal of a test has no colours
        await settle(pilot)
        await press(pilot, *picture.keys)
        for told in picture.told:
            hub.push(update(**told))
            await settle(pilot)
        return await at_rest(pilot)


@pytest.mark.parametrize("name", PICTURES)
def test_the_screen_is_as_in_its_picture(name: str, request: pytest.FixtureRequest) -> None:
    lines = asyncio.run(taken(PICTURES[name]))
    place = FOLDER / f"{name}.txt"
    if request.config.getoption("--renew-pictures"):
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    stored = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
    differences = list(difflib.unified_diff(stored, lines, f"pictures/{name}.txt", "now", lineterm="", n=1))
    assert not differences, "\n".join(["not as in its picture (if that is wanted: make pictures)", *differences])


def test_every_stored_picture_is_of_something(request: pytest.FixtureRequest) -> None:
    strangers = [place for place in FOLDER.iterdir() if place.stem not in PICTURES]
    if request.config.getoption("--renew-pictures"):
        for place in strangers:
            place.unlink()
    else:
        assert strangers == []


def test_a_picture_is_of_characters_and_of_styles() -> None:
    """The comparison can fail: another letter, and another colour, is another picture."""
    plain = asyncio.run(taken(Picture(80, 24)))
    assert plain == asyncio.run(taken(Picture(80, 24)))
    moved = asyncio.run(taken(Picture(80, 24, ("j",))))
    light = asyncio.run(taken(Picture(80, 24, ("t",))))
    assert [line for line in moved if line not in plain]
    assert light[:24] == plain[:24]
    assert light[24:] != plain[24:]
