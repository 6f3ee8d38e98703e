"""What every test gets without asking: a temporary and a runtime folder that no other test process looks into.

Tests run in several processes at once, and pipetui looks into the temporary and the runtime folder when nobody says
where: there it would find the FIFOs of the others.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import hypothesis
import pytest

# how long an example takes says more of the other test processes than of what is tested
hypothesis.settings.register_profile("beside others", deadline=None)
hypothesis.settings.load_profile("beside others")


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
