"""Whatever a hub is given, it stays small, says what it leaves out, and is gone 2 s after its client."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hubclient import HubClient, HubRefusedError
from waiting import allowed, wait_until

from pipetui.backend.runtime import limits
from pipetui.model import ConsumerSpec, End, Finding, Pipe, PipeId, PipeRef, Process, ProducerSpec
from pipetui.watch import bounds

#: What the project promises (seconds), on a machine that has the time.
ENDED_WITHIN = 2.0

TESTS = Path(__file__).parent


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if _lives(one)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_ends_with_its_client(hub: HubClient) -> None:
    """Close the hub's stdin; in time it has to be gone, and so have all its children."""
    left = [psutil.Process(hub.pid), *family(hub.pid)]
    time_left = allowed(ENDED_WITHIN)
    assert hub.process.stdin
    hub.process.stdin.close()
    wait_until(lambda: not alive(left), time_left, "the hub and its children are gone", shown=lambda: alive(left))
    assert hub.process.wait() == 0
    assert hub.stderr() == "exit code 0: "


# --- roots ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> Iterator[list[str]]:
    """20,000 paths, as a shell's `*` makes them; those that will be left out need not be there."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        paths = [f"{folder}/{number}" for number in range(20_000)]
        for path in paths[: limits.MOST_ROOTS]:
            os.mkfifo(path)
        yield paths


def test_20000_roots_share_a_few_finders_and_those_left_out_are_said(many: list[str]) -> None:
    with HubClient(many) as hub:
        hub.wait_for(lambda: len(hub.pipes) == limits.MOST_ROOTS and not hub.status.scanning)
        assert "only the first 10,000 of 20,000 paths are searched" in " ".join(hub.status.partial)
        assert hub.status.troubles == ()
        assert len(family(hub.pid)) == limits.MOST_FINDERS + 1  # and the watcher
        assert sum(one.memory_info().rss for one in [psutil.Process(hub.pid), *family(hub.pid)]) < 1 << 30
        os.unlink(many[17])
        hub.wait_for(lambda: not hub.pipe(many[17]))
        os.mkfifo(many[17])
        hub.wait_for(lambda: hub.pipe(many[17]))
        assert_ends_with_its_client(hub)


def test_a_hub_that_is_still_searching_ends_with_its_client_too(many: list[str]) -> None:
    with HubClient(many) as hub:
        assert_ends_with_its_client(hub)


def test_roots_that_are_folders_or_missing_or_inside_one_another_are_all_there(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}/in/side").mkdir(parents=True)
        os.mkfifo(tmp_path / f"{number}/pipe")
        os.mkfifo(tmp_path / f"{number}/in/side/pipe")
    roots = [tmp_path / f"{number}{part}" for number in range(30) for part in ("", "/in/side", "/pipe")]
    with HubClient([*roots, tmp_path / "nowhere"]) as hub:
        hub.wait_for(lambda: len(hub.pipes) == 60)
        hub.wait_for(lambda: f"{tmp_path}/nowhere does not exist" in hub.status.partial)
        assert len(family(hub.pid)) == limits.MOST_FINDERS + 1
        os.mkfifo(tmp_path / "29/in/new")
        hub.wait_for(lambda: hub.pipe(tmp_path / "29/in/new"))


def test_roots_of_one_filesystem_share_a_finder_only_if_they_are_many() -> None:
    few = [f"/{number}" for number in range(limits.MOST_FINDERS)]
    assert limits.shares(few, {"/"}) == [(root,) for root in few]
    dead = [f"/mnt/dead/{number}" for number in range(3)]
    divided = limits.shares([*dead, *(f"/srv/{number}" for number in range(1000))], {"/", "/mnt/dead", "/proc"})
    assert len(divided) == limits.MOST_FINDERS
    assert tuple(dead) in divided
    assert sorted(root for share in divided for root in share) == sorted([*dead, *(f"/srv/{n}" for n in range(1000))])
    everywhere = [f"/mnt/{number}/pipe" for number in range(20)]
    shared = limits.shares(everywhere, {"/", *(f"/mnt/{number}" for number in range(20))})
    assert len(shared) == limits.MOST_FINDERS
    assert sorted(root for share in shared for root in share) == sorted(everywhere)


def test_no_more_fifos_are_listed_than_a_client_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        os.mkfifo(tmp_path / f"{number}")
    code = (
        "import sys\nfrom pipetui.backend.runtime import limits\nlimits.MOST_LISTED = 20\n"
        "from pipetui.backend.main import main\nsys.exit(main())"
    )
    with HubClient([tmp_path], argv=[sys.executable, "-c", code]) as hub:
        hub.wait_for(lambda: limits.TOO_MANY_FIFOS in hub.status.partial)
        hub.wait_for(lambda: not hub.status.scanning)
        assert len(hub.pipes) == 20


# --- what is started ------------------------------------------------------------------------------------------------


#: A client that asks for 500 actors and is then busy for ever.
_CLIENT = """
import signal, sys
from hubclient import HubClient
from pipetui.protocol import messages, requests
from pipetui.model import ConsumerSpec, ProducerSpec
path = sys.argv[1]
hub = HubClient([path])
for _ in range(250):
    hub.call(requests.StartProducer(ProducerSpec(path, rate=1)))
    hub.call(requests.StartConsumer(ConsumerSpec(path)))
