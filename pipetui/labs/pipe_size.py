"""How much a pipe holds can be changed: in powers of two, not below what is in it, and not without limit."""

from __future__ import annotations

import array
import fcntl
import os
import termios

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def enlarge() -> None:
    _, w = os.pipe()
    before = fcntl.fcntl(w, fcntl.F_GETPIPE_SZ)
    got = fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 100_000)
    say(f"a new pipe holds {before:,} bytes; I asked for 100,000 and got {got:,}")
    saw("rounded", got)
    os.set_blocking(w, False)
    taken = os.write(w, bytes(1_000_000))
    say(f"of a million bytes it takes {taken:,}")
    saw("taken", taken)


def shrink() -> None:
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 100_000)
    os.write(w, bytes(70_000))
    try:
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
        saw("shrunk", "shrinks")
    except OSError as error:
        say(f"I asked for 4,096 bytes, but: {error.strerror}")
        saw("shrunk", error)
    queued = array.array("i", [0])
    fcntl.ioctl(r, termios.FIONREAD, queued)
    say(f"{queued[0]:,} bytes are in it")
    saw("queued", queued[0])
    os.read(r, 70_000)
    small = fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
    say(f"empty, it lets me: {small:,} bytes")
    saw("emptied", small < 70_000)


def exceed() -> None:
    with open("/proc/sys/fs/pipe-max-size", encoding="ascii") as file:
        limit = int(file.read())
    _, w = os.pipe()
    try:
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, limit + 1)
        saw("beyond", "larger")
    except OSError as error:
        say(f"more than {limit:,} bytes: {error.strerror}")
        saw("beyond", error)


def main(lab: LabContext) -> None:
    _, w = os.pipe()
    try:
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 100_000)
    except PermissionError:
        for key in ("rounded", "taken", "shrunk", "queued", "emptied"):
            skip(key, "this user may not make a pipe of 100,000 bytes here (fs.pipe-max-size, fs.pipe-user-pages-soft)")
    else:
        lab.start(enlarge).wait()
        pause(2)
        lab.start(shrink).wait()
        pause(2)
    if _may_exceed():
        skip("beyond", "this user has CAP_SYS_RESOURCE, and is not held to the limit")
    else:
        lab.start(exceed)


def _may_exceed() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (capabilities(7))."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        words = next(line.split() for line in file if line.startswith("CapEff:"))
    return bool(int(words[1], 16) >> 24 & 1)


LAB = Lab(
    name="pipe-size",
    article="beyond",
    order=6,
    title="How large is a pipe, and how large can it be?",
    question="My writer waits too often: can the pipe hold more?",
    story="""
    A process makes a pipe and asks the kernel for one that holds 100,000 bytes. It puts 70,000 into another such pipe
    and then wants that one small. At last it wants more than the machine's limit.
    """,
    code=(enlarge, shrink, exceed),
    main=main,
    questions=(
        Question(
            "rounded",
            "We ask for 100,000 bytes by F_SETPIPE_SZ. How large is the pipe then?",
            (
                Choice(65536, "65,536: a pipe can't grow"),
                Choice(100_000, "100,000"),
                Choice(102_400, "102,400: whole pages of 4,096"),
                Choice(131_072, "131,072"),
            ),
            "A pipe is a ring of pages, and the kernel makes their number a power of two: 25 pages become 32.",
        ),
        Question(
            "shrunk",
            "70,000 bytes are in it, unread. We ask for a pipe of 4,096 bytes. What happens?",
            (
                Choice("shrinks", "it shrinks, and the oldest bytes are lost"),
                Choice("waits", "the call waits until they are read"),
                Choice("EBUSY", "it fails with EBUSY"),
            ),
            "What has been written is never thrown away while an end is open; so the kernel refuses.",
        ),
        Question(
            "beyond",
            "An ordinary user asks for more than /proc/sys/fs/pipe-max-size says. What happens?",
            (
                Choice("EPERM", "it fails with EPERM"),
                Choice("limit", "the pipe gets as large as the limit"),
                Choice("larger", "it works: the limit is only a hint"),
            ),
            "It is memory of the kernel, so it is rationed; only CAP_SYS_RESOURCE goes beyond.",
        ),
    ),
    observations=(
        Observation("rounded", "the size is rounded up to a power of two pages", 131_072),
        Observation("taken", "and so much goes in before a write would wait", 131_072),
        Observation("shrunk", "a pipe does not shrink below what is in it", "EBUSY"),
        Observation("queued", "FIONREAD tells how much that is", 70_000),
        Observation("emptied", "once it is read, the pipe shrinks"),
        Observation("beyond", "an ordinary user stays below the limit", "EPERM"),
    ),
    reason="""
    A pipe is a ring of pages in the kernel, 16 of them by default: 65,536 bytes. F_SETPIPE_SZ changes that and
    returns what it has become, a power of two pages and at least what was asked for. An ordinary user may have up to
    fs.pipe-max-size (1 MiB as a rule), and one with very many pipes gets smaller ones (fs.pipe-user-pages-soft). A
    larger pipe rides out bursts and saves wake-ups; it does not help a reader that is too slow for good. How much is
    in it, FIONREAD tells without reading.
    """,
    man=("pipe(7)", "fcntl(2)", "capabilities(7)"),
    answers=("Is the pipe empty? How full is it?",),
    actors=(
        ProducerSpec("bursts", size=4000, rate=20.0, burst=20, name="writer in bursts"),
        ConsumerSpec("bursts", delay=0.04, name="steady reader"),
    ),
)
