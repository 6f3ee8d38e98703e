"""A writer that never waits: ENXIO without a reader, a short count when it gets full, EAGAIN when it is."""

from __future__ import annotations

import fcntl
import os
import select

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def early_writer(path: str) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        saw("alone", "opens")
    except OSError as error:
        say(f"nobody reads: {error.strerror}")
        saw("alone", error)


def writer(path: str, bell: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    capacity = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
    data = memoryview(bytes(capacity + 30_000))
    written = os.write(fd, data)
    say(f"the FIFO holds {capacity:,} bytes; of {len(data):,} it took {written:,}")
    saw("taken", "all" if written == len(data) else "a part")
    saw("fits", written == capacity)
    try:
        os.write(fd, b"!")
        saw("full", "succeeds")
    except BlockingIOError as error:
        say(f"one byte more: {error.strerror}")
        saw("full", error)
    os.write(bell, b"%d" % len(data))
    rest = data[written:]
    while rest:
        select.select([], [fd], [])  # sleeps until there is room again
        rest = rest[os.write(fd, rest) :]
    say("the rest is written as well")
    os.close(fd)


def reader(path: str, bell: int) -> None:
    fd = os.open(path, os.O_RDONLY)  # waits for a writer
    say("I have opened the FIFO, and read when the bell rings")
    announced = int(os.read(bell, 20))
    received = 0
    while data := os.read(fd, 65536):
        received += len(data)
    say(f"EOF, after {received:,} of {announced:,} bytes")
    saw("whole", received == announced)
    os.close(fd)


def main(lab: LabContext) -> None:
    path = lab.fifo("news")
    lab.start(early_writer, path).wait()
    pause(3)
    hear, ring = os.pipe()
    there = lab.start(reader, path, hear)
    there.sleeps()
    say("a reader sleeps in open(2)")
    pause(3)
    lab.start(writer, path, ring)


LAB = Lab(
    name="nonblocking-writer",
    article="003",
    order=4,
    title="A writer that never waits",
    question="How do I write to a FIFO that nobody may be reading?",
    story="""
    A program wants to tell its news but never to hang on that, so it opens the FIFO with O_NONBLOCK. First nobody is
    there to read. Then there is a reader, but it has other things to do while the writer writes 30,000 bytes more than
    the FIFO holds.
    """,
    code=(early_writer, writer, reader),
    main=main,
    questions=(
        Question(
            "alone",
            "Nobody reads. What does the nonblocking open for writing do?",
            (
                Choice("ENXIO", "fail with ENXIO"),
                Choice("EAGAIN", "fail with EAGAIN"),
                Choice("opens", "succeed: the kernel keeps what is written"),
                Choice("waits", "wait for a reader"),
            ),
            "It may not wait, and an end to write to nobody does not exist: so it fails, and says so by ENXIO.",
        ),
        Question(
            "taken",
            "The reader does not read yet, and 30,000 bytes more than fit are written. What does os.write do?",
            (
                Choice("all", "take all of them"),
                Choice("a part", "take as many as fit and return that number"),
                Choice("EAGAIN", "take none, and fail with EAGAIN"),
            ),
            "More than PIPE_BUF bytes need not go in at once: the kernel takes what fits, and the rest is up to you.",
        ),
        Question(
            "full",
            "The FIFO is full. The writer writes one byte more. What now?",
            (
                Choice("succeeds", "it replaces the oldest byte"),
                Choice("waits", "it waits until the reader reads"),
                Choice("EAGAIN", "it fails with EAGAIN"),
                Choice("EPIPE", "it fails with EPIPE"),
            ),
            "There is no room for a single byte, and waiting is what O_NONBLOCK forbids.",
        ),
    ),
    observations=(
        Observation("alone", "without a reader a nonblocking open for writing fails", "ENXIO"),
        Observation("taken", "of more bytes than fit it takes a part", "a part"),
        Observation("fits", "that part is as much as the FIFO holds (F_GETPIPE_SZ): 65,536 bytes as a rule"),
        Observation("full", "a full FIFO takes not one byte more", "EAGAIN"),
        Observation("whole", "waiting for room and writing the rest brings all bytes to the reader"),
    ),
    reason="""
    O_NONBLOCK means "rather fail than wait". Opening for writing waits for a reader, so it fails with ENXIO; writing
    waits for room, so it fails with EAGAIN (in Python, BlockingIOError). A write of up to PIPE_BUF bytes (4,096) goes
    in whole or not at all; of a longer one the kernel takes what fits, so a program has to look at the number that
    os.write returns. To go on when there is room, wait with select or poll until the descriptor is writable.
    """,
    man=("fifo(7)", "pipe(7)", "write(2)", "select(2)"),
    answers=("Non-blocking logging to a FIFO that nobody may be reading", "How full is it?"),
    actors=(
        ProducerSpec(
            "news", template="news {n}", rate=0.0, size=1000, nonblocking=True, name="writer that never waits"
        ),
        ConsumerSpec("news", delay=0.2, name="reader with other things to do"),
    ),
)
