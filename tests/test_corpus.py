"""A few looks at each workload of the corpus: nothing healthy is called sick, and everything sick is found.

`benchmarks/doctor.py` looks for longer, at older processes, and at every variant of every sick workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest
from corpus import WORKLOADS
from corpus.folder import CorpusFolder, why_not
from corpus.looking import Tally, compare_twins, look
from corpus.running import end, start
from corpus.workload import ALL, Kind, Variant, Workload

#: So many healthy workloads run side by side.
_HEALTHY_GROUPS = 3
_LOOKS = 4


@pytest.fixture(scope="module")
def folder() -> Iterator[CorpusFolder]:
    made = CorpusFolder()
    yield made
    made.close()


def here(kind: Kind) -> list[Workload]:
    return [one for one in WORKLOADS if one.kind == kind and not why_not(one)]


def looked_at(chosen: Sequence[tuple[Workload, Variant]], folder: CorpusFolder) -> list[Tally]:
    began = start(chosen, folder)
    try:
        assert began.failures == []
        tallies = [Tally(run) for run in began.runs]
        for _ in range(_LOOKS):
            look(tallies)
        compare_twins(tallies, "at first")
        return tallies
    finally:
        end(began.runs)


def mistakes(tallies: Sequence[Tally]) -> list[str]:
    return [
        f"{one.run.name}: found in {one.found} of {one.due} looks; {dict(one.alarms or one.instead)} {one.unlike}"
        for one in tallies
        if not one.is_right
    ]


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    kinds = [one.kind for one in WORKLOADS]
    assert kinds.count("healthy") >= 60
    assert kinds.count("sick") >= 40
    assert len({one.name for one in WORKLOADS}) == len(WORKLOADS)
    pairs = [one.pair for one in WORKLOADS if one.kind == "twin"]
    assert all(pairs.count(pair) == 2 for pair in pairs)


@pytest.mark.parametrize("group", range(_HEALTHY_GROUPS))
def test_nothing_healthy_is_called_sick(group: int, folder: CorpusFolder) -> None:
    assert mistakes(looked_at([(one, "plain") for one in here("healthy")[group::_HEALTHY_GROUPS]], folder)) == []


def test_everything_sick_is_found_with_exactly_its_members(folder: CorpusFolder) -> None:
    assert mistakes(looked_at([(one, "plain") for one in here("sick")], folder)) == []


def test_no_name_no_wrapper_and_no_bystander_hides_it(folder: CorpusFolder) -> None:
    """Each in one variant, in turns; the benchmark runs all of them."""
    turns = cycle(ALL[1:])
    chosen: list[tuple[Workload, Variant]] = []
    for one in here("sick"):
        able = [variant for variant in (next(turns), *ALL[1:]) if variant in one.variants]
        chosen.append((one, able[0]))
    assert mistakes(looked_at(chosen, folder)) == []


def test_twins_get_the_same_verdict_and_it_is_no_problem(folder: CorpusFolder) -> None:
    assert mistakes(looked_at([(one, "plain") for one in here("twin")], folder)) == []
