"""Healthy: Python's multiprocessing, concurrent.futures and asyncio."""

from __future__ import annotations

from corpus.workload import healthy

POOLS = (
    healthy(
        "pool-at-rest",
        "a multiprocessing pool without work, its main thread asleep",
        """
import multiprocessing
if __name__ == "__main__":
    role("main")
    with multiprocessing.get_context("fork").Pool(3, role, ("worker",)) as pool:
        time.sleep(1000)
""",
        "main", "worker", run="python",
    ),
    healthy(
        "pool-at-work",
        "a multiprocessing pool with work",
        """
import multiprocessing
if __name__ == "__main__":
    role("main")
    with multiprocessing.get_context("fork").Pool(3, role, ("worker",)) as pool:
        while True:
            pool.map(time.sleep, [0.1] * 6)
""",
        "main", "worker", run="python",
    ),
    healthy(
        "queue-of-processes",
        "a multiprocessing queue between a producer and two consumers",
        """
import multiprocessing
def consume(queue):
    role("consumer")
    while queue.get() is not None:
        pass
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    for _ in range(2):
        context.Process(target=consume, args=(queue,)).start()
    role("producer")
    while True:
        queue.put(1)
        time.sleep(0.1)
""",
        "producer", "consumer", run="python",
    ),
    healthy(
        "queue-at-rest",
        "two consumers that wait at an empty multiprocessing queue, whose main joins them",
        """
import multiprocessing
def consume(queue):
    role("consumer")
    while queue.get() is not None:
        pass
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    role("main")
    queue.put(1)
    threading.Timer(1000, queue.put, [None]).start()
    jobs = [context.Process(target=consume, args=(queue,)) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
""",
        "main", "consumer", run="python",
    ),
    healthy(
        "process-and-pipe",
        "a multiprocessing process that sends five results a second through a pipe",
        """
import multiprocessing
def work(end):
    role("worker")
    while True:
        end.send(1)
        time.sleep(0.2)
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)
    context.Process(target=work, args=(its,)).start()
    its.close()
    role("main")
    while True:
        mine.recv()
""",
        "main", "worker", run="python",
    ),
    healthy(
        "spawned-process",
        "a spawned multiprocessing process with its resource tracker",
        """
import multiprocessing
def work():
    role("worker")
    time.sleep(1000)
if __name__ == "__main__":
    job = multiprocessing.get_context("spawn").Process(target=work)
    job.start()
    role("main")
    job.join()
""",
        "main", "worker", run="python",
    ),
    healthy(
        "forkserver",
        "a multiprocessing process of a fork server",
        """
import multiprocessing
def work():
    role("worker")
    time.sleep(1000)
if __name__ == "__main__":
    job = multiprocessing.get_context("forkserver").Process(target=work)
    job.start()
    role("main")
    job.join()
""",
        "main", "worker", run="python",
    ),
    healthy(
        "process-pool-executor",
        "a concurrent.futures process pool with some work",
        """
import concurrent.futures, multiprocessing
if __name__ == "__main__":
    role("main")
    with concurrent.futures.ProcessPoolExecutor(3, multiprocessing.get_context("fork"), role, ("worker",)) as pool:
        while True:
            list(pool.map(time.sleep, [0.1] * 4))
            time.sleep(0.2)
""",
        "main", "worker", run="python",
    ),
    healthy(
        "process-pool-executor-at-rest",
        "a concurrent.futures process pool whose job takes long",
        """
import concurrent.futures, multiprocessing
if __name__ == "__main__":
    role("main")
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork"), role, ("worker",)) as pool:
        pool.submit(time.sleep, 1000).result()
""",
        "main", "worker", run="python",
    ),
    healthy(
        "thread-pool-of-commands",
        "a thread pool whose threads wait for commands",
        """
import concurrent.futures
role("main")
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    while True:
        list(pool.map(lambda _: subprocess.check_output(["sh", "-c", "sleep .3; echo x"]), range(6)))
""",
        "main", run="python",
    ),
    healthy(
        "asyncio-subprocess",
        "asyncio that reads lines of a slow command",
        """
import asyncio
async def main():
    job = await asyncio.create_subprocess_shell("while sleep .3; do echo x; done", stdout=subprocess.PIPE)
    role("main")
    async for line in job.stdout:
        pass
asyncio.run(main())
""",
        "main", run="python",
    ),
    healthy(
        "asyncio-subprocess-quiet",
        "asyncio that talks to cat and waits for its end",
        """
import asyncio
async def main():
    job = await asyncio.create_subprocess_exec("be", "cat", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    role("main")
    await asyncio.gather(job.wait(), asyncio.sleep(1000))
asyncio.run(main())
""",
        "main", "cat", run="python",
    ),
)  # fmt: skip
