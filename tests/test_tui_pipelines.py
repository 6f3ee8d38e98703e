"""How pipes become chains of commands, and who holds up the rest. Pure: made-up pipes, no screen."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tui_fakes import anonymous, fifo

from pipetui.model import Access, End, PipeRow, Process, Waiter
from pipetui.tui.core.theme import palette_for
from pipetui.tui.views.chains import chain_lines
from pipetui.tui.views.pipelines import Chain, bottleneck, chains, doing

FULL = 65536


def pipe(inode: int, writers: str, readers: str, queued: int = 0, *waiters: Waiter) -> PipeRow:
    """Return a pipe between processes named by letters; their pids are the letters' codes."""
    ends = [End(ord(name), 1, "w", command=name) for name in writers]
    ends += [End(ord(name), 0, "r", command=name) for name in readers]
    return anonymous(inode, *ends, queued=queued, waiters=waiters)


def names(chain: Chain) -> str:
    """Return the chain's stages as letters."""
    return "→".join("".join(sorted(map(chr, stage.pids))) or "?" for stage in chain.stages)


def drawn(*rows: PipeRow) -> list[str]:
    """Return the chains of these pipes as letters."""
    return [names(chain) for chain in chains(rows)[0]]


def test_pipes_become_one_chain_whatever_their_order() -> None:
    rows = (pipe(2, "b", "c"), pipe(1, "a", "b"), pipe(3, "c", "d"))
    assert drawn(*rows) == ["a→b→c→d"]
    assert drawn(*reversed(rows)) == ["a→b→c→d"]


def test_a_branch_is_a_chain_of_its_own() -> None:
    assert drawn(pipe(1, "a", "t"), pipe(2, "t", "b"), pipe(3, "b", "c"), pipe(4, "t", "d")) == ["a→t→b→c", "t→d"]


def test_two_that_flow_together() -> None:
    assert drawn(pipe(1, "a", "c"), pipe(2, "b", "c"), pipe(3, "c", "d")) == ["a→c→d", "b→c"]


def test_a_pool_of_workers_and_a_shell_beside_its_child_are_one_stage() -> None:
    assert drawn(pipe(1, "a", "xyz"), pipe(2, "xyz", "b")) == ["a→xyz→b"]
    (chain,) = chains([pipe(1, "sy", "w")])[0]
    assert chain.stages[0].pids == (ord("y"), ord("s")), "the youngest does the work"


def owned(row: PipeRow, writers: str, readers: str) -> PipeRow:
    """Return a pipe with its owners: groups of letters, divided by spaces, each with its owner first."""
    sides = (tuple(tuple(map(ord, group)) for group in side.split()) for side in (writers, readers))
    return replace(row, writers=next(sides), readers=next(sides))


def test_who_has_only_inherited_an_end_makes_no_stage() -> None:
    """A pipeline a | b whose shell s writes to its launcher: so do a and b, but only because they have its output."""
    inner = owned(pipe(1, "a", "b"), "a", "b")
    output = owned(pipe(2, "sab", "L"), "sab", "L")
    assert drawn(inner, output) == ["a→b", "s→L"]
    assert drawn(replace(inner, writers=(), readers=()), replace(output, writers=(), readers=())) != ["a→b", "s→L"]


def test_what_a_copy_is_used_for_is_done_for_its_owner() -> None:
    """A shell loop whose child, of the moment, waits to write."""
    waits = Waiter(ord("x"), ord("x"), "write", 1)
    (chain,) = chains([owned(pipe(1, "sx", "r", FULL, waits), "sx", "r")])[0]
    assert names(chain) == "s→r"
    assert doing(chain, 0, {})[0] == "waits to write"
    busy = {ord("x"): Process(ord("x"), "x", cpu=0.9)}
    (idle,) = chains([owned(pipe(1, "sx", "r"), "sx", "r")])[0]
    assert doing(idle, 0, busy)[0] == "computes"
    (drawing, *_) = chain_lines(idle, {}, palette_for("pipetui-dark"), 80)
    assert "+1" not in "".join(words for words, _ in drawing), "it comes and goes"


def test_who_waits_for_a_reader_of_its_shells_output_is_not_said_to_lag() -> None:
    """`sh -c 'yes | tr y n' | sleep 9`: tr can't write, and that is not its own doing."""
    inner = owned(pipe(1, "y", "t", FULL, Waiter(ord("y"), ord("y"), "write", 1)), "y", "t")
    output = owned(pipe(2, "st", "z", FULL, Waiter(ord("t"), ord("t"), "write", 1)), "st", "z")
    first, second = sorted(chains([inner, output])[0], key=names)
    assert [names(first), names(second)] == ["s→z", "y→t"]
    assert [doing(first, 0, {})[0], doing(second, 1, {})[0]] == ["waits to write", "waits to write"]
    verdict = bottleneck(first)
    assert verdict
    assert verdict.stage == 1
    assert bottleneck(second) is None


def test_a_deadlock_is_called_so_and_nobody_is_said_to_lag() -> None:
    rows = [
        replace(pipe(1, "p", "q", FULL, Waiter(ord("p"), ord("p"), "write", 5)), state="deadlocked", severity="stuck"),
        replace(pipe(2, "q", "p", FULL, Waiter(ord("q"), ord("q"), "write", 1)), state="deadlocked", severity="stuck"),
        pipe(3, "a", "p", FULL),
    ]
    (chain,) = chains(rows)[0]
    assert names(chain) == "a→p→q→p"
    assert [doing(chain, index, {})[0] for index in (1, 2)] == ["deadlocked", "deadlocked"]
    assert bottleneck(chain) is None
    text = "\n".join(
        "".join(words for words, _ in line) for line in chain_lines(chain, {}, palette_for("pipetui-dark"), 100)
    )
    assert "Deadlocked: these stages can't continue by themselves." in text
    assert "lags" not in text
    (chain,) = chains(rows[:1])[0]
    assert bottleneck(chain) is None
    assert [doing(chain, index, {})[0] for index in (0, 1)] == ["deadlocked", "deadlocked"], "one may wait otherwise"


