"""The tier of each test, and what all of them get without asking: temporary folders that no other test looks into.

A tier is a marker: `pytest -m system` runs one, and `pytest --fast` the first two, as `make check` does. The name of a
test's file decides; a marker on a test puts it into a slower one than its file.

- unit: in this process alone
- pilot: the app without a terminal, also in this process alone
- system: the hub, commands and other processes
- e2e: the program in a terminal (a pty, tmux, xterm), or on another host

Tests run in several processes at once, and pipetui looks into the temporary and the runtime folder when nobody says
where: there it would find the FIFOs of the others. A test marked `alone` is one that nobody else's test should see
at all: all that looks at the machine would see what it starts.
"""

from __future__ import annotations

import fcntl
import fnmatch
import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import hypothesis
import pytest

# how long an example takes says more of the other test processes than of what is tested
hypothesis.settings.register_profile("beside others", deadline=None)
hypothesis.settings.load_profile("beside others")

#: The tiers, by patterns of names of files; of several that fit, the first one counts.
TIERS = {
    "test_action_log": "system",
    "test_backend_framing": "unit",
    "test_backend_ring": "unit",
    "test_backend_template": "unit",
    "test_backend_*": "system",
    "test_bench": "system",
    "test_cli_*": "system",
    "test_contract": "unit",
    "test_corpus": "system",
    "test_display_app": "pilot",
    "test_display_bytes": "unit",
    "test_display_pace": "unit",
    "test_display_*": "e2e",
    "test_docs": "system",
    "test_e2e_*": "e2e",
    "test_environment": "system",
    "test_far_*": "e2e",
    "test_hosts": "unit",
    "test_hygiene": "system",
    "test_imports": "unit",
    "test_kernel_*": "system",
    "test_keys": "pilot",
    "test_labs_*": "system",
    "test_pictures": "pilot",
    "test_protocol": "unit",
    "test_publisher": "unit",
    "test_read_only": "system",
    "test_terminal": "e2e",
    "test_tui_parts": "unit",
    "test_tui_pipelines": "unit",
    "test_tui_*": "pilot",
    "test_watch_activity": "unit",
    "test_watch_finder": "unit",
    "test_watch_findings": "unit",
    "test_watch_owners": "unit",
    "test_watch_stuck": "unit",
    "test_watch_tree": "unit",
    "test_watch_*": "system",
}

#: The tiers of tests that start no other process.
FAST = ("unit", "pilot")

#: What a test of the fast tiers may not do, as audit events (see sys.addaudithook).
_STARTS = {"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"}

_fast = False


def _tier_of(file: Path) -> str:
    """Return the tier of a file's tests; it is an error when there is none."""
    for pattern, tier in TIERS.items():
        if fnmatch.fnmatchcase(file.stem, pattern):
            return tier
    raise pytest.Collector.CollectError(f"{file.name} is in no tier: name it in tests/conftest.py")


def _memory() -> str | None:
    """Return a folder in memory, where a FIFO is made in microseconds and not in a millisecond; None if there is none.

    Programs have to run there, too, and a run of all tests needs some room.
    """
    try:
        about = os.statvfs("/dev/shm")
    except OSError:
        return None
    fits = about.f_bavail * about.f_frsize >= 1 << 30 and not about.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    return "/dev/shm" if fits and os.access("/dev/shm", os.W_OK) else None


def pytest_configure() -> None:
    """Put the folders of tests into memory."""
    if memory := _memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only tests that start no other process (unit and pilot)")
    parser.addoption("--renew-pictures", action="store_true", help="store the pictures of screens as they are now")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Don't even import a file of a slow tier when only the fast ones are wanted."""
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return (config.getoption("--fast") and is_test and _tier_of(collection_path) not in FAST) or None


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Refuse a file whose tests would be in no tier."""
    _tier_of(module_path)


@pytest.hookimpl(tryfirst=True)  # before those that `-m` doesn't select are left out
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Put each test into its tier; first come those that run alone, while no other has begun that they'd wait for."""
    items.sort(key=lambda item: item.get_closest_marker("alone") is None)
    slow: list[pytest.Item] = []
    for item in items:
        tiers = [mark.name for mark in item.iter_markers() if mark.name in TIERS.values()]
        tier = tiers[0] if tiers else _tier_of(item.path)
        item.add_marker(tier)
        if tier not in FAST:
            slow.append(item)
    if config.getoption("--fast"):
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def _no_process(event: str, _arguments: tuple[object, ...]) -> None:
    """Keep what is slow out of the fast tiers: a test that starts a process belongs into another."""
    if _fast and event in _STARTS:
        raise AssertionError(f"a test of the fast tiers has started a process ({event})")


sys.addaudithook(_no_process)


@pytest.fixture(autouse=True)
def fast(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold the fast tiers to what they promise."""
    global _fast
    _fast = any(request.node.get_closest_marker(tier) for tier in FAST)
    yield
    _fast = False


@contextmanager
def _locked(path: str, how: int) -> Iterator[None]:
    """Hold a file's flock(2), shared or exclusive; the content of the file plays no part."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # a child that a test has forked and left may have it open still
        os.close(file)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test marked `alone` while no other test process of this checkout runs one.

    Each test holds one lock, shared or alone. To get at it, it must pass a second one, which whoever wants to be alone
    keeps while it waits: so nobody starts until it is through.
    """
    how = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    here = os.path.dirname(__file__)
    with ExitStack() as held:
        with _locked(os.path.join(here, "waiting.py"), how):
            held.enter_context(_locked(os.path.join(here, "conftest.py"), how))
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let this process and all that it starts have temporary files of their own; other users may pass through."""
    tmp_path_factory.getbasetemp()  # stays where it would be without us, since it is kept when a test fails
    with tempfile.TemporaryDirectory(prefix="tests-", dir=_memory()) as own, pytest.MonkeyPatch.context() as patch:
        os.chmod(own, 0o755)
        for variable, name, mode in (("TMPDIR", "tmp", 0o1777), ("XDG_RUNTIME_DIR", "run", 0o700)):
            os.mkdir(os.path.join(own, name))
            os.chmod(os.path.join(own, name), mode)
            patch.setenv(variable, os.path.join(own, name))
        patch.setattr(tempfile, "tempdir", None)
        yield
