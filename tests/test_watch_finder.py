"""The walk finds every FIFO, touches nothing, and says what it left out."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helper_processes import as_nobody, blocked_reader, blocked_writer, waits_in_open

from pipetui.kernel.errors import Missing, NotAFifo, NotPermitted
from pipetui.kernel.mounts import Mount
from pipetui.watch.finder import Walk, find, kind_of, look, walk
from pipetui.watch.roots import absolute, default_roots, merged


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other users reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def paths(root: Path) -> list[str]:
    return sorted(pipe.paths[0] for pipe in find(str(root))[0])


def test_fifos_of_all_levels_are_found_with_what_lstat_says(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    deep = tmp_path / "a/b/pipe"
    os.mkfifo(deep)
    deep.chmod(0o640)
    os.mkfifo(tmp_path / "top")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("top")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert paths(tmp_path) == [str(deep), str(tmp_path / "top")]
    found = {pipe.paths[0]: pipe for pipe in find(str(tmp_path))[0]}[str(deep)]
    status = deep.lstat()
    assert found == look(str(deep))
    assert (found.id.dev, found.id.inode, found.mode) == (status.st_dev, status.st_ino, 0o640)
    assert (found.last_write, found.last_read) == (status.st_mtime, status.st_atime)
    assert found.owner == deep.owner()


def test_strange_names_are_ordinary(tmp_path: Path) -> None:
    names = [b"new\nline", b"esc\x1b[31m", b"bad\xff", b" ", "é".encode()]
    (tmp_path / "x\ny").mkdir()
    for name in names:
        os.mkfifo(os.path.join(os.fsencode(tmp_path / "x\ny"), name))
    found, partial = find(str(tmp_path))
    assert sorted(os.path.basename(os.fsencode(pipe.paths[0])) for pipe in found) == sorted(names)
    assert partial == ()


@pytest.mark.system
def test_walking_leaves_blocked_openers_blocked(tmp_path: Path) -> None:
    for name in ("r", "w"):
        os.mkfifo(tmp_path / name)
    with blocked_reader(tmp_path / "r") as reader, blocked_writer(tmp_path / "w") as writer:
        for _ in range(20):
            assert len(find(str(tmp_path))[0]) == 2
        assert waits_in_open(reader.pid)
        assert waits_in_open(writer.pid)


def test_a_fifo_or_a_link_to_one_may_be_the_root(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        ((pipe,), partial) = find(str(tmp_path / name))
        assert (pipe.paths, partial) == ((str(tmp_path / "pipe"),), ())


@pytest.mark.parametrize("name", ["missing", "file", "", "nul\0"])
def test_a_root_that_is_none_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((Missing, NotAFifo)):
        find(name and str(tmp_path / name))


@pytest.mark.system
def test_folders_without_permission_are_one_sentence(public: Path) -> None:
    for name in ("one", "two", "three"):
        (public / name).mkdir()
        (public / name).chmod(0o700 if os.geteuid() == 0 else 0)
    os.mkfifo(public / "pipe")
    found, partial = as_nobody(lambda: find(str(public)))
    assert [pipe.paths[0] for pipe in found] == [str(public / "pipe")]
    assert len(partial) == 1
    assert "no permission to list 3 folders" in partial[0]

    def closed_root() -> bool:
        try:
            kind_of(str(public / "one"))
        except NotPermitted:
            return True
        return False

    assert as_nobody(closed_root)
    for name in ("one", "two", "three"):
        (public / name).chmod(0o700)


def test_a_folder_that_vanishes_while_it_is_walked_is_ordinary(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"d{number}").mkdir()
        os.mkfifo(tmp_path / f"d{number}/pipe")
    walked = walk(str(tmp_path))
    batches = iter(walked)
    next(batches)
    shutil.rmtree(tmp_path / "d3")
    assert sum(len(found) for found in batches) == 4
    assert walked.partial == ()


def test_what_limits_cut_off_is_said(tmp_path: Path) -> None:
    (tmp_path / "1/2/3").mkdir(parents=True)
    for folder in ("1", "1/2", "1/2/3"):
        os.mkfifo(tmp_path / folder / "pipe")
    found, partial = find(str(tmp_path), depth=2)
    assert len(found) == 2
    assert "more than 2 levels down" in partial[0]
    found, partial = find(str(tmp_path), entries=3)
    assert 1 <= len(found) <= 2
    assert "first 3 names" in partial[0]


def test_other_filesystems_are_left_out_without_being_touched(tmp_path: Path) -> None:
    (tmp_path / "link-target/mnt/below").mkdir(parents=True)
    os.mkfifo(tmp_path / "link-target/mnt/pipe")
    os.mkfifo(tmp_path / "link-target/pipe")
    root = tmp_path / "link"
    root.symlink_to("link-target")
    entered: list[str] = []
    mounts = [Mount(str(tmp_path / "link-target/mnt"), "nfs", True)]
    walked = Walk(str(root), mounts=mounts, enter=entered.append)
    assert [pipe.paths[0] for found in walked for pipe in found] == [str(root / "pipe")]
    assert entered == [str(root)]


def test_ten_thousand_fifos_are_found_quickly(tmp_path: Path) -> None:
    for folder in range(100):
        (tmp_path / str(folder)).mkdir()
        for number in range(100):
            os.mkfifo(tmp_path / str(folder) / str(number))
    took: list[float] = []
    while len(took) < 5 and min(took, default=2.0) > 1.5:  # where others compute, too, each look costs more
        started = time.process_time()
        found, partial = find(str(tmp_path))
        took.append(time.process_time() - started)
        assert (len(found), len({pipe.id for pipe in found}), partial) == (10_000, 10_000, ())
    assert min(took) < 1.5


def test_roots_inside_others_are_left_out_unless_a_mount_lies_between() -> None:
    mounts = [Mount("/", "ext4", False), Mount("/run", "tmpfs", False), Mount("/run/user/1", "tmpfs", False)]
    assert merged(["/run/user/1", "/run", "/tmp", "/tmp/x", "/tmp", "/run/x"], mounts) == (
        "/run/user/1",
        "/run",
        "/tmp",
    )
    assert merged(["/home/me", "/", "/run"], mounts) == ("/", "/run")
    assert merged(["/tmpx", "/tmp"], mounts) == ("/tmpx", "/tmp")


def test_default_roots_are_folders_that_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    (tmp_path / "tmp").mkdir()
    assert str(tmp_path) in default_roots()
    assert not any(root in (str(tmp_path / "tmp"), "/nowhere") for root in default_roots())
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert default_roots()
    assert absolute("relative") == "relative"


def test_a_path_through_a_link_and_up_is_the_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/away")
    monkeypatch.chdir(tmp_path)
    assert absolute("link/../x") == str(tmp_path / "far/x")
    assert absolute("link/x") == str(tmp_path / "link/x")
    assert stat.S_ISDIR(os.stat(absolute(".")).st_mode)
