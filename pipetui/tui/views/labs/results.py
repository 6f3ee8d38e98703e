"""The results of a run: each prediction beside what was observed, the reason, and the processes' output."""

from __future__ import annotations

from pipetui.model import LabRun, Question, Seen
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.lab_session import LabAttempt
from pipetui.tui.views.cells import Parts, heading, wrap_words
from pipetui.tui.views.labs.lesson import prose
from pipetui.tui.views.labs.run import output_lines, text_of

YES, NO, UNTRIED = "✓", "✗", "–"

#: The hub's word for what was not observed.
NOT_SEEN = "not seen"

#: The most that a line of prose is wide, beside its label (cells).
_WIDE = 96
_LABEL = 10


def result_lines(attempt: LabAttempt, palette: Palette, width: int) -> list[Parts]:
    """Return all that there is to say about a run that has ended."""
    run = attempt.run
    assert run is not None
    width = min(width, _WIDE)
    lines: list[Parts] = []
    if run.trouble:
        lines += [*_wrapped(f"The run did not finish: {run.trouble}.", palette, width), ()]
    for question in attempt.card.questions:
        lines += [*_compared(attempt, question, palette, width), ()]
    lines += _observed(attempt, run, palette, width)
    lines += [heading("WHY", "", palette), *prose(attempt.card.reason, palette.text, palette, width, "  ")]
    if attempt.card.man:
        lines += [(("  See ", palette.dim), (safe(", ".join(attempt.card.man)), palette.accent))]
    if attempt.card.answers:
        lines += [(), heading("ANSWERS", "", palette)]
        lines += [
            line for answer in attempt.card.answers for line in prose(f"“{answer}”", palette.text, palette, width, "  ")
        ]
    output = output_lines(attempt, palette, width)
    return [*lines, (), heading("OUTPUT", "", palette), *output] if output else lines


def _wrapped(sentence: str, palette: Palette, width: int) -> list[Parts]:
    return [((piece, palette.waiting),) for piece in wrap_words(safe(sentence), width)]


def _seen_under(run: LabRun, key: str) -> Seen | None:
    """Return what was seen under a key; None if the run did not come to that."""
    seen = next((seen for seen in run.seen if seen.key == key), None)
    return None if seen is not None and seen.fine is False and seen.value == NOT_SEEN else seen


def _compared(attempt: LabAttempt, question: Question, palette: Palette, width: int) -> list[Parts]:
    """Return a question, what was predicted, what was seen, and the reason."""
    assert attempt.run
    lines: list[Parts] = [((piece, palette.title),) for piece in wrap_words(safe(question.text), width)]
    seen = _seen_under(attempt.run, question.key)
    predicted = attempt.predictions.get(question.key)
    known = seen is not None and seen.fine is not None
    right = known and seen is not None and seen.value == predicted
    if question.key in attempt.predictions:
        mark = ("  ", None) if not known else (f"{YES} ", palette.active) if right else (f"{NO} ", palette.stuck)
        words = text_of(attempt, question.key, predicted)
        lines += _labelled("predicted", words, palette, width, (mark[0], mark[1]))
    if seen is None:
        lines += _labelled("actual", "not seen", palette, width)
    elif seen.fine is None:
        lines += _labelled("actual", f"not tried here: {safe(str(seen.value))}", palette, width)
    else:
        lines += _labelled("actual", text_of(attempt, question.key, seen.value), palette, width)
        lines += _labelled("because", safe(question.because), palette, width)
    return lines


def _labelled(
    label: str, words: str, palette: Palette, width: int, mark: tuple[str, object] = ("  ", None)
) -> list[Parts]:
    style = palette.accent if label == "actual" else palette.text
    lines: list[Parts] = []
    for index, piece in enumerate(wrap_words(words, width - _LABEL - 2)):
        head = label if index == 0 else ""
        lines.append((mark if index == 0 else ("  ", None), (f"{head:<{_LABEL}}", palette.dim), (piece, style)))  # type: ignore[arg-type]
    return lines


def _observed(attempt: LabAttempt, run: LabRun, palette: Palette, width: int) -> list[Parts]:
    """Return what else had to come true, each with a mark; what a question asked, only if it came otherwise."""
    lines: list[Parts] = []
    asked = {question.key for question in attempt.card.questions}
    for observation in attempt.card.observations:
        seen = _seen_under(run, observation.key)
        text = safe(observation.text)
        if observation.key in asked and (seen is None or seen.fine is not False):
            continue
        if seen is None:
            mark, style, text = (UNTRIED, palette.dim, text) if run.trouble else (NO, palette.stuck, text)
            text += " (not seen)"
        elif seen.fine is None:
            mark, style, text = UNTRIED, palette.dim, f"{text} (not tried here: {safe(str(seen.value))})"
        elif seen.fine:
            mark, style = YES, palette.active
        else:
            mark, style, text = NO, palette.stuck, f"{text} (actual: {safe(str(seen.value))})"
        for index, piece in enumerate(wrap_words(text, width - 4)):
            lines.append(((f"  {mark if index == 0 else ' '} ", style), (piece, palette.text)))
    return [heading("OBSERVED", "", palette), *lines, ()] if lines else []
