"""The README tells the truth where that can be checked."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import questions
from lab_runs import rehearse, script

from pipetui.cli.app import COMMANDS
from pipetui.tui.core.actions import markdown_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_keys_are_those_of_the_program() -> None:
    table = README.split("<!-- keys:")[1].split("-->")[1].split("<!-- /keys")[0]
    assert table.strip() == markdown_table().strip()


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"\]\((screenshots/[^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_the_lab_that_the_docs_show_is_one(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "labs.md").read_text(), re.DOTALL)
    place = tmp_path / "drawer.py"
    place.write_text(code)
    spec = importlib.util.spec_from_file_location("drawer", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    seen, events = rehearse(module.LAB)
    assert {key: one.fine for key, one in seen.items()} == {"left": True}, script(events)
    assert module.LAB.card().code[0].text.startswith("def careless")


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
