"""A question and its possible answers, one of which is marked: `(•)`."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip

from pipetui.text import safe
from pipetui.tui.core.actions import BY_ID, keys_of
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.lab_session import LabAttempt
from pipetui.tui.views.cells import Part, Parts, strip, wrap_words
from pipetui.tui.widgets.lists import LineList


class AnswerList(LineList):
    """The widget. Arrows or a number mark an answer, Enter takes it; the attempt keeps the mark."""

    DEFAULT_CSS = "AnswerList { height: auto; }"

    class Marked(Message):
        """Another answer is marked."""

    class Taken(Message):
        """Enter: the marked answer is the prediction, if one is marked."""

    class Scrolled(Message):
        """What stands above is to be scrolled by so many lines."""

        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, keys: dict[str, tuple[str, ...]]) -> None:
        super().__init__(id="choices")
        self._keys = keys_of(BY_ID["labs_choose"], keys)
        self._attempt: LabAttempt | None = None
        self._lines: list[tuple[int | None, Parts]] = []

    def show(self, attempt: LabAttempt, width: int, hint: Parts) -> int:
        """Show the question of an attempt; return how many lines that takes."""
        self._attempt = attempt
        lines = _lines(attempt, self.palette, max(20, width - 2))
        lines += [(None, ()), (None, hint)]
        if lines != self._lines:
            self._lines = lines
            self.refresh()
        return len(lines)

    @property
    def _count(self) -> int:
        question = self._attempt.question if self._attempt else None
        return len(question.choices) if question else 0

    # --- the mark -------------------------------------------------------------------------------------------------

    def mark(self, index: int) -> None:
        """Mark an answer."""
        if self._attempt is not None and 0 <= index < self._count and self._attempt.mark != index:
            self._attempt.mark = index
            self.post_message(self.Marked())

    def move(self, lines: int) -> None:
        if self._attempt is None or not self._count or abs(lines) > 1:
            self.post_message(self.Scrolled(lines))
        elif self._attempt.mark is None:
            self.mark(0 if lines > 0 else self._count - 1)
        else:
            self.mark(max(0, min(self._attempt.mark + lines, self._count - 1)))

    def page(self) -> int:
        """Return how many lines of what stands above are a page."""
        return 10

    def to_first(self) -> None:
        self.post_message(self.Scrolled(-10_000))

    def to_last(self) -> None:
        self.post_message(self.Scrolled(10_000))

    def scroll_lines(self, lines: int) -> None:
        self.post_message(self.Scrolled(lines))

    def open(self) -> None:
        self.post_message(self.Taken())

    def on_key(self, event: events.Key) -> None:
        if event.key in self._keys:
            self.mark(self._keys.index(event.key))

    def on_click(self, event: events.Click) -> None:
        choice = self._lines[event.y][0] if event.y < len(self._lines) else None
        if choice is None or self._attempt is None:
            return
        if self._attempt.mark == choice:
            self.open()
        else:
            self.mark(choice)

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        if y >= len(self._lines):
            return Strip.blank(self.size.width, palette.base)
        choice, parts = self._lines[y]
        marked = choice is not None and self._attempt is not None and choice == self._attempt.mark
        base = palette.base + (palette.cursor if self.has_focus else palette.shadow) if marked else palette.base
        return strip(((" ", None), *parts), self.size.width, base)


def _lines(attempt: LabAttempt, palette: Palette, width: int) -> list[tuple[int | None, Parts]]:
    """Return the question and its answers, each line with the number of the answer that it belongs to."""
    question = attempt.question
    if question is None:
        words = "All questions answered." if attempt.card.questions else "This lab has no questions: run it and see."
        return [(None, ((words, palette.text),))]
    lines: list[tuple[int | None, Parts]] = [
        (None, ((piece, palette.title),)) for piece in wrap_words(safe(question.text), width)
    ]
    for index, choice in enumerate(question.choices):
        marked = index == attempt.mark
        for row, piece in enumerate(wrap_words(safe(choice.text), width - 8)):
            head: tuple[Part, ...] = ((" " * 8, None),)
            if row == 0:
                head = (("(•) " if marked else "( ) ", palette.accent), (f" {index + 1}  ", palette.dim))
            lines.append((index, (*head, (piece, palette.text))))
    return lines
