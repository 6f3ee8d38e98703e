"""A reader that never waits: b"" while there is no writer, EAGAIN while a writer is silent, then its words."""

from __future__ import annotations

import os

from pipetui.labs.context import LabContext, Part, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def reader(path: str, cue: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    say("I have opened the FIFO at once")
    for moment in ("no writer", "silence", "words", "gone"):
        os.read(cue, 1)  # waits until I am told to look
        try:
            data = os.read(fd, 100)
            say(f"os.read returns {data!r}")
            saw(moment, repr(data))
        except BlockingIOError as error:
            say(f"os.read fails: {error}")
            saw(moment, error)
    os.close(fd)


def writer(path: str, cue: int) -> None:
    fd = os.open(path, os.O_WRONLY)  # a reader has it open: this does not wait
    say("I have opened the FIFO, and am silent")
    os.read(cue, 1)
    os.write(fd, b"Hello, World!")
    say("I have written something")
    os.read(cue, 1)
    os.close(fd)
    say("I have closed my end")


def main(lab: LabContext) -> None:
    path = lab.fifo("letters")
    looking, look = os.pipe()
    acting, act = os.pipe()

    def cue(part: Part, bell: int) -> None:
        """Let a part go one step further and wait until it has done that."""
        os.write(bell, b"!")
        part.sleeps()
        pause(1.5)

    watching = lab.start(reader, path, looking)
    watching.sleeps()
    cue(watching, look)  # there is no writer
    writing = lab.start(writer, path, acting)
    writing.sleeps()
    cue(watching, look)  # there is one, and it is silent
    cue(writing, act)
    cue(watching, look)  # it has written
    cue(writing, act)
    saw("status", writing.wait())
    cue(watching, look)  # it has gone


LAB = Lab(
    name="nonblocking-reader",
    article="003",
    order=6,
    title="A reader that never waits",
    question="Why does my nonblocking read find nothing, or raise BlockingIOError?",
    story="""
    A reader opens a FIFO with O_NONBLOCK and looks into it four times: while nobody has it open for writing, while a
    writer has it open but says nothing, after it has written, and after it has gone. The writer opens it the usual way.
    """,
    code=(reader, writer),
    main=main,
    questions=(
        Question(
            "no writer",
            "Nobody has the FIFO open for writing. What does os.read do?",
            (
                Choice("b''", "return b'', as at the end of a file"),
                Choice("EAGAIN", "fail with EAGAIN: nothing there yet"),
                Choice("ENXIO", "fail with ENXIO: no writer"),
                Choice("waits", "wait for a writer"),
            ),
            "Without a writer a pipe is at its end, whether the last one has left or the first one has yet to come.",
        ),
        Question(
            "silence",
            "Now a writer has the FIFO open, but has not written anything. What does os.read do?",
            (
                Choice("b''", "return b'' again"),
                Choice("EAGAIN", "fail with EAGAIN"),
                Choice("waits", "wait for the writer's words"),
            ),
            "There is somebody who may write, so it is not the end; there is nothing yet, and the reader won't wait.",
        ),
    ),
    observations=(
        Observation("no writer", "without a writer a read returns nothing, which looks like EOF", "b''"),
        Observation("silence", "with a silent writer it fails", "EAGAIN"),
        Observation("words", "what was written is read", "b'Hello, World!'"),
        Observation("gone", "after the last writer has gone it is EOF again", "b''"),
        Observation("status", "the writer, which found a reader, ends well", 0),
    ),
    reason="""
    A read of an empty pipe asks one thing: is there a writer? If not, it returns 0 bytes, and os.read returns b'';
    if there is, it waits, or with O_NONBLOCK fails with EAGAIN (in Python, BlockingIOError). So b'' does not tell
    "not yet" from "no more": poll does, for it reports nothing before the first writer and POLLHUP after the last. And
    instead of reading again and again, let poll or a selector sleep until there is something.
    """,
    man=("fifo(7)", "read(2)", "poll(2)"),
    answers=("`cat` a FIFO without waiting", "How do I keep a FIFO open? EOF after each client?", "Is the pipe empty?"),
    actors=(
        ConsumerSpec("letters", nonblocking=True, name="reader that never waits"),
        ProducerSpec("letters", template="letter {n}", rate=0.5, name="writer"),
    ),
)
