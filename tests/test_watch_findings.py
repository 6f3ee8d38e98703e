"""Each rule on made-up worlds: what it says, how grave it is, and when it keeps still."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pipetui.backend.codec import codec
from pipetui.model import Access, Doing, End, Finding, Pipe, PipeId, PipeRef, ProcessState, TaskState, Waiter, WaitKind
from pipetui.watch.findings import RULES, judge
from pipetui.watch.findings.wording import people, who
from pipetui.watch.world import Hidden, World

ID = PipeId(9, 1)
NOW = 1000.0


def task(doing: Doing, since: float | None = None, tid: int = 0, pipe: PipeId | None = ID) -> TaskState:
    on_pipe = doing in ("open-read", "open-write", "read", "write")
    return TaskState(tid, doing, pipe if on_pipe else None, since=since)


def process(pid: int, *tasks: TaskState, parent: int = 0, command: str = "") -> ProcessState:
    return ProcessState(pid, parent, pid, command or f"prog{pid}", tasks)


def world(pipe: Pipe, *processes: ProcessState, hidden: tuple[Hidden, ...] = (), found: bool = True) -> World:
    """Make a world of one pipe; its waiters follow from what the processes do."""
    waiters = tuple(
        Waiter(one.pid, each.tid, _kind(each.doing), each.fd)
        for one in processes
        for each in one.tasks
        if each.pipe == pipe.id
    )
    return World(
        (replace(pipe, waiters=waiters),),
        {one.pid: one for one in processes},
        hidden,
        NOW,
        frozenset([pipe.id] if found else []),
    )


def _kind(doing: Doing) -> WaitKind:
    assert doing in ("open-read", "open-write", "read", "write")
    return doing


def fifo(*ends: tuple[int, Access], mode: int = 0o600) -> Pipe:
    return Pipe(ID, "fifo", ("/run/f",), mode=mode, ends=_ends(ends))


def anonymous(*ends: tuple[int, Access]) -> Pipe:
    return Pipe(ID, "anonymous", ends=_ends(ends))


def _ends(ends: Iterable[tuple[int, Access]]) -> tuple[End, ...]:
    return tuple(End(pid, number, access) for number, (pid, access) in enumerate(ends, 3))


def told(made: World) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.rule, one.level, one.pids) for one in judge(made)]


def test_every_rule_of_the_design_is_there() -> None:
    assert set(RULES) == {
        "no-reader", "no-writer", "stalled-reader", "deadlock", "never-eof", "held-open", "split-readers",
        "lost-reader", "world-access", "stale",
    }  # fmt: skip


def test_an_empty_world_is_well() -> None:
    assert judge(World()) == ()


# --- open -------------------------------------------------------------------------------------------------------------


def test_several_writers_that_wait_for_one_reader_are_one_finding() -> None:
    made = world(fifo(), process(1, task("open-write")), process(2, task("open-write")))
    assert told(made) == [("no-reader", "problem", (1, 2))]
    assert judge(made)[0].headline == "prog1 (1) and prog2 (2) wait to write to /run/f, which nobody reads"


def test_a_runtimes_parked_thread_is_a_note() -> None:
    dotnet = process(1, task("waiting", tid=1), task("open-write", tid=11), task("open-read", tid=12))
    assert [(rule, level) for rule, level, _ in told(world(fifo(), dotnet))] == [
        ("no-reader", "note"),
        ("no-writer", "note"),
    ]


def test_a_server_that_waits_for_its_first_client_is_no_problem() -> None:
    assert told(world(fifo(), process(1, task("open-read")))) == [("no-writer", "warning", (1,))]


def test_a_wait_on_a_fifo_that_could_not_be_told_is_still_told() -> None:
    lost = process(1, TaskState(1, "open-write", path="/tmp/removed"))
    (finding,) = judge(World((), {1: lost}, time=NOW))
    assert (finding.rule, finding.pipes, finding.certainty) == ("no-reader", (), "inferred")
    assert "/tmp/removed" in finding.headline


# --- a reader that does not read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "since", "level"),
    [
        ((task("stopped"),), NOW, "problem"),
        ((task("sleeping"),), NOW - 100, "problem"),
        ((task("sleeping"),), NOW - 5, "warning"),
        ((task("sleeping"),), None, "warning"),
        ((task("waiting"),), NOW - 100, "warning"),  # less, that waits for a key
        ((task("busy"),), NOW - 100, "note"),
        ((task("write", pipe=PipeId(9, 2)),), NOW - 100, "note"),  # held up further on
        ((task("sleeping"),), NOW - 0.2, None),  # a pipe at work
        ((task("read"),), NOW - 100, None),
    ],
)
def test_how_grave_a_stalled_reader_is(reader: tuple[TaskState, ...], since: float | None, level: str | None) -> None:
    made = world(fifo((1, "w"), (2, "r")), process(1, task("write", since)), process(2, *reader))
    assert [found for rule, found, _ in told(made) if rule == "stalled-reader"] == ([level] if level else [])


def test_a_stopped_reader_is_to_be_continued() -> None:
    (finding,) = judge(world(fifo((1, "w"), (2, "r")), process(1, task("write")), process(2, task("stopped"))))
    assert finding.fix == "Let the reader go on: `kill -CONT 2`."


# --- ends -------------------------------------------------------------------------------------------------------------


def test_a_sleeper_that_holds_the_write_end_is_named_with_its_descriptor() -> None:
    pipe = anonymous((1, "r"), (2, "w"))
    made = world(pipe, process(1, task("read", NOW - 5)), process(2, task("sleeping")))
    assert told(made) == [("held-open", "note", (1, 2))]
    assert "close fd 4 of prog2 (2)" in judge(made)[0].fix
    assert told(world(pipe, process(1, task("read", NOW - 500)), process(2, task("sleeping"))))[0][1] == "warning"


def test_whoever_may_still_write_is_not_accused() -> None:
    pipe = anonymous((1, "r"), (2, "w"), (3, "w"))
    for doing in ("waiting", "busy"):
        other: Doing = "waiting" if doing == "waiting" else "busy"
        made = world(pipe, process(1, task("read", NOW - 500)), process(2, task("sleeping")), process(3, task(other)))
        assert told(made) == []


def test_a_daemon_left_behind_on_a_pipe_is_noted() -> None:
    pipe = anonymous((1, "r"), (2, "w"))
    daemon = process(2, task("waiting"), parent=1)
    reader = process(10, task("read", NOW - 20))
    made = world(replace(pipe, ends=(End(10, 0, "r"), End(2, 1, "w"))), reader, daemon)
    assert told(made) == [("held-open", "note", (2, 10))]


def test_two_strangers_that_read_one_fifo_share_its_bytes() -> None:
    pipe = fifo((1, "r"), (2, "r"), (3, "w"))
    assert told(world(pipe, process(1), process(2), process(3))) == [("split-readers", "warning", (1, 2))]
    assert told(world(pipe, process(1), process(2, parent=1), process(3))) == []  # a child that inherited it
    workers = anonymous((1, "r"), (2, "r"), (3, "w"))
    assert told(world(workers, process(1), process(2), process(3))) == []
    both = world(workers, process(1, task("read")), process(2, task("read")), process(3, task("busy")))
    assert told(both) == [("split-readers", "note", (1, 2))]


def test_writers_without_a_reader() -> None:
    made = world(fifo((1, "w")), process(1))
    assert told(made) == [("lost-reader", "warning", (1,))]
    assert "SIGPIPE" in judge(made)[0].why
    assert told(world(anonymous((1, "w")), process(1))) == [("lost-reader", "note", (1,))]
    assert told(world(fifo((1, "rw")), process(1))) == []
    unsure = judge(world(fifo((1, "w")), process(1), hidden=(Hidden(5),)))
    assert [(one.level, one.certainty) for one in unsure] == [("note", "inferred")]


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_mode_that_lets_everybody_in() -> None:
    made = world(fifo((1, "rw"), mode=0o666), process(1))
    assert told(made) == []  # nobody can reach it through the folders above
    assert told(replace(made, exposed={ID: "rw"})) == [("world-access", "warning", (1,))]
    assert told(replace(made, exposed={ID: "r"})) == [("world-access", "note", (1,))]
    assert "`chmod 600 /run/f`" in judge(replace(made, exposed={ID: "rw"}))[0].fix


def test_a_fifo_that_nobody_holds_is_noted_once_for_all() -> None:
    more = tuple(Pipe(PipeId(9, number), paths=(f"/run/{number}",)) for number in range(100))
    made = World(more, found=frozenset(pipe.id for pipe in more))
    (finding,) = judge(made)
    assert (finding.rule, finding.level, len(finding.pipes)) == ("stale", "note", 100)
    assert finding.headline == "nobody has 100 FIFOs (/run/0, /run/1, …) open"
    assert told(replace(made, found=frozenset())) == []


# --- all of them ------------------------------------------------------------------------------------------------------


def test_the_gravest_comes_first_and_the_order_is_stable() -> None:
    pipe = fifo((3, "w"), mode=0o666)
    made = replace(world(pipe, process(1, task("open-write")), process(3)), exposed={ID: "rw"})
    levels = [one.level for one in judge(made)]
    assert levels == sorted(levels, key=("problem", "warning", "note").index)
    assert judge(made) == judge(made)


def test_a_finding_travels_over_the_wire() -> None:
    finding = Finding(
        "stale", "note", (PipeRef(9, 1, "/run/f"), PipeRef(9, 2)), (1, 2), "what", "why", "fix", "inferred"
    )
    wire = codec(Finding)
    assert wire.decode(wire.encode(finding)) == finding
    state = ProcessState(1, 0, 1, "cat", (TaskState(1, "read", ID, 0, since=1.0), TaskState(2, "child", children=(3,))))
    assert codec(ProcessState).decode(codec(ProcessState).encode(state)) == state


def test_people_are_named_by_program_and_script() -> None:
    made = World(
        processes={
            1: process(1, command="/usr/bin/python3 /home/me/job.py --fast"),
            2: process(2, command="bash -c x"),
            3: process(3, command="/bin/cat"),
        }
    )
    assert [who(made, pid) for pid in (1, 2, 3, 4)] == ["python3 job.py (1)", "bash (2)", "cat (3)", "process 4"]
    assert people(made, [3, 2, 1]) == "python3 job.py (1), bash (2) and cat (3)"
    assert people(made, [1, 2, 3, 4]) == "python3 job.py (1), bash (2) and 2 other processes"
