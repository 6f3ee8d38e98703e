"""The comparison: every mechanism carries what it is given, nothing is left of it however it ends, and it is readable.

How fast anything is, is nowhere asserted.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hubclient import HubClient
from processes import PIPETUI, Sandbox
from textual.pilot import Pilot
from tui_fakes import FakeHub, on_screen, press, screen_lines, screen_text, settle
from updates import update
from waiting import TIMEOUT, wait_until

from pipetui import substitutes
from pipetui.cli.bench import NAMES
from pipetui.cli.values import message_size
from pipetui.labs.comparison import MECHANISMS, SIZES, compare
from pipetui.labs.comparison.advice import advice
from pipetui.labs.comparison.apart import NoAnswer, apart
from pipetui.labs.comparison.mechanism import End, Mechanism, Message, Pair
from pipetui.labs.comparison.peers import Peers
from pipetui.labs.comparison.pipe import Pipe
from pipetui.labs.comparison.pool import Pool
from pipetui.model import BenchFigure, BenchGap, BenchMechanism, BenchReport, BenchTrip
from pipetui.protocol import requests
from pipetui.tui.app import PipetuiApp
from pipetui.tui.screens.bench import BenchScreen
from pipetui.tui.views.benchchart import bar, chart, chosen, costs, figure_words, joined, progress, speeds

# What is measured forks; here threads of other tests may be about, which those forks do not touch.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture(autouse=True)
def parent_of_its_own_only() -> Iterator[None]:
    """A measurement makes this process the parent of orphans (PR_SET_CHILD_SUBREAPER); other tests count on init."""
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


PAIRS = [name for name, each in MECHANISMS.items() if issubclass(each, Pair)]

#: Smaller than, as large as and larger than what is written at once (PIPE_BUF) and what a pipe holds.
ODD_SIZES = (1, 16, 4096, 4097, 70_000, 1 << 20)


# --- what is carried --------------------------------------------------------------------------------------------------


def different(size: int, count: int) -> list[bytes]:
    """Return messages of a size, each unlike the one before."""
    return [
        bytes((number * 7 + at) % 251 for at in range(min(size, 600))) * (size // 600 + 1) for number in range(count)
    ]


def there_and_back(mechanism: type[Pair], size: int, count: int) -> dict[str, Any]:
    """Send different messages one way, then each there and, turned round, back; return what both sides saw."""
    messages = [message[:size] for message in different(size, count)]
    pair = mechanism(size)
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            end = pair.far()
            sums = [zlib.crc32(end.receive()) for _ in range(count)]
            os.write(write, json.dumps(sums).encode() + b"\n")
            for _ in range(count):
                end.send(bytes(end.receive())[::-1])
            time.sleep(60)  # a queue's thread may still be sending; we are killed when the answers have come
        finally:
            os._exit(0)
    end = pair.near()
    for message in messages:
        end.send(message)
    with open(read, closefd=False) as lines:
        arrived = json.loads(lines.readline())
    returned = []
    for message in messages:
        end.send(message)
        returned.append(bytes(end.receive()) == message[::-1])
    return {"arrived": arrived == [zlib.crc32(message) for message in messages], "returned": all(returned)}


@pytest.mark.parametrize("size", ODD_SIZES)
@pytest.mark.parametrize("name", PAIRS)
def test_every_message_arrives_whole_and_in_order_both_ways(name: str, size: int) -> None:
    mechanism = MECHANISMS[name]
    assert issubclass(mechanism, Pair)
    # more than the shared buffer has places, so that each place is used again
    assert apart(lambda: there_and_back(mechanism, size, 40), 60.0) == {"arrived": True, "returned": True}


def test_the_pool_answers_every_message() -> None:
    def work() -> list[Any]:
        pool = Pool(b"x" * 5000)
        return [pool.stream(30).messages, len(pool.trips(5)), pool.stream(1).waits > 0]

    assert apart(work, 60.0) == [30, 5, True]


@pytest.mark.parametrize("name", PAIRS)
def test_a_course_counts_messages_and_trips(name: str) -> None:
    mechanism = MECHANISMS[name]
    assert issubclass(mechanism, Pair)

    def work() -> list[Any]:
        course = Peers(mechanism(100), b"x" * 100)
        one = course.stream(25)
        return [one.messages, one.seconds > 0, one.waits >= 0, [trip > 0 for trip in course.trips(3)]]

    assert apart(work, 60.0) == [25, True, True, [True] * 3]


class Liar(Pipe):
    """Its receiver gets something else than what was sent."""

    name, title = "liar", "liar"

    def far(self) -> End:
        send, receive = super().far()

        def lie() -> Message:
            return bytes(receive())[:-1] + b"?"

        return End(send, lie)


class Broken(Pipe):
    """It can't be had here."""

    name, title = "broken", "broken"

    def __init__(self, size: int) -> None:
        raise PermissionError("not for you")


