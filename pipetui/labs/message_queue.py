"""A queue.Queue is memory, and fork copies memory; a multiprocessing.Queue is a pipe."""

from __future__ import annotations

import multiprocessing
import os
import queue
from typing import TYPE_CHECKING

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

if TYPE_CHECKING:
    from multiprocessing.queues import Queue


def family(box: queue.Queue[str]) -> None:
    box.put("message from parent")
    child = os.fork()
    if child == 0:
        say(f"I am the child, and I got {box.get(timeout=1)!r}")
        box.put("message from child")
        os._exit(0)
    say(f"I am the parent, and I got {box.get(timeout=1)!r}")
    status = os.waitpid(child, 0)[1]
    saw("got", 2 if status == 0 else 1)
    say("the child has put its answer and ended; now I wait for the answer …")
    try:
        say(f"got {box.get(timeout=0.5)!r}")
        saw("answer", "arrives")
    except queue.Empty:
        say("nothing, and without a timeout I would wait for ever")
        saw("answer", "waits")


def sender(box: Queue[str]) -> None:
    box.put("message from child")  # hands it to a thread that writes it into a pipe
    box.close()
    box.join_thread()  # so wait for that thread before ending
    say("I have put it")


def receiver(box: Queue[str]) -> None:
    message = box.get()  # sleeps in read until there is something in the pipe
    say(f"got {message!r}")
    saw("crosses", message)


def main(lab: LabContext) -> None:
    lab.start(family, queue.Queue()).wait()
    pause(2)
    before = _open_files()
    try:
        box: Queue[str] = multiprocessing.get_context("fork").Queue()  # a lab's processes are forks
    except (ImportError, OSError) as error:
        for key in ("made", "crosses"):
            skip(key, f"there are no semaphores here ({error})")
        return
    new = _open_files() - before
    say(f"a multiprocessing.Queue has opened {', '.join(new)}")
    saw("made", ", ".join({name.partition(":")[0] for name in new}))
    pause(2)
    lab.start(receiver, box).sleeps()
    lab.start(sender, box)


def _open_files() -> set[str]:
    names = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            names.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            pass  # the folder itself, while it was listed
    return names


LAB = Lab(
    name="message-queue",
    article="004",
    order=6,
    title="The queue that doesn't cross a fork",
    question="I put a message in a queue.Queue before fork: why does the answer never come?",
    story="""
    As in the article, a parent puts a message into a queue.Queue and forks; then both get from the queue. The child
    puts an answer and the parent waits for it. After that, the same with a multiprocessing.Queue.
    """,
    code=(family, sender, receiver),
    main=main,
    questions=(
        Question(
            "got",
            "One message lies in the queue when the process forks. Parent and child both call get. How many get it?",
            (
                Choice(1, "one of them: the other one waits"),
                Choice(2, "both of them"),
                Choice(0, "nobody: fork empties the queue"),
            ),
            "A queue.Queue is a list in memory with a lock, and fork copies all memory: now there are two queues.",
        ),
        Question(
            "answer",
            "The child puts an answer and ends. The parent calls get. What happens?",
            (Choice("arrives", "it gets the child's answer"), Choice("waits", "it waits for ever")),
            "The answer went into the child's copy, and that ended with the child. No exception tells of it.",
        ),
        Question(
            "made",
            "A multiprocessing.Queue does reach other processes. What is inside?",
            (
                Choice("pipe", "a pipe"),
                Choice("socket", "a socket"),
                Choice("/dev/shm", "a file in shared memory"),
            ),
            "What is put is pickled and written into a pipe; get reads it, and a lock keeps the readers apart.",
        ),
    ),
    observations=(
        Observation("got", "the message is there twice, once in each copy", 2),
        Observation("answer", "though the child has ended, its answer does not arrive", "waits"),
        Observation("made", "a multiprocessing.Queue opens both ends of a pipe", "pipe"),
        Observation("crosses", "through it the message arrives", "message from child"),
    ),
    reason="""
    After fork(2) parent and child have separate memory: the same at first, but what one changes the other never sees.
    A queue.Queue lives in that memory; it is for threads. It even looks right at first, because a message put before
    the fork is there twice. A multiprocessing.Queue sends pickled objects through a pipe that both inherit. There put
    only hands the object to a thread, so don't end a process by os._exit before join_thread.
    """,
    man=("fork(2)", "pipe(7)"),
    actors=(
        ProducerSpec("queue", template="message {n} from child", rate=1.0, name="child"),
        ConsumerSpec("queue", name="parent"),
    ),
)
