"""FIFOs are made, recognised, opened and removed, and nothing else is ever touched."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from helper_processes import as_nobody, blocked_reader, blocked_writer, running, until, waits_in_open

from pipetui.kernel import fifo
from pipetui.kernel.errors import Exists, Failed, Gone, Missing, NoReader, NotAFifo, NotPermitted, PipeError
from pipetui.model import PipeId

ACTS: list[Callable[[str], object]] = [fifo.identify, fifo.open_reader, fifo.open_writer, fifo.remove]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    fifo.create(str(path))
    return path


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other users reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def error_of(act: Callable[[], object]) -> type[BaseException] | None:
    try:
        act()
    except PipeError as error:
        return type(error)
    return None


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o000])
def test_a_new_fifo_has_exactly_the_mode_that_was_asked_for(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "new"
    before = os.umask(umask)
    try:
        identity = fifo.create(str(path), mode)
    finally:
        assert os.umask(before) == umask  # the process-wide umask was not changed
    assert stat.S_IMODE(path.lstat().st_mode) == mode
    assert identity == fifo.identify(str(path))


def test_creating_over_something_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    with pytest.raises(Exists, match="already exists"):
        fifo.create(str(path))
    assert path.read_text() == "kept"


def test_creating_in_a_folder_that_is_missing_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="nowhere does not exist"):
        fifo.create(str(tmp_path / "nowhere" / "pipe"))


def test_a_mode_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        fifo.create(str(tmp_path / "x"), 0o4600)


@pytest.mark.parametrize("act", ACTS)
def test_what_is_no_fifo_is_neither_opened_nor_removed(tmp_path: Path, act: Callable[[str], object]) -> None:
    file, folder, link = tmp_path / "file", tmp_path / "folder", tmp_path / "link"
    file.write_text("kept")
    folder.mkdir()
    os.mkfifo(tmp_path / "real")
    link.symlink_to("real")
    for path, kind in (
        (file, "regular file"),
        (folder, "folder"),
        (link, "symbolic link"),
        (Path("/dev/null"), "device"),
    ):
        with pytest.raises(NotAFifo, match=kind):
            act(str(path))
    assert file.read_text() == "kept"
    assert link.is_symlink()
    assert folder.is_dir()


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", ["missing", "", "file/below", "nul\0byte", "lone\ud800surrogate", "x" * 300])
def test_a_name_that_names_nothing_is_a_sentence(tmp_path: Path, act: Callable[[str], object], name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((Missing, Failed)):
        act(name and str(tmp_path / name))


@pytest.mark.parametrize("name", [b"new\nline", b"esc\x1b[31m", b"bad\xff\xfe", b" ", "ünïcödé".encode(), b"-rf"])
def test_strange_names_are_ordinary(tmp_path: Path, name: bytes) -> None:
    path = os.fsdecode(os.path.join(os.fsencode(tmp_path), name))
    identity = fifo.create(path)
    with fifo.open_reader(path, expected=identity) as reader, fifo.open_writer(path, expected=identity) as writer:
        os.write(writer.fileno(), b"hello")
        assert os.read(reader.fileno(), 100) == b"hello"
    fifo.remove(path, identity)
    assert not os.path.lexists(path)


def test_a_relative_name_works(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert fifo.identify("pipe") == fifo.identify(str(path))
    fifo.remove("pipe")
    fifo.create("pipe")
    fifo.open_reader("./pipe").close()


def test_a_writer_without_a_reader_is_told_at_once(path: Path) -> None:
    with pytest.raises(NoReader, match="has no reader"):
        fifo.open_writer(str(path))


def test_a_nonblocking_end_is_nonblocking_and_not_inherited(path: Path) -> None:
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)) as writer:
        for end in (reader, writer):
            assert not os.get_blocking(end.fileno())
            assert not os.get_inheritable(end.fileno())
        with pytest.raises(BlockingIOError):
            os.read(reader.fileno(), 1)


def test_removing_spares_a_fifo_that_took_the_place_of_the_one_that_was_meant(path: Path) -> None:
    old = fifo.identify(str(path))
    path.rename(path.with_name("elsewhere"))
    fifo.create(str(path))
    for act in (fifo.remove, lambda name, wanted: fifo.open_reader(name, expected=wanted)):
        with pytest.raises(Gone, match="replaced"):
            act(str(path), old)
    path.unlink()
    with pytest.raises(Gone, match="removed"):
        fifo.remove(str(path), old)
    path.write_text("a file now")
    with pytest.raises(Gone):
        fifo.remove(str(path), old)
    assert path.read_text() == "a file now"


def test_identifying_and_being_refused_leave_blocked_openers_blocked(tmp_path: Path) -> None:
    for name, blocked in (("r", blocked_reader), ("w", blocked_writer)):
        path = tmp_path / name
        identity = fifo.create(str(path))
        with blocked(path) as process:
            assert fifo.identify(str(path)) == identity
            for act in (fifo.open_reader, fifo.open_writer):
                with pytest.raises(Gone):
                    act(str(path), expected=PipeId(identity.dev, identity.inode + 1))
            assert waits_in_open(process.pid)


def test_a_blocking_open_waits_for_its_partner_and_survives_signals(path: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, lambda *_: os.write(writer, b"!"))
        with fifo.open_reader(str(path), blocking=True) as end:
            os.write(writer, os.read(end.fileno(), 100))
        os._exit(0)
    try:
        until(lambda: waits_in_open(child), "the child waits for a writer")
        os.kill(child, signal.SIGUSR1)
        assert os.read(reader, 1) == b"!"
        until(lambda: waits_in_open(child), "the child waits again")
        with fifo.open_writer(str(path)) as end:  # a blocked opener counts as a reader
            os.write(end.fileno(), b"hello")
            assert os.read(reader, 100) == b"hello"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


def test_permissions_are_checked_as_by_any_open(public: Path) -> None:
    path = str(public / "private")
    fifo.create(path, 0o000)

    def attempts() -> list[type[BaseException] | None]:
        refused = [error_of(partial(act, path)) for act in (fifo.open_reader, fifo.open_writer, fifo.remove)]
        return [*refused, error_of(partial(fifo.create, str(public / "new")))]

    if os.geteuid() != 0:
        assert attempts()[:2] == [NotPermitted, NotPermitted]
    else:
        assert as_nobody(attempts) == [NotPermitted] * 4
        assert os.path.lexists(path)


def test_without_proc_a_fifo_is_still_opened_safely(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without_proc(name: str, flags: int, *rest: int, **more: int) -> int:
        if name.startswith("/proc/"):
            raise FileNotFoundError(2, "no /proc here")
        return real(name, flags, *rest, **more)

    monkeypatch.setattr(os, "open", without_proc)
    (path.parent / "link").symlink_to("pipe")
    with fifo.open_reader(str(path)) as reader, fifo.open_writer(str(path)):
        assert stat.S_ISFIFO(os.fstat(reader.fileno()).st_mode)
    with pytest.raises(NotAFifo):
        fifo.open_reader(str(path.parent / "link"))


def test_a_fifo_in_use_can_be_removed_and_its_users_go_on(path: Path) -> None:
    with running("cat", path) as cat:
        until(lambda: waits_in_open(cat.pid))
        with fifo.open_writer(str(path)) as writer:
            fifo.remove(str(path))
            os.write(writer.fileno(), b"still here")
        assert cat.stdout is not None
        assert cat.stdout.read() == b"still here"
