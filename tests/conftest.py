"""What every test gets without asking: a temporary and a runtime folder that no other test process looks into.

Tests run in several processes at once, and pipetui looks into the temporary and the runtime folder when nobody says
where: there it would find the FIFOs of the others. A test marked `alone` is one that nobody else's test should see
at all: all that looks at the machine would see what it starts.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

import hypothesis
import pytest

# how long an example takes says more of the other test processes than of what is tested
hypothesis.settings.register_profile("beside others", deadline=None)
hypothesis.settings.load_profile("beside others")


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
    with tempfile.TemporaryDirectory(prefix="tests-") as own, pytest.MonkeyPatch.context() as patch:
        os.chmod(own, 0o755)
        for variable, name, mode in (("TMPDIR", "tmp", 0o1777), ("XDG_RUNTIME_DIR", "run", 0o700)):
            os.mkdir(os.path.join(own, name))
            os.chmod(os.path.join(own, name), mode)
            patch.setenv(variable, os.path.join(own, name))
        patch.setattr(tempfile, "tempdir", None)
        yield