def test_several_pipes_between_the_same_two_are_one_link_and_the_fullest_counts() -> None:
    (chain,) = chains([pipe(1, "a", "b"), pipe(2, "a", "b", FULL)])[0]
    assert len(chain.edges) == 1
    assert chain.edges[0].pressure == "full"


def test_a_ring_comes_back_to_where_it_began() -> None:
    (chain,) = chains([pipe(1, "a", "b"), pipe(2, "b", "c"), pipe(3, "c", "a")])[0]
    assert names(chain) == "a→b→c→a"
    assert chain.ring
    assert bottleneck(chain) is None


def test_a_supervisor_of_many_is_no_pipeline() -> None:
    rows = [each for n, child in enumerate("xyz") for each in (pipe(2 * n, "p", child), pipe(2 * n + 1, child, "p"))]
    assert drawn(*rows) == ["p→x→p", "p→y→p", "p→z→p"]


def test_a_pipe_of_one_process_joins_nobody_and_is_counted() -> None:
    found, left_out = chains([pipe(1, "a", "a"), pipe(2, "ab", "ab"), pipe(3, "a", "")])
    assert (found, left_out) == ([], 3)


def test_a_reader_that_keeps_its_fifo_open_is_still_the_reader() -> None:
    row = fifo(1, "/tmp/f", ends=(End(1, 3, "rw", command="daemon"), End(2, 1, "w", command="client")))
    (chain,) = chains([row])[0]
    assert [stage.pids for stage in chain.stages] == [(2,), (1,)]


def test_a_fifo_in_a_chain_joins_and_who_waits_to_open_it_counts() -> None:
    waits = Waiter(ord("b"), ord("b"), "open-write", command="b")
    (chain,) = chains([pipe(1, "a", "b", FULL), fifo(2, "/tmp/f", waiters=(waits,))])[0]
    assert names(chain) == "a→b→?"
    assert doing(chain, 1, {}) == ("waits for a reader", "waiting")
    verdict = bottleneck(chain)
    assert verdict
    assert verdict.stage == 1


def test_the_bottleneck_has_full_pipes_before_it_and_empty_ones_after_it() -> None:
    (chain,) = chains([pipe(1, "a", "b", FULL), pipe(2, "b", "c", FULL), pipe(3, "c", "d")])[0]
    verdict = bottleneck(chain)
    assert verdict
    assert (verdict.stage, verdict.why) == (2, "everything before it is full, everything after it is empty")
    (chain,) = chains([pipe(1, "a", "b"), pipe(2, "b", "c", FULL)])[0]
    verdict = bottleneck(chain)
    assert verdict
    assert (verdict.stage, verdict.why) == (2, "the pipe before it is full")


def test_where_all_is_empty_and_somebody_waits_the_first_is_waited_for() -> None:
    waits = Waiter(ord("b"), ord("b"), "read", 0)
    (chain,) = chains([pipe(1, "a", "b", 0, waits), pipe(2, "b", "c")])[0]
    verdict = bottleneck(chain)
    assert verdict
    assert (verdict.stage, verdict.pressed) == (0, False)
    (calm,) = chains([pipe(1, "a", "b", 100), pipe(2, "b", "c")])[0]
    assert bottleneck(calm) is None


def test_what_each_stage_does() -> None:
    rows = [
        pipe(1, "a", "b", FULL, Waiter(ord("a"), ord("a"), "write", 1)),
        pipe(2, "b", "c", 0, Waiter(ord("c"), ord("c"), "read", 0)),
    ]
    (chain,) = chains(rows)[0]
    processes = {ord("b"): Process(ord("b"), "b", cpu=0.9)}
    assert [doing(chain, index, processes)[0] for index in range(3)] == ["waits to write", "computes", "waits to read"]
    assert doing(chain, 1, {})[0] == "lags"
    (calm,) = chains([pipe(1, "a", "b"), pipe(2, "b", "c")])[0]
    assert doing(calm, 1, {ord("b"): Process(ord("b"), "b", cpu=0.0)})[0] == "waits for something else"


ends = st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["r", "w", "rw"])), max_size=6)


@given(st.lists(ends, max_size=12), st.integers(12, 200))
def test_any_tangle_is_drawn_with_each_pipe_and_fits(tangle: list[list[tuple[int, Access]]], width: int) -> None:
    rows = [
        anonymous(inode, *(End(pid, fd, access, command=f"command {pid}") for fd, (pid, access) in enumerate(held)))
        for inode, held in enumerate(tangle)
    ]
    found, left_out = chains(rows)
    shown = {row.pipe.id for chain in found for link in chain.edges for row in link.rows}
    assert len(shown) + left_out == sum(bool(row.pipe.ends) for row in rows)
    for chain in found:
        assert len(chain.stages) == len(chain.edges) + 1
        lines = chain_lines(chain, {}, palette_for("pipetui-dark"), max(40, width))
        assert all(sum(len(words) for words, _ in line) <= max(40, width) for line in lines)
    assert {chain.key for chain in chains(list(reversed(rows)))[0]} == {chain.key for chain in found}
