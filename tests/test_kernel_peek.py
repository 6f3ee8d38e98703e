"""Looking without touching: borrowed and reopened ends, and tee(2); who has the pipe open notices nothing."""

from __future__ import annotations

import os
import select
import signal
from functools import partial
from pathlib import Path

import pytest
from helper_processes import as_nobody, running, until, waits_in_open

from pipetui.kernel import fifo, inotify, ioctl
from pipetui.kernel.borrow import Borrower, Wanted, measure
from pipetui.kernel.errors import Gone, NotPermitted, WouldDisturb
from pipetui.kernel.fd import Fd
from pipetui.kernel.peek import peek
from pipetui.kernel.procfs import Proc
from pipetui.model import End, PipeId
from pipetui.watch.census import take
from pipetui.watch.fill import fills

STRICT = Proc(attach=False)  # as under Yama's ptrace_scope 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    fifo.create(str(path))
    return path


def ends_of(identity: PipeId) -> tuple[End, ...]:
    """Return the ends that other processes hold."""
    return tuple(end for end in take(Proc(), anonymous=True).ends.get(identity, ()) if end.pid != os.getpid())


@pytest.mark.parametrize("proc", [Proc(), STRICT], ids=["borrowed", "reopened"])
def test_what_is_queued_is_shown_and_stays(path: Path, proc: Proc) -> None:
    identity = fifo.identify(str(path))
    with running(
        "sh", "-c", 'exec 3<>"$0"; printf "one\\ntwo\\n" >&3; echo ready; read x; head -c 8 <&3', path
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdin is not None
        assert shell.stdout.readline() == b"ready\n"
        for _ in range(3):
            seen = peek(ends_of(identity), identity, proc=proc)
            assert (seen.data, seen.queued, seen.capacity) == (b"one\ntwo\n", 8, 65536)
        shell.stdin.write(b"go on\n")
        shell.stdin.flush()
        assert shell.stdout.read(8) == b"one\ntwo\n"


def test_an_anonymous_pipe_between_two_processes_can_be_peeked_at() -> None:
    with running("sh", "-c", "echo in between; exec sleep 600") as writer:
        assert writer.stdout is not None
        ours = writer.stdout.fileno()
        status = os.fstat(ours)
        identity = PipeId(status.st_dev, status.st_ino)
        until(lambda: ioctl.queued(ours))
        ends = take(Proc(), anonymous=True).ends[identity]
        assert peek(ends, identity).data == b"in between\n"
        assert writer.stdout.readline() == b"in between\n"


def test_all_of_a_large_pipe_is_copied_at_once() -> None:
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        ioctl.set_capacity(writer, 1 << 20)
        os.set_blocking(writer, False)
        data = bytes(range(256)) * 4096
        for start in range(0, len(data), 1024):
            os.write(writer, data[start : start + 1024])
        status = os.fstat(reader)
        identity = PipeId(status.st_dev, status.st_ino)
        seen = peek((End(os.getpid(), reader, "r"),), identity)
        assert seen.data == data
        assert (seen.queued, seen.capacity) == (len(data), 1 << 20)
        assert os.read(reader, 100) == data[:100]


def test_a_pipe_larger_than_ours_may_be_is_shown_in_part_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over fs.pipe-max-size, or over a user's fs.pipe-user-pages-soft, the kernel refuses to enlarge ours."""

    def refused(fd: int, size: int) -> int:
        raise NotPermitted("the pipe: operation not permitted")

    limit = int(Path("/proc/sys/fs/pipe-max-size").read_text())
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        ioctl.set_capacity(writer, limit)
        monkeypatch.setattr("pipetui.kernel.peek.set_capacity", refused)
        data = b"0123456789abcdef" * (limit // 16)
        os.write(writer, data)
        status = os.fstat(reader)
        seen = peek((End(os.getpid(), reader, "r"),), PipeId(status.st_dev, status.st_ino))
        assert seen.queued == len(data)
        assert data.startswith(seen.data)
        assert 0 < len(seen.data) < len(data)


def test_an_empty_pipe_is_empty(path: Path) -> None:
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)):
        identity = fifo.identify(str(path))
        assert peek((End(os.getpid(), reader.fileno(), "r"),), identity).data == b""


