"""A first-time learner's way through three labs, in a real terminal, with no keys but those on the screen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from monitor import Monitor
from processes import Sandbox
from terminal import Terminal

from pipetui.labs import all_labs
from pipetui.labs.lab import Lab

#: How long a lab may take as it is told (seconds).
TIMEOUT = 60.0


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as made:
        yield made


class Learner:
    """Somebody who reads the screen: every key is found in the footer, by what it is said to do."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.monitor = Monitor(terminal)

    def press(self, label: str) -> None:
        """Press the key that the footer names for something."""
        pattern = re.compile(rf"(?:^ |   )(\S+) {re.escape(label)}(?:   |$)")
        self.terminal.wait_for(lambda screen: pattern.search(screen.splitlines()[-1]), what=f"a key for {label!r}")
        found = pattern.search(self.terminal.lines()[-1])
        assert found
        self.monitor.press({"esc": "escape"}.get(found.group(1), found.group(1)))

    def to_lab(self, lab: Lab) -> None:
        """Go down the list to a lab."""
        chosen = re.compile(rf"^ ▸ . {re.escape(lab.title[:25])}", re.MULTILINE)
        for key in ("g", *["down"] * len(all_labs())):
            if chosen.search(self.terminal.text()):
                return
            # a key pressed before the last one's effect is on the screen would run past the lab
            before, start = self._row(), time.monotonic()
            self.monitor.press(key)
            self.terminal.wait_until(lambda: self._row() != before or time.monotonic() - start > 3.0)  # noqa: B023
        self.terminal.wait_for(chosen, 0.0)

    def _row(self) -> str:
        """Return the row of the list at the cursor."""
        return next((row[:45] for row in self.terminal.lines() if row.startswith(" ▸")), "")

    def predict(self, lab: Lab) -> None:
        """Answer every question, with what will turn out to be true; the last answer runs the lab."""
        expected = {observation.key: observation.expected for observation in lab.observations}
        for question in lab.questions:
            self.terminal.wait_for(" ".join(question.text.split())[:40])
            values = [choice.value for choice in question.choices]
            number = values.index(expected[question.key]) + 1
            self.terminal.wait_for(f"( )  {number}  ")
            self.terminal.send(str(number))
            self.terminal.wait_for(f"(•)  {number}  ")
            self.press("run it" if question is lab.questions[-1] else "next question")

    def read(self, lab: Lab) -> None:
        """Wait for the end, see that all was right, and read on to the reason."""
        all_right = f"{len(lab.questions)} of {len(lab.questions)} predicted correctly"
        self.terminal.wait_for(all_right, TIMEOUT)
        assert re.search(r"✓ predicted .*\n.* actual ", self.terminal.text())
        assert "because" in self.terminal.text()
        reason = re.escape(" ".join(lab.reason.split())[:25])
        for _ in range(6):
            if re.search(reason, self.terminal.text()):
                break
            self.monitor.press("pagedown")
        self.terminal.wait_for(re.compile(reason))


def test_three_labs_from_the_demo_with_the_keys_on_the_screen(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    learner = Learner(terminal)
    learner.press("labs")
    terminal.wait_for(re.compile(r"LABS 0 of \d+ done"))
    for done, name in enumerate(("rendezvous", "numbers", "unused-ends"), 1):
        lab = all_labs()[name]
        learner.to_lab(lab)
        learner.press("open lab")
        learner.predict(lab)
        learner.read(lab)
        terminal.wait_for(f"LABS {done} of ")
        learner.press("back")
        if done == 1:
            learner.press("pace")
            learner.press("pace")
            terminal.wait_for("pace fast")
        terminal.wait_for(re.compile(rf"▸ ★ {re.escape(lab.title[:25])}"))
    learner.press("back")
    terminal.wait_for("MESSAGES")
    assert learner.monitor.quit() == 0
    assert terminal.left_behind() == []
    sandbox.assert_empty()


def test_what_was_done_is_known_the_next_time_on_a_small_screen_too(sandbox: Sandbox) -> None:
    lab = all_labs()["rendezvous"]
    for known in ("LABS 0 of", "LABS 1 of"):
        terminal = sandbox.terminal("demo", columns=80, rows=24)
        learner = Learner(terminal)
        learner.press("labs")
        terminal.wait_for(known)
        learner.press("pace")
        learner.press("pace")
        terminal.wait_for("pace fast")
        learner.to_lab(lab)
        learner.press("open lab")
        learner.predict(lab)
        learner.read(lab)
        terminal.kill()
        terminal.wait_exit()


def test_a_lab_is_no_film_its_fifo_is_in_the_monitor_and_its_processes_can_be_looked_at(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    learner = Learner(terminal)
    learner.press("labs")
    terminal.wait_for("LABS")
    learner.press("pace")
    terminal.wait_for("slow motion")
    learner.to_lab(all_labs()["rendezvous"])
    learner.press("run")
    terminal.wait_for(re.compile(r"writer +\d+ +waits to open greetings: no reader"), TIMEOUT)
    learner.press("details")
    terminal.wait_for(re.compile(r"PROCESS \d+"))
    learner.press("back")
    learner.press("monitor")
    terminal.wait_for(re.compile(r"/rendezvous|/greetings"))
    learner.monitor.select_fifo("greetings")
    learner.press("labs")
    terminal.wait_for("RUNNING")
    learner.press("stop")
    terminal.wait_for("The run did not finish: it was stopped.")
    learner.press("back")
    terminal.wait_for("open lab")
    learner.press("back")
    terminal.wait_for("MESSAGES")
    assert learner.monitor.quit() == 0
    sandbox.assert_empty()


def test_make_it_mine_starts_what_was_edited(sandbox: Sandbox) -> None:
    terminal = sandbox.terminal("demo")
    learner = Learner(terminal)
    learner.press("labs")
    terminal.wait_for("LABS")
    learner.to_lab(all_labs()["rendezvous"])
    learner.press("open lab")
    learner.press("make it mine")
    terminal.wait_for(re.compile(r"Consumer, 1 of 2"))
    terminal.send("enter")
    terminal.wait_for(re.compile(r"Producer, 2 of 2"))
    learner.monitor.fill({"Template": "mine {n}", "Rate": "20"})
    terminal.send("enter")
    terminal.wait_for(re.compile(r"▸ \S*greetings"))
    terminal.wait_for("mine 1")
    assert learner.monitor.quit() == 0
    sandbox.assert_empty()
