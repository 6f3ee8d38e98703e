"""Reading again and again until it works burns a core; a selector sleeps until there is something to read."""

from __future__ import annotations

import os
import selectors
import time

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

#: How many messages are sent to each reader.
MESSAGES = 10


def busy_reader(path: str, meter: int) -> None:
    fd = os.open(path, os.O_RDONLY)  # waits; after this nothing does
    os.set_blocking(fd, False)
    started, in_vain = time.process_time(), 0
    while True:
        try:
            message = os.read(fd, 100)
        except BlockingIOError:
            in_vain += 1
            continue
        if not message:
            break
    used = time.process_time() - started
    say(f"{in_vain:,} reads in vain, and {used * 1000:.2f} ms of CPU")
    os.write(meter, f"{used}".encode())
    os.close(fd)


def calm_reader(path: str, meter: int) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.set_blocking(fd, False)
    selector = selectors.DefaultSelector()
    selector.register(fd, selectors.EVENT_READ)
    started, woken = time.process_time(), 0
    while True:
        selector.select()  # sleeps until there is something to read, or EOF
        woken += 1
        if not os.read(fd, 100):
            break
    used = time.process_time() - started
    say(f"woken {woken} times, and {used * 1000:.2f} ms of CPU")
    os.write(meter, f"{used} {woken}".encode())
    selector.close()
    os.close(fd)


def writer(*paths: str, messages: int = MESSAGES) -> None:
    fds = [os.open(path, os.O_WRONLY) for path in paths]
    for number in range(1, messages + 1):
        pause(1)
        for fd in fds:
            os.write(fd, b"message %d\n" % number)
        say(f"message {number} to both")
    for fd in fds:
        os.close(fd)


def main(lab: LabContext) -> None:
    left, right = lab.fifo("left"), lab.fifo("right")
    busy_meter, busy_end = os.pipe()
    calm_meter, calm_end = os.pipe()
    lab.start(busy_reader, left, busy_end)
    lab.start(calm_reader, right, calm_end)
    lab.start(writer, left, right)
    lab.join()
    busy = float(os.read(busy_meter, 100))
    used, woken = os.read(calm_meter, 100).split()
    calm = float(used)
    say(f"{busy * 1000:.1f} ms and {calm * 1000:.2f} ms: {busy / calm:,.0f} times as much")
    saw("cpu", "ten times" if busy >= 10 * calm else "more" if busy >= 2 * calm else "the same")
    # two messages can be read at once, if it was slow to wake; the last time it was woken by EOF
    saw("woken", 0 < int(woken) <= MESSAGES + 1)
    saw("ends", all(part.wait() == 0 for part in lab.parts))


LAB = Lab(
    name="busy-loop",
    article="003",
    order=7,
    title="The price of trying again and again",
    question="Why does my FIFO reader use 100 % of a CPU?",
    story="""
    Two readers wait for the same ten messages, and neither wants to be blocked in a read. One tries, catches the
    BlockingIOError and tries again, as one often sees it done. The other lets a selector wait. Both measure how much
    CPU time that takes them.
    """,
    code=(busy_reader, calm_reader, writer),
    main=main,
    questions=(
        Question(
            "cpu",
            "Both read the same messages in the same time. How much more CPU does the loop use?",
            (
                Choice("the same", "about as much: both read the same messages"),
                Choice("more", "two to ten times as much"),
                Choice("ten times", "more than ten times as much"),
            ),
            "The loop never sleeps: it asks the kernel hundreds of thousands of times a second, and the answer is no.",
        ),
    ),
    observations=(
        Observation("cpu", "the loop burns at least ten times as much CPU", "ten times"),
        Observation("woken", "the selector wakes once a message, and once for EOF, at the most"),
        Observation("ends", "all read until EOF and end well"),
    ),
    reason="""
    A read that fails with EAGAIN costs a system call and says nothing but "not now", so a loop over it keeps a core
    busy for as long as nothing happens. select, poll and epoll turn it round: the kernel puts the process to sleep and
    wakes it when a descriptor is readable, which EOF is as well. After EOF don't go on with that descriptor: it stays
    readable for ever, and then a selector spins too. Sleeping a little between the tries only trades CPU for delay.
    """,
    man=("poll(2)", "epoll(7)", "read(2)"),
    answers=("tail or cat? 100 % CPU after EOF",),
    actors=(
        ProducerSpec("left", template="message {n}", rate=1.0, name="writer"),
        ConsumerSpec("left", nonblocking=True, name="reader"),
    ),
)
