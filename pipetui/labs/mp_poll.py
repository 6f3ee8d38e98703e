"""poll() tells whether recv() would have to wait; the end of the other side counts as news."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def worker(mine: Connection, yours: Connection) -> None:
    yours.close()  # the fork gave us both ends
    number = mine.recv()
    say(f"I double {number}, and that takes me a while")
    pause(3)
    mine.send(2 * number)


def boss() -> None:
    # this process is itself a fork: a child can't start anew from its main module
    lab = multiprocessing.get_context("fork")
    mine, yours = lab.Pipe()
    child = lab.Process(target=worker, args=(yours, mine))
    child.start()
    yours.close()
    before = mine.poll()  # the worker has nothing to say before it has work
    started = time.monotonic()
    in_vain = mine.poll(0.2)
    took = time.monotonic() - started
    say(f"poll() returned {before}, and poll(0.2) {in_vain} after {took:.2f} s")
    saw("default", before)
    saw("waited", not in_vain and took >= 0.2)

    mine.send(21)
    while not mine.poll(0.5):
        say("no answer yet; I do something else")
    answer = mine.recv()
    say(f"the answer is {answer}")
    saw("answer", answer)
    child.join()
    saw("gone", mine.poll(2))  # now there is nobody who could send
    try:
        saw("then", f"received {mine.recv()!r}")
    except EOFError as error:
        say("poll() said True, and recv() raised EOFError: that was the news")
        saw("then", type(error).__name__)


def main(lab: LabContext) -> None:
    saw("status", lab.start(boss).wait())


LAB = Lab(
    name="mp-poll",
    article="002",
    order=3,
    title="Look before you recv()",
    question="recv() blocks: how do I wait for an answer and do other things meanwhile?",
    story="""
    A boss has a worker at the other end of a Pipe(). It looks whether there is something before it has even asked. Then
    it gives the worker a number to double, and polls for the answer every half second. The worker answers and leaves,
    and the boss looks once more.
    """,
    code=(worker, boss),
    main=main,
    questions=(
        Question(
            "default",
            "Nothing has been sent. What does poll() without a timeout do?",
            (
                Choice(False, "return False at once"),
                Choice("waits", "wait until there is something"),
                Choice("raises", "raise TimeoutError"),
            ),
            "The timeout is 0 unless you give one: poll() looks and returns. With None it waits for ever, with a "
            "number so many seconds at most.",
        ),
        Question(
            "gone",
            "The answer is received, and the worker has left. What does poll(2) return now?",
            (
                Choice(False, "False after 2 s: nothing can come any more"),
                Choice(True, "True: something is there"),
                Choice("raises", "nothing: it raises EOFError"),
            ),
            "poll() says whether recv() would return at once, and it would: with EOFError. To the kernel EOF is "
            "something to be read.",
        ),
    ),
    observations=(
        Observation("default", "poll() returns False at once", False),
        Observation("waited", "poll(0.2) takes its 0.2 s before it returns False", True),
        Observation("answer", "the answer comes", 42),
        Observation("gone", "when the other side has gone, poll() returns True", True),
        Observation("then", "and recv() raises EOFError", "EOFError"),
        Observation("status", "the boss ends well", 0),
    ),
    reason="""
    poll(timeout) asks the kernel with poll(2) whether the descriptor is readable: a message has begun to arrive, or the
    other end is closed everywhere. So True means only that recv() has something to say, and that may be EOFError. A
    loop around poll() has to be ready for it; one that isn't ends by a surprise. For several connections at once there
    is multiprocessing.connection.wait().
    """,
    man=("poll(2)", "unix(7)"),
    answers=("Is the pipe empty?",),
    actors=(
        ProducerSpec("answers", template="the answer is {n}", rate=0.5, name="worker"),
        ConsumerSpec("answers", nonblocking=True, name="boss"),
    ),
)
