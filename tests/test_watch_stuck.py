"""Who can never go on: the rule against a brute-force simulation, and each classic and near miss on made-up worlds."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipetui.model import Access, End, Finding, Pipe, PipeId, Polled, ProcessState, TaskState
from pipetui.watch.findings import judge, verdict
from pipetui.watch.stuck import cores, largest, waiting
from pipetui.watch.world import Hidden, World

FIRST, SECOND, THIRD = PipeId(9, 1), PipeId(9, 2), PipeId(9, 3)
NOW = 1000.0


INT, TERM, ALRM, CHLD = 2, 15, 14, 17


def process(
    pid: int, *tasks: TaskState, parent: int = 1, session: int = 1, caught: tuple[int, ...] = ()
) -> ProcessState:
    return ProcessState(pid, parent, session, f"prog{pid}", tasks, sum(1 << number - 1 for number in caught))


def reads(pipe: PipeId, tid: int = 0, since: float = NOW) -> TaskState:
    return TaskState(tid, "read", pipe, 0, since=since)


def writes(pipe: PipeId, tid: int = 0, since: float = NOW) -> TaskState:
    return TaskState(tid, "write", pipe, 1, since=since)


def awaits(*children: int, since: float = NOW) -> TaskState:
    return TaskState(0, "child", children=children, since=since)


def polls(*members: Polled, since: float = NOW) -> TaskState:
    return TaskState(0, "poll", polls=members, since=since)


def pipe(identity: PipeId, ends: str, path: str = "") -> Pipe:
    """Make a pipe of ends like `1r 2w 3rw`."""
    made = []
    for number, word in enumerate(ends.split()):
        access: Access = "rw" if word.endswith("rw") else "r" if word.endswith("r") else "w"
        made.append(End(int(word.rstrip("rw")), number, access, False))
    return Pipe(identity, "fifo" if path else "anonymous", (path,) if path else (), ends=tuple(made))


def world(pipes: Iterable[Pipe], *processes: ProcessState, hidden: tuple[Hidden, ...] = ()) -> World:
    return World(tuple(pipes), {one.pid: one for one in processes}, hidden, time=NOW)


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


# --- whole worlds -----------------------------------------------------------------------------------------------------

PIDS, PIPES = range(1, 6), [PipeId(9, number) for number in range(1, 5)]
BY_THEMSELVES = {14, 26, 27, 29, *range(34, 65)}
NO_HANDLERS = {2, 4, 5, 6, 7, 8, 11, 13, 24, 25, 31, 32, 33, CHLD}

TASKS = st.one_of(
    st.builds(lambda at: TaskState(0, "read", at, since=0.0), st.sampled_from(PIPES)),
    st.builds(lambda at: TaskState(0, "write", at, since=0.0), st.sampled_from(PIPES)),
    st.builds(lambda of: TaskState(0, "child", children=tuple(of), since=0.0), st.sets(st.integers(1, 7), max_size=3)),
    st.builds(
        lambda of: TaskState(0, "poll", polls=tuple(of), since=0.0),
        st.lists(
            st.one_of(
                st.builds(lambda at, on: Polled(None, at, on), st.sampled_from(PIPES), st.sampled_from(["", "r", "w"])),
                st.builds(lambda pid: Polled(None, pid=pid), st.integers(1, 7)),
            ),
            min_size=1,
            max_size=2,
        ),
    ),
    st.builds(lambda doing: TaskState(0, doing), st.sampled_from(["sleeping", "busy", "waiting", "open-read"])),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Make a world of few processes that mostly wait; 6 and 7 are nobody, 8 may not be read, 9 came too late."""
    made = []
    for identity in PIPES:
        words = draw(st.lists(st.tuples(st.sampled_from(PIDS), st.sampled_from(["r", "w", "rw"])), max_size=4))
        ends = tuple(End(pid, number, access) for number, (pid, access) in enumerate(words))  # type: ignore[arg-type]
        named = draw(st.booleans())
        made.append(Pipe(identity, "fifo" if named else "anonymous", ("/f",) if named else (), ends=ends))
    states = [
        ProcessState(
            pid,
            draw(st.integers(0, 5)),
            draw(st.integers(1, 2)),
            f"prog{pid}",
            tuple(draw(st.lists(TASKS, max_size=2))),
            sum(1 << n - 1 for n in draw(st.sets(st.sampled_from([INT, ALRM, TERM, CHLD, 32, 40]), max_size=2))),
        )
        for pid in PIDS
    ]
    hidden = [Hidden(8, draw(st.integers(0, 5)), draw(st.integers(1, 3)))] * draw(st.integers(0, 1))
    late = [Hidden(9, draw(st.integers(0, 8)), draw(st.integers(1, 3)), late=True)] * draw(st.integers(0, 1))
    return World(tuple(made), {one.pid: one for one in states}, (*hidden, *late), time=NOW)


