"""The README tells the truth where that can be checked."""

from __future__ import annotations

import re
from pathlib import Path

from pipetui.cli.app import COMMANDS
from pipetui.tui.actions import markdown_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_keys_are_those_of_the_program() -> None:
    table = README.split("checked by a test -->")[1].split("<!-- /keys -->")[0]
    assert table.strip() == markdown_table().strip()


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"\]\((screenshots/[^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_every_command_is_described() -> None:
    assert [name for name in COMMANDS if name != "hub" and f"`pipetui {name}" not in README] == []
