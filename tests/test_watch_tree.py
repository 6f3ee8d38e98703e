"""The list of FIFOs keeps itself current, whatever happens in the folders."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helper_processes import as_nobody, blocked_reader, until, waits_in_open

from pipetui.kernel import inotify
from pipetui.kernel.errors import Missing, NotAFifo
from pipetui.kernel.inotify import Event
from pipetui.model import PipeId
from pipetui.watch.finder import find
from pipetui.watch.tree import Changes, TreeWatch


@contextmanager
def watching(root: Path, **limits: float) -> Iterator[TreeWatch]:
    tree = TreeWatch(str(root), **limits)  # type: ignore[arg-type]
    try:
        yield tree
    finally:
        tree.close()


@contextmanager
def watching_many(*roots: Path) -> Iterator[TreeWatch]:
    tree = TreeWatch(*map(str, roots))
    try:
        yield tree
    finally:
        tree.close()


def scanned(tree: TreeWatch) -> list[str]:
    return sorted(pipe.paths[0] for batch in tree.scan() for pipe in batch)


def names(root: Path, changes: Changes) -> tuple[list[str], list[str]]:
    found = [os.path.relpath(pipe.paths[0], root) for pipe in changes.found]
    return sorted(found), sorted(os.path.relpath(path, root) for path in changes.gone)


def test_a_fifo_that_appears_and_one_that_vanishes_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "old")
    with watching(tmp_path) as tree:
        assert scanned(tree) == [str(tmp_path / "old")]
        assert not tree.read()
        os.mkfifo(tmp_path / "new")
        (tmp_path / "old").unlink()
        (tmp_path / "file").touch()
        assert names(tmp_path, tree.read()) == (["new"], ["old"])
        assert not tree.read()
        assert tree.partial == ()
        assert tree.timeout() is None


def test_the_descriptor_polls_readable_when_there_is_something_to_read(tmp_path: Path) -> None:
    import select

    with watching(tmp_path) as tree:
        scanned(tree)
        assert select.select([tree], [], [], 0)[0] == []
        os.mkfifo(tmp_path / "new")
        assert select.select([tree], [], [], 10)[0] == [tree]


def test_a_new_folder_is_walked_and_watched(tmp_path: Path) -> None:
    with watching(tmp_path) as tree:
        scanned(tree)
        (tmp_path / "a/b/c").mkdir(parents=True)
        os.mkfifo(tmp_path / "a/b/c/one")
        assert names(tmp_path, tree.read())[0] == ["a/b/c/one"]
        os.mkfifo(tmp_path / "a/b/c/two")
        os.mkfifo(tmp_path / "a/three")
        assert names(tmp_path, tree.read())[0] == ["a/b/c/two", "a/three"]
        shutil.rmtree(tmp_path / "a")
        assert names(tmp_path, tree.read())[1] == ["a/b/c/one", "a/b/c/two", "a/three"]
        os.mkdir(tmp_path / "a")
        os.mkfifo(tmp_path / "a/three")
        assert names(tmp_path, tree.read()) == (["a/three"], [])


def test_a_folder_that_moves_takes_its_fifos_along(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    os.mkfifo(tmp_path / "a/b/pipe")
    with watching(tmp_path) as tree:
        scanned(tree)
        (tmp_path / "a").rename(tmp_path / "z")
        assert names(tmp_path, tree.read()) == (["z/b/pipe"], ["a/b/pipe"])
        os.mkfifo(tmp_path / "z/b/more")
        assert names(tmp_path, tree.read()) == (["z/b/more"], [])


def test_two_folders_that_change_places_end_in_the_right_picture(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        os.mkfifo(tmp_path / name / name)
    with watching(tmp_path) as tree:
        scanned(tree)
        (tmp_path / "a").rename(tmp_path / "t")
        (tmp_path / "b").rename(tmp_path / "a")
        (tmp_path / "t").rename(tmp_path / "b")
        assert names(tmp_path, tree.read()) == (["a/b", "b/a"], ["a/a", "b/b"])
        os.mkfifo(tmp_path / "a/x")
        os.mkfifo(tmp_path / "b/y")
        assert names(tmp_path, tree.read()) == (["a/x", "b/y"], [])


def test_there_and_back_is_no_change_and_a_replaced_fifo_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with watching(tmp_path) as tree:
        scanned(tree)
        path.rename(tmp_path / "aside")
        (tmp_path / "aside").rename(path)
        assert not tree.read()
        path.rename(tmp_path.parent / f"{tmp_path.name}-outside")
        os.mkfifo(path)
        (changed,) = tree.read().found
        assert changed.id.inode == path.lstat().st_ino
        path.chmod(0o622)
        assert [pipe.mode for pipe in tree.read().found] == [0o622]
        path.unlink()
        path.write_text("a file now")
        assert tree.read().gone == [str(path)]


def test_strange_names_are_ordinary(tmp_path: Path) -> None:
    with watching(tmp_path) as tree:
        scanned(tree)
        folder = os.path.join(os.fsencode(tmp_path), b"\xff\n\x1b")
        os.mkdir(folder)
        os.mkfifo(os.path.join(folder, b"\x9b\xfe"))
        assert [os.fsencode(pipe.paths[0]) for pipe in tree.read().found] == [folder + b"/\x9b\xfe"]


def test_a_single_fifo_may_be_the_root(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with watching(path) as tree:
        assert scanned(tree) == [str(path)]
        os.mkfifo(tmp_path / "other")
        (tmp_path / "folder").mkdir()
        assert not tree.read()
        path.unlink()
        assert tree.read().gone == [str(path)]
        os.mkfifo(path)
        assert [pipe.paths for pipe in tree.read().found] == [(str(path),)]


def test_a_root_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, error in (("missing", Missing), ("file", NotAFifo)):
        with watching(tmp_path / name) as tree, pytest.raises(error):
            scanned(tree)


def test_a_root_that_vanishes_is_said_and_its_return_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipetui.watch.tree._ROOT_BACK", 0.01)
    root = tmp_path / "root"
    root.mkdir()
    os.mkfifo(root / "pipe")
    with watching(root) as tree:
        scanned(tree)
        root.rename(tmp_path / "elsewhere")
        assert tree.read().gone == [str(root / "pipe")]
        assert tree.partial == (f"{root} is gone",)
        assert tree.timeout() is not None
        (tmp_path / "elsewhere").rename(root)
        assert names(root, until(tree.read)) == (["pipe"], [])
        assert not tree.partial
        assert tree.timeout() is None


def test_an_overflow_of_the_queue_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "old")
    with watching(tmp_path) as tree:
        scanned(tree)
        (tmp_path / "old").unlink()
        (tmp_path / "sub").mkdir()
        os.mkfifo(tmp_path / "sub/new")
        tree._inotify.read()  # lost
        overflow = [Event(-1, inotify.Q_OVERFLOW, 0, b"")]
        with monkeypatch.context() as patch:
            patch.setattr(tree._inotify, "read", lambda: overflow)
            assert names(tmp_path, tree.read()) == (["sub/new"], ["old"])
        os.mkfifo(tmp_path / "sub/more")
        assert names(tmp_path, tree.read()) == (["sub/more"], [])


def test_without_enough_watches_it_is_walked_again_and_said(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    with watching(tmp_path, watches=2, again=0.01) as tree:
        scanned(tree)
        assert "fs.inotify.max_user_watches" in tree.partial[0]
        os.mkfifo(tmp_path / "c/pipe")
        os.mkfifo(tmp_path / "b/pipe")
        seen: set[str] = set()

        def both() -> bool:
            seen.update(names(tmp_path, tree.read())[0])
            return seen == {"b/pipe", "c/pipe"}

        until(both)


def test_depth_counts_from_the_root_also_for_new_folders(tmp_path: Path) -> None:
    with watching(tmp_path, depth=1) as tree:
        scanned(tree)
        (tmp_path / "a/b").mkdir(parents=True)
        os.mkfifo(tmp_path / "a/in")
        os.mkfifo(tmp_path / "a/b/out")
        assert names(tmp_path, tree.read())[0] == ["a/in"]
        (tmp_path / "a/later").mkdir()
        os.mkfifo(tmp_path / "a/later/out")
        assert not tree.read()
        assert any("levels down" in note for note in tree.partial)


@pytest.mark.system
def test_a_folder_that_becomes_readable_is_searched() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o777)
        (root / "closed").mkdir()
        os.mkfifo(root / "closed/pipe")
        (root / "closed").chmod(0)

        def story() -> tuple[list[str], tuple[str, ...], list[str], tuple[str, ...]]:
            with watching(root) as tree:
                before, note = scanned(tree), tree.partial
                (root / "go").touch()
                until(lambda: os.access(root / "closed", os.R_OK))
                return before, note, names(root, until(tree.read))[0], tree.partial

        opener = subprocess.Popen(
            ["sh", "-c", 'while [ ! -e "$0/go" ]; do sleep 0.01; done; chmod 755 "$0/closed"', name]
        )
        try:
            before, note, after, cleared = as_nobody(story)
        finally:
            opener.wait()
        assert (before, after, cleared) == ([], ["closed/pipe"], ())
        assert "no permission" in note[0]


@pytest.mark.system
def test_watching_leaves_a_blocked_opener_blocked(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with watching(tmp_path) as tree, blocked_reader(path) as process:
        scanned(tree)
        for number in range(20):
            os.mkfifo(tmp_path / str(number))
            tree.read()
        assert waits_in_open(process.pid)


@pytest.mark.parametrize("seed", range(5))
def test_after_any_commotion_the_list_is_what_a_fresh_walk_finds(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    places = [tmp_path / "x", tmp_path / "y", tmp_path / "x/u", tmp_path / "y/v", tmp_path / "x/u/w"]

    def commotion() -> None:
        path = rng.choice(places) / rng.choice("pqr")
        acts: list[Callable[[], object]] = [
            lambda: os.mkfifo(path),
            lambda: rng.choice(places).mkdir(),
            lambda: path.unlink(),
            lambda: shutil.rmtree(rng.choice(places)),
            lambda: rng.choice(places).rename(rng.choice(places)),
            lambda: path.rename(rng.choice(places) / rng.choice("pqr")),
            lambda: os.mkfifo(path),
            lambda: rng.choice(places).mkdir(),
        ]
        try:
            rng.choice(acts)()
        except OSError:
            pass

    with watching(tmp_path) as tree:
        known = dict.fromkeys(scanned(tree))
        for _ in range(100):
            for _ in range(rng.randint(1, 12)):
                commotion()
            changes = tree.read()
            for path in changes.gone:
                del known[path]
            known.update({pipe.paths[0]: None for pipe in changes.found})
            truth = {pipe.paths[0]: pipe.id for pipe in find(str(tmp_path))[0]}
            assert sorted(known) == sorted(truth)
            assert {pipe.paths[0]: pipe.id for pipe in tree.pipes} == truth


def test_ten_thousand_fifos_come_and_go(tmp_path: Path) -> None:
    with watching(tmp_path) as tree:
        scanned(tree)
        for folder in range(20):
            (tmp_path / str(folder)).mkdir()
            for number in range(500):
                os.mkfifo(tmp_path / str(folder) / str(number))
        found: set[PipeId] = set()

        def all_found() -> bool:
            found.update(pipe.id for pipe in tree.read().found)
            return len(found) == 10_000

        until(all_found)
        shutil.rmtree(tmp_path / "0")
        assert len(tree.read().gone) == 500


def test_a_resting_folder_is_unwatched_and_still_known(tmp_path: Path) -> None:
    """While a flood goes through a FIFO its folder is not watched, which would slow the flood down."""
    os.mkfifo(tmp_path / "old")
    with watching(tmp_path) as tree:
        scanned(tree)
        tree.rest(str(tmp_path))
        tree.read()
        assert not Path(f"/proc/self/fdinfo/{tree.fileno()}").read_text().count("inotify wd")
        os.mkfifo(tmp_path / "new")
        (tmp_path / "old").unlink()
        (tmp_path / "sub").mkdir()
        os.mkfifo(tmp_path / "sub" / "deep")
        assert tree.timeout() is not None
        assert names(tmp_path, tree.read()) == (["new", "sub/deep"], ["old"])
        tree.wake(str(tmp_path))
        assert tree.timeout() is None
        os.mkfifo(tmp_path / "after")
        assert names(tmp_path, tree.read()) == (["after"], [])


@pytest.mark.parametrize("seed", range(3))
def test_many_roots_together_show_what_each_alone_would(tmp_path: Path, seed: int) -> None:
    """Folders, single FIFOs, and folders inside folders, whatever happens to those that are there."""
    rng = random.Random(seed)
    folders = [tmp_path / name for name in ("a", "a/in", "b", "c/deep/er")]
    for folder in folders:
        folder.mkdir(parents=True)
    singles = [tmp_path / name for name in ("c/one", "c/two", "a/one", "d-one")]
    for single in singles:
        os.mkfifo(single)
    with watching_many(*folders, *singles) as tree:
        known = dict.fromkeys(scanned(tree))
        for _ in range(60):
            path = rng.choice([*singles, *(folder / rng.choice("pq") for folder in folders), tmp_path / "c/three"])
            if path.exists():
                path.unlink()
            else:
                os.mkfifo(path)
            changes = tree.read()
            for name in changes.gone:
                del known[name]
            known.update({pipe.paths[0]: None for pipe in changes.found})
            below = [name for folder in folders for pipe in find(str(folder))[0] for name in pipe.paths]
            assert sorted(known) == sorted({*below, *(str(single) for single in singles if single.is_fifo())})
        assert tree.partial == ()


def test_of_many_roots_some_may_be_missing_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.watch.tree._ROOT_BACK", 0.01)
    (tmp_path / "here").mkdir()
    os.mkfifo(tmp_path / "here/pipe")
    (tmp_path / "file").touch()
    roots = [tmp_path / name for name in ("here", "file", "later", "never")]
    with watching_many(*roots) as tree:
        assert scanned(tree) == [str(tmp_path / "here/pipe")]
        assert len(tree.partial) == 3
        assert f"{tmp_path}/later does not exist" in tree.partial
        (tmp_path / "later").mkdir()
        os.mkfifo(tmp_path / "later/pipe")
        assert names(tmp_path, until(tree.read)) == (["later/pipe"], [])
        (tmp_path / "here").rename(tmp_path / "elsewhere")
        assert names(tmp_path, until(tree.read)) == ([], ["here/pipe"])
        assert f"{tmp_path}/here is gone" in tree.partial


def test_of_very_many_that_are_missing_some_are_named_and_all_counted(tmp_path: Path) -> None:
    with watching_many(*(tmp_path / str(number) for number in range(1000))) as tree:
        assert scanned(tree) == []
        assert len(tree.partial) == 21
        assert tree.partial[-1] == f"980 more things could not be searched below {tmp_path}/0 and 999 more"
