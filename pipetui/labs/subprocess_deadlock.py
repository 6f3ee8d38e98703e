"""A parent that waits for its child before it reads, and a child that waits for room in the pipe: a deadlock."""

from __future__ import annotations

import shutil
import time
from subprocess import PIPE, Popen

from pipetui.kernel.procfs import Proc
from pipetui.labs.context import LabContext, pause, saw, say, skip, until
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

#: So many lines are far more than a pipe holds.
MANY = 200_000


def careless(last: int) -> None:
    with Popen(["seq", str(last)], stdout=PIPE, text=True) as child:
        say(f"`seq {last}` runs, and I wait for its end")
        child.wait()  # and who reads meanwhile?
        assert child.stdout  # for the type checker
        lines = child.stdout.read().splitlines()
    say(f"it has ended; {len(lines)} lines")


def careful(last: int) -> None:
    with Popen(["seq", str(last)], stdout=PIPE, text=True) as child:
        output, _ = child.communicate()  # reads until EOF, and then waits
    lines = output.splitlines()
    say(f"it has ended; {len(lines)} lines, and the last is {lines[-1]!r}")
    saw("lines", len(lines))


def main(lab: LabContext) -> None:
    if not shutil.which("seq"):
        for observation in LAB.observations:
            skip(observation.key, "there is no seq here")
        return
    saw("few", "ends" if lab.start(careless, 10).wait() == 0 else "fails")
    pause(2)
    parent = lab.start(careless, MANY)
    blocked = until(lambda: parent.ended() or _asleep(_child(parent.pid)))
    saw("many", "deadlock" if blocked and parent.sleeps() else "ends")
    _say_where(parent.pid, _child(parent.pid))
    pause(2)
    say("neither will ever go on, so the parent is killed; that frees the child: nobody can read any more")
    parent.kill()
    parent.wait()
    pause(2)
    lab.start(careful, MANY)


def _say_where(parent: int, child: int) -> None:
    above, below = Proc().wchan(parent, parent), Proc().wchan(child, child)
    if not above or not below:
        skip("where", "the kernel does not tell here in which system call a process sleeps")
        return
    say(f"the parent sleeps in the kernel's {above}, the child in its {below}")
    saw("where", "wait" in above and "pipe" in below)


def _child(pid: int) -> int:
    """Return the only child of a process, 0 if there is none."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return int(file.read() or 0)
    except (OSError, ValueError):
        return 0


def _asleep(pid: int) -> bool:
    """Whether a process sleeps and does not wake up for a while."""
    before = Proc().switches(pid, pid)
    time.sleep(0.05)
    return before >= 0 and Proc().switches(pid, pid) == before


LAB = Lab(
    name="subprocess-deadlock",
    article="beyond",
    order=4,
    title="subprocess: wait() and a full pipe",
    question="Why does my program hang in subprocess when there is much output?",
    story="""
    A program starts another with stdout=PIPE, waits for its end and then reads what it printed. In the test the other
    prints 10 lines. In real life it prints 200,000.
    """,
    code=(careless, careful),
    main=main,
    questions=(
        Question(
            "few",
            "The child prints 10 lines, the parent calls wait() and then reads. What happens?",
            (
                Choice("ends", "it works: all 10 lines are there"),
                Choice("deadlock", "both wait for ever"),
                Choice("fails", "the lines are lost: the child ended before the read"),
            ),
            "Ten lines fit into the pipe, so the child ends without a reader, and what is in the pipe stays there.",
        ),
        Question(
            "many",
            "Now the child prints 200,000 lines, 1.3 MB. What happens?",
            (
                Choice("ends", "it works: it just takes longer"),
                Choice("deadlock", "both wait for ever"),
                Choice("fails", "the child is ended by SIGPIPE"),
            ),
            "The pipe is full, so the child waits until somebody reads. The parent will read when the child has ended.",
        ),
    ),
    observations=(
        Observation("few", "with little output it works, which is why tests don't find it", "ends"),
        Observation("many", "with much output both sleep for ever", "deadlock"),
        Observation("where", "the parent sleeps in a wait for its child, the child in a write to the pipe"),
        Observation("lines", "communicate gets all lines", MANY),
    ),
    reason="""
    A pipe holds 64 KiB as a rule; a write into a full one waits for a reader. The parent that could read waits in
    wait4(2) for the child's end, and the child can't end before it has written: each waits for the other. communicate
    reads until EOF first and waits then, and with stderr=PIPE it reads both at once, because there is the same trap
    between two pipes. Or read line by line as it comes, or let the output go to a file.
    """,
    man=("pipe(7)", "wait(2)", "write(2)"),
    answers=("subprocess hangs with PIPE: the deadlock of wait() and a full pipe",),
    actors=(
        ProducerSpec("stdout", template="{n}", size=1000, rate=0.0, name="child"),
        ConsumerSpec("stdout", delay=5.0, name="parent with other things to do"),
    ),
)
