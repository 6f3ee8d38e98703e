#!/usr/bin/env python3
"""Writes into the README what can be had from the program: the table of keys, and the answers to what people ask.

Each answer's command is run in a real situation. `--keys` leaves the answers as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from questions import markdown

from pipetui.tui.core.actions import markdown_table

README = Path(__file__).resolve().parent.parent / "README.md"


def replaced(text: str, section: str, content: str) -> str:
    """Put `content` between the marks `<!-- section: …-->` and `<!-- /section -->`."""
    before, rest = text.split(f"<!-- {section}:")
    opening, rest = rest.split("-->\n", 1)
    return (
        f"{before}<!-- {section}:{opening}-->\n{content.strip()}\n<!-- /{section} -->"
        + rest.split(f"<!-- /{section} -->")[1]
    )


def main() -> int:
    """Write both sections anew."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keys", action="store_true")
    text = replaced(README.read_text(), "keys", markdown_table())
    if not options.parse_args().keys:
        text = replaced(text, "questions", markdown())
    README.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
