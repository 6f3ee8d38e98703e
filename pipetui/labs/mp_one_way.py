"""multiprocessing.Pipe(duplex=False) is a pipe, with a length and a pickle for each object."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import pickletools
import stat
import struct
from multiprocessing.connection import Connection

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def kind(connection: Connection) -> str:
    mode = os.fstat(connection.fileno()).st_mode
    if stat.S_ISSOCK(mode):
        return "socket"
    return "pipe" if stat.S_ISFIFO(mode) else "other"


def sender(receiving: Connection, sending: Connection) -> None:
    receiving.close()  # the fork gave us both ends
    for thing in ("Hello, World!", [1, 2, 3], {"n": 7}):
        say(f"I send {thing!r}")
        sending.send(thing)
        pause(1)


def parent() -> None:
    # this process is itself a fork: a child can't start anew from its main module
    lab = multiprocessing.get_context("fork")
    receiving, sending = lab.Pipe(duplex=False)
    saw("one-way", kind(receiving))
    with lab.Pipe()[0] as end:
        saw("both-ways", kind(end))
        say(f"Pipe(duplex=False): a {kind(receiving)}; Pipe(): a {kind(end)}")
    child = lab.Process(target=sender, args=(receiving, sending))
    child.start()
    sending.close()

    # the first one by hand
    (length,) = struct.unpack("!i", os.read(receiving.fileno(), 4))
    data = os.read(receiving.fileno(), length)
    say(f"4 bytes say {length}, and so many follow: {data!r}")
    complete = len(data) == length and data.endswith(pickle.STOP)
    saw("first", "length" if complete else "other")
    listing = io.StringIO()
    pickletools.dis(data, listing)
    for line in listing.getvalue().splitlines():
        say(line)
    objects = [pickle.loads(data)]  # only ever what our own child has sent
    while len(objects) < 3:
        objects.append(receiving.recv())
        say(f"received {objects[-1]!r}")
    saw("objects", repr(objects))
    child.join()


def main(lab: LabContext) -> None:
    saw("status", lab.start(parent).wait())


LAB = Lab(
    name="mp-one-way",
    article="002",
    order=1,
    title="What is behind multiprocessing.Pipe",
    question="multiprocessing.Pipe sends objects: what does the kernel see of that?",
    story="""
    A parent makes a multiprocessing.Pipe(duplex=False) and starts a child that sends three objects. It asks fstat what
    such a connection is, and reads the first object by hand from the bare descriptor, before it leaves the others to
    recv().
    """,
    code=(kind, sender, parent),
    main=main,
    questions=(
        Question(
            "one-way",
            "What does fstat say of the ends of Pipe(duplex=False)?",
            (
                Choice("pipe", "a pipe, as os.pipe() makes it"),
                Choice("socket", "a Unix socket"),
                Choice("other", "neither: memory that both share"),
            ),
            "One direction is what a pipe can do, so that is what is made: two descriptors from os.pipe(), wrapped.",
        ),
        Question(
            "first",
            "The child sends 'Hello, World!'. Which bytes come first?",
            (
                Choice("text", "the text as UTF-8"),
                Choice("pickle", "a pickle; it tells by itself where it ends"),
                Choice("length", "a length in 4 bytes, then a pickle"),
            ),
            "A pipe has no messages, so Connection makes them: a length in network byte order, then so many bytes. "
            "That is how recv() knows when an object is complete.",
        ),
        Question(
            "both-ways",
            "And what are the ends of Pipe(), with duplex=True as usual?",
            (
                Choice("pipe", "pipes: one for each direction"),
                Choice("socket", "Unix sockets: a socketpair"),
            ),
            "Two directions over one descriptor is what a pipe can't do: socketpair(2) makes the ends.",
        ),
    ),
    observations=(
        Observation("one-way", "Pipe(duplex=False) is a pipe", "pipe"),
        Observation("first", "a length of 4 bytes announces a pickle of that length", "length"),
        Observation("objects", "the objects arrive as they were sent", "['Hello, World!', [1, 2, 3], {'n': 7}]"),
        Observation("status", "the parent ends well", 0),
        Observation("both-ways", "Pipe() is a pair of Unix sockets", "socket"),
    ),
    reason="""
    multiprocessing adds three things to what the kernel has: a length before each message, pickle for the objects, and
    a class that closes the descriptor in the end. All that is true of pipes stays true: the capacity, the blocking, EOF
    when the last writer has gone. A pickle is a small program that recv() runs: pickletools.dis shows it without
    running it. So receive objects only from your own processes, never from strangers.
    """,
    man=("pipe(7)", "socketpair(2)", "fstat(2)"),
    actors=(
        ProducerSpec("objects", source="random", size=64, rate=1.0, name="sender"),
        ConsumerSpec("objects", framing="chunk", name="receiver"),
    ),
)
