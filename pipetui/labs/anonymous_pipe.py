"""A pipe carries bytes: the boundaries of the writes are gone."""

from __future__ import annotations

import os

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def child(wpipe: int) -> None:
    for _ in range(3):
        os.write(wpipe, b"how are you\n")
        say("I have written 'how are you' and a newline: 12 bytes")
        pause(1)


def pipe_from_child() -> int:
    rpipe, wpipe = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(rpipe)  # the child only writes
        child(wpipe)
        os._exit(0)
    os.close(wpipe)  # the parent only reads
    os.waitpid(pid, 0)  # it is late: the child has written all, and has ended
    return rpipe


def parent() -> None:
    rpipe = pipe_from_child()
    sizes = []
    while chunk := os.read(rpipe, 32):
        say(f"os.read(rpipe, 32) returned {len(chunk)} bytes: {chunk!r}")
        sizes.append(len(chunk))
    say(f"os.read(rpipe, 32) returned {chunk!r}: EOF")
    os.close(rpipe)
    saw("chunks", " ".join(str(size) for size in sizes))
    saw("eof", repr(chunk))

    with os.fdopen(pipe_from_child(), encoding="utf-8") as file:
        lines = []
        for line in file:
            say(f"the file gave the line {line!r}")
            lines.append(line)
    saw("lines", " ".join(str(len(line)) for line in lines))


def main(lab: LabContext) -> None:
    saw("status", lab.start(parent).wait())


LAB = Lab(
    name="anonymous-pipe",
    article="000",
    order=1,
    title="A pipe does not know of messages",
    question="A child writes messages into a pipe: does the parent read messages?",
    story="""
    A parent makes a pipe and forks. The child writes `how are you` three times, 12 bytes each with the newline, and
    ends. Only then the parent reads: first with os.read, up to 32 bytes at a time. Then all of it once more, but the
    parent wraps its end with os.fdopen and goes through the lines.
    """,
    code=(child, pipe_from_child, parent),
    main=main,
    questions=(
        Question(
            "chunks",
            "36 bytes were written, and the child has ended. What do the calls of os.read(rpipe, 32) return?",
            (
                Choice("12 12 12", "one message each"),
                Choice("24 12", "as many whole messages as fit, then the last"),
                Choice("32 4", "32 bytes, then the 4 that are left"),
                Choice("", "nothing: the bytes went when the child ended"),
            ),
            "A pipe is a stream of bytes. A read takes what there is, up to the size asked for, and does not wait for "
            "more; where one write ended and the next began is not kept.",
        ),
        Question(
            "lines",
            "The same 36 bytes, and the parent goes through os.fdopen(rpipe). What does each step give?",
            (
                Choice("12 12 12", "one line each"),
                Choice("32 4", "32 bytes, then the other 4"),
                Choice("36", "all of it at once"),
            ),
            "The file object reads chunks as well, but keeps them in a buffer and hands out whole lines: the newlines "
            "are the boundaries, and it was the child who wrote them.",
        ),
    ),
    observations=(
        Observation("chunks", "the reads return 32 bytes and then 4: the third message is cut in two", "32 4"),
        Observation("eof", "when all is read and no writer is left, a read returns no bytes: EOF", "b''"),
        Observation("lines", "through the file object come three whole lines", "12 12 12"),
        Observation("status", "the parent ends well", 0),
    ),
    reason="""
    The kernel keeps a pipe's bytes in order, but not the boundaries of the writes. A read returns at once with what
    there is, at most as much as was asked for; it waits only while the pipe is empty and somebody could still write.
    So reads happen to match writes while the reader is quicker, and cease to when it is late. Whoever wants messages
    has to mark them: by a newline, a length, or a fixed size. What was written stays in the pipe when the writer has
    ended, as long as a reader has it open.
    """,
    man=("pipe(7)", "read(2)"),
    actors=(
        ProducerSpec("how-are-you", template="how are you", rate=3.0, burst=3, name="child"),
        ConsumerSpec("how-are-you", framing="fixed", fixed=32, name="parent"),
    ),
)
