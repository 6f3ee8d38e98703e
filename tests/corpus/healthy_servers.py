"""Healthy: supervisors, event loops and threads in Python."""

from __future__ import annotations

from corpus.workload import healthy

SERVERS = (
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
