"""The small mechanisms: pipe sizes, borrowed ends, inotify, the lives of children."""

from __future__ import annotations

import ctypes
import os
import select
import signal
from pathlib import Path

import pytest
from helper_processes import as_nobody, running

from pipetui.kernel import fifo, inotify, ioctl, lifetime
from pipetui.kernel.borrow import Borrower, Fill, Wanted
from pipetui.kernel.errors import Missing, NotPermitted, PipeError, WatchLimit
from pipetui.kernel.fd import Fd
from pipetui.kernel.inotify import Inotify
from pipetui.kernel.procfs import Proc
from pipetui.model import Access, End, PipeId


def test_a_pipe_tells_how_full_it_is_on_either_end() -> None:
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        os.write(writer, b"x" * 1234)
        assert ioctl.queued(reader) == ioctl.queued(writer) == 1234
        assert ioctl.set_capacity(writer, 1 << 17) == ioctl.capacity(reader) == 1 << 17


def test_what_is_no_pipe_has_no_size(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file, pytest.raises(OSError):
        ioctl.capacity(file.fileno())


def test_a_capacity_that_is_too_small_for_what_is_queued_is_refused_in_words() -> None:
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        os.write(writer, b"x" * 20_000)
        with pytest.raises(PipeError, match="the pipe"):
            ioctl.set_capacity(reader, 4096)


def fill(pid: int, fd: int, access: Access) -> Fill | None:
    """Return how full the pipe is that is `fd` in process `pid`."""
    try:
        status = os.stat(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return None
    with Borrower() as borrower:
        return borrower.fills([Wanted(PipeId(status.st_dev, status.st_ino), (End(pid, fd, access),))])[0]


def test_the_fill_of_another_processs_pipe_is_known_without_opening_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    code = 'exec 3<>"$0"; printf hello >&3; echo ready; read x'
    with running("sh", "-c", code, path) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"ready\n"
        watch = Inotify()
        watch.add(str(path), inotify.OPEN | inotify.CLOSE_NOWRITE | inotify.CLOSE_WRITE | inotify.ACCESS)
        assert fill(shell.pid, 3, "rw") == (5, 65536)
        assert watch.read() == []
        watch.close()
        assert fill(shell.pid, 99, "rw") is None
    assert fill(shell.pid, 3, "rw") is None  # gone


def test_our_own_pipe_needs_no_borrowing() -> None:
    reader, writer = os.pipe()
    with Fd(reader), Fd(writer):
        os.write(writer, b"abc")
        assert fill(os.getpid(), reader, "r") == (3, 65536)


def test_inotify_tells_names_as_bytes_and_in_order(tmp_path: Path) -> None:
    watch = Inotify()
    wd = watch.add(os.fsencode(tmp_path), inotify.CREATE | inotify.DELETE | inotify.MOVED_FROM | inotify.MOVED_TO)
    assert watch.read() == []
    evil = os.path.join(os.fsencode(tmp_path), b"a\xff\n")
    os.mkfifo(evil)
    os.rename(evil, tmp_path / "b")
    os.mkdir(tmp_path / "c")
    events = watch.read()
    assert [(event.mask, event.name) for event in events] == [
        (inotify.CREATE, b"a\xff\n"),
        (inotify.MOVED_FROM, b"a\xff\n"),
        (inotify.MOVED_TO, b"b"),
        (inotify.CREATE | inotify.ISDIR, b"c"),
    ]
    assert events[1].cookie == events[2].cookie != 0
    assert {event.wd for event in events} == {wd}
    watch.remove(wd)
    watch.remove(wd)
    assert [event.mask for event in watch.read()] == [inotify.IGNORED]
    watch.close()
    with pytest.raises(ValueError):
        watch.fileno()


def test_a_watch_on_nothing_is_missing(tmp_path: Path) -> None:
    watch = Inotify()
    with pytest.raises(Missing):
        watch.add(str(tmp_path / "nope"), inotify.CREATE)
    watch.close()


def test_a_used_up_limit_names_what_to_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def inotify_add_watch(self, *_: object) -> int:
            ctypes.set_errno(28)
            return -1

    watch = Inotify()
    monkeypatch.setattr(inotify, "_libc", Full())
    with pytest.raises(WatchLimit, match=r"fs\.inotify\.max_user_watches"):
        watch.add(str(tmp_path), inotify.CREATE)
    watch.close()


def test_a_child_dies_with_its_parent() -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        here = os.getpid()
        child = os.fork()
        if child == 0:
            lifetime.die_with_parent(here)
            lifetime.set_name("pipetui-test-name")
            os.write(writer, str(os.getpid()).encode())
            signal.pause()
        signal.pause()
    os.close(writer)
    child = int(os.read(reader, 20))
    assert Proc().comm(child) == "pipetui-test-na"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    ready, _, _ = select.select([reader], [], [], 10)
    assert ready
    assert os.read(reader, 1) == b""  # the child's end has gone with it
    os.close(reader)


def test_a_child_whose_parent_has_already_gone_ends_at_once() -> None:
    child = os.fork()
    if child == 0:
        lifetime.die_with_parent(os.getppid() + 1)
        os._exit(77)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_a_pidfd_tells_the_end_of_a_process() -> None:
    with running("cat") as cat:
        handle = lifetime.pidfd_open(cat.pid)
        assert handle is not None
        with handle:
            assert not select.select([handle], [], [], 0)[0]
            cat.kill()
            assert select.select([handle], [], [], 10)[0]
    assert lifetime.pidfd_open(cat.pid) is None


def test_a_child_keeps_only_the_descriptors_it_is_given() -> None:
    kept, other = os.pipe()
    child = os.fork()
    if child == 0:
        lifetime.close_all_except({other})
        left = [number for number in range(3, 1000) if is_open(number)]
        os.write(other, repr(left).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(kept, 1000) == repr([other]).encode()
    os.close(kept)
    os.close(other)


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_a_made_up_proc_is_read_like_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_bytes(
        b"22 1 0:21 / / rw - ext4 /dev/vda rw\n"
        rb"23 1 0:30 / /mnt/my\040disk\134x rw shared:1 - nfs4 host:/x rw" + b"\nnonsense\n"
    )
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    folder = tmp_path / "42"
    (folder / "fd").mkdir(parents=True)
    (folder / "fdinfo").mkdir()
    (folder / "fdinfo/3").write_text("pos:\t0\nflags:\t0104000\nmnt_id:\t1\n")
    (folder / "fdinfo/4").write_text("pos:\t0\nflags:\t0100000\n")
    (folder / "cmdline").write_bytes(b"evil\0\xff\x1b\0")
    (folder / "comm").write_text("evil\n")
    (folder / "fd/3").symlink_to(pipe)
    (folder / "fd/4").symlink_to("pipe:[4711]")
    (folder / "fd/5").symlink_to("socket:[1]")
    (folder / "fd/6").symlink_to("/nowhere/at/all")
    proc = Proc(str(tmp_path))
    assert proc.pids() == [42]
    assert proc.command(42) == "evil \udcff\x1b"
    assert {item.fd: item.text for item in proc.fds(42)}[4] == "pipe:[4711]"
    assert [item.fd for item in proc.held(42).fifos] == [3]
    assert proc.held(42).pipes == []
    assert [(fd, inode) for fd, inode, _ in proc.held(42, anonymous=True).pipes] == [(4, 4711)]
    assert proc.held(42, far=("/nowhere/",)).far == {"/nowhere/"}
    assert [proc.nonblocking(42, fd) for fd in (3, 4, 5)] == [True, False, None]
    assert [(mount.point, mount.remote) for mount in proc.mounts()] == [("/", False), ("/mnt/my disk\\x", True)]


def test_a_process_that_is_gone_is_an_answer(tmp_path: Path) -> None:
    proc = Proc(str(tmp_path))
    assert list(proc.fds(1)) == []
    assert proc.held(1).fifos == []
    assert (proc.command(1), proc.comm(1), proc.wchan(1, 1), proc.memory(1, 0, 8)) == ("", "", "", b"")
    assert (proc.tasks(1), proc.syscall(1, 1), proc.cwd(1), proc.nonblocking(1, 1)) == ([], None, None, None)
    assert proc.mounts() == ()


def test_an_o_path_handle_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    fifo.create(str(path))
    with Fd(os.open(path, os.O_PATH)) as handle, fifo.open_reader(str(path)) as reader:
        access = {item.fd: item.access for item in Proc().fds(os.getpid())}
        assert access[handle.fileno()] is None
        assert access[reader.fileno()] == "r"
        held = [item.fd for item in Proc().held(os.getpid()).fifos]
        assert reader.fileno() in held
        assert handle.fileno() not in held


def test_another_users_process_can_be_told_from_one_that_is_gone() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to have two users")
    ours = os.getpid()

    def attempt() -> str:
        try:
            Proc().held(ours)
        except NotPermitted:
            return "refused"
        return "read"

    assert as_nobody(attempt) == "refused"
