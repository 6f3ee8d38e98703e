#!/usr/bin/env python3
"""Writes into the docs what the program itself tells: the keys, and the answers to what people ask.

Each answer's command is run in a real situation; this takes a minute. `--keys` leaves the answers as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import pages
import questions


def main() -> int:
    """Write the pages."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keys", action="store_true", help="write the table of keys only")
    pages.KEYS.write_text(pages.replaced(pages.KEYS.read_text(), "keys", pages.keys()))
    if not options.parse_args().keys:
        sections = questions.sections()
        pages.QUESTIONS.write_text(
            pages.replaced(pages.QUESTIONS.read_text(), "questions", "\n".join(sections.values()))
        )
        pages.README.write_text(
            pages.replaced(pages.README.read_text(), "answer", questions.block(sections[questions.SHOWN]))
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
