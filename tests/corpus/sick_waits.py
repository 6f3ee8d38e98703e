"""Sick: processes that wait for each other, by reads, writes and waits for children."""

from __future__ import annotations

from corpus.workload import ALL, MINUTES, NO_CHILD, Variant, Workload, sick

_FLOOD = 'job = subprocess.Popen(["be", "child", "yes"], stdout=-1)\n'
_TERM = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
_CROSSED = """
a_r, a_w = os.pipe(); b_r, b_w = os.pipe()
if os.fork() == 0:
    os.close(a_w); os.close(b_r); role("child")
    os.write(b_w, FULL); os.read(a_r, 1); os._exit(0)
os.close(a_r); os.close(b_w); role("parent")
os.write(a_w, FULL); os.read(b_r, 1)
"""
_RING = """
import itertools
pipes = [os.pipe() for _ in range(COUNT)]
for number in range(COUNT):
    if os.fork() == 0:
        mine, its = pipes[number][0], pipes[(number + 1) % COUNT][1]
        for end in itertools.chain(*pipes):
            if end not in (mine, its):
                os.close(end)
        role("one")
        ACT
        os._exit(0)
for end in itertools.chain(*pipes):
    os.close(end)
for _ in range(COUNT):
    os.wait()
"""
_READ, _WRITE = "os.read(mine, 1)", "os.write(its, FULL)"
_MAIN = """cat >main.py <<'E'
import os, subprocess
FULL = b"x" * 300_000
def role(name):
    print(os.getpid(), file=open(os.environ["ROLES"] + "/" + name, "a"))
CODE
E
"""


def _waits(name: str, description: str, wait: str, first: str = "", variants: tuple[Variant, ...] = ALL) -> Workload:
    """A Python that waits for a child that writes into a pipe which nobody reads; `job` is the child."""
    code = f'{first}{_FLOOD}role("parent")\n{wait}'
    return sick(name, description, "deadlock", code, "parent", "child", run="python", variants=variants)


def _ring(name: str, description: str, count: int, act: str) -> Workload:
    code = _RING.replace("COUNT", str(count)).replace("ACT", act)
    return sick(name, description, "deadlock", code, "one", run="python")


def _inside(name: str, description: str, code: str) -> Workload:
    code = _MAIN.replace("CODE", code) + "$UNSHARE python3 -S main.py"
    return sick(name, description, "deadlock", code, "parent", "child", namespaces=True)


