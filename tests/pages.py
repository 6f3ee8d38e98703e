"""The parts of the docs that the program itself tells: the table of keys, and the answers to what people ask.

`make docs` writes them where `between` finds their marks, and tests compare them. This is the only file that knows
where the program keeps its actions.
"""

from __future__ import annotations

from pathlib import Path

from pipetui.tui.core.actions import SCOPE_TITLES, in_scope, key_name

ROOT = Path(__file__).resolve().parent.parent
KEYS = ROOT / "docs" / "keys.md"
QUESTIONS = ROOT / "docs" / "questions.md"
README = ROOT / "README.md"


def keys() -> str:
    """Return a table of the keys of each screen or pane."""
    parts = []
    for scope, title in SCOPE_TITLES.items():
        rows = [f"## {title}", "", "| key | what it does | to pipes | name |", "| --- | --- | --- | --- |"]
        for action in in_scope(scope):
            names = " ".join(f"`{key_name(key)}`" for key in action.keys)
            rows.append(f"| {names} | {action.help} | {action.effect} | `{action.id}` |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _cut(text: str, section: str) -> tuple[str, str, str]:
    """Return what stands before, between and behind the marks `<!-- section: … -->` and `<!-- /section -->`."""
    start = text.index("-->\n", text.index(f"<!-- {section}:")) + len("-->\n")
    end = text.index(f"<!-- /{section} -->")
    return text[:start], text[start:end], text[end:]


def between(text: str, section: str) -> str:
    """Return what stands between the marks of a section."""
    return _cut(text, section)[1].strip()


def replaced(text: str, section: str, content: str) -> str:
    """Return `text` with something else between the marks of a section."""
    before, _, behind = _cut(text, section)
    return f"{before}\n{content.strip()}\n\n{behind}"