class Simulation:
    """Lets whoever can move do all it may do to release others, one after the other, until nothing moves.

    `surely`: nobody is freed by what is not certain to happen, or not, so whoever is left is stuck for ever.
    """

    def __init__(self, world: World, handlers: bool) -> None:
        self.world, self.handlers = world, handlers
        self.moving: set[int] = {6, 7, *(one.pid for one in world.hidden)}

    def left(self) -> set[int]:
        while True:
            more = {pid for pid in PIDS if pid not in self.moving and self._moves(self.world.processes[pid])}
            if not more:
                return set(PIDS) - self.moving
            self.moving |= more

    def _caught(self, pid: int) -> set[int]:
        mask = self.world.processes[pid].caught if pid in self.world.processes else 0
        return {number for number in range(1, 65) if mask >> number - 1 & 1}

    def _moves(self, process: ProcessState) -> bool:
        if not process.tasks:
            return True  # it is dead, or was not seen
        if self.handlers and self._caught(process.pid) & BY_THEMSELVES:
            return True
        return any(self._released(process, task) for task in process.tasks)

    def _released(self, process: ProcessState, task: TaskState) -> bool:
        if task.doing == "child":
            free = not task.children or any(pid in self.moving for pid in task.children)
        elif task.doing in ("read", "write"):
            free = self._pipe_moves(task.pipe, task.doing)
        elif task.doing == "poll":
            free = any(self._polled(process.pid, one) for one in task.polls)
        else:
            return True
        return free or self._woken(process, task)

    def _woken(self, process: ProcessState, task: TaskState) -> bool:
        """Whether the end of a child may wake it."""
        children = {one.pid for one in self.world.processes.values() if one.parent == process.pid and one.tasks}
        children |= {one.pid for one in self.world.hidden if one.parent == process.pid}
        if CHLD not in self._caught(process.pid) or not children & self.moving:
            return False
        rings = task.doing == "read" and process.pid in self._holders(task.pipe, "w")
        return self.handlers or task.doing == "poll" or rings

    def _holders(self, identity: PipeId | None, access: str) -> set[int]:
        return {end.pid for one in self.world.pipes if one.id == identity for end in one.ends if access in end.access}

    def _polled(self, pid: int, one: Polled) -> bool:
        if one.pid is not None:
            return one.pid in self.moving
        reads, writes = pid in self._holders(one.pipe, "r"), pid in self._holders(one.pipe, "w")
        wanted = [side for side, holds in (("read", reads), ("write", writes)) if holds]
        if reads and writes and one.events:
            wanted = ["read" if one.events == "r" else "write"]
        return not wanted or any(self._pipe_moves(one.pipe, side) for side in wanted)

    def _pipe_moves(self, identity: PipeId | None, side: str) -> bool:
        (found,) = (one for one in self.world.pipes if one.id == identity)
        others = self._holders(identity, "w" if side == "read" else "r")
        if not others or others & self.moving:
            return True
        everybody = self._holders(identity, "r") | self._holders(identity, "w")
        sessions = {self.world.processes[pid].session for pid in everybody}
        for one in self.world.hidden:
            if (one.session in sessions and not one.late) or self._descends(one.pid, everybody):
                return True
        if side == "write":
            return False
        readers = self._holders(identity, "r")
        if found.kind == "fifo" and all(pid in readers or self._waits_for(pid, readers) for pid in others):
            return True  # kept open: any client may come
        return self.handlers and any(self._caught(pid) - NO_HANDLERS for pid in others)

    def _waits_for(self, pid: int, readers: set[int]) -> bool:
        """Whether a process only waits for the end of processes, of which one reads."""
        awaited: list[set[int]] = []
        for task in self.world.processes[pid].tasks:
            if task.doing == "poll" and any(one.pid is None for one in task.polls):
                return False
            if task.doing not in ("child", "poll"):
                return False
            awaited.append({one.pid for one in task.polls if one.pid is not None} | set(task.children))
        return any(each & readers for each in awaited)

    def _descends(self, pid: int, from_: set[int]) -> bool:
        parents = {one.pid: one.parent for one in self.world.processes.values()}
        parents.update((one.pid, one.parent) for one in self.world.hidden)
        seen = set[int]()
        while pid in parents and pid not in seen:
            seen.add(pid)
            pid = parents[pid]
            if pid in from_:
                return True
        return False


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_who_is_stuck_in_a_whole_world_is_what_a_simulation_leaves(made: World) -> None:
    """Over signals, polls, holders that could not be read, and processes that came while others were read."""
    assert largest(waiting(made)) == Simulation(made, handlers=True).left()
    assert largest(waiting(made, "ignored")) == Simulation(made, handlers=False).left()


