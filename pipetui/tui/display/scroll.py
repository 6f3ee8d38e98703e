"""Which rows have moved, and whether letting the terminal move them saves bytes.

As ncurses does (hashmap.c): differing rows that both frames have exactly once are paired by hash, a pair grows into a
hunk while the rows above and below are equal at the same distance, and a hunk is worth a scroll when it spares more
cells than the sequences cost. The terminal scrolls a region of whole rows; what it shifts in is blank.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import ne, or_

from pipetui.tui.display.frame import Row

#: What a scroll costs in bytes: setting the region, going there, scrolling, resetting it.
COST = 20

#: What a run of cells costs beyond its text: a move and a change of the pen.
_RUN = 12

#: A frame rarely has more than one region that moves; each try costs time.
_MOST = 4


@dataclass(frozen=True)
class Scroll:
    """Rows `top` to `bottom` (both included) move up by `lines`, or down when that is negative."""

    top: int
    bottom: int
    lines: int


def scrolled(rows: list[Row], scroll: Scroll, fresh: Row) -> list[Row]:
    """Return what the terminal shows after a scroll; `fresh` is what it shifts in."""
    part = rows[scroll.top : scroll.bottom + 1]
    lines = min(abs(scroll.lines), len(part))
    part = part[lines:] + [fresh] * lines if scroll.lines > 0 else [fresh] * lines + part[: len(part) - lines]
    return rows[: scroll.top] + part + rows[scroll.bottom + 1 :]


def marks(old: Row, new: Row) -> bytes:
    """Return a byte for each cell: 1 where the rows differ, else 0."""
    differ = bytes(map(ne, old.chars, new.chars))
    return differ if old.styles == new.styles else bytes(map(or_, differ, map(ne, old.styles, new.styles)))


def cost(old: Row, new: Row) -> int:
    """Return about how many bytes it takes to turn one row into another: the cells that differ, and going there."""
    if old is new or old == new:
        return 0
    differ = marks(old, new)
    return differ.count(1) + _RUN * (differ.count(b"\0\1") + differ.startswith(b"\1"))


def differing(old: list[Row], new: list[Row]) -> list[int]:
    """Return the rows that differ, from the top."""
    return [y for y, (one, other) in enumerate(zip(old, new, strict=True)) if one is not other and one != other]


def candidates(old: list[Row], new: list[Row], among: list[int]) -> list[Scroll]:
    """Return the scrolls that would bring rows of `old` to where `new` has them; `among` are the rows that differ.

    Rows between them that do not differ, blank ones for instance, may move along.
    """
    if len(among) < 2:
        return []
    positions = _unique(old, among)
    area = range(among[0], among[-1] + 1)
    found: list[Scroll] = []
    end = area.start
    for row, y in _unique(new, among).items():
        was = positions.get(row, y)
        if was == y or y < end:
            continue
        shift = was - y
        first = last = y
        while first - 1 in area and first - 1 + shift in area and old[first - 1 + shift] == new[first - 1]:
            first -= 1
        while last + 1 in area and last + 1 + shift in area and old[last + 1 + shift] == new[last + 1]:
            last += 1
        found.append(Scroll(min(first, first + shift), max(last, last + shift), shift))
        end = last + 1
    return found


def _unique(rows: list[Row], among: list[int]) -> dict[Row, int]:
    """Return the positions of the rows that occur once, from the top."""
    positions: dict[Row, int] = {}
    twice: set[Row] = set()
    for y in among:
        if positions.setdefault(rows[y], y) != y:
            twice.add(rows[y])
    for row in twice:
        del positions[row]
    return positions


def saved(old: list[Row], new: list[Row], scroll: Scroll, fresh: Row) -> int:
    """Return how many bytes a scroll saves, about."""
    after = scrolled(old, scroll, fresh)
    rows = range(scroll.top, scroll.bottom + 1)
    return sum(cost(old[y], new[y]) - cost(after[y], new[y]) for y in rows) - COST


def pays(old: list[Row], new: list[Row], scroll: Scroll, fresh: Row) -> bool:
    """Whether a scroll saves bytes; faster than `saved`, because a few rows can decide it."""
    after = scrolled(old, scroll, fresh)
    rows = range(scroll.top, scroll.bottom + 1)
    debt = COST + sum(cost(after[y], new[y]) for y in rows)
    for y in rows:
        debt -= cost(old[y], new[y])
        if debt < 0:
            return True
    return False


def find_scrolls(old: list[Row], new: list[Row], fresh: Row) -> tuple[list[Scroll], list[Row]]:
    """Return the scrolls that save bytes, in order, and what the terminal shows after them."""
    scrolls: list[Scroll] = []
    while len(scrolls) < _MOST:
        tries = candidates(old, new, differing(old, new))
        if len(tries) == 1:
            tries = [scroll for scroll in tries if pays(old, new, scroll, fresh)]
        else:
            worth = [(saved(old, new, scroll, fresh), scroll) for scroll in tries]
            tries = [scroll for gain, scroll in sorted(worth, key=lambda pair: -pair[0])[:1] if gain > 0]
        if not tries:
            break
        scrolls.append(tries[0])
        old = scrolled(old, tries[0], fresh)
    return scrolls, old
