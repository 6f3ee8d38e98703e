"""A pool of processes: whoever is free takes the next piece of work, and the results keep their order."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

#: A list of the module, to which each call adds its number.
noted: list[int] = []


def square(number: int, done: int, bell: int) -> tuple[int, int, float]:
    if number == 1:
        os.read(done, 1)  # this one takes longest: until 5 is done
    pause(1)
    noted.append(number)
    say(f"process {os.getpid()}: {number} · {number} = {number * number}")
    finished = time.monotonic()
    if number == 5:
        os.write(bell, b"!")
    return number * number, os.getpid(), finished


def parent(numbers: list[int]) -> None:
    done, bell = os.pipe()
    ends = [done] * len(numbers), [bell] * len(numbers)
    forks = multiprocessing.get_context("fork")  # the workers inherit our pipe
    with ProcessPoolExecutor(2, mp_context=forks) as pool:
        squares, pids, times = zip(*pool.map(square, numbers, *ends), strict=True)
    say(f"the results: {list(squares)}")
    saw("order", str(list(squares)))
    saw("last", numbers[times.index(max(times))])  # the clock is the same for all
    shares = sorted(Counter(pids).values())
    say(f"how many each worker did: {shares}; in my list: {len(noted)}")
    saw("shares", " and ".join(str(share) for share in shares))
    saw("parent", os.getpid() in pids)
    saw("noted", len(noted))


def main(lab: LabContext) -> None:
    try:
        multiprocessing.get_context("fork").Lock()
    except (ImportError, OSError) as error:
        for observation in LAB.observations:
            skip(observation.key, f"there are no semaphores here ({error})")
        return
    lab.start(parent, [1, 2, 3, 4, 5])


LAB = Lab(
    name="process-pool",
    article="004",
    order=5,
    title="Who does the work in a pool of processes?",
    question="Which process computes what in a ProcessPoolExecutor, and in which order do results come?",
    story="""
    A pool of two worker processes squares the numbers 1 to 5. The first one takes longest: it is not done before 5
    is. Each call also notes its number in a list of the module.
    """,
    code=(square, parent),
    main=main,
    questions=(
        Question(
            "shares",
            "One worker is stuck with the number 1 until 5 is done. How many numbers does each of the two square?",
            (
                Choice("2 and 3", "2 and 3: they are dealt out in turn"),
                Choice("1 and 4", "1 and 4: whoever is free takes the next"),
                Choice("5", "5 and none: the second starts when it is needed"),
            ),
            "The workers share one queue of calls, so a long one holds up nobody but the worker that has it.",
        ),
        Question(
            "order",
            "1 is finished last. In which order does map give the results?",
            (
                Choice("[1, 4, 9, 16, 25]", "[1, 4, 9, 16, 25]: as they were asked for"),
                Choice("[4, 9, 16, 25, 1]", "[4, 9, 16, 25, 1]: as they were finished"),
            ),
            "map waits for one result after the other, as they were asked for; as_completed takes them as they come.",
        ),
        Question(
            "noted",
            "Each of the five calls adds its number to a list. How many numbers does the parent find in its list?",
            (Choice(0, "none"), Choice(2, "2, one for each worker"), Choice(5, "all 5")),
            "A worker is a process with its own memory, and a copy of the list. Only results come back.",
        ),
    ),
    observations=(
        Observation("shares", "whoever is free takes the next number", "1 and 4"),
        Observation("parent", "the parent squares none of them", False),
        Observation("last", "the first number is finished last", 1),
        Observation("order", "the results come in the order of the numbers", "[1, 4, 9, 16, 25]"),
        Observation("noted", "what the workers noted stays in the workers", 0),
    ),
    reason="""
    The executor pickles each call and writes it into a pipe that all workers share; a worker that is free takes a
    lock, reads one call, computes and writes the result into a second pipe back to the parent. So nothing is shared
    but what goes through these pipes: arguments there, results back. A list that a worker changes is its own copy
    since the fork. map keeps the order of its arguments whatever finishes first.
    """,
    man=("fork(2)", "pipe(7)", "sem_overview(7)"),
    actors=(
        ProducerSpec("calls", template="square({n})", rate=4.0, name="parent"),
        ConsumerSpec("calls", delay=1.0, name="busy worker"),
        ConsumerSpec("calls", delay=0.2, name="quick worker"),
    ),
)
