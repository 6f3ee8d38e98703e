"""What each part of the program may load: a hub must start fast on a bare host, and a command that draws nothing
must not pay for a screen.

Each test looks at `sys.modules` of a real interpreter, so imports inside functions count when they are reached.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hubclient import HubClient

from pipetui.model import ConsumerSpec, ProducerSpec

ROOT = Path(__file__).resolve().parent.parent

#: `__mp_main__` is the name that multiprocessing, once imported, gives to `__main__` as well.
STANDARD = frozenset(sys.stdlib_module_names) | {"pipetui", "__mp_main__"}

#: Run by a child: the code in argv[1], then the names of all modules that it loaded, on a line of their own.
LOADED = """
import sys
before = set(sys.modules)
try:
    exec(sys.argv.pop(1))
except SystemExit as leave:
    assert not leave.code, leave.code
finally:
    print("\\nLOADED", *sorted(set(sys.modules) - before), file=sys.stderr)
"""

#: A hub in an interpreter without site-packages: what a host without pipetui and psutil has.
BARE_HUB = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipetui.backend.main import main; sys.exit(main())"


def loaded(code: str, *options: str) -> set[str]:
    """Return the full names of the modules that `code` loads in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, *options, "-c", LOADED, code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    lines = [line for line in done.stderr.split("\n") if line.startswith("LOADED")]
    assert done.returncode == 0, done.stderr
    assert lines, done.stderr
    return set(lines[-1].split()[1:])


def command(*arguments: str) -> str:
    """Return code that runs a pipetui command."""
    return f"sys.argv[:] = {['pipetui', *arguments]!r}; from pipetui.__main__ import main; sys.exit(main())"


def tops(modules: set[str]) -> set[str]:
    """Return the top-level names of modules."""
    return {name.partition(".")[0] for name in modules}


def test_a_hub_loads_only_the_standard_library_and_psutil() -> None:
    assert tops(loaded("import pipetui.backend.main")) - STANDARD <= {"psutil"}


def test_all_that_travels_to_other_hosts_imports_on_a_bare_interpreter() -> None:
    code = f"""
sys.path.insert(0, {str(ROOT)!r})
import importlib, pkgutil, pipetui
for room in ("kernel", "watch", "labs", "backend"):
    if importlib.util.find_spec("pipetui." + room) is None:
        continue
    package = importlib.import_module("pipetui." + room)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import pipetui.model, pipetui.text
"""
    modules = loaded("import importlib.util\n" + code, "-I", "-S")
    assert tops(modules) - STANDARD <= {"psutil"}
    assert "pipetui.backend.main" in modules


def test_a_hub_works_without_psutil(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    with HubClient([tmp_path], argv=[sys.executable, "-I", "-S", "-c", BARE_HUB]) as hub:
        hub.create_fifo(path)
        consumer = hub.start(ConsumerSpec(str(path)))
        hub.start(ProducerSpec(str(path), rate=50, count=5))
        hub.wait_for(lambda: hub.counts.seen >= 5, what="five messages through a hub without psutil")
        hub.wait_for(lambda: hub.pipe(path) is not None, what="the FIFO in the table")
        assert hub.actors[consumer].counters.messages == 5


def test_the_version_costs_neither_a_parser_nor_a_screen() -> None:
    modules = loaded(command("--version"))
    assert not tops(modules) & {"argparse", "textual", "rich", "asyncio", "psutil", "json", "subprocess"}


@pytest.mark.parametrize("name", ["ls", "create", "rm", "send", "tail", "completions"])
def test_a_command_that_draws_nothing_loads_no_screen(name: str, tmp_path: Path) -> None:
    path = tmp_path / "made"
    arguments = {
        "ls": ("ls", "--json", str(tmp_path)),
        "create": ("create", str(path)),
        "rm": ("rm", str(path)),
        "completions": ("completions", "bash"),
    }.get(name, (name, "--help"))
    if name == "rm":
        os.mkfifo(path)
    assert not tops(loaded(command(*arguments))) & {"textual", "rich"}


def test_lines_of_the_demo_load_no_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert not tops(loaded(command("demo", "--plain", "--seconds", "0.5"))) & {"textual", "rich"}
