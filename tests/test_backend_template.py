"""Templates: numbers in text, and nothing that a template could reach beyond that."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.backend.actors.template import BadTemplate, compile_template


def test_the_counter_is_formatted_as_the_template_says() -> None:
    render = compile_template("Number {n:03d}")
    assert [render(n) for n in (0, 7, 1234)] == ["Number 000", "Number 007", "Number 1234"]


def test_braces_can_be_written() -> None:
    assert compile_template('{{"id": {n}}}')(5) == '{"id": 5}'


def test_pid_time_and_random_are_filled_in() -> None:
    pid, time, random = compile_template("{pid} {time:.1f} {random}")(0).split()
    assert int(pid) == os.getpid()
    assert float(time) > 1e9
    assert 0 <= int(random) < 1_000_000


@pytest.mark.parametrize(
    "template",
    ["{x}", "{}", "{0}", "{n.real}", "{n[0]}", "{n:d", "n}", "{n:{pid}}", "{n:999999999}", "{n:q}", "{time:d}"],
)
def test_anything_else_is_refused_in_one_sentence(template: str) -> None:
    with pytest.raises(BadTemplate) as refusal:
        compile_template(template)
    assert "\n" not in str(refusal.value)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_every_text_is_a_template_or_refused(template: str) -> None:
    try:
        render = compile_template(template)
    except BadTemplate:
        return
    assert isinstance(render(3), str)
