"""Two pipes and an exec make a program that answers; its buffer can make it mute."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import TextIO

from pipetui.labs.context import LabContext, hear, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question, source
from pipetui.model import ConsumerSpec, ProducerSpec


def pipetest() -> None:  # a program of its own, which knows nothing of pipes
    print(f"child {os.getpid()} of {os.getppid()} got {sys.argv[1]!r}", file=sys.stderr)
    for line in sys.stdin:
        print(f"Child {os.getpid()} got: [{line.rstrip()}]")
        print("I have printed my answer", file=sys.stderr)


def spawn(command: list[str]) -> tuple[int, TextIO, TextIO, TextIO]:
    child_stdin, to_child = os.pipe()
    from_child, child_stdout = os.pipe()
    remarks, child_stderr = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(child_stdin, 0)
            os.dup2(child_stdout, 1)
            os.dup2(child_stderr, 2)
            os.execvp(command[0], command)  # 0, 1 and 2 stay; the others close by it
        finally:
            os._exit(127)
    for end in (child_stdin, child_stdout, child_stderr):
        os.close(end)
    return (
        pid,
        os.fdopen(to_child, "w", encoding="utf-8", errors="surrogateescape"),
        os.fdopen(from_child, encoding="utf-8", errors="surrogateescape"),
        os.fdopen(remarks, encoding="utf-8", errors="surrogateescape"),
    )


def parent(command: list[str], greeting: str, act: str) -> None:
    pid, to_child, from_child, remarks = spawn(command)
    with to_child, from_child, remarks:
        say(f"on its stderr: {remarks.readline().rstrip()!r}")
        text = hear(greeting)
        say(f"I write {text!r} to its stdin")
        print(text, file=to_child, flush=True)
        remark = remarks.readline().rstrip()  # so it is past its print()
        say(f"on its stderr: {remark!r}")
        ready, _, _ = select.select([from_child], [], [], 0)
        say(f"in the pipe from its stdout: {'the answer' if ready else 'nothing!'}")
        saw(f"{act}-answer", "there" if ready else "missing")
        pause(2)
        say("I close the pipe to its stdin")
        to_child.close()
        answer = from_child.read()
    say(f"from its stdout, up to EOF: {answer!r}")
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    saw(f"{act}-end", "answer" if answer else f"nothing, status {status}")
    saw(f"{act}-pid", "same" if answer.startswith(f"Child {pid} ") else "another")
    saw(f"{act}-apart", (remark, answer) == (REMARK, f"Child {pid} got: [{text}]\n"))


REMARK = "I have printed my answer"


def main(lab: LabContext) -> None:
    script = Path(lab.path("pipetest.py"))
    script.write_text(f"import os\nimport sys\n\n\n{source(pipetest)}\n\n\npipetest()\n", encoding="utf-8")
    # -I: no variable of the environment has a say in this, such as PYTHONUNBUFFERED
    python = [sys.executable, "-I", "-X", "utf8"]
    say("the program runs as it is")
    lab.start(parent, [*python, str(script), "spam"], "Hello 1 from parent", "plain").wait()
    pause(1)
    say("the same program runs with python -u: unbuffered")
    lab.start(parent, [*python, "-u", str(script), "spam"], "Hello 2 from parent", "unbuffered").wait()


LAB = Lab(
    name="coprocess",
    article="000",
    order=3,
    title="Talk to a program through two pipes",
    question="I talk to a program through pipes, and its answer doesn't come: where is it?",
    story="""
    A parent makes a pipe to a child's stdin, one from its stdout and one from its stderr. The child puts its ends in
    place with dup2 and becomes another program, which answers each line that it reads. You say what the parent writes.
    The program runs twice: as it is, and with `python -u`.
    """,
    code=(pipetest, spawn, parent),
    main=main,
    questions=(
        Question(
            "plain-answer",
            "The program has read the line, and its print() has returned. Is the answer in the pipe?",
            (
                Choice("there", "yes: a newline flushes it"),
                Choice("missing", "no: it lies in the program's own buffer"),
            ),
            "A newline flushes only on a terminal. To a pipe, print() collects about 8 KiB before it writes, so both "
            "would wait for each other for ever.",
        ),
        Question(
            "plain-end",
            "The parent closes the pipe to the program's stdin. What comes out of its stdout?",
            (
                Choice("answer", "the answer, and then EOF"),
                Choice("nothing, status 0", "EOF at once: the answer is lost"),
                Choice("nothing, status -13", "EOF at once: SIGPIPE kills the program"),
            ),
            "The program reads EOF, leaves its loop and ends; a normal exit flushes what is still in its buffers.",
        ),
        Question(
            "unbuffered-pid",
            "The program prints its own process id. Is it the one that os.fork returned to the parent?",
            (
                Choice("same", "yes: exec changes the program, not the process"),
                Choice("another", "no: a new program is a new process"),
            ),
            "fork makes a process, exec puts another program into it: same pid, same parent, same open descriptors, "
            "except those marked close-on-exec, as os.pipe() marks all of its.",
        ),
    ),
    observations=(
        Observation("plain-answer", "a printed answer is not in the pipe while the program runs", "missing"),
        Observation("plain-end", "it comes when the program's stdin is closed", "answer"),
        Observation("plain-pid", "the program runs in the process that was forked", "same"),
        Observation("plain-apart", "the remarks on stderr come apart from the answer", True),
        Observation("unbuffered-answer", "with -u the answer is there as soon as it is printed", "there"),
        Observation("unbuffered-end", "and it is whole", "answer"),
        Observation("unbuffered-pid", "also here the pid is the one that fork returned", "same"),
        Observation("unbuffered-apart", "here, too, the remarks on stderr come apart from the answer", True),
    ),
    reason="""
    A pipe has one direction, so a conversation takes two. dup2 puts their ends where every program looks: 0 is its
    stdin, 1 its stdout; exec keeps what lies there. The parent keeps its own stdin and stdout and talks through the
    other ends. What a program prints to anything but a terminal waits in a buffer of its own; so a program that is to
    answer must flush (`print(…, flush=True)`), or be started with `python -u` (one in C: `stdbuf -oL`). stderr is
    written line by line, so its remarks come at once, and through a pipe of their own they never mix with answers.
    """,
    man=("dup2(2)", "execve(2)", "setvbuf(3)", "stdbuf(1)"),
    answers=("My program hangs while it waits for the answer of another: where is the answer?",),
    actors=(
        ProducerSpec("to-child", template="Hello {n} from parent", rate=1.0, name="parent-asks"),
        ConsumerSpec("to-child", name="child-reads"),
        ProducerSpec("from-child", template="Child got: [Hello {n} from parent]", rate=1.0, name="child-answers"),
        ConsumerSpec("from-child", name="parent-reads"),
    ),
    listens=True,
    limit=20.0,
)
