"""Twins: pairs that nobody can tell apart from outside, of which one is healthy. Both must get the same verdict.

The verdict may be a warning once they have stood for minutes; it is never a problem.
"""

from __future__ import annotations

from corpus.workload import twin

_WORKERS = """
r, w = os.pipe()
for _ in range(2):
    if os.fork() == 0:
        role("worker")
        os.close(w)
        while os.read(r, 1): pass
        os._exit(0)
signal.signal(signal.SIGTERM, HANDLER)
role("master")
os.wait()
"""
_OWN_PIPE = """
r, w = os.pipe()
signal.signal(signal.SIGTERM, HANDLER)
role("main")
while os.read(r, 1): pass
"""
_ALARM = """
r, w = os.pipe()
signal.signal(signal.SIGALRM, lambda *_: os.write(w, b"x"))
TIMER
role("main")
while True: os.read(r, 1)
"""
_PARENT = """
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
r, w = os.pipe()
subprocess.Popen(JOB)
os.close(w)
subprocess.Popen(["be", "reader", "cat"], stdin=r)
os.close(r)
time.sleep(1000)
"""
_STOPS, _WRITES = "lambda *_: sys.exit(0)", 'lambda *_: os.write(w, b"x")'

TWINS = (
    twin("job-pipe", "prefork-at-rest", "a pre-fork master that gives out jobs when it gets SIGTERM",
         _WORKERS.replace("HANDLER", _WRITES), "master", "worker", run="python"),
    twin("job-pipe", "parent-kept-write-end", "a parent that forgot to close what its workers read to the end",
         _WORKERS.replace("HANDLER", _STOPS), "master", "worker", run="python"),
    twin("own-pipe", "handler-writes", "a program whose SIGTERM handler writes to the pipe that it reads",
         _OWN_PIPE.replace("HANDLER", _WRITES), "main", run="python"),
    twin("own-pipe", "own-write-end", "a program with a SIGTERM handler that kept its own write end by mistake",
         _OWN_PIPE.replace("HANDLER", _STOPS), "main", run="python"),
    twin("alarm", "hourly-alarm", "a program whose alarm comes once an hour",
         _ALARM.replace("TIMER", "signal.alarm(3600)"), "main", run="python"),
    twin("alarm", "no-alarm", "the same with an alarm that was never set",
         _ALARM.replace("TIMER", ""), "main", run="python"),
    twin("open-for-reading", "command-server-at-rest", "a server that waits in open for its next command",
         "mkfifo cmd; role server; while read -r x; do :; done <cmd", "server"),
    twin("open-for-reading", "reader-of-nobody", "a reader that waits in open for a writer that never comes",
         "mkfifo data; role server; while read -r x; do :; done <data", "server"),
    twin("slow-reader", "works-long", "a reader that works long on each line",
         "be source yes | (role reader; while read -r x; do sleep 1000; done)", "source", "reader"),
    twin("slow-reader", "hangs-in-sleep", "a reader that hangs in what should have been a short sleep",
         "be source yes | (role reader; while read -r x; do sleep 100000; done)", "source", "reader"),
    twin("slow-job", "long-job", "a command substitution of a long job",
         "role shell; x=$(sleep 1000; echo hi)", "shell"),
    twin("slow-job", "hung-job", "a command substitution of a job that never ends",
         "role shell; x=$(sleep 100000; echo hi)", "shell"),
    twin("two-opens", "two-servers-of-a-script", "two servers of one script, each waits in open for its commands",
         "mkfifo x y; (role one; while read -r c; do :; done <x) & (role two; while read -r c; do :; done <y) & wait",
         "one", "two"),
    twin("two-opens", "two-opens-of-a-script", "two subshells of one script that open two FIFOs in opposite order",
         "mkfifo x y; (role one; exec 3<x 4>y) & (role two; exec 3<y 4>x) & wait", "one", "two"),
    twin("adopted", "pipeline-of-a-parent", "a parent that starts a quiet command and a reader of its output",
         _PARENT.replace("JOB", "['be', 'source', 'sleep', '1000'], stdout=w"),
         "source", "reader", run="python"),
    twin("adopted", "daemon-of-a-subreaper", "a daemon that its reader's parent, a subreaper, has adopted",
         _PARENT.replace("JOB", "['sh', '-c', 'be source sleep 1000 &'], stdout=w"),
         "source", "reader", run="python"),
    twin("fresh-fifo", "reader-comes-late", "a writer at a new FIFO whose reader comes after two seconds",
         "role shell; while :; do mkfifo f; (sleep 2; cat f) & echo x >f; wait; rm f; sleep .2; done", "shell"),
    twin("fresh-fifo", "reader-never-comes", "a writer at a new FIFO whose reader does not come, and which is ended",
         "role shell; while :; do mkfifo f; (sleep 2; kill $BASHPID) & k=$!\n"
         "(echo x >f) & wait $k; kill -9 $!; wait; rm f; sleep .2; done 2>/dev/null", "shell"),
)  # fmt: skip
