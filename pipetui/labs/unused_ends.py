"""An end that was forgotten open keeps EOF from the reader and EPIPE from the writer."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from pipetui.labs.context import LabContext, Part, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def reader(rpipe: int, wpipe: int, tidy: bool) -> None:
    if tidy:
        os.close(wpipe)
    else:  # forgotten; closed only when a signal reminds us
        signal.signal(signal.SIGUSR1, lambda *_: os.close(wpipe))
    while chunk := os.read(rpipe, 32):
        say(f"I got {chunk!r}")
    say(f"I got {chunk!r}: EOF, nobody can write any more")
    saw("tidy-reader" if tidy else "woken-reader", repr(chunk))


def writer(rpipe: int, wpipe: int, tidy: bool) -> None:
    if tidy:
        os.close(rpipe)
    else:
        signal.signal(signal.SIGUSR1, lambda *_: os.close(rpipe))
    written = 0
    try:
        while True:
            written += os.write(wpipe, b"how are you\n")
    except BrokenPipeError as error:
        say(f"{type(error).__name__} after {written} bytes: nobody can read any more")
        saw("tidy-writer" if tidy else "woken-writer", error)


def leave(lab: LabContext, role: Callable[[int, int, bool], None], tidy: bool) -> Part:
    """Make a pipe, fork one who inherits both ends, write a line and leave the pipe to it."""
    rpipe, wpipe = os.pipe()
    name = f"{'tidy' if tidy else 'forgetful'} {role.__name__}"
    part = lab.start(role, rpipe, wpipe, tidy, name=name)
    if role is reader:
        os.write(wpipe, b"how are you\n")
    os.close(rpipe)
    os.close(wpipe)
    return part


def main(lab: LabContext) -> None:
    for role, key, end in (reader, "eof", "write"), (writer, "epipe", "read"):
        say(f"a {role.__name__} that closes its {end} end; all others leave the pipe")
        leave(lab, role, True).wait()
        pause(1)
        say(f"a {role.__name__} that forgets its {end} end; all others leave the pipe")
        forgetful = leave(lab, role, False)
        asleep = forgetful.sleeps()
        saw(key, "sleeps" if asleep else "goes on" if not forgetful.ended() else "ends")
        say(f"the {role.__name__} {'sleeps' if asleep else 'does not sleep'}")
        pause(2)
        say(f"a signal reminds it to close its {end} end")
        forgetful.kill(signal.SIGUSR1)
        forgetful.wait()
        pause(1)


LAB = Lab(
    name="unused-ends",
    article="000",
    order=2,
    title="Close the end that you don't use",
    question="Why must everybody close the ends of a pipe that they don't use?",
    story="""
    After a fork everybody holds both ends of the pipe. A reader gets one line from a parent that then leaves the pipe;
    one such reader has closed its own write end, the next has forgotten it. Then it's the writers' turn: all others
    leave, and one writer has closed its own read end, the next has forgotten it.
    """,
    code=(reader, writer),
    main=main,
    questions=(
        Question(
            "eof",
            "Every other writer has gone, but the reader still holds a write end itself. What does its read do?",
            (
                Choice("ends", "return b'', EOF: no other writer is left"),
                Choice("sleeps", "sleep, and nobody is left to wake it"),
                Choice("goes on", "return b'' again and again"),
            ),
            "EOF means that no write end is open anywhere. The reader's own copy counts, so the kernel lets it wait "
            "for bytes that only it could write.",
        ),
        Question(
            "epipe",
            "Every other reader has gone, but the writer still holds a read end itself. What happens as it writes on?",
            (
                Choice("ends", "it gets EPIPE, as nobody else reads"),
                Choice("sleeps", "it fills the pipe and then sleeps"),
                Choice("goes on", "it writes on, and the kernel drops the bytes"),
            ),
            "EPIPE means that no read end is open anywhere. The writer's own copy counts: the pipe fills up, and then "
            "it waits for a reader who could only be itself.",
        ),
    ),
    observations=(
        Observation("tidy-reader", "the reader that closed its write end gets EOF", "b''"),
        Observation("eof", "the reader that forgot its write end sleeps in read(2)", "sleeps"),
        Observation("woken-reader", "as soon as it closes it, EOF comes", "b''"),
        Observation("tidy-writer", "the writer that closed its read end gets EPIPE", "EPIPE"),
        Observation("epipe", "the writer that forgot its read end sleeps in write(2)", "sleeps"),
        Observation("woken-writer", "as soon as it closes it, EPIPE comes", "EPIPE"),
    ),
    reason="""
    The kernel counts open ends, not processes. A read returns EOF when the pipe is empty and no write end is open; a
    write fails with EPIPE (and sends SIGPIPE, which Python ignores) when no read end is open. fork(2) duplicates both
    ends, so a copy that nobody uses is as good as a partner that never says anything. Close what you don't use right
    after the fork, in the parent as well as in the child.
    """,
    man=("pipe(7)", "fork(2)"),
    answers=("Why must unused ends be closed?", "Why does my FIFO script never end?"),
    actors=(
        ProducerSpec("last-one-out", template="first writer {n}", rate=1.0, count=5, name="soon-gone"),
        ProducerSpec("last-one-out", template="second writer {n}", rate=0.5, count=10, name="last-one"),
        ConsumerSpec("last-one-out", follow=False, name="until-EOF"),
    ),
)
