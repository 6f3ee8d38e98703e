"""tee(2) copies what is in a pipe and leaves it there; splice(2) moves it on; neither takes it through the process."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import termios

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def tee(source: int, target: int, count: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)  # there is no os.tee
    libc.tee.restype = ctypes.c_ssize_t
    libc.tee.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint]
    copied: int = libc.tee(source, target, count, 0)
    if copied < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return copied


def onlooker() -> None:
    r, w = os.pipe()
    look, copy = os.pipe()
    os.write(w, b"abcdef")
    tee(r, copy, 3)
    queued = array.array("i", [0])
    fcntl.ioctl(r, termios.FIONREAD, queued)
    say(f"tee copies {os.read(look, 100)!r}, and {queued[0]} bytes are still there")
    saw("left", queued[0])
    tee(r, copy, 3)
    again = os.read(look, 100).decode()
    say(f"a second tee copies {again!r}")
    saw("again", again)
    os.splice(r, copy, 3)
    moved = os.read(look, 100).decode()
    rest = os.read(r, 100).decode()
    say(f"splice moves {moved!r}, and what is left is {rest!r}")
    saw("moved", f"{moved} | {rest}")


def plumber(source: int, target: int, path: str) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    total = 0
    while copied := tee(source, target, 65536):  # 0 is EOF
        total += copied
        while copied:  # now take from the source what has been copied
            copied -= os.splice(source, log, copied)
    say(f"{total:,} bytes went on and into the log, and none through me")


def main(lab: LabContext) -> None:
    if not hasattr(os, "splice"):
        for observation in LAB.observations:
            skip(observation.key, "this Python has no os.splice")
        return
    lab.start(onlooker).wait()
    pause(2)
    path = lab.path("log")
    (source, into), (out, target) = os.pipe(), os.pipe()
    lab.start(_writer, into)
    os.close(into)
    lab.start(plumber, source, target, path)
    os.close(source)
    os.close(target)
    lab.start(_reader, out, path)


def _writer(w: int) -> None:
    for number in range(30_000):
        os.write(w, b"line %d\n" % number)
    say("30,000 lines are written")


def _reader(r: int, path: str) -> None:
    received = b""
    while data := os.read(r, 65536):
        received += data
    say(f"{len(received.splitlines()):,} lines have come through")
    saw("whole", received == b"".join(b"line %d\n" % number for number in range(30_000)))
    with open(path, "rb") as log:
        saw("log", log.read() == received)


LAB = Lab(
    name="tee-and-splice",
    article="beyond",
    order=7,
    title="Looking into a pipe, and passing it on",
    question="Can I see what is in a pipe without taking it out?",
    story="""
    Six bytes lie in a pipe. A process looks at three of them with tee, looks again, and takes three with splice. Then
    a plumber stands between a writer and a reader: it keeps a log of all that passes, and not a byte comes into its
    memory.
    """,
    code=(onlooker, plumber, tee),
    main=main,
    questions=(
        Question(
            "left",
            "b'abcdef' is in the pipe. tee copies three bytes into another pipe. How many are left in the first?",
            (Choice(0, "none"), Choice(3, "3"), Choice(6, "6")),
            "tee copies, and leaves what it copies where it was. The reader will never know.",
        ),
        Question(
            "again",
            "A second tee of three bytes, from the same pipe. What does it copy?",
            (
                Choice("def", "b'def': it goes on where it was"),
                Choice("abc", "b'abc': the same again"),
                Choice("", "nothing: they have been copied"),
            ),
            "A pipe has no position. Whatever does not take bytes out sees the same first bytes each time.",
        ),
    ),
    observations=(
        Observation("left", "tee takes nothing out", 6),
        Observation("again", "a second tee copies the same bytes", "abc"),
        Observation("moved", "splice moves them: only the others are left", "abc | def"),
        Observation("whole", "the plumber passes on every byte"),
        Observation("log", "and its log holds the same"),
    ),
    reason="""
    What a pipe holds is a list of pages. tee(2) puts the same pages into a second pipe as well; splice(2) moves them
    on into a pipe, a file or a socket. The bytes need not be copied through the program, so passing them on is cheap.
    tee followed by splice of as much is a `tee` command without a buffer. To look only, tee into a pipe of your own
    and read that: it is a snapshot, not a stream.
    """,
    man=("tee(2)", "splice(2)", "pipe(7)"),
    answers=("Can I see what is in it without consuming?",),
    actors=(
        ProducerSpec("stream", template="line {n}", rate=5.0, name="writer"),
        ConsumerSpec("stream", delay=1.0, name="slow reader: press p to peek"),
    ),
)
