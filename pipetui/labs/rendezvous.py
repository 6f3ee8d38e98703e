"""Whoever opens a FIFO first waits for the other."""

from __future__ import annotations

import os
import time

from pipetui.labs.context import LabContext, Part, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def writer(path: str) -> None:
    say("I open the FIFO for writing …")
    started = time.monotonic()
    fd = os.open(path, os.O_WRONLY)
    say(f"it is open, after {time.monotonic() - started:.2f} s")
    os.write(fd, b"Hello, World!\n")
    os.close(fd)


def reader(path: str) -> None:
    say("I open the FIFO for reading …")
    started = time.monotonic()
    with open(path, encoding="utf-8") as fifo:
        say(f"it is open, after {time.monotonic() - started:.2f} s")
        for line in fifo:
            say(f"got {line.rstrip()!r}")
            saw("message", line.rstrip())
    say("EOF: the writer has closed its end")


def main(lab: LabContext) -> None:
    path = lab.fifo("greetings")
    first = lab.start(writer, path)
    saw("first", _waits(first))
    pause(2)
    other = lab.start(reader, path)
    saw("status", first.wait())
    other.wait()
    pause(2)
    say("now the other way round: the reader comes first")
    first = lab.start(reader, path)
    saw("reader", _waits(first))
    pause(2)
    lab.start(writer, path)


def _waits(part: Part) -> str:
    waits = part.sleeps()
    say(f"the {part.name} sleeps in open(2)" if waits else f"the {part.name} did not wait")
    return "waits" if waits else "goes on"


LAB = Lab(
    name="rendezvous",
    article="003",
    order=0,
    title="Whoever opens first waits",
    question="My writer hangs, and nobody is reading: on what does it hang?",
    story="""
    A FIFO is a meeting point. A writer opens it while nobody is there to read; two seconds later a reader opens it too.
    Then they meet again, and this time the reader is early.
    """,
    code=(writer, reader),
    main=main,
    questions=(
        Question(
            "first",
            "The writer opens the FIFO and nobody is reading yet. What does os.open do?",
            (
                Choice("waits", "wait for a reader"),
                Choice("goes on", "succeed at once: the kernel keeps what is written"),
                Choice("fails", "fail with ENXIO"),
            ),
            "A blocking open of a FIFO for writing returns when somebody has it open for reading, not before.",
        ),
        Question(
            "reader",
            "And a reader that comes first, while there is no writer?",
            (
                Choice("waits", "wait for a writer"),
                Choice("goes on", "open it at once and read EOF"),
                Choice("fails", "fail with ENXIO"),
            ),
            "A blocking open for reading returns when somebody has it open for writing, whether or not they write.",
        ),
    ),
    observations=(
        Observation("first", "the writer sleeps in open(2) until a reader comes", "waits"),
        Observation("message", "the message arrives", "Hello, World!"),
        Observation("status", "the writer ends well", 0),
        Observation("reader", "a reader that is first sleeps in open(2) until a writer comes", "waits"),
    ),
    reason="""
    Opening a FIFO is a rendezvous: the kernel blocks open(2) until the other end is open as well. So nobody writes to
    nobody, and nobody reads an EOF from a writer that has not come yet. With O_NONBLOCK neither waits: a reader opens
    at once, a writer fails with ENXIO.
    """,
    man=("fifo(7)", "open(2)"),
    answers=("My writer hangs with no reader: which, and on what?",),
    actors=(
        ProducerSpec("greetings", template="Hello, World! {n}", rate=1.0, name="writer"),
        ConsumerSpec("greetings", name="reader"),
    ),
)
