"""Which lines of the message log are in sight: the state behind the log's widget, without any drawing.

Following, the newest lines stay in sight. Frozen, nothing moves: the lines in sight are kept as they are, and more
of the log is asked for, page by page, as the cursor nears an edge of what is held. Every page asked for has an id
of its own, so that a late answer to a question left behind changes nothing. Messages are known by their numbers;
a `Skip` stands for messages that passed while more came than fit on the screen (the log still has them).
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipetui.client.session import LogPage, LogView
from pipetui.model import Line, LogCounts, LogFilter


@dataclass(frozen=True, slots=True)
class Skip:
    """`count` matching messages, the last of them `number` at most, that were not shown."""

    number: int
    count: int


Item = Line | Skip
Asking = Literal["follow", "count", "older", "newer", "jump"]

#: Lines held when following, and at most.
_KEPT = 600
_MOST = 6000
_PAGE = 200
_MARGIN = 30


def weight(item: Item) -> int:
    """Return for how many messages an item stands."""
    return item.count if isinstance(item, Skip) else max(1, item.gap)


class LogWindow:
    """The state. `send_view` is called with each view that the hub should send from now on."""

    def __init__(self, send_view: Callable[[LogView], None]) -> None:
        self._send_view = send_view
        self._view = LogView()
        self._asking: Asking = "follow"
        self._jump_row = 0
        self._jumping = False
        self.items: list[Item] = []
        self.filter = LogFilter()
        self.following = True
        self.cursor: int | None = None
        self.top = 0
        self.height = 20
        self.width = 200
        self.newer = 0
        self.older = True
        self.passed = 0
        self.trouble = ""
        self.counts = LogCounts()

    # --- what is in sight -----------------------------------------------------------------------------------------

    @property
    def below(self) -> int:
        """How many matching messages are newer than the last line in sight."""
        return self.newer + sum(weight(item) for item in self.items[self.top + self.height :])

    def index(self, number: int) -> int:
        """Return the index of the item `number`, or of the first after it."""
        return bisect.bisect_left(self.items, number, key=lambda item: item.number)

    @property
    def current(self) -> Item | None:
        """The item under the cursor; following, the newest."""
        if not self.items:
            return None
        if self.cursor is None:
            return self.items[-1]
        return self.items[min(self.index(self.cursor), len(self.items) - 1)]

    # --- asking ---------------------------------------------------------------------------------------------------

    def _ask(self, asking: Asking, anchor: int = 0, before: int = 0, after: int = 1) -> None:
        self._asking = asking
        self._view = LogView(
            self._view.id + 1, self.filter, asking == "follow", anchor, before, after, max(80, self.width)
        )
        self._send_view(self._view)

    def _ask_follow(self) -> None:
        self._ask("follow", after=max(self.height, 20))

    def _ask_count(self) -> None:
        self._ask("count", self.items[-1].number if self.items else 0)

    def _ask_jump(self, number: int, row: int) -> None:
        self.following = False
        self.cursor = number
        self._jump_row, self._jumping = row, True
        self._ask("jump", number, _PAGE, _PAGE)

    def reset(self) -> None:
        """Forget everything (another hub), and follow again."""
        self.items, self.counts, self.newer, self.passed, self.trouble = [], LogCounts(), 0, 0, ""
        self.follow()

    def resize(self, width: int, height: int) -> None:
        """Take the size of the screen."""
        grown = height > self._view.after or width > self._view.width
        self.width, self.height = width, max(1, height)
        if self.following:
            self._to_bottom()
            if grown:
                self._ask_follow()
        else:
            self._clamp()

    def set_filter(self, wanted: LogFilter) -> None:
        """Show what passes another filter; frozen, stay near the cursor."""
        if wanted == self.filter:
            return
        self.filter, self.passed = wanted, 0
        if self.following or self.cursor is None:
            self._ask_follow()
        else:
            self._ask_jump(self.cursor, max(0, self.index(self.cursor) - self.top))

    # --- moving ---------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Go to the newest and stay there."""
        self.following, self.cursor, self.newer = True, None, 0
        self._ask_follow()
        self._to_bottom()

    def freeze(self) -> None:
        """Keep what is in sight; the cursor is on the newest line."""
        if not self.following:
            return
        self.following = False
        self._drop_before_gap()
        self.cursor = self.items[-1].number if self.items else None
        self.newer, self.older = 0, True
        if not self._near_edge(-1):
            self._ask_count()

    def _drop_before_gap(self) -> None:
        """Forget lines above the last skip that is out of sight: what lies between must be asked for first."""
        for index in range(self.top - 1, -1, -1):
            if isinstance(self.items[index], Skip):
                del self.items[: index + 1]
                self.top -= index + 1
                return

    def move(self, lines: int) -> None:
        """Move the cursor; this freezes."""
        self.freeze()
        if not self.items or self.cursor is None:
            return
        index = max(0, min(self.index(self.cursor) + lines, len(self.items) - 1))
        self.cursor = self.items[index].number
        self.top = max(min(self.top, index), index - self.height + 1)
        self._near_edge(lines)

    def scroll(self, lines: int) -> None:
        """Scroll, the cursor kept in sight; this freezes."""
        if self.following and lines > 0:
            return
        self.freeze()
        if not self.items or self.cursor is None:
            return
        self.top += lines
        self._clamp()
        index = max(self.top, min(self.index(self.cursor), self.top + self.height - 1, len(self.items) - 1))
        self.cursor = self.items[index].number
        self._near_edge(lines)

    def oldest(self) -> None:
        """Go to the oldest message that the log still has."""
        self._ask_jump(1, 0)

    def jump(self, number: int) -> None:
        """Put the cursor on the message `number`, wherever it is."""
        self.freeze()
        index = self.index(number)
        if index < len(self.items) and self.items[index].number == number:
            self.cursor = number
            if not self.top <= index < self.top + self.height:
                self.top = index - self.height // 2
                self._clamp()
            self._near_edge(-1)
        else:
            self._ask_jump(number, self.height // 2)

    def _near_edge(self, direction: int) -> bool:
        """Ask for more where the cursor's way leads to the edge of what is held; say whether that was needed."""
        if not self.items:
            return False
        if direction < 0 and self.older and self.top < _MARGIN:
            if self._asking != "older":
                self._ask("older", self.items[0].number, _PAGE, 1)
            return True
        if direction > 0 and self.newer and self.top + self.height > len(self.items) - _MARGIN:
            if self._asking != "newer":
                self._ask("newer", self.items[-1].number, 0, _PAGE)
            return True
        return False

    def _clamp(self) -> None:
        self.top = max(0, min(self.top, len(self.items) - self.height))

    def _to_bottom(self) -> None:
        self.top = max(0, len(self.items) - self.height)

    # --- pages ----------------------------------------------------------------------------------------------------

    def take(self, page: LogPage) -> bool:
        """Take a page; return whether the lines in sight may have changed."""
        if page.view != self._view.id:
            return False
        self.counts, self.trouble = page.counts, page.trouble
        takers: dict[Asking, Callable[[LogPage], bool]] = {
            "follow": self._take_follow,
            "count": self._take_count,
            "older": self._take_older,
            "newer": self._take_newer,
            "jump": self._take_jump,
        }
        return takers[self._asking](page)

    def _take_follow(self, page: LogPage) -> bool:
        if not page.append and not page.skipped:
            changed = self.items != list(page.lines)
            self.items = list(page.lines)
            self._to_bottom()
            return changed
        if page.skipped:
            self.passed += page.skipped
            first = page.lines[0].number if page.lines else (self.items[-1].number + 2 if self.items else 1)
            self.items.append(Skip(first - 1, page.skipped))
        late = bool(self.items and page.lines) and page.lines[0].number < self.items[-1].number
        self.items += page.lines
        if late:  # of several hosts one may tell a little later than the others
            self.items.sort(key=lambda item: item.number)
        if len(self.items) > _KEPT * 2:
            del self.items[:-_KEPT]
        self._to_bottom()
        return bool(page.lines or page.skipped)

    def _take_count(self, page: LogPage) -> bool:
        self.newer = page.newer + (0 if self.items else len(page.lines))
        return False

    def _take_older(self, page: LogPage) -> bool:
        first = self.items[0].number if self.items else 0
        lines = [line for line in page.lines if line.number < first]
        self.items[:0] = lines
        self.top += len(lines)
        self.older = page.older
        if len(self.items) > _MOST:
            self.newer += sum(weight(item) for item in self.items[_MOST:])
            del self.items[_MOST:]
        self._ask_count()
        return False

    def _take_newer(self, page: LogPage) -> bool:
        last = self.items[-1].number if self.items else 0
        lines = [line for line in page.lines if line.number > last]
        self.items += lines
        self.newer = page.newer
        if len(self.items) > _MOST:
            gone = len(self.items) - _MOST
            if gone <= self.top:
                del self.items[:gone]
                self.top -= gone
                self.older = True
        self._ask_count()
        return bool(lines)

    def _take_jump(self, page: LogPage) -> bool:
        self.newer = page.newer
        if page.append:
            return False
        if self.items and self.cursor is not None and not self._jumping:
            self._jump_row = self.index(self.cursor) - self.top
        self._jumping = False
        self.items, self.older = list(page.lines), page.older
        if self.items and self.cursor is not None:
            index = min(self.index(self.cursor), len(self.items) - 1)
            self.cursor = self.items[index].number
            self.top = index - self._jump_row
        self._clamp()
        return True