# --- the classics -----------------------------------------------------------------------------------------------------


def test_two_that_write_to_full_pipes_the_other_should_read() -> None:
    made = world([pipe(FIRST, "1w 2r"), pipe(SECOND, "2w 1r")], process(1, writes(FIRST)), process(2, writes(SECOND)))
    assert problems(made) == [("deadlock", (1, 2))]
    found = only(made, "deadlock")
    assert found.headline == "prog1 (1) and prog2 (2) wait for each other; neither can continue"
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
    assert problems(made) == [("deadlock", (1, 2, 3))]
    found = only(made, "deadlock")
    assert "prog9 (9) in turn waits for them" in found.why
    assert found.behind == (9,)


def test_on_a_fifo_a_new_process_could_help() -> None:
    pipes = [pipe(FIRST, "1w 2r", "/a"), pipe(SECOND, "2w 1r", "/b")]
    found = only(world(pipes, process(1, writes(FIRST)), process(2, writes(SECOND))), "deadlock")
    assert found.level == "problem"
    assert found.headline.endswith("unless a new process opens /a and /b")
    assert "`cat /a > /dev/null`" in found.fix


def test_a_writer_that_is_its_own_only_reader_waits_for_itself() -> None:
    found = only(world([pipe(FIRST, "1r 1w")], process(1, writes(FIRST))), "deadlock")
    assert (found.level, found.headline) == ("problem", "prog1 (1) waits for itself and can't continue")


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


def test_a_fifo_that_its_readers_keep_open_waits_for_a_writer() -> None:
    long_ago = NOW - 99
    server = world([pipe(FIRST, "1rw", "/f")], process(1, reads(FIRST, since=long_ago)))
    assert [(one.rule, one.level) for one in judge(server)] == [("never-eof", "note")]
    assert "waits for the next writer of /f" in only(server, "never-eof").headline
    apart = world([pipe(FIRST, "1r 1w", "/f")], process(1, reads(FIRST, since=long_ago)))
    assert only(apart, "never-eof").level == "note"
    shell = process(1, awaits(2, since=long_ago)), process(2, reads(FIRST, since=long_ago))  # exec 3<>f; cat <&3
    assert [(one.rule, one.pids) for one in judge(world([pipe(FIRST, "1rw 2rw", "/f")], *shell))] == [
        ("never-eof", (2,))
    ]


def test_a_fifo_kept_open_by_who_waits_for_its_reader_waits_for_a_writer() -> None:
    long_ago = NOW - 99
    launcher, worker = process(1, awaits(2, since=long_ago)), process(2, reads(FIRST, since=long_ago))
    made = world([pipe(FIRST, "1w 2r", "/f")], launcher, worker)  # worker < f & exec 3> f; wait
    assert [(one.rule, one.level, one.pids) for one in judge(made)] == [("never-eof", "note", (2,))]
    assert "fd 0 of prog1 (1)" in only(made, "never-eof").why


def test_two_that_read_from_each_other_over_fifos_are_deadlocked() -> None:
    pipes = [pipe(FIRST, "1r 2w", "/a"), pipe(SECOND, "2r 1w", "/b")]
    made = world(pipes, process(1, reads(FIRST)), process(2, reads(SECOND)))
    assert problems(made) == [("deadlock", (1, 2))]
    assert only(made, "deadlock").headline.endswith("unless a new process opens /a and /b")


# --- signals ----------------------------------------------------------------------------------------------------------


def levels(made: World) -> list[tuple[str, str, str]]:
    return [(one.rule, one.level, one.certainty) for one in judge(made)]


def test_a_self_pipe_at_rest_is_no_deadlock_while_a_handler_may_write_to_it() -> None:
    def main(*caught: int, waited: float = 5) -> World:
        return world([pipe(FIRST, "1r 1w")], process(1, reads(FIRST, since=NOW - waited), caught=caught))

    for none in ((), (INT,), (INT, 32, 33), (INT, 11, 13)):
        assert levels(main(*none)) == [("never-eof", "problem", "exact")], none
    for some in ((ALRM,), (INT, TERM), (29,), (34,), (1, 10)):
        assert levels(main(*some)) == [], some
        assert verdict(main(*some)).again == NOW + 175
        assert levels(main(*some, waited=200)) == [("never-eof", "warning", "inferred")], some
    assert levels(main(CHLD)) == [("never-eof", "problem", "exact")]  # it has no child
    child = process(7, TaskState(7, "sleeping"), parent=1)
    told = world([pipe(FIRST, "1r 1w")], process(1, reads(FIRST, since=NOW - 999), caught=(CHLD,)), child)
    assert levels(told) == []


