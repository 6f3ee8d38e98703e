"""recv() raises EOFError when nobody can send any more, and a forgotten copy of an end can."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import Connection

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def sender(receiving: Connection, sending: Connection) -> None:
    receiving.close()  # the fork gave us both ends
    for word in ("how", "are", "you"):
        sending.send(word)
    say("I have sent three words, and leave")
    sending.close()


def receiver(receiving: Connection, sending: Connection, tidy: bool) -> None:
    if tidy:
        sending.close()
    else:  # forgotten; closed only when a signal reminds us
        signal.signal(signal.SIGUSR1, lambda *_: sending.close())
    words = []
    try:
        while True:
            words.append(receiving.recv())
    except EOFError as error:
        say(f"I received {' '.join(words)!r}, then EOFError")
        saw("tidy" if tidy else "woken", type(error).__name__)


def lonely_sender(sending: Connection) -> None:
    try:
        sending.send("is anybody there?")
        saw("nobody", "sent")
    except OSError as error:
        say(f"send() raised {type(error).__name__}: {error}")
        saw("nobody", type(error).__name__)


def main(lab: LabContext) -> None:
    # "fork": only forks inherit the ends that others forget to close
    context = multiprocessing.get_context("fork")
    for tidy in (True, False):
        receiving, sending = context.Pipe(duplex=False)
        source = lab.start(sender, receiving, sending)
        name = "tidy receiver" if tidy else "forgetful receiver"
        part = lab.start(receiver, receiving, sending, tidy, name=name)
        receiving.close()
        sending.close()
        source.wait()
        if tidy:
            part.wait()
            pause(2)
    asleep = part.sleeps()
    saw("forgotten", "sleeps" if asleep else "EOFError")
    say(f"the sender has gone, and the receiver {'sleeps in recv()' if asleep else 'does not sleep'}")
    pause(2)
    say("a signal reminds it to close its copy of the sending end")
    part.kill(signal.SIGUSR1)
    part.wait()
    pause(1)
    receiving, sending = context.Pipe(duplex=False)
    receiving.close()
    lab.start(lonely_sender, sending).wait()


LAB = Lab(
    name="mp-eof",
    article="002",
    order=4,
    title="EOFError, and why close() matters",
    question="The sender has ended: why does my recv() still hang?",
    story="""
    A sender sends three words through a Pipe(duplex=False) and ends. One receiver has closed its own copy of the
    sending end, another has forgotten it. At last somebody sends where no receiver is left.
    """,
    code=(sender, receiver, lonely_sender),
    main=main,
    questions=(
        Question(
            "forgotten",
            "The sender has ended. The receiver still has its own copy of the sending end. What does recv() do?",
            (
                Choice("EOFError", "raise EOFError: the sender has ended"),
                Choice("sleeps", "sleep, and nobody is left to wake it"),
                Choice("None", "return None"),
            ),
            "The kernel counts open ends, and one is open: the receiver's own. It waits for itself.",
        ),
        Question(
            "nobody",
            "The receiving end is closed everywhere. What does send() do?",
            (
                Choice("BrokenPipeError", "raise BrokenPipeError"),
                Choice("EOFError", "raise EOFError"),
                Choice("sent", "send: the object waits in the pipe"),
            ),
            "EOFError is for who receives. Who sends gets the errno of write(2), EPIPE, and that is BrokenPipeError.",
        ),
    ),
    observations=(
        Observation("tidy", "with the copy closed, EOFError comes after the last object", "EOFError"),
        Observation("forgotten", "with the copy forgotten, the receiver sleeps", "sleeps"),
        Observation("woken", "as soon as it closes the copy, EOFError comes", "EOFError"),
        Observation("nobody", "to send where nobody can receive raises BrokenPipeError", "BrokenPipeError"),
    ),
    reason="""
    recv() raises EOFError when the kernel says EOF: nothing is left to read and no sending end is open, in any process.
    With the start method fork a child inherits every end that its parent has, not just the one it was given. So close
    the other end first thing in the child, and the child's end in the parent right after start(). All earlier objects
    still arrive; EOFError comes after the last.
    """,
    man=("pipe(7)", "fork(2)"),
    answers=("Why must unused ends be closed?",),
    actors=(
        ProducerSpec("words", template="word {n}", rate=1.0, count=3, name="sender"),
        ProducerSpec("words", template="a forgotten copy", rate=0.1, count=2, name="forgotten"),
        ConsumerSpec("words", follow=False, name="receiver"),
    ),
)