class Stuck(Pipe):
    """Its receiver ends at once."""

    name, title = "stuck", "stuck"

    def far(self) -> End:
        raise RuntimeError("no far end")


def test_what_arrives_changed_is_noticed() -> None:
    with pytest.raises(NoAnswer, match="arrived otherwise"):
        apart(lambda: Peers(Liar(10), b"0123456789").stream(3), 30.0)


def test_a_receiver_that_ends_is_noticed() -> None:
    with pytest.raises(NoAnswer):
        apart(lambda: Peers(Stuck(10), b"0123456789").stream(3), 30.0)


def test_a_measurement_that_hangs_is_ended_with_all_its_processes() -> None:
    def hang() -> None:
        os.fork()
        signal.pause()

    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(NoAnswer, match="took too long"):
        apart(hang, 0.3)
    wait_until(lambda: set(psutil.Process().children(recursive=True)) <= before, what="no process is left")


# --- the comparison ---------------------------------------------------------------------------------------------------


def last(mechanisms: Sequence[type[Mechanism]], sizes: Sequence[int], seconds: float) -> BenchReport:
    """Compare and return the last report."""
    return list(compare(mechanisms, sizes, seconds))[-1]


def test_there_is_a_figure_for_everything_and_it_never_goes_back() -> None:
    fds = len(os.listdir("/proc/self/fd"))
    reports = list(compare(list(MECHANISMS.values()), SIZES, 1.0))
    assert [report.done for report in reports[:-1]] == list(range(reports[0].visits))
    assert not any(report.over or report.advice for report in reports[:-1])
    end = reports[-1]
    assert end.over
    assert end.gaps == ()
    assert end.advice.endswith(".")
    assert {(one.mechanism, one.size) for one in end.figures} == {(name, size) for name in MECHANISMS for size in SIZES}
    assert {trip.mechanism for trip in end.trips} == set(MECHANISMS)
    for one in end.figures:
        assert one.rate > 0
        assert one.messages >= one.rounds >= 1
        assert one.waits >= 0
    for trip in end.trips:
        assert 0 < trip.median <= trip.slow
    pickling = {one.mechanism for one in end.figures if one.pickling > 0}
    assert pickling == {each.name for each in end.mechanisms if each.pickles} == {"mp-pipe", "mp-queue", "pool"}
    assert len(os.listdir("/proc/self/fd")) == fds


def test_what_can_not_be_had_is_told_and_the_rest_is_measured() -> None:
    report = last([Broken, Pipe], [16], 0.3)
    assert report.gaps == (BenchGap("broken", "broken: messages of 16 B: not for you"),)
    assert {one.mechanism for one in report.figures} == {"pipe"}
    assert report.done == report.visits


def test_an_iterator_that_is_closed_leaves_no_process() -> None:
    before = set(psutil.Process().children(recursive=True))
    reports = compare([Pipe], [16], 30.0)
    next(reports)
    reports.close()
    assert set(psutil.Process().children(recursive=True)) <= before


# --- advice -----------------------------------------------------------------------------------------------------------

PIPE = BenchMechanism("pipe", "pipe")
SOCKET = BenchMechanism("unix-socket", "Unix socket")
QUEUE = BenchMechanism("mp-queue", "multiprocessing.Queue", pickles=True)


