"""Does one thing to each of several paths: a failure is told and does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipetui.cli.exits import ExitCode, complain
from pipetui.kernel.errors import PipeError


def for_each(paths: Iterable[str], act: Callable[[str], object]) -> int:
    """Call `act` with each path; return OK, or IMPOSSIBLE if it failed for any of them."""
    code = ExitCode.OK
    for path in paths:
        try:
            act(path)
        except PipeError as error:
            complain(str(error))
            code = ExitCode.IMPOSSIBLE
    return code
