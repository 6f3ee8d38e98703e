"""A socket carries bytes both ways, as a stream: who reads sees no messages, and each direction ends by itself."""

from __future__ import annotations

import os
import socket

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def server(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        four = connection.recv(4, socket.MSG_WAITALL)
        say(f"I asked for four bytes: {four!r}")
        saw("boundaries", four.decode())
        rest = b""
        while data := connection.recv(100):
            rest += data
        say(f"then {rest!r}, then EOF; my answer goes the other way")
        connection.sendall(b"got " + four + rest)


def client(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"one")
        connection.sendall(b"two")
        connection.shutdown(socket.SHUT_WR)  # EOF for the server; we can still read
        say("I have sent b'one' and b'two', and shut down my sending side")
        pause(2)
        with connection.makefile("rb") as stream:
            answer = stream.read()  # until the server closes
        say(f"the answer: {answer!r}")
        saw("after", "arrives" if answer else "is lost")


def parent() -> None:
    ours, theirs = socket.socketpair()  # AF_UNIX: no address, nobody listens
    child = os.fork()
    if child == 0:
        ours.close()
        theirs.sendall(theirs.recv(100).upper())
        os._exit(0)  # closes the child's end
    theirs.close()
    ours.sendall(b"both ways")
    os.waitpid(child, 0)
    answer = ours.recv(100)
    say(f"through a socket pair I sent b'both ways' and got {answer!r}")
    saw("both", answer.decode())
    try:
        ours.sendall(b"anyone there?")
        saw("closed", "accepted")
    except OSError as error:
        say(f"the child has ended; to send now fails: {error.strerror}")
        saw("closed", error)
    ours.close()


def main(lab: LabContext) -> None:
    if not _loopback():
        for key in ("boundaries", "after"):
            skip(key, "there is no loopback network here")
    else:
        with socket.create_server(("127.0.0.1", 0)) as listener:  # port 0: the kernel chooses a free one
            port = listener.getsockname()[1]
            lab.start(server, listener)
        lab.start(client, port)
        lab.join()
    pause(2)
    lab.start(parent)


def _loopback() -> bool:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            socket.create_connection(listener.getsockname(), timeout=2).close()
    except OSError:
        return False
    return True


LAB = Lab(
    name="sockets",
    article="004",
    order=3,
    title="Sockets: both ways, and no messages",
    question="If a pipe is one-way, what goes both ways? And do my messages stay apart?",
    story="""
    A client connects to a server over TCP on this machine. It sends three bytes, three more, and shuts down its
    sending side; the server reads and answers. Then a parent and its child talk through a Unix socket pair, and the
    child ends.
    """,
    code=(server, client, parent),
    main=main,
    questions=(
        Question(
            "boundaries",
            "The client sends b'one', then b'two'. The server asks for four bytes. What does it get?",
            (
                Choice("one", "b'one': a message at a time"),
                Choice("onet", "b'onet': the first four bytes of the stream"),
                Choice("two", "b'two': the newest message"),
            ),
            "TCP carries a stream of bytes, like a pipe. Where one send ended and the next began is not in it.",
        ),
        Question(
            "after",
            "The client has shut down its sending side and the server has read EOF. The server's answer …",
            (
                Choice("arrives", "arrives: only one of the two directions has ended"),
                Choice("is lost", "is lost: the connection is closed"),
            ),
            "shutdown(SHUT_WR) ends one direction: its reader gets EOF. The other goes on until it is closed.",
        ),
        Question(
            "closed",
            "The child has ended, so its end of the socket pair is closed. The parent sends. What happens?",
            (
                Choice("accepted", "it succeeds: the kernel keeps what is sent"),
                Choice("waits", "it waits for a new child"),
                Choice("EPIPE", "it fails with EPIPE, as on a pipe without a reader"),
            ),
            "Nobody can ever read it, so the kernel says so: EPIPE, and SIGPIPE for those who don't ignore that.",
        ),
    ),
    observations=(
        Observation("boundaries", "a read takes bytes across the border of two sends", "onet"),
        Observation("after", "after a shutdown of one direction, the other still works", "arrives"),
        Observation("both", "through one socket pair bytes go there and back", "BOTH WAYS"),
        Observation("closed", "to send to a closed socket fails", "EPIPE"),
    ),
    reason="""
    A pipe has a read end and a write end; each end of a stream socket is both, with a buffer for each direction. Like
    a pipe it is a stream: TCP delivers all bytes in order but knows no messages, so put a length before each or a
    newline after it. close gives up both directions, shutdown(SHUT_WR) only the sending one. A socketpair is a pipe
    that goes both ways between relatives; a Unix socket of the type SOCK_SEQPACKET even keeps messages apart.
    """,
    man=("socket(7)", "tcp(7)", "unix(7)", "shutdown(2)", "socketpair(2)"),
    actors=(
        ProducerSpec("there", template="question {n}", rate=1.0, name="client asks"),
        ConsumerSpec("there", name="server hears"),
        ProducerSpec("back", template="answer {n}", rate=1.0, name="server answers"),
        ConsumerSpec("back", framing="chunk", delay=3.0, name="client hears a stream"),
    ),
)
