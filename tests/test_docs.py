"""The README tells the truth where that can be checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import questions

from pipetui.cli.app import COMMANDS
from pipetui.tui.actions import markdown_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_keys_are_those_of_the_program() -> None:
    table = README.split("<!-- keys:")[1].split("-->")[1].split("<!-- /keys")[0]
    assert table.strip() == markdown_table().strip()


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"\]\((screenshots/[^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_every_command_is_described() -> None:
    assert [name for name in COMMANDS if name != "hub" and f"`pipetui {name}" not in README] == []


@pytest.mark.parametrize("number", range(len(questions.QUESTIONS)), ids=lambda number: questions.QUESTIONS[number].asks)
def test_each_answer_is_what_the_command_prints(number: int) -> None:
    """Numbers differ, and others' pipes may be listed too; every line of the README must be there."""
    _, output = questions.answer(questions.QUESTIONS[number])
    said = questions.normal(output)
    if "ls --all" in questions.QUESTIONS[number].command:
        lines = [questions.normal(line) for line in questions.shown()[number].splitlines()]
        assert [line for line in lines if line not in said] == []
    else:
        assert questions.normal(questions.shown()[number]) == said
