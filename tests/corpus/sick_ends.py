"""Sick: ends that were left open, openers whom nobody meets, readers that were stopped or have gone."""

from __future__ import annotations

from corpus.workload import MINUTES, NO_CHILD, Workload, sick

#: From when on a wait in open or a left end counts as more than a moment (seconds, with a margin).
_MOMENT = 0.8

_KEPT = """
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, b"x"); os._exit(0)
os.wait()
role("main")
while os.read(r, 100): pass
"""
_C = """
cat >main.c <<'E'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    char name[4096], byte;
    int ends[2];
    snprintf(name, sizeof name, "%s/main", getenv("ROLES"));
    FILE *told = fopen(name, "w");
    fprintf(told, "%d\\n", getpid());
    fclose(told);
    if (pipe(ends)) return 1;
    return read(ends[0], &byte, 1) > 0;
}
E
gcc main.c -o main && exec ./main
"""
_WORKERS = """
r, w = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        role("worker")
        while os.read(r, 1): pass
        os._exit(0)
"""
_DOUBLE_FORK = """role shell; x=$(python3 -S -c '
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("be", ["be", "daemon", "sleep", "1000"])
'; echo hi); :
"""
_PYTHON_OPENS = """
FIRST='import sys; r = lambda n: open(n, "rb"); w = lambda n: open(n, "wb")'
echo "$FIRST; a = r('x'); b = w('y'); a.read()" >one.py
echo "$FIRST; a = r('y'); b = w('x'); a.read()" >two.py
"""
_PYTHON_OPENS_WRITERS = _PYTHON_OPENS.replace("a = r(", "a = w(").replace("b = w(", "b = r(")


def _left(name: str, description: str, command: str, *needs: str) -> Workload:
    """A command substitution that leaves a daemon which has inherited its stdout."""
    code = f"role shell; x=$({command} & echo hi); :"
    return sick(name, description, "held-open", code, "shell", "daemon", after=_MOMENT, still=("shell",), needs=needs)


def _opens(name: str, description: str, one: str, two: str, first: str = "") -> Workload:
    """Two programs that wait in open for each other."""
    code = f"mkfifo x y; {first}\nbe one {one} & be two {two} & wait"
    return sick(name, description, "open-order", code, "one", "two", after=_MOMENT)


