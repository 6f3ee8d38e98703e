"""Which labs have been done, and which were predicted correctly: a small file in the user's state folder.

Nothing else is stored. A damaged file counts as empty; if it can't be written, progress lasts as long as the
program runs.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_dir

#: A larger file is not ours (bytes).
_MOST = 1 << 20


def default_path() -> Path:
    """Return where it is kept."""
    return Path(user_state_dir("pipetui")) / "labs.json"


class LabProgress:
    """What has been done, by the names of labs. Every change is written at once."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_path()
        kept = _read(self._path)
        self.done = _names(kept.get("done"))
        self.right = _names(kept.get("right")) & self.done

    def note(self, lab: str, *, right: bool) -> None:
        """Record that a lab was done; `right` if all predictions were correct, which then stays so."""
        if lab in self.done and (lab in self.right or not right):
            return
        self.done.add(lab)
        if right:
            self.right.add(lab)
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        """Put a new file in the place of the old one, so that none is ever half written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"done": sorted(self.done), "right": sorted(self.right)}, indent=1) + "\n"
        handle, name = tempfile.mkstemp(prefix=".labs-", dir=self._path.parent)
        try:
            with open(handle, "w", encoding="ascii") as file:
                file.write(text)
            os.replace(name, self._path)
        except OSError:
            with suppress(OSError):
                os.unlink(name)
            raise


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            kept = json.loads(file.read(_MOST))
    except (OSError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _names(value: object) -> set[str]:
    return {name for name in value if isinstance(name, str)} if isinstance(value, list) else set()
