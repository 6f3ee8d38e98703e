"""Who can never go on: the rule against a brute-force simulation, and each classic and near miss on made-up worlds."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from pipetui.model import Access, End, Finding, Pipe, PipeId, ProcessState, TaskState
from pipetui.watch.findings import judge
from pipetui.watch.stuck import cores, largest, waiting
from pipetui.watch.world import Hidden, World

FIRST, SECOND, THIRD = PipeId(9, 1), PipeId(9, 2), PipeId(9, 3)


def process(pid: int, *tasks: TaskState, parent: int = 1, session: int = 1) -> ProcessState:
    return ProcessState(pid, parent, session, f"prog{pid}", tasks)


def reads(pipe: PipeId, tid: int = 0) -> TaskState:
    return TaskState(tid, "read", pipe, 0)


def writes(pipe: PipeId, tid: int = 0) -> TaskState:
    return TaskState(tid, "write", pipe, 1)


def awaits(*children: int) -> TaskState:
    return TaskState(0, "child", children=children)


def pipe(identity: PipeId, ends: str, path: str = "") -> Pipe:
    """Make a pipe of ends like `1r 2w 3rw`."""
    made = []
    for number, word in enumerate(ends.split()):
        access: Access = "rw" if word.endswith("rw") else "r" if word.endswith("r") else "w"
        made.append(End(int(word.rstrip("rw")), number, access, False))
    return Pipe(identity, "fifo" if path else "anonymous", (path,) if path else (), ends=tuple(made))


def world(pipes: Iterable[Pipe], *processes: ProcessState, hidden: tuple[Hidden, ...] = ()) -> World:
    return World(tuple(pipes), {one.pid: one for one in processes}, hidden, time=1000.0)


def problems(made: World) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.rule, one.pids) for one in judge(made) if one.level == "problem"]


def only(made: World, rule: str) -> Finding:
    (found,) = [one for one in judge(made) if one.rule == rule]
    return found


# --- the fixpoint -----------------------------------------------------------------------------------------------------

GRAPHS = st.dictionaries(
    st.integers(0, 7),
    st.lists(st.frozensets(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=3).map(tuple),
    max_size=8,
)


def simulate(waits: dict[int, tuple[frozenset[int], ...]]) -> frozenset[int]:
    """Let every process that is alive release whoever waits for it, one after the other, until nothing moves."""
    everybody = set(waits) | {pid for tasks in waits.values() for task in tasks for pid in task}
    alive = everybody - set(waits)
    moved = True
    while moved:
        moved = False
        for pid, tasks in waits.items():
            if pid not in alive and any(releaser in alive for task in tasks for releaser in task):
                alive.add(pid)
                moved = True
    return frozenset(everybody - alive)


@settings(max_examples=400)
@given(GRAPHS)
def test_the_largest_stuck_set_is_what_a_simulation_leaves(waits: dict[int, tuple[frozenset[int], ...]]) -> None:
    stuck = largest(waits)
    assert stuck == simulate(waits)
    found = cores(waits, stuck)
    assert frozenset[int]().union(*(core | tail for core, tail in found)) == stuck
    for core, tail in found:
        assert not core & tail
        for pid in core:  # nobody outside can help, and each can reach each
            assert frozenset[int]().union(*waits[pid]) <= core
    assert len({pid for core, _ in found for pid in core}) == sum(len(core) for core, _ in found)


# --- the classics -----------------------------------------------------------------------------------------------------


def test_two_that_write_to_full_pipes_the_other_should_read() -> None:
    made = world([pipe(FIRST, "1w 2r"), pipe(SECOND, "2w 1r")], process(1, writes(FIRST)), process(2, writes(SECOND)))
    assert problems(made) == [("deadlock", (1, 2))]
    found = only(made, "deadlock")
    assert found.headline == "prog1 (1) and prog2 (2) wait for each other, and none can go on"
    assert "pipe:[1]" in found.why
    assert found.certainty == "exact"


def test_a_parent_that_waits_for_a_child_that_writes_to_a_full_pipe() -> None:
    made = world([pipe(FIRST, "1r 2w")], process(1, awaits(2)), process(2, writes(FIRST), parent=1))
    assert problems(made) == [("deadlock", (1, 2))]
    assert "communicate()" in only(made, "deadlock").fix


def test_a_ring_and_who_waits_for_it() -> None:
    pipes = [pipe(FIRST, "1r 2w"), pipe(SECOND, "2r 3w"), pipe(THIRD, "3r 1w")]
    ring = [process(1, reads(FIRST)), process(2, reads(SECOND)), process(3, reads(THIRD)), process(9, awaits(1, 2, 3))]
    made = world(pipes, *ring)
    assert problems(made) == [("deadlock", (1, 2, 3, 9))]
    assert "prog9 (9) in turn waits for them" in only(made, "deadlock").why


def test_on_a_fifo_a_new_process_could_help() -> None:
    pipes = [pipe(FIRST, "1w 2r", "/a"), pipe(SECOND, "2w 1r", "/b")]
    found = only(world(pipes, process(1, writes(FIRST)), process(2, writes(SECOND))), "deadlock")
    assert found.level == "problem"
    assert found.headline.endswith("unless a new process opens /a and /b")
    assert "`cat /a > /dev/null`" in found.fix


def test_a_writer_that_is_its_own_only_reader_waits_for_itself() -> None:
    found = only(world([pipe(FIRST, "1r 1w")], process(1, writes(FIRST))), "deadlock")
    assert (found.level, found.headline) == ("problem", "prog1 (1) waits for itself and can't go on")


# --- near misses ------------------------------------------------------------------------------------------------------


def test_near_misses_are_no_deadlock() -> None:
    pipes = [pipe(FIRST, "1w 2r"), pipe(SECOND, "2w 1r")]
    one, two = process(1, writes(FIRST)), process(2, writes(SECOND))
    assert problems(world(pipes, one, two))
    for doing in ("busy", "sleeping", "waiting", "stopped"):
        assert problems(world(pipes, one, process(2, writes(SECOND), TaskState(22, doing)))) == [], doing
    assert problems(world([pipe(FIRST, "1w 2r 7r"), pipes[1]], one, two, process(7, TaskState(7, "sleeping")))) == []
    assert problems(world([pipe(FIRST, "1w 2r 7r"), pipes[1]], one, two)) == []  # 7 has gone since, or is a zombie
    assert problems(world(pipes, one, process(2, TaskState(2, "write", None, 1)))) == []  # on a pipe we can't tell
    assert problems(world([pipes[0], pipe(SECOND, "2w")], one, two)) == []  # nobody reads: about to get SIGPIPE
    sibling = process(3, TaskState(3, "busy"), parent=1)
    made = world([pipe(FIRST, "1r 2w")], process(1, awaits(2, 3)), process(2, writes(FIRST)), sibling)
    assert problems(made) == []


def test_what_could_not_be_read_may_hold_an_end() -> None:
    pipes = [pipe(FIRST, "1w 2r"), pipe(SECOND, "2w 1r")]
    pair = process(1, writes(FIRST), session=5), process(2, writes(SECOND), session=5)
    assert problems(world(pipes, *pair, hidden=(Hidden(7, 2, 99),))) == []  # a child of one of them
    assert problems(world(pipes, *pair, hidden=(Hidden(8, 7, 99), Hidden(7, 2, 99)))) == []  # or its child
    assert problems(world(pipes, *pair, hidden=(Hidden(7, 1, 5),))) == []  # of the same session
    made = world(pipes, *pair, hidden=(Hidden(7, 0, 99),))  # a stranger
    assert problems(made) == [("deadlock", (1, 2))]
    assert only(made, "deadlock").certainty == "inferred"


# --- a reader that waits for itself -----------------------------------------------------------------------------------


def test_never_eof_is_told_apart_from_deadlock() -> None:
    made = world([pipe(FIRST, "1r 1w")], process(1, reads(FIRST)))
    assert problems(made) == [("never-eof", (1,))]
    found = only(made, "never-eof")
    assert found.headline == "prog1 (1) waits to read pipe:[1] and holds the only write end"
    assert found.fix.startswith("Close fd 1 of prog1 (1)")
    workers = world([pipe(FIRST, "1r 1w 2r 2w")], process(1, reads(FIRST)), process(2, reads(FIRST)))
    assert problems(workers) == [("never-eof", (1, 2))]


def test_a_reader_that_others_may_still_serve_is_fine() -> None:
    assert problems(world([pipe(FIRST, "1r 1w 2w")], process(1, reads(FIRST)), process(2, TaskState(2, "busy")))) == []
    made = world([pipe(FIRST, "1r 1w")], process(1, reads(FIRST, 1), TaskState(11, "waiting")))
    assert [one.rule for one in judge(made)] == []  # its other thread may write


def test_a_fifo_that_is_kept_open_on_purpose_is_only_noted() -> None:
    server = world([pipe(FIRST, "1rw", "/f")], process(1, reads(FIRST)))
    assert only(server, "never-eof").level == "note"
    assert only(world([pipe(FIRST, "1r 1w", "/f")], process(1, reads(FIRST))), "never-eof").level == "warning"
    shell = world([pipe(FIRST, "1rw 2rw", "/f")], process(1, awaits(2)), process(2, reads(FIRST)))
    assert only(shell, "deadlock").level == "note"


def test_an_alarm_bell_of_its_own_is_only_noted() -> None:
    bell = Pipe(FIRST, "anonymous", ends=(End(1, 3, "r", False), End(1, 4, "w", True)))
    assert only(world([bell], process(1, reads(FIRST))), "never-eof").level == "note"


def test_waits_on_nothing_that_we_know_are_not_modelled() -> None:
    assert waiting(world([], process(1), process(2, TaskState(2, "busy")), process(3, reads(FIRST)))) == {}