KEPT = (
    sick("kept-write-end", "a reader that kept its own write end", "never-eof", _KEPT, "main", run="python"),
    sick("kept-write-end-perl", "the same in Perl", "never-eof",
         "pipe(my $r, my $w); if (!fork) { syswrite($w, 'x'); exit } wait; role('main'); while (<$r>) { }",
         "main", run="perl"),
    sick("kept-write-end-libc", "the same by libc's read", "never-eof",
         "import ctypes\nr, w = os.pipe(); role('main')\nctypes.CDLL(None).read(r, ctypes.create_string_buffer(1), 1)",
         "main", run="python"),
    sick("kept-write-end-c", "the same in C", "never-eof", _C, "main", needs=("gcc",),
         variants=("plain", "wrapped", "beside", "child")),
    sick("workers-kept-write-end", "three workers that all hold the write end of what they read", "never-eof",
         _WORKERS + "os.close(w); os.close(r)\nfor _ in range(3): os.wait()", "worker", run="python"),
    sick("workers-and-parent", "the same, and their parent kept it too and waits for them", "never-eof deadlock",
         _WORKERS + "os.close(r); role('parent')\nfor _ in range(3): os.wait()", "worker", "parent", run="python",
         variants=NO_CHILD),
    sick("threads-kept-write-ends", "a program both of whose threads read pipes that only it can write to",
         "never-eof deadlock",
         "(a, _), (b, _) = pipes = [os.pipe(), os.pipe()]\nrole('main')\n"
         "threading.Thread(target=os.read, args=(a, 1)).start(); os.read(b, 1)", "main", run="python"),
    sick("main-ended-kept-write-end", "the same by a thread whose main thread has ended", "never-eof",
         "import ctypes\nr, w = os.pipe()\nthreading.Thread(target=os.read, args=(r, 1)).start()\nrole('main')\n"
         "ctypes.CDLL(None).pthread_exit(None)", "main", run="python"),
    sick("kept-fifo-end", "cat of a removed FIFO whose write end it has inherited", "never-eof",
         "mkfifo f; exec 3<>f 4>f 5<f; rm f; role reader; exec cat <&5 3>&- 5<&-", "reader"),
    sick("kept-fifo-end-in-shell", "cat of a removed FIFO whose write end its shell holds, which waits for it",
         "never-eof deadlock", "mkfifo f; exec 3<>f 4>f 5<f 3>&-; rm f; role shell; be reader cat <&5 5<&-; :",
         "shell", "reader", variants=NO_CHILD),
    sick("kept-write-end-alarm", "a reader that kept its own write end, with a handler for SIGALRM", "never-eof",
         "signal.signal(signal.SIGALRM, lambda *_: None)" + _KEPT, "main", run="python", after=MINUTES),
    sick("kept-write-end-term", "the same with a handler for SIGTERM", "never-eof",
         "signal.signal(signal.SIGTERM, lambda *_: None)" + _KEPT, "main", run="python", after=MINUTES),
)  # fmt: skip
LEFT = (
    _left("substitution-with-server", "a command substitution that started a web server in the background",
          "be daemon python3 -m http.server 0 --bind 127.0.0.1 2>/dev/null"),
    _left("substitution-with-sleep", "the same with sleep", "be daemon sleep 1000"),
    _left("substitution-with-setsid", "the same with setsid", "setsid be daemon sleep 1000"),
    _left("substitution-with-nohup", "the same with nohup", "nohup be daemon sleep 1000 2>/dev/null"),
    _left("substitution-with-node", "the same with Node", "be daemon node -e 'setInterval(() => {}, 1e8)'", "node"),
    sick("substitution-with-double-fork", "a daemon that forked twice and kept stdout", "held-open", _DOUBLE_FORK,
         "shell", "daemon", after=_MOMENT),
    sick("capture-with-daemon", "subprocess.run that captures a script which leaves a daemon", "held-open",
         "role('parent'); subprocess.run(['sh', '-c', 'be daemon sleep 1000 & echo hi'], capture_output=True)",
         "parent", "daemon", run="python", after=_MOMENT),
    sick("check-output-with-daemon", "subprocess.check_output of such a script", "held-open",
         "role('parent'); subprocess.check_output(['sh', '-c', 'be daemon sleep 1000 & echo hi'])",
         "parent", "daemon", run="python", after=_MOMENT),
    sick("perl-backticks-with-daemon", "Perl's backticks around such a script", "held-open",
         "role('parent'); my $x = `be daemon sleep 1000 & echo hi`;", "parent", "daemon", run="perl", after=_MOMENT),
    sick("make-shell-with-daemon", "make's $(shell) around such a script", "held-open",
         "printf 'X := $(shell be daemon sleep 1000 & echo hi)\\nall:\\n' >Makefile; be make make",
         "make", "daemon", needs=("make",), after=_MOMENT),
    sick("tee-with-daemon", "a start script into tee, whose daemon kept stdout", "held-open",
         "(be daemon sleep 1000 & echo started) | be log tee log; :", "log", "daemon", after=MINUTES),
    sick("substitution-under-subreaper", "a command substitution with a daemon, below a process that adopts orphans",
         "held-open",
         "import ctypes\nctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
         "subprocess.run(['bash', '-c', 'echo $$ >>$ROLES/shell; x=$(be daemon sleep 1000 & echo hi); :'],\n"
         "               start_new_session=True)",
         "shell", "daemon", run="python", after=_MOMENT),
)  # fmt: skip
OPENS = (
    sick("nobody-reads", "a writer that waits in open for a reader", "no-reader",
         "mkfifo f; role writer; echo hi >f", "writer", after=_MOMENT),
    sick("nobody-reads-python", "the same in Python", "no-reader",
         "os.mkfifo('f'); role('writer'); open('f', 'w')", "writer", run="python", after=_MOMENT),
    sick("nobody-reads-three", "three writers that wait in open for a reader", "no-reader",
         "mkfifo f; for i in 1 2 3; do (role writer; echo hi >f) & done; wait", "writer", after=_MOMENT),
    sick("removed-and-made-anew", "a writer that waits at a FIFO which was removed and made anew", "no-reader",
         "mkfifo f; (role writer; echo hi >f) & until grep -qE 'wait_for_partner|fifo_open' /proc/$!/wchan\n"
         "do sleep .05; done; rm f; mkfifo f; be other cat f; :", "writer", roles=("other",), after=_MOMENT),
    _opens("opens-crossed", "two shells that open two FIFOs for reading first, in opposite order",
           "sh -c 'exec 3<x 4>y'", "sh -c 'exec 3<y 4>x'"),
    _opens("opens-crossed-writers-first", "the same for writing first",
           "sh -c 'exec 3>x 4<y'", "sh -c 'exec 3>y 4<x'"),
    _opens("opens-crossed-bash-scripts", "the same in two scripts",
           "bash one", "bash two", "echo 'exec 3<x 4>y' >one; echo 'exec 3<y 4>x' >two;"),
    _opens("opens-crossed-python", "the same in two Python programs",
           "python3 -S one.py", "python3 -S two.py", _PYTHON_OPENS),
    _opens("opens-crossed-python-writers", "the same in two Python programs that open for writing first",
           "python3 -S one.py", "python3 -S two.py", _PYTHON_OPENS_WRITERS),
)  # fmt: skip
READERS = (
    sick("stopped-reader", "a flood into a reader that was stopped", "stalled-reader",
         "be writer yes | be reader sh -c 'kill -STOP $$; cat >/dev/null'; :", "writer", "reader", after=_MOMENT),
    sick("stopped-fifo-reader", "the same over a FIFO", "stalled-reader",
         "mkfifo f; be reader sh -c 'exec <f; kill -STOP $$; cat >/dev/null' & (role writer; exec yes >f) & wait",
         "writer", "reader", after=_MOMENT),
    sick("lost-fifo-reader", "a writer that holds a FIFO whose reader has gone", "lost-reader",
         "mkfifo f; head -c 1 <f & exec 3>f; echo x >&3; wait; role writer; exec sleep 1000", "writer", after=_MOMENT),
)  # fmt: skip
ENDS = (*KEPT, *LEFT, *OPENS, *READERS)