replies = [hub.reply(60) for _ in range(500)]
refused = {reply.message for reply in replies if isinstance(reply, messages.Failed)}
hub.wait_for(lambda: sum(actor.phase != "opening" for actor in hub.actors.values()) == 200)
print(hub.pid, *refused, flush=True)
signal.pause()
"""


@pytest.mark.alone
def test_of_500_actors_those_that_may_be_run_and_none_outlives_a_killed_client(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    env = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    command = [sys.executable, "-c", _CLIENT, str(tmp_path / "pipe")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env, text=True) as client:
        try:
            assert client.stdout
            pid, problem = client.stdout.readline().split(" ", 1)
            assert problem == "200 producers and consumers are running, as many as there can be; stop one first\n"
            left = [psutil.Process(int(pid)), *family(int(pid))]
            assert len(left) == 1 + limits.MOST_RUNNING + 2
            time_left = allowed(ENDED_WITHIN)
        finally:
            client.kill()
    wait_until(lambda: not alive(left), time_left, "the hub and its children are gone", shown=lambda: alive(left))


def test_actors_that_have_ended_make_room_until_too_many_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    code = (
        "import sys\nfrom pipetui.backend.runtime import limits\nlimits.MOST_RUNNING, limits.MOST_ACTORS = 2, 3\n"
        "from pipetui.backend.main import main\nsys.exit(main())"
    )
    with HubClient([tmp_path], argv=[sys.executable, "-c", code]) as hub:
        for _ in range(3):
            number = hub.start(ConsumerSpec(str(tmp_path / "pipe")))
            hub.control(number, "stop")
            hub.wait_for(lambda: number in hub.actors and hub.actors[number].phase == "ended")  # noqa: B023
        with pytest.raises(HubRefusedError, match="3 producers and consumers are listed; dismiss some"):
            hub.start(ConsumerSpec(str(tmp_path / "pipe")))
        hub.control(number, "dismiss")
        hub.start(ProducerSpec(str(tmp_path / "pipe")))


def test_requests_that_wait_are_so_many_at_most(tmp_path: Path) -> None:
    from pipetui.protocol import messages, requests

    os.mkfifo(tmp_path / "pipe")
    with HubClient([tmp_path]) as hub:
        for _ in range(100):
            hub.call(requests.Send(str(tmp_path / "pipe"), "hello\n", 60.0))
        refused = [reply for _ in range(50) if isinstance(reply := hub.reply(), messages.Failed)]
        assert {reply.message for reply in refused} == {limits.TOO_MANY_TASKS}
        assert len(family(hub.pid)) <= limits.MOST_TASKS + 2
        assert_ends_with_its_client(hub)


# --- what is seen ---------------------------------------------------------------------------------------------------

#: More pipes than are told (`bounds.MOST_PIPES`), and a pipe with more ends than are told (`bounds.MOST_ENDS`). With
#: 3,000 processes of 20 pipes each nothing else happens, but it takes as long as all other tests of the file together.
PROCESSES, PIPES = 600, 35

#: Forks them without exec; each ends when its parent does.
_CROWD = f"""
import os, resource, sys
wait, alive = os.pipe()
for number in range({PROCESSES}):
    if os.fork() == 0:
        os.close(alive)
        kept = [os.pipe() for _ in range({PIPES})]
        os.write(1, b".")
        os.read(wait, 1)
        os._exit(0)
sys.stdin.read()
os._exit(0)
"""


def why_no_crowd() -> str:
    """Return why there can't be that many processes here; empty if there can."""
    most, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    allowed_pids = int(Path("/proc/sys/kernel/pid_max").read_text())
    if os.geteuid() != 0 and 0 <= most < PROCESSES * 2:
        return f"RLIMIT_NPROC allows {most} processes"
    if allowed_pids < PROCESSES * 4:
        return f"kernel.pid_max is {allowed_pids}"
    if psutil.virtual_memory().available < 1 << 30:
        return "less than 1 GiB of memory is free"
    return ""


