"""The monitor in a terminal as a person uses it: what to press, and how to see that it has happened."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from processes import descendants, describe
from terminal import Terminal

#: The names of the demo's FIFOs.
DEMO_FIFOS = {"orders", "slow", "bursts"}

#: A row of the message log: TIME FIFO WRITER→READER LENGTH TEXT.
MESSAGE = re.compile(r"^[ ▸](\d\d:\d\d:\d\d\.\d{3})  (\S+) +(?:(\d+|\?)→(\d+) +)?([\d,]+)  (.*)$", re.MULTILINE)

#: A field of a dialog: its label at the left border, in a column of its own.
_FIELD = re.compile(r"│ ([A-Z]\w*(?: \w+)*) {2,}\S")
_LABEL_WIDTH = 16


def shows_the_demo(screen: str) -> bool:
    """Tell whether the screen has the three FIFOs, our producers and consumers, and messages."""
    return (
        all(re.search(rf"/{name}\b", screen) for name in DEMO_FIFOS)
        and screen.count("●") >= 2
        and MESSAGE.search(screen) is not None
    )


class Monitor:
    """Steps in the monitor, each of which ends when its effect is on the screen."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    # --- keys -----------------------------------------------------------------------------------------------------

    def press(self, *keys: str, pause: float = 0.3) -> None:
        """Press keys one after the other; each has its effect, or 0.3 s, before the next."""
        for key in keys:
            received, start = self.terminal.received, time.monotonic()
            self.terminal.send(key)
            self.terminal.wait_until(
                lambda: self.terminal.received > received or time.monotonic() - start > pause  # noqa: B023
            )
            self.terminal.pause(0.05, 0.3)

    def type_text(self, text: str) -> None:
        """Type a text and see it."""
        self.terminal.type_text(text)
        self.terminal.wait_for(text)

    def quit(self) -> int:
        """Quit and return the exit code."""
        self.terminal.send("q")
        return self.terminal.wait_exit()

    # --- dialogs --------------------------------------------------------------------------------------------------

    def fill(self, values: Mapping[str, str]) -> None:
        """Fill fields of the open dialog, named by their labels; the first field has the focus."""
        at = 0
        for label, value in values.items():
            self.terminal.wait_for(lambda screen: label in _FIELD.findall(screen), what=f"the field {label}")  # noqa: B023
            steps = _FIELD.findall(self.terminal.text()).index(label) - at
            self._walk(label, steps)
            at += steps
            # a key that is bound runs when it has bubbled up, after letters that came with it: wait for its effect
            self.terminal.send("ctrl+u")
            self.terminal.wait_until(lambda: self._is_blank(label), what=f"the field {label} is cleared")  # noqa: B023
            self.terminal.type_text(value)
            shown = re.compile(rf"│ {label} .*{re.escape(value[-4:])}")
            self.terminal.wait_for(shown, what=f"{value!r} in the field {label}")

    def _walk(self, label: str, steps: int) -> None:
        """Move the focus up or down to a field: the one with a cursor or a lit choice."""
        if steps:
            before = self._colours(label)
            self.terminal.send(*["down" if steps > 0 else "up"] * abs(steps))
            self.terminal.wait_until(lambda: self._colours(label) != before, what=f"the focus on the field {label}")

    def _colours(self, label: str) -> set[str]:
        """Return the backgrounds in the row of a field."""
        place = self.terminal.find(f"│ {label} ")
        assert place, f"no field {label} on the screen:\n{self.terminal.text()}"
        x, y = place
        return {self.terminal.cell(column, y).bg for column in range(x + 2 + len(label), x + 75)}

    def _is_blank(self, label: str) -> bool:
        place = self.terminal.find(f"│ {label} ")
        return place is not None and self.terminal.cell(place[0] + 2 + _LABEL_WIDTH, place[1]).data == " "

    def button(self, label: str) -> None:
        """Go to a button of the open dialog, which does not have the focus yet, and press it."""
        resting = self._button_colour(label)
        for _ in range(4):
            self.press("shift+tab")
            if self._button_colour(label) != resting:
                self.terminal.send("enter")
                return
        raise AssertionError(f"the focus does not come to {label}:\n{self.terminal.text()}")

    def _button_colour(self, label: str) -> str:
        rows = [(line.rindex(f" {label} "), y) for y, line in enumerate(self.terminal.lines()) if f" {label} " in line]
        assert rows, f"no button {label} on the screen:\n{self.terminal.text()}"
        x, y = rows[-1]  # the heading may have the same word
        return self.terminal.cell(x + 1, y).bg

    def dialog(self, key: str, heading: str, values: Mapping[str, str]) -> None:
        """Open a dialog by its key, fill it and press Enter; it closes when the hub has done it."""
        box = re.compile(rf"╭─+ *{heading}")
        self.terminal.send(key)
        self.terminal.wait_for(box)
        self.fill(values)
        self.terminal.send("enter")
        self.terminal.wait_gone(box)

    def create_fifo(self, path: Path) -> None:
        """Create a FIFO."""
        self.dialog("c", "New FIFO", {"Path": str(path)})
        self.terminal.wait_for(re.compile(rf"^ [▸ ] .*{path.name} ", re.MULTILINE))

    def start_producer(self, fifo: str, **values: str) -> None:
        """Start a producer on a FIFO."""
        self.select_fifo(fifo)
        self.dialog("w", "Producer", {name.replace("_", " ").capitalize(): value for name, value in values.items()})

    def start_consumer(self, fifo: str, **values: str) -> None:
        """Start a consumer on a FIFO."""
        self.select_fifo(fifo)
        self.dialog("r", "Consumer", {name.replace("_", " ").capitalize(): value for name, value in values.items()})

    # --- panes ----------------------------------------------------------------------------------------------------

    def select_fifo(self, name: str) -> None:
        """Put the cursor of the FIFOs on the one of this name.

        The monitor lists every FIFO that a process of this machine has open, so the name must be one that nobody else
        uses (`Sandbox.name`), or a test would act on the pipes of strangers.
        """
        wanted = re.compile(rf"^ ▸ \S*/{re.escape(name)}(?: |$)", re.MULTILINE)
        self.press("1")
        for key in ("g", *"j" * 50):
            if wanted.search(self.terminal.text()):
                return
            # a key pressed before the last one's effect is on the screen would run past the FIFO
            before, start = self._chosen(), time.monotonic()
            self.terminal.send(key)
            self.terminal.wait_until(lambda: self._chosen() != before or time.monotonic() - start > 1.0)  # noqa: B023
        self.terminal.wait_for(wanted, 0.0)

    def _chosen(self) -> str:
        """Return the path of the FIFO at the cursor."""
        match = re.search(r"^ ▸ (\S*/\S+)", self.terminal.text(), re.MULTILINE)
        return match.group(1) if match else ""

    def filter_messages(self, text: str) -> None:
        """Show only the messages that hold a text."""
        self.press("4", "/", "ctrl+u")
        self.type_text(text)
        self.press("enter")

    def messages(self) -> list[str]:
        """Return the texts of the messages on the screen, oldest first."""
        return [match.group(6) for match in MESSAGE.finditer(self.terminal.text())]

    def seen(self) -> int:
        """Return how many messages the screen says were seen."""
        match = re.search(r"([\d,.]+)( M| G)? seen", self.terminal.text())
        if match is None:
            return 0
        return int(float(match.group(1).replace(",", "")) * {None: 1, " M": 1e6, " G": 1e9}[match.group(2)])

    def actors(self) -> dict[int, str]:
        """Return our producers and consumers on the screen: pid, and the rest of the row."""
        found = re.finditer(r"[●○] +(\d+) +([^│\n]*)", self.terminal.text())
        return {int(match.group(1)): match.group(2).strip() for match in found}

    # --- processes ------------------------------------------------------------------------------------------------

    def hub(self) -> psutil.Process:
        """Return the hub of this monitor."""
        hubs = [
            child
            for child in psutil.Process(self.terminal.pid).children()
            if re.search(r"pipetui[./]backend", " ".join(child.cmdline())) or child.children()
        ]
        assert len(hubs) == 1, [describe(process) for process in descendants(self.terminal.pid)]
        return hubs[0]
