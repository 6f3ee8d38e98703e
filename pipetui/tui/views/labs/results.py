"""What came of a run: the prediction beside what was seen, the reason, and what the processes said."""

from __future__ import annotations

from pipetui.model import LabRun, Question, Seen
from pipetui.text import safe
from pipetui.tui.core.theme import Palette
from pipetui.tui.state.lab_session import Study
from pipetui.tui.views.cells import Parts
from pipetui.tui.views.labs.lesson import prose
from pipetui.tui.views.labs.run import said_lines, text_of
from pipetui.tui.views.words import heading
from pipetui.tui.widgets.sheet import wrap_words

YES, NO, UNTRIED = "✓", "✗", "–"

#: What the hub says of what did not turn up.
NOT_SEEN = "not seen"

#: The most that a line of prose is wide, beside its label (cells).
_WIDE = 96
_LABEL = 10


def verdict_lines(study: Study, look: Palette, width: int) -> list[Parts]:
    """Return all that there is to say about a run that has ended."""
    run = study.run
    assert run is not None
    width = min(width, _WIDE)
    lines: list[Parts] = []
    if run.trouble:
        lines += [*_wrapped(f"It did not come to its end: {run.trouble}.", look, width), ()]
    for question in study.card.questions:
        lines += [*_compared(study, question, look, width), ()]
    lines += _observed(study, run, look, width)
    lines += [heading("WHY", "", look), *prose(study.card.reason, look.text, look, width, "  ")]
    if study.card.man:
        lines += [(("  See ", look.dim), (safe(", ".join(study.card.man)), look.accent))]
    if study.card.answers:
        lines += [(), heading("THIS ANSWERS", "", look)]
        lines += [line for answer in study.card.answers for line in prose(f"“{answer}”", look.text, look, width, "  ")]
    said = said_lines(study, look, width)
    return [*lines, (), heading("THEY SAID", "", look), *said] if said else lines


def _wrapped(sentence: str, look: Palette, width: int) -> list[Parts]:
    return [((piece, look.waiting),) for piece in wrap_words(safe(sentence), width)]


def _told(run: LabRun, key: str) -> Seen | None:
    """Return what was seen under a key; None if the run did not come to that."""
    seen = next((seen for seen in run.seen if seen.key == key), None)
    return None if seen is not None and seen.fine is False and seen.value == NOT_SEEN else seen


def _compared(study: Study, question: Question, look: Palette, width: int) -> list[Parts]:
    """Return a question, what was predicted, what was seen, and the reason."""
    assert study.run
    lines: list[Parts] = [((piece, look.title),) for piece in wrap_words(safe(question.text), width)]
    seen = _told(study.run, question.key)
    said = study.said.get(question.key)
    known = seen is not None and seen.fine is not None
    right = known and seen is not None and seen.value == said
    if question.key in study.said:
        mark = ("  ", None) if not known else (f"{YES} ", look.active) if right else (f"{NO} ", look.stuck)
        words = text_of(study, question.key, said)
        lines += _labelled("you said", words, look, width, (mark[0], mark[1]))
    if seen is None:
        lines += _labelled("it was", "not seen", look, width)
    elif seen.fine is None:
        lines += _labelled("it was", f"not tried here: {safe(str(seen.value))}", look, width)
    else:
        lines += _labelled("it was", text_of(study, question.key, seen.value), look, width)
        lines += _labelled("because", safe(question.because), look, width)
    return lines


def _labelled(
    label: str, words: str, look: Palette, width: int, mark: tuple[str, object] = ("  ", None)
) -> list[Parts]:
    style = look.accent if label == "it was" else look.text
    lines: list[Parts] = []
    for index, piece in enumerate(wrap_words(words, width - _LABEL - 2)):
        head = label if index == 0 else ""
        lines.append((mark if index == 0 else ("  ", None), (f"{head:<{_LABEL}}", look.dim), (piece, style)))  # type: ignore[arg-type]
    return lines


def _observed(study: Study, run: LabRun, look: Palette, width: int) -> list[Parts]:
    """Return what else had to come true, each with a mark; what a question asked, only if it came otherwise."""
    lines: list[Parts] = []
    asked = {question.key for question in study.card.questions}
    for observation in study.card.observations:
        seen = _told(run, observation.key)
        text = safe(observation.text)
        if observation.key in asked and (seen is None or seen.fine is not False):
            continue
        if seen is None:
            mark, style, text = (UNTRIED, look.dim, text) if run.trouble else (NO, look.stuck, text)
            text += " (not seen)"
        elif seen.fine is None:
            mark, style, text = UNTRIED, look.dim, f"{text} (not tried here: {safe(str(seen.value))})"
        elif seen.fine:
            mark, style = YES, look.active
        else:
            mark, style, text = NO, look.stuck, f"{text} (it was: {safe(str(seen.value))})"
        for index, piece in enumerate(wrap_words(text, width - 4)):
            lines.append(((f"  {mark if index == 0 else ' '} ", style), (piece, look.text)))
    return [heading("SEEN", "", look), *lines, ()] if lines else []