WAITS = (
    sick("crossed-writes", "two that write into each other's full pipe", "deadlock", _CROSSED,
         "parent", "child", run="python"),
    sick("crossed-writes-term-handler", "the same, with a handler for SIGTERM", "deadlock", _TERM + _CROSSED,
         "parent", "child", run="python"),
    sick("feeds-a-filter", "a parent that writes all before it reads what the filter answers", "deadlock",
         'job = subprocess.Popen(["be", "child", "cat"], stdin=-1, stdout=-1, bufsize=0)\nrole("parent")\n'
         "while True: job.stdin.write(FULL)",
         "parent", "child", run="python"),
    sick("coproc-crossed", "a shell that writes all before it reads its coprocess", "deadlock",
         "coproc be filter cat; role shell; printf '%0300000d' 0 >&${COPROC[1]}",
         "shell", "filter", variants=NO_CHILD),
    sick("coproc-fed-by-child", "a child that floods the coprocess, whose output only the shell could read", "deadlock",
         "coproc be filter cat; role shell; be flood yes >&${COPROC[1]}; :",
         "shell", "filter", "flood", variants=NO_CHILD),
    sick("shell-waits-for-coproc", "a shell that waits for a coprocess which writes more than fits", "deadlock",
         "coproc be flood yes; role shell; wait",
         "shell", "flood", variants=NO_CHILD),
    sick("shell-waits-for-coproc-pid", "the same, waiting for its pid", "deadlock",
         "coproc be flood yes; role shell; wait $COPROC_PID",
         "shell", "flood", variants=NO_CHILD),
    sick("dash-waits-for-writer", "a shell that holds a pipe read-write and waits for who fills it", "deadlock",
         "mkfifo f; exec 3<>f; rm f; role shell; be flood yes >&3; :",
         "shell", "flood", run="sh", variants=NO_CHILD),
    _waits("popen-wait", "Popen.wait for a child that writes more than fits", "job.wait()"),
    _waits("popen-wait-term-handler", "the same, with a handler for SIGTERM", "job.wait()", _TERM),
    _waits("waitpid", "os.waitpid for such a child", "os.waitpid(job.pid, 0)"),
    _waits("waitid", "os.waitid for such a child", "os.waitid(os.P_PID, job.pid, os.WEXITED)"),
    _waits("waitid-pidfd", "os.waitid by pidfd for such a child",
           "os.waitid(os.P_PIDFD, os.pidfd_open(job.pid), os.WEXITED)"),
    _waits("wait-for-any", "os.wait for the only child, which writes more than fits", "os.wait()", "", NO_CHILD),
    _waits("poll-pidfd", "poll of the pidfd of such a child",
           "poll = select.poll(); poll.register(os.pidfd_open(job.pid), select.POLLIN); poll.poll()"),
    sick("popen-wait-for-shell", "a parent, a shell and its child, which writes more than fits", "deadlock",
         'job = subprocess.Popen(["sh", "-c", "echo $$ >>$ROLES/shell; be child yes; true"], stdout=-1)\n'
         'role("parent"); job.wait()',
         "parent", "shell", "child", run="python"),
    sick("stdout-before-stderr", "a parent that reads stdout to its end, while the child fills stderr", "deadlock",
         'job = subprocess.Popen(["sh", "-c", "exec be child yes 3>&1 >&2"], stdout=-1, stderr=-1)\n'
         'role("parent"); job.stdout.read()',
         "parent", "child", run="python"),
    sick("first-of-two-children", "a parent that waits for the first of two children, which share its pipe", "deadlock",
         'r, w = os.pipe()\njobs = [subprocess.Popen(["be", name, "yes"], stdout=w) for name in ("first", "second")]\n'
         'os.close(w); role("parent"); jobs[0].wait()',
         "parent", "first", run="python", roles=("second",)),
    sick("with-a-tail", "the same with one child, and a reader that merely waits for the parent", "deadlock",
         f'tail = subprocess.Popen(["be", "tail", "cat"], stdin=-1)\n{_FLOOD}role("parent"); job.wait()',
         "parent", "child", run="python", roles=("tail",)),
    sick("join-before-receive", "a multiprocessing parent that joins before it receives", "deadlock", """
import multiprocessing
def work(end):
    role("child")
    end.send(FULL)
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)
    job = context.Process(target=work, args=(its,))
    job.start(); its.close(); role("parent")
    job.join()
""",
         "parent", "child", run="python"),
    sick("perl-waitpid", "Perl that waits for a child before it reads what that prints", "deadlock",
         "pipe(my $r, my $w); my $pid = fork; if (!$pid) { close $r; role('child'); syswrite($w, 'x' x 300000); exit }"
         "close $w; role('parent'); waitpid($pid, 0);",
         "parent", "child", run="perl"),
    sick("perl-open-then-wait", "Perl that opens a command and waits for it", "deadlock",
         "my $pid = open(my $f, '-|', 'be', 'child', 'yes'); role('parent'); waitpid($pid, 0);",
         "parent", "child", run="perl"),
    sick("perl-open2", "Perl that waits for the answer of a filter that waits for more", "deadlock",
         "use IPC::Open2; open2(my $out, my $in, 'be', 'filter', 'tr', 'a', 'b'); role('parent');"
         "syswrite($in, \"hi\\n\"); <$out>;",
         "parent", "filter", run="perl"),
    sick("coproc-buffers", "a shell that waits for a coprocess which keeps its answer in its buffer", "deadlock",
         "coproc be filter tr a b; role shell; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}",
         "shell", "filter", variants=NO_CHILD),
    sick("coproc-buffers-beside-job", "the same with a background job, whose end the shell may have a trap for",
         "deadlock", "sleep 100000 & coproc be filter tr a b; role shell\n"
         "echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}",
         "shell", "filter", after=MINUTES),
    _ring("ring-of-three-readers", "three that read from each other", 3, _READ),
    _ring("ring-of-four-readers", "four that read from each other", 4, _READ),
    _ring("ring-of-three-writers", "three that write into each other's full pipes", 3, _WRITE),
    _ring("ring-of-four-writers", "four that write into each other's full pipes", 4, _WRITE),
    sick("ring-of-wait-write-read", "a parent waits for a child, which writes to another, which reads from the parent",
         "deadlock", """
full_r, full_w = os.pipe(); from_r, from_w = os.pipe()
writer = os.fork()
if writer == 0:
    for end in (full_r, from_r, from_w): os.close(end)
    role("writer"); os.write(full_w, FULL); os._exit(0)
os.close(full_w)
if os.fork() == 0:
    os.close(from_w); role("reader"); os.read(from_r, 1); os.read(full_r, 1); os._exit(0)
for end in (full_r, from_r): os.close(end)
role("parent"); os.waitpid(writer, 0)
""",
         "parent", "writer", "reader", run="python"),
    sick("both-read", "two that each wait for the other to begin", "deadlock", """
a_r, a_w = os.pipe(); b_r, b_w = os.pipe()
if os.fork() == 0:
    os.close(a_w); os.close(b_r); role("child"); os.read(a_r, 1); os._exit(0)
os.close(a_r); os.close(b_w); role("parent"); os.read(b_r, 1)
""",
         "parent", "child", run="python"),
    sick("both-read-fifos", "cat <a >b and cat >a <b", "deadlock",
         "mkfifo a b; (role one; exec cat <a >b) & (role two; exec cat >a <b) & wait",
         "one", "two"),
    sick("ring-of-three-fifos", "three cats in a ring of FIFOs", "deadlock",
         "mkfifo a b c; (role one; exec cat <a >b) & (role two; exec cat <b >c) & (role three; exec cat >a <c) & wait",
         "one", "two", "three"),
    sick("threads-all-read", "two programs, both threads of each read from the other", "deadlock", """
pipes = [os.pipe() for _ in range(4)]
pid = os.fork()
mine, its = (pipes[:2], pipes[2:]) if pid else (pipes[2:], pipes[:2])
for r, _ in its: os.close(r)
for _, w in mine: os.close(w)
role("parent" if pid else "child")
threading.Thread(target=os.read, args=(mine[0][0], 1)).start()
os.read(mine[1][0], 1)
""",
         "parent", "child", run="python"),
    _inside("namespace-crossed", "two in a pid namespace that write into each other's full pipe", _CROSSED),
    _inside("namespace-popen-wait", "a parent in a pid namespace that waits for a child which writes more than fits",
            f'{_FLOOD}role("parent")\njob.wait()'),
    sick("strange-name", "members whose name has spaces, parentheses and a line break", "deadlock",
         _MAIN.replace("CODE", _CROSSED)
         + 'ln -s "$(readlink -f "$(command -v python3)")" $\'a) R 1 (b\\nc\'; exec $\'./a) R 1 (b\\nc\' -S main.py',
         "parent", "child", variants=("plain", "wrapped", "beside", "child")),
    sick("trap-on-exit", "a shell with a trap on EXIT that waits for a coprocess which waits for it", "deadlock",
         "trap 'echo bye' EXIT; coproc be filter tr a b; role shell; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}",
         "shell", "filter", after=MINUTES),
    sick("alarm-handler", "crossed writes with a handler for SIGALRM, and no timer", "deadlock",
         "signal.signal(signal.SIGALRM, lambda *_: None)" + _CROSSED, "parent", "child", run="python", after=MINUTES),
)  # fmt: skip
