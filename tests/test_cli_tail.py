"""The reader behind `tail`, at the moments that only luck brings about from outside."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pipetui.backend.messages.framing import make_framer
from pipetui.backend.operations.tail import _Reader
from pipetui.kernel import fifo
from pipetui.kernel.fd import Fd
from pipetui.model import PipeId


def test_a_writer_that_comes_and_goes_while_the_read_end_is_renewed_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "pipe")
    fifo.create(path)
    real = fifo.open_reader

    def visit(text: bytes) -> None:
        with fifo.open_writer(path) as writer:
            os.write(writer.fileno(), text)

    def after_a_visit(name: str, *, blocking: bool = False, expected: PipeId | None = None) -> Fd:
        monkeypatch.setattr(fifo, "open_reader", real)
        visit(b"second, unfinished")
        return real(name, blocking=blocking, expected=expected)

    with _Reader(path, 5.0, make_framer("line", 0, 1 << 20)) as reader:
        visit(b"first, unfinished")
        frames = reader.next() + reader.next()
        monkeypatch.setattr(fifo, "open_reader", after_a_visit)
        frames += reader.next() + reader.next()
        assert [(frame.payload, frame.piece) for frame in frames] == [
            (b"first, unfinished", "incomplete"),
            (b"second, unfinished", "incomplete"),
        ]


def test_there_is_never_a_moment_without_a_reader(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    fifo.create(path)
    messages = 300

    def write() -> None:
        for number in range(messages):
            with fifo.open_writer(path) as writer:  # NoReader if there were such a moment
                os.write(writer.fileno(), b"%d\n" % number)

    with _Reader(path, 10.0, make_framer("line", 0, 1 << 20)) as reader:
        thread = threading.Thread(target=write)
        thread.start()
        seen: list[int] = []
        while len(seen) < messages:
            seen += [int(frame.payload) for frame in reader.next()]
        thread.join()
    assert seen == list(range(messages))
