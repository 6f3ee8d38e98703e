"""Several writers into one pipe: up to PIPE_BUF bytes a write stays whole, a longer one may be torn."""

from __future__ import annotations

import fcntl
import itertools
import os
import select

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

#: How many records each writer writes, and who the writers are.
RECORDS = 20
LETTERS = b"ABC"


def writer(w: int, letter: int, size: int) -> None:
    record = bytes([letter]) * size
    for _ in range(RECORDS):
        os.write(w, record)  # one write for one record; sleeps while the pipe is full
    say(f"I have written {RECORDS} records of {size} times {chr(letter)}")


def reader(r: int, size: int, key: str) -> None:
    stream = b""
    while data := os.read(r, 65536):
        stream += data
    runs = itertools.groupby(stream.decode())
    lengths = [f"{len(list(run))} {letter}" for letter, run in runs]
    say(f"what I got begins with {', '.join(lengths[:5])} …")
    records = [stream[i : i + size] for i in range(0, len(stream), size)]
    torn = sum(len(set(record)) > 1 for record in records)
    say(f"{torn} of {len(records)} records hold bytes of several writers")
    saw(key, "torn" if torn else "whole")
    saw(f"{key} count", len(records))


def main(lab: LabContext) -> None:
    _race(lab, select.PIPE_BUF, "small")
    pause(2)
    _race(lab, select.PIPE_BUF + 1, "large")


def _race(lab: LabContext, size: int, key: str) -> None:
    r, w = os.pipe()
    room = fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)  # as small as can be: so it is always full
    if room > select.PIPE_BUF and size > select.PIPE_BUF:
        size = room + 1  # a machine with large pages
    say(f"a pipe that holds {room} bytes; records of {size} bytes")
    writers = [lab.start(writer, w, letter, size, name=f"writer {chr(letter)}") for letter in LETTERS]
    os.close(w)
    if all(each.sleeps() for each in writers):
        say("the pipe is full, and all three writers sleep")
    pause(2)
    lab.start(reader, r, size, key).wait()
    os.close(r)


LAB = Lab(
    name="pipe-buf",
    article="beyond",
    order=1,
    title="One byte too many",
    question="Several processes write into one pipe: do their records get mixed up?",
    story="""
    Three writers write 20 records each into one pipe, a record with each write: A writes only the letter A, and so
    on. The pipe is made as small as can be, so that it is always full. In the first round a record is 4,096 bytes
    long, in the second 4,097.
    """,
    code=(writer, reader),
    main=main,
    questions=(
        Question(
            "small",
            "Each record is 4,096 bytes (PIPE_BUF). What does the reader get?",
            (
                Choice("whole", "whole records, those of A, B and C in some order"),
                Choice("torn", "records with bytes of others in them"),
            ),
            "Up to PIPE_BUF bytes the kernel writes in one go, and waits until it has room for all of them.",
        ),
        Question(
            "large",
            "One byte more: 4,097 bytes. What now?",
            (
                Choice("whole", "still whole records: a write is a write"),
                Choice("torn", "records with bytes of others in them"),
            ),
            "More than that goes in piece by piece. While a writer sleeps for room, others put theirs in between.",
        ),
    ),
    observations=(
        Observation("small", "not one record of PIPE_BUF bytes is torn", "whole"),
        Observation("small count", "all 60 of them arrive", len(LETTERS) * RECORDS),
        Observation("large", "records of one byte more are torn", "torn"),
        Observation("large count", "and yet not a byte is missing", len(LETTERS) * RECORDS),
    ),
    reason="""
    A write of up to PIPE_BUF bytes (4,096 on Linux; POSIX demands at least 512) is atomic: all its bytes go in
    together. Longer ones go in as there is room, and whoever sleeps for room lets others write. Nothing is lost, but
    the pieces of several writers follow each other in any order. In a roomy pipe that happens seldom, which makes it
    so hard to find. So keep a record, with its newline, within PIPE_BUF and in one write, or take a lock.
    """,
    man=("pipe(7)", "write(2)"),
    answers=("Do concurrent writers interleave?", "Why out of order?"),
    actors=(
        ProducerSpec("records", source="random", size=16384, rate=0.0, name="writer A"),
        ProducerSpec("records", source="random", size=16384, rate=0.0, name="writer B"),
        ConsumerSpec("records", framing="line", limit=65536, delay=0.2, name="reader"),
    ),
)
