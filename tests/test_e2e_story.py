"""A person's way through the monitor, from an empty folder to a removed FIFO, with nothing but the keyboard."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from monitor import Monitor
from processes import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


@pytest.fixture
def monitor(sandbox: Sandbox) -> Monitor:
    """A monitor on a working folder that has one FIFO, `news`."""
    path = sandbox.fifo("news")
    terminal = sandbox.terminal(sandbox.work)
    terminal.wait_for(path.name)
    return Monitor(terminal)


@pytest.fixture
def news(sandbox: Sandbox) -> Path:
    """The path of that FIFO."""
    return sandbox.work / sandbox.name("news")


@pytest.fixture
def flowing(monitor: Monitor, news: Path) -> Monitor:
    """The same with a producer of 40 messages a second, and a consumer."""
    monitor.start_consumer(news.name)
    monitor.start_producer(news.name, rate="40")
    monitor.terminal.wait_for(re.compile(rf"{news.name} +\d+→\d+ +10  Number 0\d\d"))
    return monitor


def state_of(monitor: Monitor, pid: int) -> str:
    """Return the row of one of our actors."""
    return monitor.actors().get(pid, "")


def test_from_an_empty_folder_to_messages_and_back(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal(sandbox.work)
    terminal.wait_for("follow")
    monitor = Monitor(terminal)
    path = sandbox.work / sandbox.name("made")
    monitor.create_fifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monitor.start_producer(path.name, template="Count {n}", rate="40")
    terminal.wait_for(re.compile(r"● +\d+ +producer"))
    monitor.start_consumer(path.name)
    terminal.wait_for("Count 7")
    before = monitor.seen()
    terminal.wait_for(lambda screen: monitor.seen() > before + 20, what="the count grows")
    monitor.press("1", "d")
    terminal.wait_for("Remove this FIFO?")
    assert path.name in terminal.text()
    monitor.press("enter")  # Cancel has the focus
    terminal.wait_gone("Remove this FIFO?")
    assert path.exists()
    monitor.press("d")
    terminal.wait_for("Remove this FIFO?")
    monitor.button("Remove")
    terminal.wait_until(lambda: not path.exists(), what="the FIFO is removed")
    terminal.wait_gone("Remove this FIFO?")  # until then keys are the dialog's
    assert monitor.quit() == 0
    assert terminal.left_behind() == []
    sandbox.assert_empty()


def test_filter_narrows_and_escape_widens(flowing: Monitor) -> None:
    flowing.filter_messages("7")
    flowing.terminal.wait_for(
        lambda screen: len(flowing.messages()) > 3 and all("7" in text for text in flowing.messages()),
        what="only messages with a 7",
    )
    flowing.press("escape")
    flowing.terminal.wait_for(
        lambda screen: any("7" not in text for text in flowing.messages()), what="all messages again"
    )


def test_frozen_stands_still_while_everything_flows_on(flowing: Monitor) -> None:
    flowing.press("4", "space")
    flowing.terminal.wait_for("frozen")
    shown, seen = flowing.messages(), flowing.seen()
    flowing.terminal.wait_for(re.compile(r"\d+ new"))
    flowing.terminal.wait_for(lambda screen: flowing.seen() > seen + 20, what="more messages were seen")
    still = flowing.messages()  # there may be more or fewer rows for them by now, when findings come and go
    rows = min(len(still), len(shown))
    assert still[-rows:] == shown[-rows:]
    flowing.press("space")
    flowing.terminal.wait_for("following")
    flowing.terminal.wait_for(lambda screen: flowing.messages()[-1] != shown[-1], what="newer messages")


def test_moving_up_freezes_and_the_end_follows_again(flowing: Monitor) -> None:
    flowing.press("4", "k", "k")
    flowing.terminal.wait_for("frozen")
    flowing.press("G")
    flowing.terminal.wait_for("following")


def test_a_message_opens_and_is_copied(flowing: Monitor) -> None:
    flowing.press("4", "space")
    flowing.terminal.wait_for("frozen")
    text = flowing.messages()[-1]
    flowing.press("enter")
    flowing.terminal.wait_for(lambda screen: text in screen and "hex" in screen, what="the message, opened")
    flowing.press("2")
    flowing.terminal.wait_for(re.compile(r"00000000  4e 75 6d 62 65 72 20"))
    flowing.press("y")
    flowing.terminal.wait_until(lambda: flowing.terminal.clipboard, what="OSC 52")
    assert flowing.terminal.clipboard[-1] == text.encode()
    flowing.terminal.wait_for(re.compile(r"[Cc]opied"))
    flowing.press("escape")
    flowing.terminal.wait_for("frozen")
    flowing.press("y")
    flowing.terminal.wait_until(lambda: len(flowing.terminal.clipboard) == 2, what="OSC 52 again")
    assert b"Number" in flowing.terminal.clipboard[-1]


def test_find_goes_from_match_to_match_without_hiding_the_rest(flowing: Monitor) -> None:
    flowing.terminal.wait_for(lambda screen: flowing.seen() > 60, what="sixty messages")
    flowing.press("4", "space", "f")
    flowing.type_text("Number 05")
    flowing.press("enter")
    flowing.press("N")
    flowing.terminal.wait_for(re.compile(r"^▸.*Number 05\d", re.MULTILINE))
    first = flowing.terminal.row(r"^▸")
    flowing.press("N")
    flowing.terminal.wait_for(
        lambda screen: re.search(r"^▸.*Number 05\d", screen, re.MULTILINE) and flowing.terminal.row(r"^▸") != first,
        what="another match",
    )
    flowing.press("n")
    flowing.terminal.wait_for(lambda screen: flowing.terminal.row(r"^▸") == first, what="the first match again")
    assert any("Number 05" not in text for text in flowing.messages())


def test_the_filtered_log_is_exported_as_json_lines(flowing: Monitor, sandbox: Sandbox) -> None:
    flowing.terminal.wait_for(lambda screen: flowing.seen() > 60, what="sixty messages")
    flowing.filter_messages("Number 05")
    place = sandbox.work / "out.jsonl"
    flowing.dialog("E", "Export messages", {"File": str(place)})
    flowing.terminal.wait_until(place.exists, what="the file")
    records = [json.loads(line) for line in place.read_text().splitlines()]
    assert [record["payload"] for record in records] == [f"Number {n:03d}" for n in range(50, 60)]
    assert {Path(record["fifo"]).name for record in records} == {sandbox.name("news")}
    assert all(record["length"] == 10 for record in records)


def test_pause_go_on_slower_faster_stop_and_forget(flowing: Monitor) -> None:
    flowing.press("2")
    pid = next(pid for pid, row in flowing.actors().items() if row.startswith("producer"))
    process = psutil.Process(pid)
    flowing.press("z")
    flowing.terminal.wait_for(lambda screen: "paused" in state_of(flowing, pid), what="paused")
    assert process.status() == psutil.STATUS_STOPPED
    flowing.press("z")
    flowing.terminal.wait_for(lambda screen: "paused" not in state_of(flowing, pid), what="going on")
    before = flowing.seen()
    flowing.terminal.wait_for(lambda screen: flowing.seen() > before + 10, what="messages again")
    flowing.press("+")
    flowing.terminal.wait_for(
        lambda screen: (rate := re.search(r"(\d+)/s", state_of(flowing, pid))) and int(rate.group(1)) > 60,
        what="twice the rate",
    )
    flowing.press("x")
    flowing.terminal.wait_for(re.compile(rf"○ +{pid}"))
    flowing.terminal.wait_until(lambda: not process.is_running(), what="the process has ended")
    flowing.press("d")
    flowing.terminal.wait_gone(re.compile(rf"○ +{pid}"))


def test_a_killed_consumer_shows_how_it_died_and_its_row_stays(flowing: Monitor) -> None:
    flowing.press("3")
    pid = next(pid for pid, row in flowing.actors().items() if row.startswith("consumer"))
    flowing.press("K")
    flowing.terminal.pause(0.3)
    if psutil.pid_exists(pid):  # it may have asked
        flowing.press("enter")
    flowing.terminal.wait_for(re.compile(rf"○ +{pid}.*(SIGKILL|killed)"))
    assert not psutil.pid_exists(pid)


def test_one_message_is_sent_from_the_keyboard(flowing: Monitor, news: Path) -> None:
    flowing.select_fifo(news.name)
    flowing.dialog("s", "Send one message", {"Text": "by hand"})
    flowing.filter_messages("by hand")
    flowing.terminal.wait_for(lambda screen: flowing.messages() == ["by hand"], what="what was sent")


def test_what_is_wrong_is_said_in_the_dialog_and_nothing_is_lost(
    monitor: Monitor, sandbox: Sandbox, news: Path
) -> None:
    monitor.select_fifo(news.name)
    terminal = monitor.terminal
    terminal.send("w")
    terminal.wait_for("Template")
    monitor.fill({"Rate": "-1"})
    monitor.press("enter")
    terminal.wait_for("0 or more")
    monitor.press("up")
    monitor.press("ctrl+u")
    terminal.type_text("{nonsense}")
    monitor.press("enter")
    terminal.wait_for("unknown field")
    monitor.press("escape")
    terminal.wait_gone("Template")
    (sandbox.work / "file").write_text("kept")
    monitor.press("c")
    terminal.wait_for("New FIFO")
    monitor.fill({"Path": str(sandbox.work / "file")})
    monitor.press("enter")
    terminal.wait_for("already exists")
    monitor.press("escape")
    terminal.wait_gone("New FIFO")
    assert (sandbox.work / "file").read_text() == "kept"
    monitor.press("c")
    terminal.wait_for("New FIFO")
    monitor.fill({"Path": str(sandbox.work / "no" / "such" / "folder")})
    monitor.press("enter")
    terminal.wait_for("does not exist")


def test_a_fifo_replaced_under_our_feet_is_not_removed(monitor: Monitor, sandbox: Sandbox, news: Path) -> None:
    monitor.select_fifo(news.name)
    monitor.press("d")
    monitor.terminal.wait_for("Remove this FIFO?")
    os.mkfifo(sandbox.work / "other")
    os.rename(sandbox.work / "other", news)
    monitor.button("Remove")
    monitor.terminal.wait_for("was replaced")
    assert news.exists()


def test_the_help_names_every_key(monitor: Monitor) -> None:
    monitor.press("?")
    monitor.terminal.wait_for("Create a FIFO")
    monitor.press("escape")
    monitor.terminal.wait_gone("Create a FIFO")


def test_the_palette_finds_an_action(monitor: Monitor) -> None:
    monitor.press("ctrl+p")
    monitor.terminal.pause(0.3)
    monitor.terminal.type_text("new fi")
    monitor.terminal.wait_for("Create a FIFO")


def test_a_name_filter_finds_a_fifo(monitor: Monitor, sandbox: Sandbox) -> None:
    alpha, beta = sandbox.fifo("alpha"), sandbox.fifo("beta")
    monitor.terminal.wait_for(beta.name)
    monitor.press("1", "/")
    monitor.type_text(beta.name[:-2])
    monitor.press("enter")
    monitor.terminal.wait_gone(alpha.name)
    assert beta.name in monitor.terminal.text()


def test_small_screens_have_tabs(sandbox: Sandbox) -> None:
    news = sandbox.fifo("news")
    terminal = sandbox.terminal(sandbox.work, columns=80, rows=24)
    terminal.wait_for(news.name)
    terminal.wait_for(re.compile(r"FIFOs \d+ · Processes \d+ · .*Messages"))
    monitor = Monitor(terminal)
    monitor.start_consumer(news.name)
    monitor.start_producer(news.name, rate="40")
    monitor.press("4")
    terminal.wait_for("Number 010")
    monitor.press("2")
    terminal.wait_for(re.compile(r"● +\d+ +producer"))
    assert monitor.quit() == 0
    assert terminal.left_behind() == []


def test_the_theme_changes(monitor: Monitor) -> None:
    def paper() -> str:
        return str(monitor.terminal.cell(60, 20).bg)

    before = paper()
    monitor.press("t")
    monitor.terminal.wait_until(lambda: paper() != before, what="another background")
