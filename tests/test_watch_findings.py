"""Each rule on made-up worlds: what it says, how grave it is, and when it keeps still."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pipetui.model import Access, Doing, End, Finding, Pipe, PipeId, PipeRef, ProcessState, TaskState, Waiter, WaitKind
from pipetui.protocol.codec import codec
from pipetui.watch.findings import RULES, judge, verdict
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
        "lost-reader", "world-access", "stale", "open-order",
    }  # fmt: skip


def test_an_empty_world_is_well() -> None:
    assert judge(World()) == ()


# --- open -------------------------------------------------------------------------------------------------------------


def test_several_writers_that_wait_for_one_reader_are_one_finding() -> None:
    made = world(fifo(), process(1, task("open-write", NOW - 14)), process(2, task("open-write", NOW)))
    assert told(made) == [("no-reader", "problem", (1, 2))]
    assert judge(made)[0].headline == "prog1 (1) and prog2 (2) wait to write to /run/f, which nobody reads"
    assert judge(made)[0].since == NOW - 14


@pytest.mark.parametrize(
    ("written", "waited", "level", "again"),
    [
        (None, 0.1, None, 0.4),  # a moment is how a rendezvous works
        (None, 1, "warning", 9),
        (None, 14, "problem", None),  # never read nor written
        (0.0, 14, "problem", None),
        (300, 1, "note", 9),  # it has been in use: the reader may come again
        (300, 20, "warning", None),
        (20, 20, "note", 160),  # served just before, it waits for the next one, as a server does
        (200, 200, "warning", None),
    ],
)
def test_how_severe_a_missing_reader_is(
    written: float | None, waited: float, level: str | None, again: float | None
) -> None:
    pipe = replace(fifo(), last_write=NOW - 600 if not written else NOW - written)
    made = replace(world(pipe, process(1, task("open-write", NOW - waited))), made={ID: NOW - 600})
    found = verdict(made)
    assert [one.level for one in found.findings] == ([level] if level else [])
    assert found.again == (None if again is None else pytest.approx(NOW + again))


def test_a_runtimes_parked_thread_is_a_note() -> None:
    dotnet = process(1, task("waiting", tid=1), task("open-write", NOW - 99, 11), task("open-read", NOW - 99, 12))
    assert [(rule, level) for rule, level, _ in told(world(fifo(), dotnet))] == [
        ("no-reader", "note"),
        ("no-writer", "note"),
    ]


def test_a_server_that_waits_for_its_first_client_is_no_problem_however_long() -> None:
    assert told(world(fifo(), process(1, task("open-read", NOW - 1)))) == [("no-writer", "note", (1,))]
    assert told(world(fifo(), process(1, task("open-read", NOW - 99_999)))) == [("no-writer", "note", (1,))]


def test_a_wait_on_a_fifo_that_lost_its_name_is_told() -> None:
    lost = process(1, TaskState(1, "open-write", path="/tmp/removed", since=NOW - 5))
    (finding,) = judge(World((), {1: lost}, time=NOW))
    assert (finding.rule, finding.level, finding.pipes) == ("no-reader", "warning", ())
    assert (finding.certainty, "lost its name" in finding.fix) == ("inferred", True)
    assert "/tmp/removed" in finding.headline


def test_what_could_not_be_looked_at_is_not_said_to_be_removed() -> None:
    far = process(1, TaskState(1, "open-read", path="/nfs/f", since=NOW - 99, certainty="inferred"))
    (finding,) = judge(World((), {1: far}, time=NOW))
    assert (finding.level, "could not be looked at" in finding.why) == ("note", True)
    assert "lost its name" not in finding.fix


OTHER = PipeId(9, 2)


def crossed(waited: float, *, mention: bool = True) -> World:
    pipes = (
        Pipe(ID, paths=("/run/x",), waiters=(Waiter(1, 1, "open-read"),)),
        Pipe(OTHER, paths=("/run/y",), waiters=(Waiter(2, 2, "open-read"),)),
    )
    states = (
        process(1, TaskState(1, "open-read", ID, path="/run/x", since=NOW - 99)),
        process(2, TaskState(2, "open-read", OTHER, path="/run/y", since=NOW - waited)),
    )
    named = {1: frozenset([OTHER]), 2: frozenset([ID])} if mention else {1: frozenset([OTHER])}
    return World(pipes, {one.pid: one for one in states}, time=NOW, mentions=named)


def test_opens_in_the_wrong_order_are_one_finding_that_names_both() -> None:
    (finding,) = judge(crossed(5))
    assert (finding.rule, finding.level, finding.pids) == ("open-order", "warning", (1, 2))
    assert finding.certainty == "inferred"
    assert finding.since == NOW - 5
    assert {ref.path for ref in finding.pipes} == {"/run/x", "/run/y"}
    assert told(crossed(70)) == [("open-order", "problem", (1, 2))]
    assert judge(crossed(0.1)) == ()


def test_two_servers_that_wait_for_their_clients_are_not_said_to_wait_for_each_other() -> None:
    assert [rule for rule, _, _ in told(crossed(70, mention=False))] == ["no-writer", "no-writer"]


# --- a reader that does not read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "since", "level"),
    [
        ((task("stopped", NOW - 5),), NOW - 5, "problem"),
        ((task("stopped", NOW - 0.1),), NOW - 5, None),  # as a throttle does
        ((task("traced"),), NOW - 5, None),
        ((task("sleeping"),), NOW - 100, "note"),
        ((task("sleeping"),), NOW - 5, None),
        ((task("child"),), NOW - 5000, "note"),  # yes | while read x; do sleep 5000; done
        ((task("waiting"),), NOW - 5000, "note"),  # less, that waits for a key
        ((task("busy"),), NOW - 100, None),
        ((task("write", pipe=PipeId(9, 2)),), NOW - 100, None),  # held up further on
        ((task("read"),), NOW - 100, None),
    ],
)
def test_how_severe_a_stalled_reader_is(reader: tuple[TaskState, ...], since: float | None, level: str | None) -> None:
    made = world(fifo((1, "w"), (2, "r")), process(1, task("write", since)), process(2, *reader))
    assert [found for rule, found, _ in told(made) if rule == "stalled-reader"] == ([level] if level else [])


def test_a_stopped_reader_is_to_be_continued() -> None:
    reader = process(2, task("stopped", NOW - 2))
    (finding,) = judge(world(fifo((1, "w"), (2, "r")), process(1, task("write", NOW - 2)), reader))
    assert finding.fix == "Let the reader go on: `kill -CONT 2`."


# --- ends -------------------------------------------------------------------------------------------------------------


def test_an_idle_pipeline_is_idle_by_design() -> None:
    pipe = replace(anonymous((1, "r")), ends=(End(1, 0, "r"), End(2, 1, "w")))
    for doing in ("sleeping", "waiting", "child", "busy"):
        holder = process(2, TaskState(0, doing))
        assert told(world(pipe, process(1, task("read", NOW - 5000)), holder)) == []


def test_a_fifo_held_open_by_a_resting_process_is_noted_after_a_while() -> None:
    pipe = fifo((1, "r"), (2, "w"))
    for waited, expected in ((5, []), (100, [("held-open", "note", (1, 2))])):
        made = world(pipe, process(1, task("read", NOW - waited)), process(2, task("sleeping")))
        assert told(made) == expected
    assert "close fd 4 of prog2 (2)" in judge(made)[0].fix


def test_whoever_may_still_write_is_not_accused() -> None:
    pipe = fifo((1, "r"), (2, "w"), (3, "w"))
    for doing in ("waiting", "busy"):
        other: Doing = "waiting" if doing == "waiting" else "busy"
        made = world(pipe, process(1, task("read", NOW - 500)), process(2, task("sleeping")), process(3, task(other)))
        assert told(made) == []


SHELL = 100


def left_behind(
    holder: ProcessState, reader: ProcessState | None = None, waited: float = 2, fd: int = 3
) -> World:
    """Make a world of a script (session 100) that waits to read what a job of it wrote, and who still holds the end."""
    reader = reader or ProcessState(SHELL, 50, SHELL, "bash x", (task("read", NOW - waited),))
    terminal = ProcessState(50, 1, 50, "tmux", (task("waiting"),))
    pipe = Pipe(ID, "anonymous", ends=(End(reader.pid, fd, "r"), End(holder.pid, 1, "w")))
    pids = {one.pid: one for one in (terminal, reader, holder, ProcessState(1, 0, 1, "init"))}
    return World((pipe,), pids, time=NOW)


@pytest.mark.parametrize(
    ("holder", "found"),
    [
        (ProcessState(7, 1, SHELL, "httpd", (task("waiting"),)), True),  # its parent has died: given to init
        (ProcessState(7, 50, SHELL, "httpd", (task("waiting"),)), True),  # or to a subreaper
        (ProcessState(7, 1, 7, "httpd", (task("waiting"),)), True),  # and has its own session
        (ProcessState(7, SHELL, SHELL, "sleep 1000", (task("sleeping"),)), False),  # x=$(sleep 1000)
        (ProcessState(7, SHELL, 7, "setsid", (task("sleeping"),)), False),
    ],
)
def test_a_daemon_left_behind_on_a_pipe_is_named_at_once(holder: ProcessState, found: bool) -> None:
    assert told(left_behind(holder)) == ([("held-open", "warning", (7, SHELL))] if found else [])
    assert judge(left_behind(holder, waited=0.1)) == ()
    if found:
        assert "fd 1 of httpd (7)" in judge(left_behind(holder))[0].why


def test_a_stage_that_reads_from_a_daemon_is_meant_to() -> None:
    daemon = ProcessState(7, 1, SHELL, "server", (task("waiting"),))  # (server &) | tee log
    assert told(left_behind(daemon, fd=0)) == []
    assert told(left_behind(daemon, waited=99, fd=0)) == [("held-open", "note", (7, SHELL))]
    assert told(left_behind(daemon, waited=200, fd=0)) == [("held-open", "warning", (7, SHELL))]


def test_a_pipeline_whose_shell_has_gone_is_not_left_behind() -> None:
    writer = ProcessState(7, 1, SHELL, "job", (task("waiting"),))
    reader = ProcessState(8, 1, SHELL, "tee log", (task("read", NOW - 99),))
    assert told(left_behind(writer, reader)) == []


def test_two_strangers_that_read_one_fifo_share_its_bytes() -> None:
    pipe = fifo((1, "r"), (2, "r"), (3, "w"))
    assert told(world(pipe, process(1), process(2), process(3))) == [("split-readers", "note", (1, 2))]
    assert told(world(pipe, process(1), process(2, parent=1), process(3))) == []  # a child that inherited it
    workers = anonymous((1, "r"), (2, "r"), (3, "w"))
    assert told(world(workers, process(1), process(2), process(3))) == []
    both = world(workers, process(1, task("read")), process(2, task("read")), process(3, task("busy")))
    assert told(both) == [("split-readers", "note", (1, 2))]


def lonely(made: World, lasted: float = 2) -> World:
    return replace(made, lonely={ID: NOW - lasted})


def test_writers_without_a_reader() -> None:
    made = lonely(world(fifo((1, "w")), process(1)))
    assert told(made) == [("lost-reader", "warning", (1,))]
    assert "SIGPIPE" in judge(made)[0].why
    assert verdict(lonely(made, 0.1)) == ((), NOW + 0.4)  # between two readers there is a moment without one
    assert told(lonely(world(fifo((1, "rw")), process(1)))) == []
    unsure = judge(lonely(world(fifo((1, "w")), process(1), hidden=(Hidden(5),))))
    assert [(one.level, one.certainty) for one in unsure] == [("note", "inferred")]


def test_only_a_standard_stream_without_a_reader_is_worth_a_note() -> None:
    output = Pipe(ID, "anonymous", ends=(End(1, 1, "w"), End(1, 7, "w")))
    assert told(lonely(world(output, process(1)))) == [("lost-reader", "note", (1,))]
    inherited = replace(output, ends=(End(1, 7, "w"),))
    assert told(lonely(world(inherited, process(1)))) == []


def test_in_a_container_nobody_is_said_to_read_only_as_far_as_is_seen() -> None:
    made = replace(lonely(world(fifo((1, "w")), process(1))), contained=True)
    (finding,) = judge(made)
    assert (finding.level, finding.certainty) == ("note", "inferred")
    assert "nobody who can be seen from here reads" in finding.headline


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_mode_that_lets_everybody_in() -> None:
    made = replace(world(fifo((1, "rw"), mode=0o666), process(1)), asked=True)
    assert told(made) == []  # nobody can reach it through the folders above
    assert told(replace(made, exposed={ID: "rw"})) == [("world-access", "warning", (1,))]
    assert told(replace(made, exposed={ID: "r"})) == [("world-access", "note", (1,))]
    assert "`chmod 600 /run/f`" in judge(replace(made, exposed={ID: "rw"}))[0].fix


def test_a_fifo_that_nobody_holds_is_noted_once_for_all() -> None:
    more = tuple(Pipe(PipeId(9, number), paths=(f"/run/{number}",)) for number in range(100))
    made = World(more, found=frozenset(pipe.id for pipe in more), asked=True)
    (finding,) = judge(made)
    assert (finding.rule, finding.level, len(finding.pipes)) == ("stale", "note", 100)
    assert finding.headline == "nobody has 100 FIFOs (/run/0, /run/1, …) open"
    assert told(replace(made, found=frozenset())) == []
    assert told(replace(made, unreadable=3)) == []  # one of those may have it open


def test_fifos_that_nobody_asked_about_are_not_named() -> None:
    made = world(fifo(mode=0o666), process(1))
    assert told(replace(made, exposed={ID: "rw"})) == []


# --- all of them ------------------------------------------------------------------------------------------------------


def test_the_gravest_comes_first_and_the_order_is_stable() -> None:
    pipe = fifo((3, "w"), mode=0o666)
    made = world(pipe, process(1, task("open-write", NOW - 99)), process(3))
    made = replace(made, exposed={ID: "rw"}, asked=True)
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