def test_a_timer_may_end_a_wait_for_a_child_that_writes_to_a_full_pipe_but_term_does_not() -> None:
    def pair(*caught: int, waited: float = 5) -> World:
        parent = process(1, awaits(2, since=NOW - waited), caught=caught)
        return world([pipe(FIRST, "1r 2w")], parent, process(2, writes(FIRST, since=NOW - waited), parent=1))

    for none in ((), (INT, 32, 33), (INT, TERM, CHLD), (1, 2, 3, 15, 28)):
        assert levels(pair(*none)) == [("deadlock", "problem", "exact")], none
    for timer in (14, 26, 27, 29, 34, 64):
        assert levels(pair(timer)) == [], timer
        assert levels(pair(timer, waited=200))[0] == ("deadlock", "warning", "inferred"), timer


def test_a_pre_fork_master_with_handlers_may_yet_write_to_its_workers() -> None:
    def pool(*caught: int, waited: float = 5) -> World:
        master = process(1, awaits(2, 3, since=NOW - waited), caught=caught)
        workers = (process(pid, reads(FIRST, since=NOW - waited), parent=1) for pid in (2, 3))
        return world([pipe(FIRST, "1w 2r 2w 3r 3w")], master, *workers)

    assert levels(pool()) == [("deadlock", "problem", "exact"), ("split-readers", "note", "exact")]
    assert levels(pool(INT, TERM)) == [("split-readers", "note", "exact")]
    assert levels(pool(INT, TERM, waited=200))[0] == ("deadlock", "warning", "inferred")


def test_a_bash_that_has_had_a_child_is_still_found_but_not_at_once_while_another_lives() -> None:
    def coprocess(*more: ProcessState, waited: float = 5) -> World:
        pipes = [pipe(FIRST, "1w 2r"), pipe(SECOND, "2w 1r")]
        bash = process(1, reads(SECOND, since=NOW - waited), caught=(CHLD,))
        return world(pipes, bash, process(2, reads(FIRST, since=NOW - waited), parent=1), *more)

    bystander = process(3, TaskState(3, "sleeping"), parent=1)
    assert levels(coprocess()) == [("deadlock", "problem", "exact")]
    assert levels(coprocess(bystander)) == []
    assert levels(coprocess(bystander, waited=200)) == [("deadlock", "warning", "inferred")]


def test_a_poll_with_a_handler_for_children_is_silent_while_one_lives() -> None:
    pipes = [pipe(FIRST, "1r 1w 2r 2w")]  # the tokens of make
    make = process(1, polls(Polled(0, FIRST, "r"), since=NOW - 999), caught=(CHLD,))
    below = process(2, reads(FIRST, since=NOW - 999), parent=9), process(3, TaskState(3, "busy"), parent=1)
    assert [one for one in levels(world(pipes, make, *below)) if one[0] != "split-readers"] == []


# --- polls ------------------------------------------------------------------------------------------------------------


def test_polls_take_part() -> None:
    ends = [pipe(FIRST, "1w 2r"), pipe(SECOND, "2w 1r")]
    for members in (
        (Polled(1, SECOND, "r"),),
        (Polled(1, SECOND, "r"), Polled(9, pid=2)),
        (Polled(None, SECOND, ""), Polled(0, FIRST, "w")),
    ):
        made = world(ends, process(1, polls(*members)), process(2, reads(FIRST)))
        assert problems(made) == [("deadlock", (1, 2))], members
    leader = process(1, polls(Polled(5, pid=2)))
    made = world([pipe(FIRST, "1r 2w")], leader, process(2, writes(FIRST)))
    assert problems(made) == [("deadlock", (1, 2))]
    assert "polls, without a time limit: the end of prog2 (2)" in judge(made)[0].why


def test_a_poll_that_somebody_outside_may_answer_is_silent() -> None:
    members = Polled(0, FIRST, "r"), Polled(1, SECOND, "r")
    outside = process(3, TaskState(3, "sleeping"))
    made = world([pipe(FIRST, "0r 1r 2w", ""), pipe(SECOND, "1r 3w")], process(1, polls(*members)), outside)
    assert problems(made) == []
    limited = TaskState(0, "waiting", polls=(Polled(0, FIRST, "r"),))
    assert problems(world([pipe(FIRST, "1r 1w")], process(1, limited))) == []


def test_waits_on_nothing_that_we_know_are_not_modelled() -> None:
    assert waiting(world([], process(1), process(2, TaskState(2, "busy")), process(3, reads(FIRST)))) == {}
