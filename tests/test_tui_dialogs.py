"""The dialogs: every field is checked in a sentence, the hub's refusal is shown, the keyboard is enough."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_fakes import FakeHub, demo, on_screen, press, screen_text, settle, until, write

from pipetui.model import ConsumerSpec, PipeId, ProducerSpec
from pipetui.protocol import requests
from pipetui.tui.app import PipetuiApp
from pipetui.tui.dialogs.producer import is_template
from pipetui.tui.state.export import Exporter


async def put(pilot: Pilot[Any], field: str, text: str) -> None:
    """Type into a field of the open dialog."""
    pilot.app.screen.query_one(f"#{field}").focus()
    await press(pilot, "end", "ctrl+u")
    await write(pilot, text)


@on_screen()
async def test_a_fifo_is_created_from_the_keyboard(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "c")
    await write(pilot, "mine")
    await press(pilot, "tab", "ctrl+u")
    await write(pilot, "0999")
    await press(pilot, "enter")
    assert "The mode must be octal" in screen_text(app)
    await put(pilot, "mode", "0640")
    await press(pilot, "enter")
    (request,) = hub.asked(requests.CreateFifo)
    assert (request.path, request.mode) == ("/run/user/1000/mine", 0o640)
    assert "Created /run/user/1000/mine" in screen_text(app)


@on_screen()
async def test_what_the_hub_refuses_keeps_the_dialog_open(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    hub.refuse[requests.CreateFifo] = "/run/x exists already."
    await press(pilot, "c", "x", "enter")
    assert "/run/x exists already." in screen_text(app)
    await press(pilot, "escape")
    assert "New FIFO" not in screen_text(app)


@on_screen()
async def test_a_producer_is_started_with_all_its_settings(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "w")
    await put(pilot, "template", "hello {n} {random}")
    for field, value in {"rate": "20", "burst": "10", "count": "500", "size": "64", "name": "greeter"}.items():
        await put(pilot, field, value)
    app.screen.query_one("#reader_gone").focus()
    await press(pilot, "space", "enter")
    (request,) = hub.asked(requests.StartProducer)
    assert request.spec == ProducerSpec(
        "/tmp/demo/orders", template="hello {n} {random}", size=64, rate=20.0, count=500, burst=10,
        reader_gone="stop", name="greeter",
    )  # fmt: skip
    assert "Started producer greeter" in screen_text(app)


@on_screen(80, 24)
async def test_wrong_numbers_and_templates_say_what_is_wrong(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "w")
    for field, value, sentence in (
        ("rate", "-1", "Enter 0 or more."),
        ("rate", "fast", "Enter a number, 0 or more."),
        ("burst", "0", "Enter 1 or more."),
        ("count", "1.5", "Enter a whole number."),
        ("template", "{when}", "The template has an unknown field: {when}."),
        ("template", "{n", "Invalid template"),
        ("path", "", "Enter a path."),
    ):
        kept = app.screen.query_one(f"#{field}").value  # type: ignore[attr-defined]
        await put(pilot, field, value)
        await press(pilot, "enter")
        assert sentence in screen_text(app), field
        await put(pilot, field, kept)
    assert not hub.asked(requests.StartProducer)


def test_templates_may_use_what_the_hub_knows() -> None:
    assert is_template("Number {n:03d} {time} {pid} {random} {{}}") == ""
    assert is_template("{}") != ""


@on_screen()
async def test_a_consumer_is_started(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "r", "down", "right", "right", "down")
    await press(pilot, "ctrl+u")
    await write(pilot, "512")
    await put(pilot, "delay", "0.25")
    await press(pilot, "enter")
    (request,) = hub.asked(requests.StartConsumer)
    assert request.spec == ConsumerSpec("/tmp/demo/orders", framing="fixed", fixed=512, delay=0.25)


@on_screen()
async def test_an_edited_actor_takes_the_place_of_the_old(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "2", "e")
    assert "stopped first" in screen_text(app)
    await put(pilot, "rate", "5")
    await press(pilot, "enter")
    assert hub.asked(requests.Control)[0] == requests.Control(1, "stop")
    assert hub.asked(requests.StartProducer)[0].spec.rate == 5.0


@on_screen()
async def test_one_message_is_sent(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "s")
    await write(pilot, "hello")
    await press(pilot, "enter")
    (request,) = hub.asked(requests.Send)
    assert (request.path, request.payload, request.timeout) == ("/tmp/demo/orders", "hello\n", 2.0)
    assert "Sent 6 bytes" in screen_text(app)


@on_screen()
async def test_removal_asks_and_says_what_is_touched(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await press(pilot, "j", "j", "d")
    text = screen_text(app)
    for wanted in ("/tmp/demo/orders", "inode 1", "9010 snapserver -s pipe", "is still this FIFO"):
        assert wanted in text
    await press(pilot, "enter")
    assert not hub.asked(requests.RemoveFifo)
    await press(pilot, "d", "shift+tab", "enter")
    (request,) = hub.asked(requests.RemoveFifo)
    assert (request.path, request.id) == ("/tmp/demo/orders", PipeId(8, 1))


def hostile_path() -> FakeHub:
    hub = demo()
    from tui_fakes import fifo

    hub.pipes = (fifo(1, "/a\x1b[31m\n"),)
    return hub


@on_screen(hub=hostile_path)
async def test_a_path_that_can_not_be_shown_is_still_the_one_used(
    app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]
) -> None:
    await press(pilot, "w", "enter")
    assert hub.asked(requests.StartProducer)[0].spec.path == "/a\x1b[31m\n"


@on_screen(20, 5)
async def test_dialogs_survive_the_smallest_screen(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    for key in ("c", "w", "r", "s", "d", "E"):
        await press(pilot, key, "down", "down", "up", "escape")
    assert "FIFOs" in screen_text(app)


# --- export -------------------------------------------------------------------------------------------------------


async def export_to(app: PipetuiApp, pilot: Pilot[Any], place: Path) -> None:
    await press(pilot, "E")
    await put(pilot, "path", str(place))
    await press(pilot, "enter")


def test_the_filtered_log_is_exported_as_json_lines(tmp_path: Path) -> None:
    place = tmp_path / "out.jsonl"

    @on_screen()
    async def story(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
        await press(pilot, "4", "slash")
        await write(pilot, "tea")
        await press(pilot, "enter")
        await export_to(app, pilot, place)
        await until(pilot, lambda: "Exported 36 messages" in screen_text(app))
        hub.lines.clear()
        await export_to(app, pilot, place)
        await until(pilot, lambda: "already exists" in screen_text(app))

    story()
    records = [json.loads(each) for each in place.read_text().splitlines()]
    assert len(records) == 36
    assert list(records[0]) == ["number", "time", "fifo", "writer", "reader", "length", "payload"]
    assert os.listdir(tmp_path) == ["out.jsonl"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    place = tmp_path / "out.jsonl"
    place.write_text("precious\n")

    def fail(self: Exporter, lines: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Exporter, "_append", fail)

    @on_screen()
    async def story(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
        await press(pilot, "E")
        await put(pilot, "path", str(place))
        app.screen.query_one("#replace").focus()
        await press(pilot, "right", "enter")
        await until(pilot, lambda: "was not written" in screen_text(app))
        await settle(pilot)

    story()
    assert place.read_text() == "precious\n"
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    @on_screen()
    async def story(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
        await export_to(app, pilot, tmp_path / "no" / "such")
        await until(pilot, lambda: "no such file or directory" in screen_text(app))

    story()
