"""A FIFO is one queue: who asks and listens on the same one hears himself, so two directions need two FIFOs."""

from __future__ import annotations

import os

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def one_fifo(path: str) -> None:
    fifo = os.open(path, os.O_RDWR)  # both directions; on Linux this never waits
    os.write(fifo, b"2 + 3")
    say("I have asked for 2 + 3, and now I read the answer from the same FIFO")
    answer = os.read(fifo, 100).decode()
    say(f"it is {answer!r}")
    saw("answer", answer)
    os.close(fifo)


def service(requests: str, answers: str) -> None:
    source = os.open(requests, os.O_RDONLY)  # waits until the client opens it too
    sink = os.open(answers, os.O_WRONLY)
    a, b = os.read(source, 100).split(b"+")
    os.write(sink, b"%d" % (int(a) + int(b)))
    os.close(sink)
    os.close(source)


def client(requests: str, answers: str) -> None:
    sink = os.open(requests, os.O_WRONLY)  # in the order of the service
    source = os.open(answers, os.O_RDONLY)
    os.write(sink, b"2 + 3")
    say("I have asked for 2 + 3, in the FIFO for requests")
    answer = os.read(source, 100).decode()
    say(f"in the FIFO for answers it says {answer!r}")
    saw("two", answer)
    os.close(source)
    os.close(sink)


def main(lab: LabContext) -> None:
    both = os.open(lab.fifo("both"), os.O_RDWR | os.O_NONBLOCK)
    say("the service has the FIFO open, but is still busy with somebody else")
    pause(1)
    lab.start(one_fifo, lab.path("both")).wait()
    say("now the service has time, and reads")
    try:
        saw("left", os.read(both, 100).decode())
    except BlockingIOError as error:
        say(f"nothing: {error.strerror}")
        saw("left", error)
    os.close(both)
    pause(2)

    requests, answers = lab.fifo("requests"), lab.fifo("answers")
    say("two FIFOs, but both open the one that they read from first, as the service does")
    here = lab.start(service, requests, answers)
    there = lab.start(service, answers, requests, name="client")
    stuck = here.sleeps() and there.sleeps() and here.sleeps()
    say("both sleep in open(2), each until the other comes" if stuck else "they go on")
    saw("order", "both wait" if stuck else "they go on")
    pause(2)
    for part in (here, there):
        part.kill()
        part.wait()

    say("two FIFOs, and both open the requests first")
    parts = lab.start(service, requests, answers), lab.start(client, requests, answers)
    saw("ends", all(part.wait() == 0 for part in parts))


LAB = Lab(
    name="half-duplex",
    article="003",
    order=1,
    title="One FIFO is one direction at a time",
    question="Can two processes talk to each other through one FIFO?",
    story="""
    A client asks a service what 2 + 3 is, writes that into a FIFO and reads the answer from the same FIFO; the service
    is there, but a moment late. Then they take two FIFOs, one for each direction. That is right, but there is still one
    way to get it wrong.
    """,
    code=(one_fifo, service, client),
    main=main,
    questions=(
        Question(
            "answer",
            "The client writes 2 + 3 into the FIFO and reads the answer from it. What does it read?",
            (
                Choice("5", "5: it waits until the service has answered"),
                Choice("2 + 3", "2 + 3: its own words"),
                Choice("", "nothing: EOF"),
            ),
            "A FIFO is one queue of bytes, and whoever reads first gets them, even if it is the one who wrote them.",
        ),
        Question(
            "order",
            "Two FIFOs now. Both first open the one that they read from, then the other. What happens?",
            (
                Choice("they go on", "they meet, and the client reads 5"),
                Choice("both wait", "both wait for ever"),
                Choice("fails", "the second open fails with ENXIO"),
            ),
            "Each sleeps in its first open until the other opens the write end, which the other would only do second.",
        ),
    ),
    observations=(
        Observation("answer", "with one FIFO the client reads its own question", "2 + 3"),
        Observation("left", "the service, which comes later, finds nothing to read", "EAGAIN"),
        Observation("order", "two that open their read ends first wait for each other", "both wait"),
        Observation("two", "with two FIFOs, opened in the same order, the answer arrives", "5"),
        Observation("ends", "then the client and the service both end well"),
    ),
    reason="""
    A FIFO is one buffer with one end to write to and one to read from, and the bytes in it bear no sender and no
    addressee. So a FIFO serves one direction at a time; for both take two, or a socket. Since each open waits for its
    partner, both sides have to open the two FIFOs in the same order, or one of them with O_NONBLOCK: otherwise each
    waits for the other, which is a deadlock.
    """,
    man=("fifo(7)", "pipe(7)", "open(2)", "unix(7)"),
    answers=("Why does my FIFO script never end?",),
    actors=(
        ProducerSpec("requests", template="{n} + 3", rate=1.0, name="client asks"),
        ConsumerSpec("requests", name="service"),
        ProducerSpec("answers", template="an answer", rate=1.0, name="service answers"),
        ConsumerSpec("answers", name="client"),
    ),
)