def made_up(
    rates: dict[BenchMechanism, Sequence[float]],
    trips: dict[BenchMechanism, float] | None = None,
    pickling: float = 0.3,
) -> BenchReport:
    """Return a report on messages of 16 B and 1 MiB: rates in MB/s, round trips in microseconds."""
    sizes = (16, 1 << 20)
    figures = [
        BenchFigure(each.name, size, rate * 1e6, 3, 1000, 1.25, pickling if each.pickles else 0.0)
        for each, speeds in rates.items()
        for size, rate in zip(sizes, speeds, strict=False)
    ]
    times = [BenchTrip(each.name, 16, time / 1e6, time * 2 / 1e6, 100) for each, time in (trips or {}).items()]
    used = sizes[: max(len(speeds) for speeds in rates.values())]
    return BenchReport(tuple(rates), used, tuple(figures), tuple(times), done=18, visits=18, over=True)


def test_the_advice_names_the_best_for_each_case() -> None:
    report = made_up({PIPE: (40, 1000), SOCKET: (10, 5000), QUEUE: (4, 500)}, {PIPE: 40, SOCKET: 20, QUEUE: 90})
    assert advice(report) == (
        "On this machine, now: Unix socket for large messages (5.0 GB/s) and questions and answers (20 µs), "
        "pipe for small ones (40 MB/s), and multiprocessing.Queue for objects "
        "(10.0 times as long for 16 B, 30% of it pickling)."
    )


def test_where_several_are_as_good_the_simplest_is_named() -> None:
    report = made_up({PIPE: (39, 900), SOCKET: (40, 1000)}, {PIPE: 21, SOCKET: 20})
    assert advice(report) == (
        "On this machine, now: pipe for large messages (900 MB/s), small ones (39 MB/s) "
        "and questions and answers (21 µs)."
    )


def test_where_all_pickle_there_is_nothing_to_compare_objects_with() -> None:
    pipe = BenchMechanism("mp-pipe", "multiprocessing.Pipe", pickles=True)
    words = advice(made_up({pipe: (8,), QUEUE: (4,)}))
    assert (
        words
        == "On this machine, now: multiprocessing.Pipe for large messages (8 MB/s) and objects (30% of it pickling)."
    )


def test_without_a_choice_there_is_no_advice() -> None:
    assert advice(BenchReport()) == ""
    assert advice(made_up({PIPE: (40, 1000)}, {PIPE: 40})) == ""
    assert advice(replace(made_up({PIPE: (40,), SOCKET: (10,)}), figures=())) == ""


# --- how it is drawn --------------------------------------------------------------------------------------------------


def whole() -> BenchReport:
    """Return a report on all mechanisms and sizes, with figures as wide as they get."""
    mechanisms = tuple(BenchMechanism(name, each.title, bool(each.pickled(b""))) for name, each in MECHANISMS.items())
    figures = tuple(
        BenchFigure(
            each.name, size, 10 ** (5 + row / 2 + column / 2), 20, 10_000, 123.456, 1.0 if each.pickles else 0.0
        )
        for row, each in enumerate(mechanisms)
        for column, size in enumerate(SIZES)
    )
    trips = tuple(BenchTrip(each.name, 16, 10 ** (row / 2) * 5e-6, 9.99e-3, 500) for row, each in enumerate(mechanisms))
    report = BenchReport(mechanisms, SIZES, figures, trips, done=144, visits=144, over=True)
    return replace(report, advice=advice(report))


