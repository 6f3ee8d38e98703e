"""The order of the program's folders, as pyproject.toml has it for import-linter: each imports only those below it.

import-linter checks the order too, but says nothing of circles within a folder; here both are looked for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from import_graph import ROOT, circles, import_graph, upward

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


def contracts() -> list[tuple[str, list[str]]]:
    """Return each package whose folders have an order, with its layers from the top."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return [
        (package, contract["layers"])
        for contract in table["tool"]["importlinter"]["contracts"]
        for package in contract.get("containers", ())
    ]


@pytest.mark.parametrize(("package", "layers"), contracts(), ids=[package for package, _ in contracts()])
def test_no_folder_imports_one_above_it_and_no_modules_each_other(package: str, layers: list[str]) -> None:
    graph = import_graph(package)
    assert upward(graph, package, layers) == []
    assert circles(graph) == []


def test_no_modules_of_the_program_import_each_other() -> None:
    assert circles(import_graph("pipetui")) == []


def made(folder: Path, files: dict[str, str]) -> Path:
    """Write a package."""
    for name, text in {"package/__init__.py": "", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "hidden",
    [
        "from package import upper",
        "from package.upper import tiles",
        "import package.upper",
        "from . import upper",
        "from .upper import tiles",
        "def later() -> None:\n    from package.upper import tiles",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.upper import tiles",
    ],
)
def test_an_import_is_seen_wherever_it_hides(tmp_path: Path, hidden: str) -> None:
    root = made(tmp_path, {"package/upper.py": "from package.lower import wall\ntiles = 1", "package/lower.py": hidden})
    graph = import_graph("package", root)
    assert circles(graph) == [["package.lower", "package.upper"]]
    assert upward(graph, "package", ["upper", "lower"]) == ["package.lower -> package.upper"]
    assert upward(graph, "package", ["upper | lower"]) != []
    assert upward(graph, "package", ["upper : lower"]) == []
    assert upward(graph, "package", ["upper"]) == ["package.lower is in no layer"]


def test_a_package_in_order_has_no_circle(tmp_path: Path) -> None:
    files = {"package/upper.py": "from package.floor.wood import plank", "package/floor/__init__.py": ""}
    root = made(tmp_path, {**files, "package/floor/wood.py": "plank = 1"})
    graph = import_graph("package", root)
    assert circles(graph) == []
    assert upward(graph, "package", ["upper", "floor"]) == []
    assert upward(graph, "package", ["floor", "upper"]) == ["package.upper -> package.floor.wood"]
