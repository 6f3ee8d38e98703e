"""What the terminal certainly supports beyond a VT100, from its environment and its terminfo entry.

A wrong "yes" spoils the screen, a wrong "no" costs some bytes; so when in doubt the answer is no.

- Background colour erase (`bce`): kitty has none whatever its TERM says; tmux has it though its terminfo denies it.
- Repeating a character (REP, ECMA-48 8.3.103): many terminals that call themselves xterm lack it.
- Scrolling by a count (SU, SD): terminfo's `indn`; else line by line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Terminals that have REP in every version still in use, by the beginning of TERM.
_REPEATS = ("foot", "alacritty")


@dataclass(frozen=True)
class Abilities:
    """What the terminal can do; the defaults hold for every terminal."""

    bce: bool = False
    repeat: bool = False
    scroll_by: bool = False
    scroll: bool = True


def _terminfo(term: str) -> tuple[bool, bool]:
    """Return whether terminfo has `bce` and `indn` for this terminal."""
    try:
        import curses

        with open("/dev/null", "wb") as nowhere:
            curses.setupterm(term, nowhere.fileno())
        return curses.tigetflag("bce") > 0, bool(curses.tigetstr("indn"))
    except Exception:  # a build without curses, a TERM without an entry: each in its own class of error
        return False, False


def abilities(env: Mapping[str, str]) -> Abilities:
    """Return what this environment's terminal certainly supports."""
    term = env.get("TERM", "")
    if env.get("TMUX"):
        return Abilities(bce=True, repeat=False, scroll_by=True)
    bce, scroll_by = _terminfo(term)
    if "kitty" in term or env.get("KITTY_WINDOW_ID"):
        bce = False
    return Abilities(bce=bce, repeat=term.startswith(_REPEATS), scroll_by=scroll_by)