def test_without_a_reader_it_refuses_and_a_blocked_writer_stays_blocked(path: Path) -> None:
    identity = fifo.identify(str(path))
    with running("sh", "-c", 'echo hi > "$0"', path) as shell:
        until(lambda: waits_in_open(shell.pid))
        with pytest.raises(WouldDisturb, match="no reader"):
            peek((), identity, str(path))
        with fifo.open_reader(str(path)) as reader:
            until(lambda: select.select([reader], [], [], 0)[0])
            assert os.read(reader.fileno(), 10) == b"hi\n"
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        reader.close()
        held = {identity: [End(os.getpid(), writer.fileno(), "w")]}
        assert identity in fills(held)  # a borrowed write end tells the fill
        assert fills({identity: [End(1, 999, "w")]}, STRICT) == {}


def test_a_user_without_any_right_is_told_so(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    identity = fifo.identify(str(path))
    with fifo.open_reader(str(path)) as reader:
        ends = (End(os.getpid(), reader.fileno(), "r"),)

        def refused() -> str:
            try:
                peek(ends, identity)
            except NotPermitted as error:
                return str(error)
            return ""

        assert "may neither borrow nor reopen" in as_nobody(refused)


def test_ends_that_were_closed_since_they_were_read_are_no_matter_of_permission(path: Path) -> None:
    with fifo.open_reader(str(path)) as reader:
        ends = (End(os.getpid(), reader.fileno(), "r"),)
    with pytest.raises(Gone, match="have just closed it"):
        peek(ends, fifo.identify(str(path)), str(path))


def test_a_fill_that_this_user_may_not_know_is_unknown(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    identity = fifo.identify(str(path))
    with fifo.open_reader(str(path)) as reader:
        holder = os.fork()
        if holder == 0:
            try:
                select.select([], [], [], 60.0)
            finally:
                os._exit(0)
        held = {identity: [End(holder, reader.fileno(), "r")]}

        try:
            assert fills(held) == {identity: (0, 65536)}
            assert as_nobody(partial(fills, held)) == {}
        finally:
            os.kill(holder, signal.SIGKILL)
            os.waitpid(holder, 0)


def test_a_reopened_end_is_only_ever_a_reader_beside_another(path: Path) -> None:
    identity = fifo.identify(str(path))
    with running("sh", "-c", 'exec 3<>"$0"; printf hello >&3; exec 4>"$0" 3<"$0"; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        ends = ends_of(identity)
        with Borrower(STRICT) as borrower:
            assert borrower.fills([Wanted(identity, ends)]) == [None]
            assert borrower.refused == {shell.pid}
            assert borrower.reopen([end for end in ends if end.access == "w"], identity, measure) is None
            assert borrower.reopen(ends, identity, measure) == (5, 65536)
        assert fills({identity: ends}, STRICT) == {identity: (5, 65536)}


def test_borrowing_opens_nothing_and_reopening_is_never_for_writing(path: Path) -> None:
    identity = fifo.identify(str(path))
    watch = inotify.Inotify()
    with running("sh", "-c", 'exec 3<>"$0"; echo ready; read x', path) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        watch.add(str(path), 0xFFF)
        ends = ends_of(identity)
        fills({identity: ends})
        peek(ends, identity)
        assert watch.read() == []
        fills({identity: ends}, STRICT)
        assert {event.mask for event in watch.read()} == {inotify.OPEN, inotify.CLOSE_NOWRITE}
    watch.close()


def test_a_descriptor_that_changed_hands_is_not_taken_for_the_pipe(path: Path) -> None:
    other = path.with_name("other")
    fifo.create(str(other))
    with fifo.open_reader(str(path)) as reader:
        end = End(os.getpid(), reader.fileno(), "r")
        assert fills({fifo.identify(str(other)): [end]}) == {}
