"""The experiments: one file each, and what they are written against.

A lab is a module here that defines `LAB`. Adding a lab is adding a file; see `docs/labs.md`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from pipetui.labs.lab import Lab

_NO_LABS = ("lab", "context", "play")


@lru_cache(maxsize=1)
def all_labs() -> dict[str, Lab]:
    """Return every lab by its name, in the order of the articles they come from."""
    modules = (module for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    names = [module.name for module in modules if module.name not in _NO_LABS]
    found = [importlib.import_module(f"{__name__}.{name}").LAB for name in names]
    return {lab.name: lab for lab in sorted(found, key=lambda lab: (lab.article, lab.order, lab.name))}
