"""Small processes that tests of FIFOs need: some that are blocked in open, one without privileges."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from waiting import TIMEOUT

Value = TypeVar("Value")


def until(condition: Callable[[], Value], what: str = "") -> Value:
    """Return what `condition` returns as soon as that is true; fail when it takes too long."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"did not come true in {TIMEOUT:g} s: {what or condition}"
        select.select([], [], [], 0.005)


def waits_in_open(pid: int) -> bool:
    """Tell whether a process is blocked in the open of a FIFO."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text() in ("wait_for_partner", "fifo_open")
    except OSError:
        return False


@contextmanager
def running(*argv: str | os.PathLike[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process with pipes on its stdin and stdout, ended with the block."""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running_pipetui(*arguments: str | os.PathLike[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A `pipetui` command with pipes on its stdout and stderr, ended with the block."""
    argv = [sys.executable, "-m", "pipetui", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def blocked_reader(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `cat` that is blocked in opening a FIFO for reading."""
    with running("cat", path) as process:
        until(lambda: waits_in_open(process.pid), "cat waits for a writer")
        yield process


@contextmanager
def blocked_writer(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A shell that is blocked in opening a FIFO for writing."""
    with running("sh", "-c", 'echo hi > "$0"', path) as process:
        until(lambda: waits_in_open(process.pid), "sh waits for a reader")
        yield process


def as_nobody(act: Callable[[], Value]) -> Value:
    """Return what `act` returns in a forked child without privileges (here, where we have none ourselves)."""
    if os.geteuid() != 0:
        return act()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writer, pickle.dumps(act()))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        data = answer.read()
    os.waitpid(child, 0)
    assert data, "the child without privileges failed"
    value: Value = pickle.loads(data)
    return value