@pytest.mark.parametrize("width", [60, 79, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    report = whole()
    for size in SIZES:
        lines = joined(chart(report, size, width))
        assert max(map(len, lines)) <= width
        assert len(lines) == len(MECHANISMS) + 2
    tables = [*joined(speeds(report)), *joined(costs(report))]
    assert max(map(len, tables)) <= 79
    assert len(progress(replace(report, doing="x" * 200), width)) <= width
    for line in (*lines, *tables):
        plain = line.encode("ascii", substitutes.TEXT)
        assert len(plain) == len(line)
        assert b"\\" not in plain


def test_a_longer_bar_is_a_larger_figure_and_the_longest_takes_all_the_room() -> None:
    lines = joined(chart(whole(), 64 << 10, 80))[1:-1]
    left = [line[22:42].rstrip().count("█") for line in lines]
    assert left == sorted(left)
    assert left[0] >= 1
    rows = chart(whole(), 64 << 10, 80)[1:-1]
    assert rows[-1][1][0].strip() == "█" * len(rows[-1][1][0])
    assert bar(0.5, 3) == "█▌ "
    assert bar(0.5, 3).encode("ascii", substitutes.TEXT) == b"## "


def test_a_report_without_figures_can_be_drawn() -> None:
    report = replace(whole(), figures=(), trips=(), done=0)
    for lines in (chart(report, 16, 80), speeds(report), costs(report), chart(BenchReport(), 0, 80)):
        assert lines
    assert "0%" in progress(BenchReport(), 80)


def test_the_chart_is_of_64_kib_or_of_the_largest() -> None:
    report = whole()
    assert chosen(report) == 64 << 10
    assert chosen(report, 16) == 16
    assert chosen(replace(report, sizes=(16, 256))) == 256
    assert chosen(BenchReport()) == 0


def test_what_another_host_says_can_not_hurt() -> None:
    report = replace(whole(), mechanisms=(BenchMechanism("pipe", "\x1b[31mx" * 1000),), doing="\x1b[2J")
    report = replace(
        report, figures=(BenchFigure("pipe", 16, 0.0, 0, 0, 0.0),), trips=(BenchTrip("pipe", 16, 0, 0, 0),)
    )
    lines = [*joined(chart(report, 16, 80)), *joined(speeds(report)), *joined(costs(report)), progress(report, 80)]
    assert all("\x1b" not in line and len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("value", "words"), [(0.123, "0.12"), (3.456, "3.46"), (24.16, "24.2"), (99.96, "100"), (11724.8, "11,725")]
)
def test_figures_have_about_three_digits(value: float, words: str) -> None:
    assert figure_words(value) == words


# --- the command ------------------------------------------------------------------------------------------------------


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `pipetui bench`."""
    argv = [*PIPETUI, "bench", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=90, env={**os.environ, **env})


def test_its_names_are_those_of_the_mechanisms() -> None:
    assert tuple(MECHANISMS) == NAMES


def test_the_json_keeps_its_contract() -> None:
    done = run("--json", "--seconds", "0.5", "-m", "pipe", "-m", "mp-queue", "-s", "4K", "-s", "16")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert set(answer) == {"host", "time", "seconds", "machine", "mechanisms", "advice"}
    assert set(answer["machine"]) == {"cpus", "kernel", "python"}
    assert [each["name"] for each in answer["mechanisms"]] == ["pipe", "mp-queue"]
    for each in answer["mechanisms"]:
        assert set(each) == {"name", "title", "pickles", "missing", "throughput", "round_trip"}
        assert each["missing"] is None
        assert each["pickles"] == (each["name"] == "mp-queue")
        assert [one["size"] for one in each["throughput"]] == [16, 4096]
        for one in each["throughput"]:
            assert set(one) == {
                "size", "bytes_per_second", "seconds_per_message", "rounds", "messages", "waits_per_message",
                "pickling_share",
            }  # fmt: skip
            assert one["seconds_per_message"] == pytest.approx(one["size"] / one["bytes_per_second"])
            assert 0 <= one["pickling_share"] <= 1
        assert set(each["round_trip"]) == {"size", "median", "p99", "trips"}


def test_people_get_tables_a_chart_and_a_sentence() -> None:
    done = run("--seconds", "0.5", "-m", "pipe", "-m", "mp-pipe", "-s", "16", "-s", "64K", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) < 80
    assert "On this machine, now:" in done.stdout
    assert sum("█" in line for line in lines) == 2


def test_a_terminal_without_blocks_gets_ascii() -> None:
    done = run("--seconds", "0.3", "-m", "pipe", "-s", "16", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "#" in done.stdout
    assert "\\" not in done.stdout


@pytest.mark.parametrize("arguments", [("-s", "0"), ("-s", "17M"), ("-s", "x"), ("-s", "K"), ("-m", "smoke"), ("x",)])
def test_nonsense_is_a_usage_error(arguments: Sequence[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("words", "size"), [("16", 16), ("16B", 16), ("4k", 4096), ("64KiB", 65536), ("1M", 1 << 20), ("16m", 16 << 20)]
)
def test_sizes_are_written_as_people_do(words: str, size: int) -> None:
    assert message_size(words) == size


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
@pytest.mark.parametrize("name", NAMES)
def test_killed_midway_it_leaves_nothing(name: str, number: signal.Signals) -> None:
    with Sandbox() as sandbox:
        argv = [*PIPETUI, "bench", "--seconds", "40", "-m", name]
        with subprocess.Popen(argv, env=sandbox.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            wait_until(lambda: len(sandbox.family()) >= 3, what="it measures")
            process.send_signal(number)
            out, err = process.communicate(timeout=TIMEOUT)
        sandbox.assert_empty()
        assert list(sandbox.tmp.iterdir()) == []
        assert (out, err) == (b"", b"")
        assert process.returncode == (130 if number == signal.SIGINT else -number)


def test_progress_is_for_terminals_and_is_gone_at_the_end() -> None:
    with Sandbox() as sandbox:
        terminal = sandbox.terminal(
            "bench", "--seconds", "2", "-m", "pipe", "-m", "fifo", "-s", "64K", columns=80, rows=24
        )
        terminal.wait_for("% ")
        assert terminal.wait_exit() == 0
        text = terminal.text()
        assert "messages of 64 KiB" not in text
        assert "On this machine, now:" in text
        sandbox.assert_empty()


def test_ctrl_c_on_a_terminal_ends_it_and_removes_the_line() -> None:
    with Sandbox() as sandbox:
        terminal = sandbox.terminal("bench", "--seconds", "40", columns=80, rows=24)
        terminal.wait_for("% ")
        terminal.send("ctrl+c")
        assert terminal.wait_exit() == 130
        assert "%" not in terminal.text()
        sandbox.assert_empty()


# --- the hub ----------------------------------------------------------------------------------------------------------


def test_a_hub_runs_it_and_tells_how_far_it_is(tmp_path: Path) -> None:
    with HubClient([tmp_path]) as hub:
        assert hub.bench is None
        hub.ask(requests.RunBench(2.0, ("pipe", "mp-pipe"), (4096, 16)))
        hub.wait_for(lambda: hub.bench and hub.bench.figures and not hub.bench.over, 30.0, "figures on the way")
        assert "is running" in hub.refusal(requests.RunBench())
        hub.wait_for(lambda: hub.bench and hub.bench.over, 30.0, "the end")
        assert hub.bench
        assert (hub.bench.sizes, hub.bench.trouble) == ((16, 4096), "")
        assert [each.name for each in hub.bench.mechanisms] == ["pipe", "mp-pipe"]
        assert hub.bench.advice
        hub.ask(requests.RunBench(0.2, ("pipe",), (16,)))
        hub.wait_for(lambda: hub.bench and hub.bench.sizes == (16,), 30.0, "the next one")


def test_a_comparison_that_is_stopped_leaves_what_it_found_and_no_process(tmp_path: Path) -> None:
    with HubClient([tmp_path]) as hub:
        hub.ask(requests.RunBench(60.0))
        hub.wait_for(lambda: hub.bench and hub.bench.figures, 30.0, "figures")
        forked = measuring(hub.pid)
        assert forked
        hub.ask(requests.StopBench())
        hub.wait_for(lambda: hub.bench and hub.bench.over, 30.0, "the end")
        assert hub.bench
        assert hub.bench.trouble == "it was stopped"
        assert hub.bench.figures
        wait_until(lambda: not any(lives(each) for each in forked), what="its processes have gone")
        hub.ask(requests.StopBench())  # there is none, which is what was wanted


@pytest.mark.parametrize(
    "request_",
    [
        requests.RunBench(1e9),
        requests.RunBench(-1.0),
        requests.RunBench(1.0, (), (0,)),
        requests.RunBench(1.0, (), (1 << 40,)),
    ],
)
def test_a_hub_refuses_nonsense(tmp_path: Path, request_: requests.RunBench) -> None:
    with HubClient([tmp_path]) as hub:
        assert hub.refusal(request_)
        hub.ask(requests.RunBench(1.0, ("smoke",)))
        hub.wait_for(lambda: hub.bench and hub.bench.over, what="its end")
        assert hub.bench
        assert hub.bench.trouble == "nothing is called 'smoke'"


@pytest.mark.parametrize("end", ["the hub is killed", "the child is killed", "the client leaves"])
def test_no_process_outlives_the_hub_or_the_child(tmp_path: Path, end: str) -> None:
    with HubClient([tmp_path]) as hub:
        hub.ask(requests.RunBench(60.0))
        wait_until(lambda: len(measuring(hub.pid)) >= 3, what="it measures")
        forked = measuring(hub.pid)
        if end == "the hub is killed":
            os.kill(hub.pid, signal.SIGKILL)
        elif end == "the client leaves":
            hub.close()
        else:
            forked[0].kill()
            hub.wait_for(lambda: hub.bench and hub.bench.over, what="its end")
            assert hub.bench
            assert hub.bench.trouble == "its process has failed"
        wait_until(lambda: not any(lives(each) for each in forked), what="all have gone")


def measuring(hub: int) -> list[psutil.Process]:
    """Return the hub's child that compares, and all processes below it."""
    bench = next((each for each in psutil.Process(hub).children() if each.name() == "pipetui-bench"), None)
    return [bench, *bench.children(recursive=True)] if bench else []


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- the screen -------------------------------------------------------------------------------------------------------


async def open_bench(app: PipetuiApp, pilot: Pilot[Any]) -> None:
    """Open the comparison from the labs."""
    await press(pilot, "l", "b")
    assert isinstance(app.screen, BenchScreen)


@on_screen(80, 24)
async def test_it_starts_when_asked_and_shows_how_far_it_is(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await open_bench(app, pilot)
    assert "The same messages through eight mechanisms" in screen_text(app)
    await press(pilot, "x")
    assert hub.asked(requests.StopBench) == []
    await press(pilot, "r")
    assert len(hub.asked(requests.RunBench)) == 1
    running = replace(whole(), done=36, over=False, doing="pipe: round trips", advice="", trips=())
    hub.push(update(bench=running))
    await settle(pilot)
    assert "25%  pipe: round trips" in screen_text(app)
    await press(pilot, "r")
    assert len(hub.asked(requests.RunBench)) == 1
    await press(pilot, "x")
    assert len(hub.asked(requests.StopBench)) == 1


@on_screen(80, 24)
async def test_the_chart_table_and_advice_fit_a_small_screen(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await open_bench(app, pilot)
    hub.push(update(bench=whole()))
    await settle(pilot)
    lines = screen_lines(app)
    assert len(lines) == 24
    text = "\n".join(lines)
    assert "On this machine, now:" in text
    assert "MB/s, 64 KiB each" in text
    assert sum("█" in line for line in lines) == len(MECHANISMS)
    assert "median µs" in text
    await press(pilot, "s")
    assert "MB/s, 1 MiB each" in screen_text(app)
    await press(pilot, "S", "S")
    assert "MB/s, 4 KiB each" in screen_text(app)
    await press(pilot, "G")
    assert "waits, pickling" in screen_text(app)
    await press(pilot, "y")
    assert "Copied the figures" in screen_text(app)
    await press(pilot, "b")
    assert not isinstance(app.screen, BenchScreen)


@on_screen(120, 40)
async def test_what_went_wrong_is_on_the_screen(app: PipetuiApp, hub: FakeHub, pilot: Pilot[Any]) -> None:
    await open_bench(app, pilot)
    report = replace(whole(), advice="", trouble="it was stopped", gaps=(BenchGap("tcp", "TCP loopback: no network"),))
    hub.push(update(bench=report))
    await settle(pilot)
    assert "It was stopped." in screen_text(app)
    assert "TCP loopback: no network" in screen_text(app)
    hub.refuse[requests.RunBench] = "a comparison is running"
    await press(pilot, "r")
    assert "a comparison is running" in screen_text(app)
