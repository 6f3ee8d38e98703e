"""The docs tell the truth where that can be checked."""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pages
import pytest
import questions
from lab_runs import rehearse, script
from pages import ROOT

from pipetui.cli import bench, doctor, lab, ls, pipes
from pipetui.cli.app import COMMANDS, MONITOR, Parser, load
from pipetui.model import (
    BenchMechanism,
    BenchReport,
    End,
    Finding,
    LabCard,
    LabRun,
    Line,
    Pipe,
    PipeId,
    ProcessState,
    TaskState,
    Waiter,
)
from pipetui.protocol.operations import Diagnosis, Listed
from pipetui.tui.state import export
from pipetui.watch.findings import RULES

README = pages.README.read_text()
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


# --- links and paths --------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        place, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@functools.cache
def files() -> tuple[str, ...]:
    """Return the files of the project, each with its path and a slash in front."""
    found: list[str] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in (".git", ".venv", "__pycache__")]
        found += [f"/{(Path(folder) / name).relative_to(ROOT).as_posix()}" for name in names]
    return tuple(found)


def is_there(name: str) -> bool:
    """Whether a file, or a folder (with a slash at its end), is called so, as seen from anywhere in the project."""
    if name.endswith("/"):
        return any(f"/{name}" in file for file in files())
    return any(file.endswith(f"/{name}") for file in files())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """A name in backquotes with a known suffix or a slash at its end; absolute ones and patterns are not ours."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    named = re.findall(r"(?<![\w`])`([\w.][\w./-]*(?:\.(?:py|md|toml|yml|svg)|/))`", text)
    elsewhere = {"config.toml"}
    assert [name for name in named if name not in elsewhere and not is_there(name)] == []


# --- commands ---------------------------------------------------------------------------------------------------------


def parser(name: str) -> argparse.ArgumentParser:
    made = Parser(prog=name, allow_abbrev=False)
    load(name).add_arguments(made)
    return made


def commands(text: str) -> list[list[str]]:
    """Return the words of each command of ours behind a prompt, up to a pipe, a redirection or a comment."""
    lines = re.findall(r"^\$ (pipetui.*)$", "\n".join(blocks(text, "console")), re.MULTILINE)
    return [re.split(r"\s(?:\||\|\||&&|>|#)\s", f"{line} ")[0].split()[1:] for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_is_understood(page: Path) -> None:
    for words in commands(page.read_text()):
        if words[:1] == ["COMMAND"]:
            continue
        name, rest = (words[0], words[1:]) if words[:1] and words[0] in COMMANDS else (MONITOR, words)
        parser(name).parse_args(rest)  # leaves with a complaint


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_is_one(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z]+)", page.read_text())) <= targets


def usage(name: str) -> str:
    """Return the heading and the text that describe a command."""
    heading = "[PATH…]" if name == MONITOR else name
    return COMMAND_LINE.split(f"### `pipetui {heading}")[1].split("\n#")[0]


@pytest.mark.parametrize("name", [name for name in (*COMMANDS, MONITOR) if name != "hub"])
def test_every_command_and_option_is_described(name: str) -> None:
    words = usage(name)
    far = {"--host", "--python"} if name != MONITOR else set()  # told once for all commands
    for action in parser(name)._actions:
        options = set(action.option_strings) - {"-h", "--help"} - far
        assert [option for option in options if option not in words] == []
        for choice in action.choices or () if name != "bench" else ():
            assert str(choice) in words


# --- JSON -------------------------------------------------------------------------------------------------------------

PIPE = Pipe(PipeId(1, 2), ends=(End(1, 2, "r"),), waiters=(Waiter(1, 2, "read"),))
PROCESS = ProcessState(1, 0, 1, "cat", (TaskState(1, "read"),))
DIAGNOSIS = Diagnosis("box", 1.0, 0, (), (Finding("stale", "note", (), (), "", "", ""),), 1, 1, PROCESS)
BENCH = bench.as_json(BenchReport((BenchMechanism("pipe", "pipe"),)), 1.0, 1.0)


def json_fields() -> dict[str, Iterable[str]]:
    pipe = pipes.pipe_as_json(PIPE)
    diagnosis = doctor.as_json(DIAGNOSIS)
    card = LabCard("", "", "", "", "", (), (), (), "", ())
    return {
        "ls": ls.as_json(Listed("box", 1.0, 0, ()), [PIPE]),
        "pipe": pipe,
        "end": pipe["ends"][0],
        "waiter": pipe["waiters"][0],
        "doctor": diagnosis,
        "finding": diagnosis["findings"][0],
        "process": diagnosis["process"],
        "task": diagnosis["process"]["tasks"][0],
        "lab": lab._as_json(card, LabRun(1, ""), 1.0),
        "bench": BENCH,
        "mechanism": BENCH["mechanisms"][0],
        "message": json.loads(export.as_json(Line(1, 1.0, "", 1, piece="split"), "box")),
    }


@pytest.mark.parametrize(("section", "fields"), json_fields().items())
def test_every_field_of_the_json_is_described(section: str, fields: Iterable[str]) -> None:
    table = COMMAND_LINE.split(f"<!-- fields: {section} -->")[1].split("<!-- /fields -->")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(fields)


def test_every_rule_is_described() -> None:
    table = COMMAND_LINE.split("| rule | says |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(RULES)


# --- other files ------------------------------------------------------------------------------------------------------


def test_the_workflow_tests_what_the_project_allows() -> None:
    project, workflow = (ROOT / "pyproject.toml").read_text(), (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    (python,) = re.findall(r'requires-python = ">=([\d.]+)"', project)
    ((oldest, below),) = re.findall(r'"textual>=([\d.]+),<(\d+)"', project)
    assert f'python: ["{python}", ' in workflow
    assert set(re.findall(r'"(textual[<=]+[\d.]+)"', workflow)) == {f"textual=={oldest}", f"textual<{below}"}


# --- what the program tells -------------------------------------------------------------------------------------------


def test_the_keys_are_those_of_the_program() -> None:
    assert pages.between(pages.KEYS.read_text(), "keys") == pages.keys(), "renew them with: make docs"


def test_the_lab_that_the_docs_show_is_one(tmp_path: Path) -> None:
    (code,) = blocks((ROOT / "docs" / "labs.md").read_text(), "python")
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


def test_the_readme_asks_questions_that_are_answered() -> None:
    rows = re.findall(r"^\| (.*\?) \| `(.*)` \|$", pages.between(README, "most asked"), re.MULTILINE)
    asked = {question.text: question.command for question in questions.QUESTIONS}
    assert len(rows) == 5
    assert {text: command.replace("\\|", "|") for text, command in rows}.items() <= asked.items()
    assert pages.between(README, "answer") in pages.QUESTIONS.read_text()


@pytest.mark.parametrize("number", range(len(questions.QUESTIONS)), ids=lambda number: questions.QUESTIONS[number].text)
def test_each_answer_is_what_the_command_prints(number: int) -> None:
    """Numbers differ, and how long somebody waits."""
    question = questions.QUESTIONS[number]
    assert f"## {question.text}\n" in pages.QUESTIONS.read_text()
    assert question.advice in pages.QUESTIONS.read_text()
    _, output = questions.answer(question)
    assert questions.normal(questions.shown()[number]) == questions.normal(output)
