"""Whose a side of a pipe is, among all that have a copy of it: made-up families, and one real one."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import wait_until

from pipetui.kernel.procfs import Proc
from pipetui.model import Access, End, Kind, Pipe, PipeId, Waiter, WaitKind
from pipetui.watch.owners import owners
from pipetui.watch.world import observe

LAUNCHER, SHELL, SLEEP, CAT, OTHER = 10, 20, 30, 40, 50


def pipe(*ends: tuple[int, int, Access], kind: Kind = "anonymous", **waits: WaitKind) -> Pipe:
    """Return a pipe with these ends (pid, fd, access); `_30="read"` lets the process 30 wait."""
    waiters = tuple(Waiter(int(pid[1:]), int(pid[1:]), wait) for pid, wait in waits.items())
    return Pipe(PipeId(1, 1), kind, ends=tuple(End(*end) for end in ends), waiters=waiters)


def test_one_that_is_alone_owns_its_side_whatever_its_number_is() -> None:
    alone = pipe((CAT, 0, "r"), (OTHER, 7, "w"))
    assert owners(alone, "r", {}) == {CAT: (CAT,)}
    assert owners(alone, "w", {}) == {OTHER: (OTHER,)}
    assert owners(pipe((CAT, 0, "r")), "w", {}) == {}


def test_the_child_that_a_loop_has_forked_for_a_moment_is_no_owner() -> None:
    loop = pipe((SHELL, 1, "w"), (SLEEP, 1, "w"), (CAT, 0, "r"))
    assert owners(loop, "w", {SLEEP: SHELL}) == {SHELL: (SHELL, SLEEP)}
    assert owners(loop, "r", {SLEEP: SHELL}) == {CAT: (CAT,)}


def test_what_a_launcher_has_open_belongs_to_it_and_not_to_what_it_starts() -> None:
    log = pipe((LAUNCHER, 9, "r"), (SHELL, 9, "r"), (SLEEP, 9, "r"), (OTHER, 2, "w"))
    assert owners(log, "r", {SHELL: LAUNCHER, SLEEP: SHELL}) == {LAUNCHER: (LAUNCHER, SHELL, SLEEP)}
    assert owners(log, "r", {SLEEP: LAUNCHER}) == {LAUNCHER: (LAUNCHER, SLEEP), SHELL: (SHELL,)}, "one is unrelated"


def test_a_whole_pipeline_inherits_its_shells_output_but_for_the_ends_it_was_given() -> None:
    output = pipe((SHELL, 1, "w"), (SLEEP, 2, "w"), (CAT, 1, "w"), (CAT, 2, "w"))
    assert list(owners(output, "w", {SLEEP: SHELL, CAT: SHELL})) == [SHELL]
    between = pipe((SLEEP, 1, "w"), (CAT, 0, "r"))
    assert list(owners(between, "w", {SLEEP: SHELL, CAT: SHELL})) == [SLEEP]


def test_what_a_parent_gave_its_child_as_a_stream_is_the_childs() -> None:
    given_away = pipe((SHELL, 5, "r"), (SHELL, 6, "w"), (CAT, 0, "r"))
    assert owners(given_away, "r", {CAT: SHELL}) == {CAT: (CAT,)}
    assert owners(given_away, "w", {CAT: SHELL}) == {SHELL: (SHELL,)}


def test_of_an_anonymous_pipe_a_copy_beside_a_stream_is_a_leak_but_a_fifo_may_have_been_opened() -> None:
    ends: tuple[tuple[int, int, Access], ...] = ((OTHER, 5, "w"), (CAT, 1, "w"))
    assert list(owners(pipe(*ends), "w", {})) == [CAT]
    assert list(owners(pipe(*ends, kind="fifo"), "w", {})) == [CAT, OTHER]
    assert list(owners(pipe(*ends, kind="fifo"), "w", {CAT: OTHER})) == [CAT]


def test_who_waits_is_an_owner_and_who_waits_in_open_has_no_end_yet() -> None:
    waits = pipe((SHELL, 5, "r"), (OTHER, 5, "r"), _50="read")
    assert list(owners(waits, "r", {})) == [OTHER]
    assert owners(pipe(_40="open-read", kind="fifo"), "r", {}) == {CAT: (CAT,)}
    assert owners(pipe(_40="open-read", kind="fifo"), "w", {}) == {}
    held = pipe((SHELL, 5, "r"), (SLEEP, 5, "r"), _30="read")
    assert owners(held, "r", {SLEEP: SHELL}) == {SHELL: (SHELL, SLEEP)}, "the copy is still the parent's"


def test_workers_whose_parent_has_gone_are_all_owners() -> None:
    assert list(owners(pipe((30, 4, "r"), (40, 4, "r"), (50, 4, "r")), "r", {30: 1, 40: 1, 50: 1})) == [30, 40, 50]


def test_an_end_for_both_is_an_owner_of_either_side() -> None:
    both = pipe((CAT, 3, "rw"), (OTHER, 1, "w"), kind="fifo")
    assert list(owners(both, "r", {})) == [CAT]
    assert list(owners(both, "w", {})) == [CAT, OTHER]


families = st.dictionaries(st.integers(1, 8), st.integers(0, 8))
held = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 4), st.sampled_from(["r", "w", "rw"])), max_size=8)
waiting = st.lists(
    st.tuples(st.integers(1, 8), st.sampled_from(["read", "write", "open-read", "open-write"])), max_size=3
)


@given(held, waiting, families, st.sampled_from(["fifo", "anonymous"]))
def test_whoever_is_there_somebody_owns_it_and_nobody_twice(
    held: list[tuple[int, int, Access]], waiting: list[tuple[int, WaitKind]], parents: dict[int, int], kind: Kind
) -> None:
    waiters = tuple(Waiter(pid, pid, wait) for pid, wait in waiting)
    one = Pipe(PipeId(1, 1), kind, ends=tuple(End(*end) for end in held), waiters=waiters)
    other = Pipe(PipeId(1, 1), kind, ends=tuple(End(*end) for end in reversed(held)), waiters=waiters[::-1])
    for access, kinds in (("r", ("read", "open-read")), ("w", ("write", "open-write"))):
        found = owners(one, access, parents)  # type: ignore[arg-type]
        there = set(one.holders(access)) | {pid for pid, wait in waiting if wait in kinds}  # type: ignore[arg-type]
        assert found == owners(other, access, parents)  # type: ignore[arg-type]
        assert bool(found) == bool(there)
        members = [pid for group in found.values() for pid in group]
        assert len(members) == len(set(members))
        assert set(members) <= there
        assert all(group[0] == owner for owner, group in found.items())


@pytest.mark.system
def test_a_real_shell_loop_behind_a_launcher() -> None:
    """The launcher is this test: it reads what the loop writes, and the loop's children all inherit that."""
    read, write = os.pipe()
    loop = "while :; do sleep .2; done | cat"
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        ["bash", "-c", loop], stdin=nothing, stdout=write, stderr=write, start_new_session=True
    ) as bash:
        os.close(write)
        try:
            proc = Proc()

            def pipes() -> dict[str, tuple[list[int], list[int]]]:
                world = observe(proc=proc)
                parents = {pid: state.parent for pid, state in world.processes.items()}
                return {
                    "outer" if any(end.pid == bash.pid for end in one.ends) else "inner": (
                        list(owners(one, "w", parents)),
                        list(owners(one, "r", parents)),
                    )
                    for one in world.pipes
                    if any(parents.get(end.pid) == bash.pid or end.pid == bash.pid for end in one.ends)
                }

            def is_as_meant() -> bool:
                seen = pipes()
                if set(seen) != {"outer", "inner"}:
                    return False
                ((loops, cats), (outers, readers)) = seen["inner"], seen["outer"]
                return (
                    (outers, readers) == ([bash.pid], [os.getpid()])
                    and [proc.stat(pid).parent for pid in (*loops, *cats)] == [bash.pid, bash.pid]  # type: ignore[union-attr]
                    and [proc.command(pid).split()[0] for pid in cats] == ["cat"]
                )

            wait_until(is_as_meant, shown=pipes)
            for _ in range(20):  # at whatever moment: between two sleeps, while one is being forked
                wait_until(is_as_meant, shown=pipes)
        finally:
            os.killpg(bash.pid, 9)
            os.close(read)
