"""A shared file, or memory mapped from it, carries data but no order: who comes when has to be said elsewhere."""

from __future__ import annotations

import fcntl
import mmap
import os

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def child(path: str, opened: int, go: int, ready: int) -> None:
    with open(path, "w", encoding="utf-8") as file:
        say("I have opened the file; to write takes me a while")
        os.write(opened, b"!")
        os.read(go, 1)
        file.write("message from child")
    say("now it is written, and I say so through a pipe")
    os.write(ready, b"!")


def parent(path: str, ready: int) -> None:
    with open(path, encoding="utf-8") as file:
        early = file.read()
    say(f"as in the article I just read the file: {early!r}")
    saw("early", early)
    os.read(ready, 1)  # sleeps until the child says that it is there
    with open(path, "rb") as shared:
        memory = mmap.mmap(shared.fileno(), 0, access=mmap.ACCESS_READ)
    text = memory[:].decode()
    say(f"after the byte in the pipe, I find in the shared memory: {text!r}")
    saw("ready", text)


def adder(path: str, locked: bool, has_read: int, go: int) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 1) as counter:
        if locked:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        number = counter[0]
        say(f"I read {number}, so I shall write {number + 1}")
        os.write(has_read, b"!")
        os.read(go, 1)  # between read and write there is always a moment
        counter[0] = number + 1


def main(lab: LabContext) -> None:
    _message(lab)
    pause(2)
    say("without a lock, two adders read before either writes")
    saw("unlocked", _count(lab, locked=False))
    pause(2)
    say("with a lock, the second one has to wait for the first")
    saw("locked", _count(lab, locked=True))


def _message(lab: LabContext) -> None:
    path = lab.path("message.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("message of yesterday")
    (opened, opened_end), (go, go_end), (ready, ready_end) = os.pipe(), os.pipe(), os.pipe()
    lab.start(child, path, opened_end, go, ready_end)
    os.read(opened, 1)
    hasty = lab.start(parent, path, ready)
    hasty.sleeps()
    pause(2)
    os.write(go_end, b"!")
    lab.join()


def _count(lab: LabContext, *, locked: bool) -> int:
    path = lab.path("counter")
    with open(path, "wb") as file:
        file.write(b"\0")
    (has_read, has_read_end), (go, go_end) = os.pipe(), os.pipe()
    first = lab.start(adder, path, locked, has_read_end, go, name="first adder")
    os.read(has_read, 1)
    second = lab.start(adder, path, locked, has_read_end, go, name="second adder")
    if locked:
        saw("waits", second.sleeps())
    else:
        os.read(has_read, 1)
    pause(1)
    os.write(go_end, b"!!")
    first.wait()
    second.wait()
    with open(path, "rb") as file:
        return file.read()[0]


LAB = Lab(
    name="shared-file",
    article="004",
    order=4,
    title="A shared file has no order",
    question="Two processes share a file or memory: why do I read nothing, and why do counts get lost?",
    story="""
    A child writes a message into a file, and its parent reads it: as in the article, nothing says who comes first.
    Then the child tells through a pipe that the message is there. At last two processes each add 1 to a number in
    shared memory.
    """,
    code=(child, parent, adder),
    main=main,
    questions=(
        Question(
            "early",
            'The file holds a message of yesterday. The child has just opened it with "w". What does the parent read?',
            (
                Choice("message of yesterday", "yesterday's message"),
                Choice("", "nothing: the file is empty"),
                Choice("message from child", "the child's message: the read waits for it"),
            ),
            'To open with "w" empties the file at once. And a file never makes a reader wait: at its end there is EOF.',
        ),
        Question(
            "unlocked",
            "The number is 0. Two processes each add 1; both read it before either writes. What is it then?",
            (Choice(0, "0"), Choice(1, "1"), Choice(2, "2")),
            "Both have read 0, so both write 1. To add is to read, to add and to write: three steps, not one.",
        ),
    ),
    observations=(
        Observation("early", "a reader that comes in between finds an empty file", ""),
        Observation("ready", "a reader that waits for a byte in a pipe finds the message", "message from child"),
        Observation("unlocked", "without a lock one of two additions is lost", 1),
        Observation("waits", "with a lock the second process sleeps until the first is done"),
        Observation("locked", "with a lock both additions count", 2),
    ),
    reason="""
    A file, or memory that is mapped from it with MAP_SHARED, shows every process the same bytes, but nobody is told
    when they change. A read of a file never waits, while a read of a pipe waits for a writer: that is why a pipe also
    puts things in order. So share the data and say by a pipe, a lock or a semaphore when it is there. Whatever is
    read, changed and written back needs a lock around all three steps, for every process that does it.
    """,
    man=("mmap(2)", "flock(2)", "open(2)", "pipe(7)"),
    actors=(
        ProducerSpec("ready", template="part {n} of the file is ready", rate=0.5, name="child"),
        ConsumerSpec("ready", name="parent that waits"),
    ),
)
