"""A Pipe() has two directions, and somebody has to speak first."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import pickletools
from multiprocessing.connection import Connection

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def server(mine: Connection, yours: Connection) -> None:
    yours.close()  # the fork gave us both ends
    try:
        while True:
            say("I wait for a request")
            request = mine.recv()
            mine.send(f"Thanks for {request!r}")
    except EOFError:
        say("EOFError: the other side has closed its end")


def client() -> None:
    # this process is itself a fork: a child can't start anew from its main module
    lab = multiprocessing.get_context("fork")
    mine, yours = lab.Pipe()
    mine.send("Hello from the client")
    saw("own", "here" if mine.poll() else "there" if yours.poll() else "nowhere")
    say("I have sent a request, before there is a server")
    pause(1)
    child = lab.Process(target=server, args=(yours, mine))
    child.start()
    yours.close()
    data = mine.recv_bytes()
    listing = io.StringIO()
    pickletools.dis(data, listing)
    for line in listing.getvalue().splitlines():
        say(line)
    answer = pickle.loads(data)  # it comes from our own child
    say(f"the answer is {answer!r}")
    saw("answer", answer)
    mine.close()
    child.join()
    saw("server", str(child.exitcode))


def main(lab: LabContext) -> None:
    saw("status", lab.start(client).wait())
    pause(1)
    say("now two servers face each other")
    one, other = multiprocessing.get_context("fork").Pipe()
    servers = (
        lab.start(server, one, other, name="one server"),
        lab.start(server, other, one, name="other server"),
    )
    one.close()
    other.close()
    asleep = all(part.sleeps() for part in servers)
    saw("first", "sleep" if asleep else "go on")
    say("both sleep in recv(): a deadlock" if asleep else "they don't both sleep")
    pause(2)
    say("one of them is killed")
    servers[0].kill()
    saw("survivor", servers[1].wait())


LAB = Lab(
    name="mp-both-ways",
    article="002",
    order=2,
    title="Request and answer through one Pipe()",
    question="Both sides of a Pipe() can send and receive: what can go wrong?",
    story="""
    A client sends a request into its end of a Pipe() before the server is even there, and looks at once at which end
    something has arrived. Then the server starts, and answers. At last two servers are connected with each other: both
    wait politely for a request.
    """,
    code=(server, client),
    main=main,
    questions=(
        Question(
            "own",
            "The client has sent into its end. At which end is the request now?",
            (
                Choice("here", "at both: a Pipe() has one channel"),
                Choice("there", "at the other end only"),
                Choice("nowhere", "at none: no server has been started yet"),
            ),
            "A socketpair has a queue for each direction. What goes in at one end comes out at the other, and waits "
            "there; with a single os.pipe() used both ways, one would read one's own words.",
        ),
        Question(
            "first",
            "Two servers face each other, and each begins with recv(). What happens?",
            (
                Choice("sleep", "both sleep, for ever"),
                Choice("error", "one of them gets an EOFError"),
                Choice("go on", "recv() gives None when there is nothing"),
            ),
            "Each waits for the other, and neither has closed anything: to the kernel that is a peaceful wait. Who "
            "speaks first must be agreed upon, for there is nothing that finds out.",
        ),
    ),
    observations=(
        Observation("own", "the request waits at the other end", "there"),
        Observation("answer", "the answer comes back the same way", "Thanks for 'Hello from the client'"),
        Observation("server", "the server ends well when the client has closed its end", "0"),
        Observation("status", "the client ends well", 0),
        Observation("first", "two that both begin with recv() both sleep", "sleep"),
        Observation("survivor", "when one of them is killed, the other gets EOFError and ends well", 0),
    ),
    reason="""
    Pipe() is a socketpair: two queues in the kernel, one for each direction, so requests and answers never mix. A
    recv() on an empty queue sleeps as long as the other end is open somewhere. If both sides receive first, they wait
    for each other; if both send more than the queues hold before they receive, they do so, too. A protocol has to say
    who speaks when. When one side ends, the other is not left waiting: it gets EOFError.
    """,
    man=("socketpair(2)", "unix(7)"),
    actors=(
        ProducerSpec("requests", template="request {n}", rate=1.0, name="client-asks"),
        ConsumerSpec("requests", name="server-reads"),
        ProducerSpec("answers", template="Thanks for request {n}", rate=1.0, name="server-answers"),
        ConsumerSpec("answers", name="client-reads"),
    ),
)
