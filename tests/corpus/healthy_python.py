"""Healthy: what Python programs and servers do with pipes, signals and threads."""

from __future__ import annotations

from corpus.workload import healthy

PYTHON = (
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
    healthy(
        "communicate",
        "communicate with a command that takes long",
        """
role("main")
subprocess.Popen(["sh", "-c", "be work sleep 1000; echo x"], stdin=-1, stdout=-1, stderr=-1).communicate(b"x" * 300_000)
""",
        "main", "work", run="python",
    ),
    healthy(
        "run-and-capture",
        "subprocess.run that captures slow commands, one after the other",
        """
role("main")
while True:
    subprocess.run(["sh", "-c", "sleep .4; echo x; echo y >&2"], capture_output=True)
""",
        "main", run="python",
    ),
    healthy(
        "polling-parent",
        "a parent that polls for its child's end twenty times a second, and then reads",
        """
role("main")
while True:
    job = subprocess.Popen(["sh", "-c", "sleep 1; echo x"], stdout=-1)
    while job.poll() is None:
        time.sleep(0.05)
    job.communicate()
""",
        "main", run="python",
    ),
    healthy(
        "wait-with-timeout",
        "a parent that waits with a time limit for a child that writes more than fits, and reads then",
        """
role("main")
while True:
    with subprocess.Popen(["head", "-c", "200000", "/dev/zero"], stdout=-1) as job:
        try:
            job.wait(1.5)
        except subprocess.TimeoutExpired:
            job.communicate()
""",
        "main", run="python",
    ),
    healthy(
        "wait-ended-by-timer",
        "a timer whose handler raises out of wait, for a child that writes more than fits",
        """
class Late(Exception): pass
def late(*_): raise Late
signal.signal(signal.SIGALRM, late)
role("main")
while True:
    job = subprocess.Popen(["head", "-c", "200000", "/dev/zero"], stdout=-1)
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        job.wait()
    except Late:
        job.communicate()
""",
        "main", run="python",
    ),
    healthy(
        "self-pipe-alarm",
        "an alarm whose handler writes to a pipe that the program reads",
        """
r, w = os.pipe()
signal.signal(signal.SIGALRM, lambda *_: os.write(w, b"x"))
signal.setitimer(signal.ITIMER_REAL, 2, 2)
role("main")
while True:
    os.read(r, 1)
""",
        "main", run="python",
    ),
    healthy(
        "self-pipe-child",
        "a handler for the end of children that writes to a pipe that the program reads",
        """
r, w = os.pipe()
signal.signal(signal.SIGCHLD, lambda *_: os.write(w, b"x"))
role("main")
while True:
    job = subprocess.Popen(["sleep", "1.5"])
    os.read(r, 1)
    job.wait()
""",
        "main", run="python",
    ),
    healthy(
        "self-pipe-real-time-signal",
        "a real-time signal from outside whose handler writes to a pipe that the program reads",
        """
r, w = os.pipe()
signal.signal(signal.SIGRTMIN + 1, lambda *_: os.write(w, b"x"))
me = os.getpid()
if os.fork() == 0:
    while True:
        time.sleep(1.5)
        os.kill(me, signal.SIGRTMIN + 1)
role("main")
while True:
    os.read(r, 1)
""",
        "main", run="python",
    ),
    healthy(
        "wakeup-fd",
        "an event loop with signal.set_wakeup_fd and children that end",
        """
r, w = os.pipe()
os.set_blocking(w, False)
signal.set_wakeup_fd(w)
signal.signal(signal.SIGCHLD, lambda *_: None)
poll = select.poll()
poll.register(r, select.POLLIN)
role("main")
while True:
    job = subprocess.Popen(["sleep", "1"])
    poll.poll()
    os.read(r, 100)
    job.wait()
""",
        "main", run="python",
    ),
    healthy(
        "prefork-at-work",
        "a pre-fork server: workers read a job pipe, its master waits for them, jobs come by signal",
        """
r, w = os.pipe()
def work():
    role("worker")
    os.close(w)
    while os.read(r, 1):
        time.sleep(0.01)
for _ in range(3):
    if os.fork() == 0:
        work()
        os._exit(0)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda *_: os.write(w, b"j"))
role("master")
me = os.getpid()
subprocess.Popen(["sh", "-c", f"while sleep .3; do kill -USR1 {me}; done"])
os.wait()
""",
        "master", "worker", run="python",
    ),
    healthy(
        "prefork-with-ticker",
        "a pre-fork master in os.wait() whose timer's handler writes jobs",
        """
r, w = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        role("worker")
        os.close(w)
        while os.read(r, 1):
            pass
        os._exit(0)
signal.signal(signal.SIGALRM, lambda *_: os.write(w, b"jjj"))
signal.setitimer(signal.ITIMER_REAL, 2, 2)
role("master")
os.wait()
""",
        "master", "worker", run="python",
    ),
    healthy(
        "guard-of-a-master",
        "a guard that reads a pipe to notice the death of its parent, which waits for any child",
        """
r, w = os.pipe()
if os.fork() == 0:
    role("guard")
    os.close(w)
    os.read(r, 1)
    os._exit(0)
role("master")
subprocess.Popen(["be", "worker", "sleep", "1000"])
os.wait()
""",
        "master", "guard", "worker", run="python",
    ),
    healthy(
        "worker-with-liveness-thread",
        "a worker whose thread reads a pipe to notice the death of its parent, which waits for it",
        """
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    role("worker")
    os.close(w)
    threading.Thread(target=lambda: (os.read(r, 1), os._exit(1)), daemon=True).start()
    time.sleep(1000)
    os._exit(0)
role("parent")
os.close(r)
os.waitpid(pid, 0)
""",
        "parent", "worker", run="python",
    ),
    healthy(
        "supervisor-holds-both-ends",
        "a supervisor that holds both ends of the pipe from a service to its logger",
        """
r, w = os.pipe()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGCHLD, lambda *_: None)
role("supervisor")
subprocess.Popen(["be", "logger", "cat"], stdin=r, stdout=subprocess.DEVNULL)
subprocess.Popen(["sh", "-c", "while sleep .5; do date; done"], stdout=w)
os.wait()
""",
        "supervisor", "logger", run="python",
    ),
    healthy(
        "supervisor-of-a-quiet-service",
        "the same with a service that says nothing",
        """
r, w = os.pipe()
role("supervisor")
subprocess.Popen(["be", "logger", "cat"], stdin=r, stdout=subprocess.DEVNULL)
subprocess.Popen(["be", "service", "sleep", "1000"], stdout=w)
os.wait()
""",
        "supervisor", "logger", "service", run="python",
    ),
    healthy(
        "readiness-pipe",
        "a service manager that waits until a service says that it is ready",
        """
r, w = os.pipe()
job = subprocess.Popen(["sh", "-c", "sleep 1000; echo READY"], stdout=w)
os.close(w)
role("manager")
os.read(r, 100)
""",
        "manager", run="python",
    ),
    healthy(
        "event-loop-woken-by-thread",
        "an event loop that waits on a pipe without a time limit, and a thread that wakes it",
        """
r, w = os.pipe()
def wake():
    while True:
        time.sleep(2)
        os.write(w, b"x")
threading.Thread(target=wake, daemon=True).start()
poll = select.epoll()
poll.register(r, select.EPOLLIN)
role("main")
while True:
    poll.poll()
    os.read(r, 1)
""",
        "main", run="python",
    ),
    healthy(
        "epoll-with-socket",
        "an event loop at rest on its own pipe and a listening socket",
        """
import socket
r, w = os.pipe()
server = socket.create_server(("127.0.0.1", 0))
poll = select.epoll()
poll.register(r, select.EPOLLIN)
poll.register(server, select.EPOLLIN)
role("main")
poll.poll()
""",
        "main", run="python",
    ),
    healthy(
        "poll-with-time-limit",
        "a program that polls its own pipe with a time limit",
        """
r, w = os.pipe()
poll = select.poll()
poll.register(r, select.POLLIN)
role("main")
while True:
    poll.poll(3000)
""",
        "main", run="python",
    ),
    healthy(
        "main-thread-ended",
        "a program whose main thread has ended, and another reads a pipe ten times a second",
        """
import ctypes
r, w = os.pipe()
def work():
    while True:
        os.read(r, 1)
def feed():
    while True:
        time.sleep(0.1)
        os.write(w, b"x")
for target in (work, feed):
    threading.Thread(target=target).start()
role("main")
ctypes.CDLL(None).pthread_exit(None)
""",
        "main", run="python",
    ),
    healthy(
        "main-thread-ended-fifo",
        "a program whose main thread has ended, and another reads a FIFO that a shell writes to",
        """
import ctypes
os.mkfifo("f")
def work():
    with open("f", "rb", 0) as pipe:
        while pipe.read(1):
            time.sleep(0.1)
threading.Thread(target=work).start()
role("main")
subprocess.Popen(["sh", "-c", "exec 3>f; echo $$ >$ROLES/writer; while :; do echo >&3; sleep .1; done"])
ctypes.CDLL(None).pthread_exit(None)
""",
        "main", "writer", run="python",
    ),
    healthy(
        "threads-with-a-pipe",
        "two threads with a pipe between them",
        """
r, w = os.pipe()
def feed():
    while True:
        os.write(w, b"x")
        time.sleep(0.05)
threading.Thread(target=feed, daemon=True).start()
role("main")
while os.read(r, 1):
    pass
""",
        "main", run="python",
    ),
    healthy(
        "slow-sampler",
        "a reader that takes a kilobyte a second out of a full pipe",
        """
job = subprocess.Popen(["be", "source", "cat", "/dev/zero"], stdout=-1)
role("main")
while True:
    os.read(job.stdout.fileno(), 1024)
    time.sleep(1)
""",
        "main", "source", run="python",
    ),
    healthy(
        "signal-wait",
        "a master in sigwait, whose workers read a job pipe that only it holds",
        """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
r, w = os.pipe()
for _ in range(2):
    if os.fork() == 0:
        role("worker")
        os.close(w)
        os.read(r, 1)
        os._exit(0)
role("master")
signal.sigwait({signal.SIGTERM, signal.SIGUSR1})
""",
        "master", "worker", run="python",
    ),
    healthy(
        "cat-file-batch",
        "git cat-file --batch, asked twice a second",
        """
subprocess.run(["git", "init", "-q", "."], check=True)
job = subprocess.Popen(["be", "git", "git", "cat-file", "--batch-check"], stdin=-1, stdout=-1, bufsize=0)
role("main")
while True:
    job.stdin.write(b"HEAD\\n")
    job.stdout.readline()
    time.sleep(0.5)
""",
        "main", "git", run="python", needs=("git",),
    ),
    healthy(
        "cat-file-batch-at-rest",
        "git cat-file --batch, at rest while its client works",
        """
subprocess.run(["git", "init", "-q", "."], check=True)
job = subprocess.Popen(["be", "git", "git", "cat-file", "--batch-check"], stdin=-1, stdout=-1, bufsize=0)
role("main")
time.sleep(1000)
""",
        "main", "git", run="python", needs=("git",),
    ),
)  # fmt: skip
