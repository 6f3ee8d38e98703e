"""Whoever writes into a pipe without a reader is killed by SIGPIPE, or, like Python, told by EPIPE."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def shell() -> None:
    script = "set -o pipefail; yes | head -n 1; echo $?"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    line, status = done.stdout.split()
    say(f"head printed {line!r}, and $? is {status}")
    saw("shell", int(status))


def yes(r: int, w: int, action: signal.Handlers) -> None:
    os.close(r)  # else I would be a reader myself, and the pipe never without one
    signal.signal(signal.SIGPIPE, action)
    try:
        while True:
            os.write(w, b"y\n")
    except BrokenPipeError as error:
        say(f"BrokenPipeError: {error.strerror}")
        saw("python", "BrokenPipeError")


def head(r: int) -> None:
    line = os.read(r, 2)
    say(f"I got {line!r}, and that is enough for me")
    os.close(r)


def main(lab: LabContext) -> None:
    if shutil.which("bash"):
        lab.start(shell).wait()
    else:
        skip("shell", "there is no bash here")
    pause(2)
    status = _pipeline(lab, signal.SIG_DFL)
    ended = signal.Signals(-status).name if status < 0 else f"exit {status}"
    say(f"the writer's end: {ended}; a shell makes of that 128 + {-status} = {128 - status}")
    saw("signal", ended)
    pause(2)
    say("now with SIGPIPE ignored, as Python has it from its start")
    saw("ends", _pipeline(lab, signal.SIG_IGN))


def _pipeline(lab: LabContext, action: signal.Handlers) -> int:
    r, w = os.pipe()
    writer = lab.start(yes, r, w, action)
    os.close(w)
    lab.start(head, r)
    os.close(r)
    return writer.wait()


LAB = Lab(
    name="sigpipe",
    article="beyond",
    order=2,
    title="SIGPIPE, and where 141 comes from",
    question="Why does my pipeline end with status 141?",
    story="""
    `yes` writes the same line for ever; `head -n 1` takes one and leaves. First a shell with pipefail runs both. Then
    two processes of ours do the same: once with SIGPIPE as programs usually have it, once ignored as in Python.
    """,
    code=(shell, yes, head),
    main=main,
    questions=(
        Question(
            "shell",
            "set -o pipefail; yes | head -n 1; echo $?   What does bash print at the end?",
            (
                Choice(0, "0: all went well"),
                Choice(1, "1: yes could not write"),
                Choice(13, "13: the number of SIGPIPE"),
                Choice(141, "141"),
            ),
            "SIGPIPE killed yes. A shell makes 128 + 13 of that, and pipefail takes it for the whole pipeline.",
        ),
        Question(
            "python",
            "A Python program writes on after its reader has gone. What happens to it?",
            (
                Choice("SIGPIPE", "SIGPIPE kills it without a word"),
                Choice("BrokenPipeError", "os.write raises BrokenPipeError"),
                Choice("goes on", "nothing: the bytes are thrown away"),
            ),
            "Python ignores SIGPIPE when it starts, so the write fails with EPIPE instead, and that is this exception.",
        ),
    ),
    observations=(
        Observation("shell", "a shell with pipefail reports 141", 141),
        Observation("signal", "where the signal is not ignored, it ends the writer", "SIGPIPE"),
        Observation("python", "where it is ignored, the write fails with EPIPE", "BrokenPipeError"),
        Observation("ends", "and a program that catches that ends well", 0),
    ),
    reason="""
    To write into a pipe that nobody can read any more is pointless, so the kernel sends SIGPIPE, and by default that
    ends the writer: thus `yes | head` ends at all. A shell reports a death by signal N as 128 + N, here 141; usually
    only the last command counts, but pipefail lets any failure through. Python ignores SIGPIPE from its start, and
    the write fails with EPIPE instead. subprocess sets SIGPIPE back to its default for the programs it starts; with
    your own fork and exec you have to.
    """,
    man=("signal(7)", "pipe(7)", "write(2)", "bash(1)"),
    answers=("SIGPIPE, status 141 and pipefail",),
    actors=(
        ProducerSpec("yes", template="y", rate=2.0, reader_gone="stop", name="yes"),
        ConsumerSpec("yes", name="head"),
    ),
)
