"""EOF comes when the last write end is closed, and a process that never writes may hold that one."""

from __future__ import annotations

import glob
import os
import signal
import stat

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def bystander() -> None:
    say("I was forked after os.pipe(), and never closed what I don't need; good night")
    signal.pause()


def reader(r: int, w: int) -> None:
    os.close(w)  # I have inherited it, too: I would wait for myself
    received = b""
    while data := os.read(r, 100):
        say(f"got {data!r}")
        received += data
    say("EOF")
    saw("received", received.decode())
    saw("then", "EOF")


def holders(pipe: str) -> set[int]:
    pids = set()
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == pipe and os.lstat(link).st_mode & stat.S_IWUSR:
                pids.add(int(link.split("/")[2]))  # it is open for writing there
        except OSError:
            pass  # closed meanwhile, or not ours to look at
    return pids


def writer(w: int) -> None:
    os.write(w, b"all I have to say")
    say("written; I close my end and leave")
    os.close(w)


def main(lab: LabContext) -> None:
    r, w = os.pipe()
    pipe = f"pipe:[{os.fstat(r).st_ino}]"
    idle = lab.start(bystander)
    idle.sleeps()
    last = lab.start(writer, w)
    waiting = lab.start(reader, r, w)
    os.close(w)
    last.wait()
    waits = waiting.sleeps()
    saw("eof", "waits" if waits else "EOF")
    say("the writer has gone, and the reader sleeps in read(2)" if waits else "the writer and the reader have gone")
    pause(2)
    found = holders(pipe)
    say(f"{pipe} is still open for writing in process {found}; the bystander is {idle.pid}")
    saw("holder", found == {idle.pid})
    pause(2)
    say("the bystander is killed: it has no chance to close anything")
    idle.kill()
    saw("status", waiting.wait())


LAB = Lab(
    name="never-eof",
    article="beyond",
    order=3,
    title="The EOF that never comes",
    question="The writer has ended: why does my reader still wait?",
    story="""
    A process makes a pipe and forks a writer, a reader and a bystander, who has nothing to do with the pipe and
    sleeps. The reader closes its copy of the write end, as it should, and so does whoever made the pipe. The writer
    writes, closes and leaves. Later the bystander is killed.
    """,
    code=(reader, bystander, holders),
    main=main,
    questions=(
        Question(
            "eof",
            "The only writer has closed its end and left. What does the reader get after the message?",
            (
                Choice("EOF", "EOF: the writer has gone"),
                Choice("waits", "nothing: it waits in read"),
                Choice("EPIPE", "an error, EPIPE"),
            ),
            "The bystander has inherited a write end. It could write at any time, so the kernel can't promise EOF.",
        ),
        Question(
            "then",
            "Now the bystander is killed by SIGKILL. And the reader?",
            (
                Choice("waits", "it waits on: nobody has called close"),
                Choice("EOF", "it gets EOF at once"),
                Choice("SIGPIPE", "it is ended by SIGPIPE"),
            ),
            "The kernel closes all descriptors of a process that ends, however it ends. That was the last write end.",
        ),
    ),
    observations=(
        Observation("eof", "after the writer has gone, the reader sleeps in read", "waits"),
        Observation("holder", "/proc tells who still has a write end: the bystander, and nobody else"),
        Observation("then", "when that one ends, EOF comes", "EOF"),
        Observation("received", "and all that was written has arrived", "all I have to say"),
        Observation("status", "the reader ends well", 0),
    ),
    reason="""
    A read returns EOF only when nobody has a write end any more, and fork copies every descriptor. So each process
    has to close the ends it doesn't use, the reader its own write end above all. Descriptors that Python opens are
    closed by exec (PEP 446), but a fork without exec keeps them. Who still has it, /proc/PID/fd tells: the link names
    the pipe, and its mode says whether for reading or for writing.
    """,
    man=("pipe(7)", "fork(2)", "proc(5)"),
    answers=(
        "Why does my FIFO script never end?",
        "Why must unused ends be closed?",
        "Who is reading or writing this pipe?",
        "What is the number in pipe:[12345], and who has the other end?",
    ),
    actors=(
        ProducerSpec("shared", template="all I have to say", count=1, name="writer"),
        ProducerSpec("shared", template="zzz {n}", rate=0.01, name="bystander"),
        ConsumerSpec("shared", follow=False, name="reader that waits for EOF"),
    ),
)
