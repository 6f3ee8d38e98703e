"""A FIFO ends with its last writer; a reader that wants the next one too has to keep it open, or reopen it."""

from __future__ import annotations

import os
from collections.abc import Callable

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def client(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)  # sleeps until somebody reads
    os.write(fd, text.encode() + b"\n")
    os.close(fd)
    say(f"I have written {text!r}, and leave")


def server(path: str, times: int, key: str, at_eof: Callable[[], None]) -> None:
    messages = []
    for _ in range(times):
        with open(path, encoding="utf-8") as fifo:  # sleeps until a client comes
            messages += fifo.read().split()  # until the last client has left: EOF
            say(f"EOF; so far I have {messages}")
            at_eof()  # something may happen just here
    saw(key, " ".join(messages))


def keeper(path: str, flags: int, key: str) -> None:
    fd = os.open(path, flags)
    if flags == os.O_RDONLY:
        os.open(path, os.O_WRONLY)  # a write end of our own, and never written to
    messages: list[str] = []
    while len(messages) < 3:  # there is no EOF to wait for
        messages += os.read(fd, 100).decode().split()
        say(f"so far I have {messages}")
    saw(key, len(messages))


def main(lab: LabContext) -> None:
    _plain(lab)
    pause(2)
    say("a server that opens the FIFO again after each EOF")
    _between(lab)
    for flags, key, how in (
        (os.O_RDWR, "both", "one that opens the FIFO for reading and writing"),
        (os.O_RDONLY, "held", "one that holds a write end beside its read end"),
    ):
        pause(2)
        say(how)
        path = lab.fifo(key)
        lab.start(keeper, path, flags, key)
        for text in ("one", "two", "three"):
            lab.start(client, path, text)
            pause(1)
        lab.join()


def _plain(lab: LabContext) -> None:
    path = lab.fifo("plain")
    once = lab.start(server, path, 1, "plain", lambda: None)
    lab.start(client, path, "one").wait()
    once.wait()
    pause(2)
    second = lab.start(client, path, "two")
    waits = second.sleeps()
    saw("second", "waits" if waits else "served")
    if waits:
        say("the server has ended with its first client; the second one sleeps in open(2)")
    second.kill()
    second.wait()


def _between(lab: LabContext) -> None:
    path = lab.fifo("again")
    (eof, eof_end), (go, go_end) = os.pipe(), os.pipe()

    def at_eof() -> None:
        os.write(eof_end, b"!")
        os.read(go, 1)

    again = lab.start(server, path, 2, "again", at_eof)
    lab.start(client, path, "one").wait()
    os.read(eof, 1)
    pause(1)
    saw("unaware", lab.start(client, path, "two").wait())  # after EOF, and before the close
    os.write(go_end, b"!")
    again.sleeps()
    pause(1)
    lab.start(client, path, "three").wait()
    os.read(eof, 1)
    os.write(go_end, b"!")
    again.wait()


LAB = Lab(
    name="keep-open",
    article="beyond",
    order=5,
    title="A FIFO that outlives its clients",
    question="My server on a FIFO gets EOF after each client: how do I keep it open?",
    story="""
    Clients come one after another to a FIFO, write a word and leave. One server reads until EOF. A second one opens
    the FIFO again after each EOF, and a client comes at a bad moment. Two more see to it that there is no EOF.
    """,
    code=(client, server, keeper),
    main=main,
    questions=(
        Question(
            "second",
            "The server reads until EOF, as `cat` does. The first client has left; a second one comes. It …",
            (
                Choice("served", "is served: the server still has the FIFO open"),
                Choice("waits", "waits: the server has ended with the first client"),
                Choice("EPIPE", "fails with EPIPE"),
            ),
            "When the last writer closes, the reader gets EOF and ends. The second client's open waits for a reader.",
        ),
        Question(
            "again",
            'This server reopens after EOF. "two" is written after the EOF and before the close. What does it get?',
            (
                Choice("one two three", "one two three"),
                Choice("one three", "one three"),
                Choice("one two", "one two, and then nothing any more"),
            ),
            "As the server closes the last end, the kernel drops what is still in the FIFO. The client never knows.",
        ),
        Question(
            "both",
            "A server opens the FIFO with O_RDWR. How many of three clients does it hear?",
            (Choice(0, "none: it hears only itself"), Choice(1, "one, then EOF"), Choice(3, "all three")),
            "It is a writer too, so there is always one and never an EOF, and the FIFO is never without a reader.",
        ),
    ),
    observations=(
        Observation("plain", "a server that reads until EOF serves one client", "one"),
        Observation("second", "the second client sleeps in open until somebody reads", "waits"),
        Observation("again", "between EOF and reopening, a message can be lost", "one three"),
        Observation("unaware", "and its client has ended well", 0),
        Observation("both", "with O_RDWR all three clients are heard", 3),
        Observation("held", "with a write end held beside the read end, too", 3),
    ),
    reason="""
    EOF only means that there is no writer now. A reader may open the FIFO again, but between EOF and close a client
    can come, write and leave, and what nobody has open is thrown away: so open the new end before you close the old
    one. Simpler is to hold a write end oneself: then there is always a writer and never an EOF. On Linux O_RDWR does
    that with one open that does not wait; POSIX leaves it undefined, so elsewhere open both ends. In a shell it is
    `exec 3<>fifo`. But then nobody tells you when a client leaves.
    """,
    man=("fifo(7)", "open(2)", "read(2)"),
    answers=("How do I keep a FIFO open? EOF after each client?", "Survive the other side's restart"),
    actors=(
        ProducerSpec("door", template="client {n}", count=3, rate=1.0, name="client"),
        ConsumerSpec("door", follow=True, name="server that stays"),
    ),
)