@pytest.fixture
def crowd() -> Iterator[None]:
    """Many processes with many pipes each, and one pipe that they all have."""
    if why_no_crowd():
        pytest.skip(why_no_crowd())
    command = [sys.executable, "-I", "-S", "-c", _CROWD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin
        assert parent.stdout
        try:
            there = 0
            while there < PROCESSES and (data := os.read(parent.stdout.fileno(), 4096)):
                there += len(data)
            if there < PROCESSES:
                pytest.skip(f"only {there:,} processes could be made")
            yield
        finally:
            parent.stdin.close()
            while os.read(parent.stdout.fileno(), 4096):
                pass  # until the last of them has gone


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_more_pipes_and_ends_than_are_listed_are_told_in_part_and_hold_up_nobody(crowd: None, tmp_path: Path) -> None:
    with HubClient([tmp_path]) as hub:
        hub.anonymous = True
        hub.wait_for(lambda: hub.status.partial, 120)
        problem = " ".join(hub.status.partial)
        assert re.search(rf"only {bounds.MOST_PIPES:,} of 2\d,", problem), problem
        assert re.search(r"ends of each pipe are listed; one has 6\d\d\b", problem), problem
        assert hub.status.troubles == ()
        deadline = time.monotonic() + 120
        while len(hub.pipes) < 0.9 * bounds.MOST_PIPES:  # `wait_for` would print them all when it fails
            assert time.monotonic() < deadline, len(hub.pipes)
            hub.update(60)
        assert len(hub.pipes) <= 1.1 * bounds.MOST_PIPES
        assert max(len(row.pipe.ends) for row in hub.pipes.values()) <= bounds.MOST_ENDS
        assert psutil.Process(hub.pid).memory_info().rss < 1 << 29
        assert_ends_with_its_client(hub)


# --- the bounds themselves ------------------------------------------------------------------------------------------


def pipe(number: int, *ends: End, kind: str = "anonymous") -> Pipe:
    return Pipe(PipeId(1, number), kind, ends=ends)  # type: ignore[arg-type]


def test_a_pipe_with_few_writers_among_many_readers_keeps_them() -> None:
    crowded = pipe(1, *(End(pid, 3, "r") for pid in range(10_000)), End(10_000, 4, "w"))
    told, notes = bounds.of_pipes({crowded.id: crowded})
    (kept,) = told.values()
    assert 10_000 in kept.holders("w")
    assert len(kept.ends) <= bounds.MOST_ENDS
    assert notes == ("only 500 ends of each pipe are listed; one has 10,001",)


def test_many_pipes_with_many_ends_are_thinned_to_what_all_may_have() -> None:
    ends = tuple(End(pid, fd, "rw") for pid in range(100) for fd in (3, 4))
    pipes = {PipeId(1, number): pipe(number, *ends) for number in range(2_000)}
    told, notes = bounds.of_pipes(pipes)
    assert sum(len(one.ends) for one in told.values()) <= bounds.MOST_ENDS_IN_ALL
    assert all(one.ends for one in told.values())
    assert notes == ("only 25 ends of each pipe are listed; one has 200",)


def test_what_fits_is_told_as_it_is() -> None:
    ordinary = {PipeId(1, number): pipe(number, End(number, 3, "r", command="cat")) for number in range(100)}
    assert bounds.of_pipes(ordinary) == (ordinary, ())
    assert bounds.of_pids({1, 2}) == ({1, 2}, ())
    assert bounds.of_findings((FINDING,)) == ((FINDING,), ())


FINDING = Finding("stale", "note", (PipeRef(1, 2, "/p"),), (), "nobody has /p open", "", "")


def test_fifos_are_told_before_anonymous_pipes() -> None:
    pipes = {PipeId(1, number): pipe(number) for number in range(bounds.MOST_PIPES)}
    fifo = pipe(1 << 40, kind="fifo")
    told, notes = bounds.of_pipes({**pipes, fifo.id: fifo})
    assert fifo.id in told
    assert len(told) == bounds.MOST_PIPES
    assert notes == ("only 20,000 of 20,001 pipes are listed, first FIFOs and where somebody waits",)


def test_command_lines_are_cut_where_they_are_too_much_in_all() -> None:
    long = "java " + "x" * 9_995
    pipes = {PipeId(1, number): pipe(number, End(1, 3, "r", command=long)) for number in range(1_000)}
    told, notes = bounds.of_pipes(pipes)
    assert {end.command for one in told.values() for end in one.ends} == {long[:99] + "…"}
    assert notes == ("command lines are cut to 100 characters where pipes list their ends",)
    assert bounds.of_process(Process(1, long)).command == long
    assert len(bounds.of_process(Process(1, long * 10)).command) == bounds.LONGEST_COMMAND


def test_findings_are_bounded_in_number_and_in_what_they_name() -> None:
    many = Finding("stale", "note", tuple(PipeRef(1, n, "/x" * 100) for n in range(50_000)), (), "nobody", "", "")
    told, notes = bounds.of_findings((many,) * 600)
    assert notes == ("only 500 of 600 findings are told",)
    assert sum(len(ref.path or "") for finding in told for ref in finding.pipes) < bounds.MOST_PATHS * 2
    assert all(finding.pipes for finding in told)


def test_what_is_told_at_once_is_so_much_at_most() -> None:
    pipes = [pipe(number, *(End(pid, 3, "r") for pid in range(number % 300))) for number in range(3_000)]
    portions = list(bounds.portions(pipes))
    assert [one for portion in portions for one in portion] == pipes
    assert all(len(portion) <= bounds.PORTION for portion in portions)
    assert all(sum(len(one.ends) for one in portion) < bounds.PORTION_ENDS + 300 for portion in portions)
    assert list(bounds.portions([])) == [[]]
