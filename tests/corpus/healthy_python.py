"""Healthy: what Python programs do with commands, signals and timers."""

from __future__ import annotations

from corpus.workload import healthy

PYTHON = (
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
)  # fmt: skip
