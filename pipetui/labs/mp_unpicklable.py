"""What can't be pickled fails in send(), and nothing of it enters the pipe."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import pickletools
import threading
from multiprocessing.connection import Connection

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def greet() -> str:
    return "how are you"


def sender(receiving: Connection, sending: Connection) -> None:
    receiving.close()  # the fork gave us both ends
    for thing in ("before", lambda: "how are you", threading.Lock(), greet, "after"):
        try:
            say(f"I send {thing}")
            sending.send(thing)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            say(f"send() raised {type(error).__name__}: {error}")
            saw("lock" if isinstance(error, TypeError) else "lambda", "send")
        pause(1)


def parent() -> None:
    # this process is itself a fork: a child can't start anew from its main module
    lab = multiprocessing.get_context("fork")
    receiving, sending = lab.Pipe(duplex=False)
    child = lab.Process(target=sender, args=(receiving, sending))
    child.start()
    sending.close()
    things = []
    try:
        while True:
            data = receiving.recv_bytes()
            listing = io.StringIO()
            pickletools.dis(data, listing)
            for line in listing.getvalue().splitlines():
                say(line)
            things.append(pickle.loads(data))  # it comes from our own child
            if things[-1] is greet:
                code_is_in_it = greet.__code__.co_code in data
                saw("function", "code" if code_is_in_it else "name")
    except EOFError:
        say(f"received: {things}")
    saw("works", " ".join(thing for thing in things if isinstance(thing, str)))
    child.join()


def main(lab: LabContext) -> None:
    saw("status", lab.start(parent).wait())


LAB = Lab(
    name="mp-unpicklable",
    article="002",
    order=5,
    title="What can't go through a Pipe()",
    question="Not everything can be pickled: who gets the error, and is the connection broken then?",
    story="""
    A child sends a word, a lambda, a lock, a function that has a name, and another word. The parent takes the bytes
    with recv_bytes() and shows what they are before it unpickles them.
    """,
    code=(greet, sender, parent),
    main=main,
    questions=(
        Question(
            "lambda",
            "The child sends a lambda. Where is the error raised?",
            (
                Choice("send", "in the child's send()"),
                Choice("recv", "in the parent's recv()"),
                Choice("nowhere", "nowhere: the lambda arrives"),
            ),
            "send() pickles first, in the process that calls it. A function is pickled as its name, and nobody could "
            "find a lambda by its name.",
        ),
        Question(
            "works",
            "After the errors the child sends 'after'. Which words does the parent get?",
            (
                Choice("before", "'before'; then the connection is broken"),
                Choice("before after", "'before' and 'after'"),
            ),
            "An object is pickled completely before the first byte is written. What fails to be pickled never gets as "
            "far as the pipe, so the stream stays whole.",
        ),
        Question(
            "function",
            "greet is a function of the module. What of it goes through the pipe?",
            (
                Choice("name", "its name, and its module's"),
                Choice("code", "its code"),
            ),
            "The disassembly shows two strings and STACK_GLOBAL: the receiver imports the module and looks the name "
            "up. That's why both sides need the same source, and why strangers' pickles are dangerous.",
        ),
    ),
    observations=(
        Observation("lambda", "a lambda fails in send()", "send"),
        Observation("lock", "a lock fails in send(), too", "send"),
        Observation("function", "a function goes through as its name", "name"),
        Observation("works", "the connection still works", "before after"),
        Observation("status", "the parent ends well", 0),
    ),
    reason="""
    send() is two steps: pickle.dumps, which may raise, and then one message with its length. An error in the first
    leaves the connection as it was. A lambda raises PicklingError or AttributeError, as the Python may be; a lock
    raises TypeError, for a lock is a place in one process's memory and means nothing in another. Send data and names,
    and share locks by inheritance (multiprocessing.Lock as an argument of Process).
    """,
    man=("pipe(7)",),
    actors=(
        ProducerSpec("words", template="word {n}", rate=1.0, name="sender"),
        ConsumerSpec("words", framing="chunk", name="receiver"),
    ),
)
