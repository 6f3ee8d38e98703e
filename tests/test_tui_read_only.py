"""Read-only on the screen: it says so, and nothing that acts is offered. And the log of what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_fakes import FakeHub, on_screen, press, screen_lines, screen_text, until, write
from updates import update

from pipetui.protocol import messages, requests
from pipetui.tui.app import PipetuiApp
from pipetui.tui.core.actions import ACTIONS
from pipetui.tui.core.config import Config, ConfigError, load

READ_ONLY = Config(read_only=True)


def acting(hub: FakeHub) -> list[object]:
    """Return the requests that act."""
    return [one for one in hub.requests if isinstance(one, requests.Request) and one.effect != "passive"]


@on_screen(config=READ_ONLY)
async def test_it_is_said_and_asked_for(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "read-only" in screen_lines(app)[0]
    assert hub.asked(messages.Hello)[0].read_only


@on_screen(hub=FakeHub, config=READ_ONLY)
async def test_no_empty_pane_suggests_to_act(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "No FIFOs found" in screen_text(app)
    assert "Press" not in screen_text(app)


@on_screen(config=READ_ONLY)
async def test_no_key_that_acts_does_anything(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    assert "producer" not in screen_lines(app)[-1]
    assert "details" in screen_lines(app)[-1]
    for pane in ("1", "2", "3"):
        for action in ACTIONS:
            if action.acts and action.scope in ("fifos", "processes"):
                await press(pilot, pane, action.keys[0])
                assert len(app.screen_stack) == 1, f"{action.id} opened something"
    assert acting(hub) == []
    await press(pilot, "1", "p")
    await until(pilot, lambda: bool(hub.asked(requests.Peek)))


@on_screen(config=READ_ONLY)
async def test_the_help_and_the_palette_offer_only_what_looks(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    offered = [command.title for command in app.get_system_commands(app.screen)]
    assert "Create a FIFO" not in offered
    assert any(title.startswith("Show the bytes queued") for title in offered)
    await press(pilot, "?")
    await until(pilot, lambda: "KEYS" in screen_text(app))
    assert "Create a FIFO" not in screen_text(app)


@on_screen()
async def test_a_hub_that_is_read_only_by_its_own_environment_decides(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    assert "read-only" not in screen_text(app)
    hub.push(messages.Welcome(messages.VERSION, "box1", 1, read_only=True))
    hub.push(update(pipes=hub.pipes))
    await until(pilot, lambda: "read-only" in screen_lines(app)[0])
    await press(pilot, "c")
    assert len(app.screen_stack) == 1


@on_screen()
async def test_what_was_done_is_listed_with_the_command_that_does_the_same(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "@")
    await until(pilot, lambda: "No actions yet." in screen_text(app))
    await press(pilot, "escape", "c")
    await write(pilot, "mine")
    await press(pilot, "enter")
    hub.refuse[requests.CreateFifo] = "/run/x exists already"
    await press(pilot, "c")
    await write(pilot, "x")
    await press(pilot, "enter")
    await until(pilot, lambda: "exists already" in screen_text(app))
    await press(pilot, "escape", "@")
    await until(pilot, lambda: "ACTIONS" in screen_text(app))
    text = screen_text(app)
    assert "Create FIFO /run/user/1000/mine" in text
    assert "mkfifo -m 600 /run/user/1000/mine" in text
    assert "not done: /run/x exists already" in text
    assert text.index("not done") < text.index("/run/user/1000/mine"), "the newest first"


def test_the_configuration_says_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("read_only = true\n")
    assert load(file).read_only
    file.write_text("read_only = 1\n")
    with pytest.raises(ConfigError, match="read_only must be true or false"):
        load(file)
