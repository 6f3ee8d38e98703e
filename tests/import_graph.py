"""Which module of a package imports which, read from the source.

Every import counts: at the top of a file, inside a function, and under `if TYPE_CHECKING`. So a circle can't be broken
by moving an import to where it is not seen.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Each module with those that it imports.
Graph = Mapping[str, frozenset[str]]


def import_graph(package: str, root: Path = ROOT) -> Graph:
    """Return the graph of a package (`pipetui.tui`), whose folder is found below `root`."""
    folder = root.joinpath(*package.split("."))
    files = {_name(path, root): path for path in sorted(folder.rglob("*.py"))}
    return {
        name: frozenset(_targets(ast.parse(path.read_text("utf-8")), name, path, files.keys()))
        for name, path in files.items()
    }


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _targets(tree: ast.AST, module: str, path: Path, known: Iterable[str]) -> Iterator[str]:
    """Yield the modules of the package that a module imports."""
    known = set(known)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                target = f"{source}.{alias.name}" if f"{source}.{alias.name}" in known else source
                if target in known and target != module:
                    yield target


def circles(graph: Graph) -> list[list[str]]:
    """Return the modules that import each other round a circle, as the strongly connected components (Tarjan)."""
    found: list[list[str]] = []
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(module: str) -> None:
        numbers[module] = lowest[module] = len(numbers)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in numbers:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], numbers[target])
        if lowest[module] == numbers[module]:
            circle = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in graph:
        if module not in numbers:
            visit(module)
    return found


def upward(graph: Graph, package: str, layers: Sequence[str]) -> list[str]:
    """Return the imports of a package that go from one of its layers to one above it, as `importer -> imported`.

    `layers` are the names of its folders and files from the top, as import-linter has them: of those in one entry that
    bars divide, none may import another; those that colons divide may. A folder or file that is in none of them counts
    as an import that is wrong.
    """
    ranks = {name.strip(): rank for rank, entry in enumerate(layers) for name in re.split("[|:]", entry)}
    together = {name.strip() for entry in layers if ":" in entry for name in entry.split(":")}
    wrong: list[str] = []
    for module, targets in graph.items():
        here = _layer(module, package)
        if here and here not in ranks:
            wrong.append(f"{module} is in no layer")
        for target in sorted(targets):
            there = _layer(target, package)
            if here == there or here not in ranks or there not in ranks:
                continue
            beside = ranks[there] == ranks[here] and here not in together
            if ranks[there] < ranks[here] or beside:
                wrong.append(f"{module} -> {target}")
    return wrong


def _layer(module: str, package: str) -> str:
    """Return the name of the folder or file of a package in which a module is; nothing for those outside."""
    return module.removeprefix(f"{package}.").partition(".")[0] if module.startswith(f"{package}.") else ""
