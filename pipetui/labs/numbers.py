"""A FIFO is made if it is missing, a child counts, and the parent sees EOF when it has ended."""

from __future__ import annotations

import os
import stat
import time

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def make_fifo(path: str) -> str:
    try:
        os.mkfifo(path, 0o600)  # to ask first whether it is there would be a race
    except FileExistsError:
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            raise  # something else has that name
        return "FileExistsError"
    return "made"


def child(path: str) -> None:
    again = make_fifo(path)
    say(f"os.mkfifo: {again}, and it is a FIFO; so I use it")
    saw("again", again)
    fifo = os.open(path, os.O_WRONLY)
    for number in range(5):
        os.write(fifo, b"Number %03d\n" % number)
        pause(1)
    say("I have counted, and close my end")
    os.close(fifo)


def parent(path: str) -> None:
    say(f"os.mkfifo: {make_fifo(path)}")
    pid = os.fork()
    if pid == 0:
        child(path)
        os._exit(0)
    got = []
    with open(path, encoding="utf-8") as fifo:
        while line := fifo.readline():
            say(f"Parent {os.getpid()} got {line.rstrip()!r} at {time.time():.2f}")
            got.append(line.split()[-1])
        after = [line, fifo.readline(), fifo.readline()]
    say(f"then readline() returned {', '.join(map(repr, after))}")
    saw("numbers", " ".join(got))
    saw("end", "EOF" if after == ["", "", ""] else "more")
    os.waitpid(pid, 0)


def main(lab: LabContext) -> None:
    path = lab.path("numbers")
    saw("status", lab.start(parent, path).wait())
    saw("fifo", stat.S_ISFIFO(os.lstat(path).st_mode))
    with open(lab.path("a-file"), "x", encoding="utf-8") as file:
        try:
            saw("file", make_fifo(file.name))
        except FileExistsError as error:
            saw("file", type(error).__name__)
            say(f"make_fifo, where a plain file has the name: {error}")


LAB = Lab(
    name="numbers",
    article="001",
    order=1,
    title="A child counts into a FIFO",
    question="How do I make a FIFO only if it is missing, and what do I read when its writer has ended?",
    story="""
    Parent and child both make the FIFO if it is missing: they need not agree on who does. The child writes a number a
    second, the parent reads the lines and notes the time. After number 004 the child ends.
    """,
    code=(make_fifo, child, parent),
    main=main,
    questions=(
        Question(
            "again",
            "The parent has made the FIFO. Now the child calls os.mkfifo with the same path. What happens?",
            (
                Choice("FileExistsError", "it raises FileExistsError"),
                Choice("made", "it succeeds: the FIFO is there, as wanted"),
                Choice("more", "a new FIFO takes the place of the old one"),
            ),
            "mkfifo never replaces anything: of all who call it exactly one makes the FIFO, all others get EEXIST, in "
            "Python FileExistsError. So trying is safe, and asking first is not: the answer may be old when you act.",
        ),
        Question(
            "end",
            "The child has ended. What does the parent's next readline() do?",
            (
                Choice("EOF", "return '' at once, as often as it is called"),
                Choice("sleeps", "sleep until somebody writes again"),
                Choice("error", "raise BrokenPipeError"),
            ),
            "No write end is open any more, so every read returns EOF at once. A loop that doesn't look for it burns a "
            "whole core printing empty lines.",
        ),
    ),
    observations=(
        Observation("again", "the second mkfifo raises FileExistsError, and that is fine", "FileExistsError"),
        Observation("numbers", "all numbers arrive, in order", "000 001 002 003 004"),
        Observation("end", "when the writer has ended, each readline returns '' at once", "EOF"),
        Observation("fifo", "what was made is a FIFO", True),
        Observation("file", "a plain file of that name is refused", "FileExistsError"),
        Observation("status", "the parent ends well", 0),
    ),
    reason="""
    mkfifo(3) either makes the FIFO or fails with EEXIST, in one step; then a look tells whether what is there is a
    FIFO. Lines arrive as they are written, for the parent's read returns as soon as there is something. When the last
    writer has closed the FIFO, the reader sees EOF, and goes on seeing it until somebody opens the FIFO for writing
    again. So a reader ends there, or opens the FIFO anew and waits in open(2) for the next writer.
    """,
    man=("mkfifo(3)", "fifo(7)", "read(2)"),
    answers=("How do I keep a FIFO open? EOF after each client?", "tail or cat? 100 % CPU after EOF"),
    actors=(
        ProducerSpec("numbers", template="Number {n:03d}", rate=1.0, count=5, name="child"),
        ConsumerSpec("numbers", follow=False, name="parent"),
    ),
)
