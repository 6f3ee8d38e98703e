"""Several writers and readers on one FIFO: each byte goes to one reader, and nobody gets a copy."""

from __future__ import annotations

import os

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

#: The length of every message (bytes), and how many each writer writes.
SIZE, COUNT = 32, 100


def writer(path: str, name: str, size: int = SIZE, count: int = COUNT) -> None:
    fd = os.open(path, os.O_WRONLY)
    for number in range(count):
        message = f"{name}, message {number}".ljust(size - 1) + "\n"
        os.write(fd, message.encode())  # up to PIPE_BUF bytes: never mixed with others
        pause(0.05)
    say(f"I have written {count} messages")
    os.close(fd)


def reader(path: str, tally: int, size: int = SIZE) -> None:
    fd = os.open(path, os.O_RDONLY)
    number = 0
    while message := os.read(fd, size):  # exactly as long as each message
        os.write(tally, message)
        number += 1
    say(f"I got {number} messages")
    os.close(fd)


def sip(path: str, key: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    data = os.read(fd, 48)
    say(f"I asked for 48 bytes and got {len(data)}: {data.decode()!r}")
    saw(key, len(data))
    os.close(fd)


def main(lab: LabContext) -> None:
    path = lab.fifo("counter")
    results, tally = os.pipe()
    readers = [lab.start(reader, path, tally, name=f"reader {number}") for number in (1, 2, 3)]
    open_for_all = os.open(path, os.O_WRONLY)  # no EOF before everybody has come
    writers = [lab.start(writer, path, name, name=name) for name in ("Ann", "Bob")]
    for part in writers:
        part.wait()
    for part in readers:
        part.sleeps()  # it has read all there is, and waits for more
    os.close(open_for_all)
    saw("ends", all(part.wait() == 0 for part in lab.parts))
    data = os.read(results, 1 << 16).decode()
    messages = [data[start : start + SIZE].rstrip() for start in range(0, len(data), SIZE)]
    say(f"together they have read {len(messages)} messages, {len(set(messages))} of them different")
    written = [f"{name}, message {number}" for name in ("Ann", "Bob") for number in range(COUNT)]
    saw("together", "each once" if sorted(messages) == sorted(written) else f"{len(messages)} messages")
    saw("whole", set(messages) <= set(written))
    pause(2)

    say("two messages lie in the FIFO, 64 bytes; now two who ask for 48")
    fd = os.open(path, os.O_RDWR)
    for number in (1, 2):
        os.write(fd, f"message {number}".ljust(SIZE - 1).encode() + b"\n")
    lab.start(sip, path, "first").wait()
    pause(1)
    lab.start(sip, path, "second").wait()


LAB = Lab(
    name="many-readers",
    article="003",
    order=2,
    title="Several readers share, nobody gets a copy",
    question="Two readers on one FIFO: does each get everything?",
    story="""
    Ann and Bob write a hundred messages of 32 bytes each into one FIFO, and three readers read from it, each exactly
    32 bytes at a time. Then two readers help themselves to 48 bytes each, while there are two messages of 32.
    """,
    code=(writer, reader, sip),
    main=main,
    questions=(
        Question(
            "together",
            "Two writers write 100 messages each. How many do the three readers get together?",
            (
                Choice("each once", "200: each message goes to one of them"),
                Choice("600 messages", "600: each of them gets them all"),
                Choice("some lost", "fewer than 200: some are lost between them"),
            ),
            "Reading takes bytes out of the pipe: what one reader has got, no other can get.",
        ),
        Question(
            "second",
            "Two messages, 64 bytes. One reader reads 48 bytes, then another asks for 48. What does that one get?",
            (
                Choice(32, "the second message, 32 bytes"),
                Choice(16, "16 bytes: the end of the second message"),
                Choice(48, "48 bytes: the kernel gives both the same"),
            ),
            "The kernel knows no messages, only bytes: the first reader took one message and a half.",
        ),
    ),
    observations=(
        Observation("together", "all that was written is read once, by whichever reader came first", "each once"),
        Observation("whole", "short messages stay whole when writers write in one go and readers read by their length"),
        Observation("ends", "when the last writer has gone, each reader gets EOF"),
        Observation("first", "whoever asks for 48 bytes gets a message and a half", 48),
        Observation("second", "the other half goes to the next reader", 16),
    ),
    reason="""
    A pipe is one queue, and a read removes what it returns. So several readers share the work as at the counters of a
    shop, and nobody says who gets what. Writes of up to PIPE_BUF bytes (4,096) go in as a whole, so writers don't mix;
    but a read takes as many bytes as it asks for and are there, wherever a message ends. Only messages of one fixed
    length, read by that length, stay whole; to give everybody everything, take one FIFO for each reader.
    """,
    man=("pipe(7)", "read(2)", "tee(1)"),
    answers=(
        "Several readers: who gets the bytes? Is output duplicated?",
        "Do concurrent writers interleave?",
    ),
    actors=(
        ProducerSpec("counter", template="Ann {n}", size=32, rate=4.0, name="Ann"),
        ProducerSpec("counter", template="Bob {n}", size=32, rate=4.0, name="Bob"),
        ConsumerSpec("counter", framing="fixed", fixed=32, name="reader 1"),
        ConsumerSpec("counter", framing="fixed", fixed=32, name="reader 2"),
    ),
)
