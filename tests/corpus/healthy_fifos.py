"""Healthy: daemons, queues, tokens and dialogues over FIFOs."""

from __future__ import annotations

from corpus.workload import healthy

_SERVER = "(role server; while read -r r <req; do echo ok >rep; done) &"

FIFOS = (
    healthy(
        "cat-and-echo-loops",
        "a reader that opens a FIFO anew for each message, and a writer that does",
        "mkfifo f; (role reader; while :; do cat f; done) & (role writer; while :; do echo x >f; done) & wait",
        "reader", "writer",
    ),
    healthy(
        "cat-and-echo-paced",
        "the same, with a rest of a tenth of a second in the writer",
        "mkfifo f; (role reader; while :; do cat f; done) & role writer; while :; do echo x >f; sleep .1; done",
        "reader", "writer",
    ),
    healthy(
        "cat-and-echo-slow-reader",
        "the same, with a rest of a tenth of a second in the reader",
        "mkfifo f; (role reader; while :; do cat f; sleep .1; done) & role writer; while :; do echo x >f; done",
        "reader", "writer",
    ),
    healthy(
        "reader-two-seconds-late",
        "a writer whose reader comes back every two seconds",
        "mkfifo f; (role reader; while :; do cat f; sleep 2; done) & role writer; while :; do echo x >f; done",
        "reader", "writer",
    ),
    healthy(
        "request-reply",
        "requests and replies over two FIFOs, as fast as they go",
        f"mkfifo req rep; {_SERVER}\nrole client; while :; do echo x >req; read -r y <rep; done",
        "server", "client",
    ),
    healthy(
        "request-reply-once-a-second",
        "requests and replies over two FIFOs, one a second",
        f"mkfifo req rep; {_SERVER}\nrole client; while sleep 1; do echo x >req; read -r y <rep; done",
        "server", "client",
    ),
    healthy(
        "request-reply-slow-server",
        "a client that waits for a reply that takes half a second",
        "mkfifo req rep; (role server; while read -r r <req; do sleep .5; echo ok >rep; done) &\n"
        "role client; while :; do echo x >req; read -r y <rep; done",
        "server", "client",
    ),
    healthy(
        "request-reply-held-open",
        "requests and replies over two FIFOs that stay open",
        "mkfifo req rep; (role server; exec 3<>req 4<>rep; while read -r x <&3; do echo ok >&4; done) &\n"
        "exec 3<>req 4<>rep; role client; while :; do echo x >&3; read -r y <&4; sleep .05; done",
        "server", "client",
    ),
    healthy(
        "request-reply-at-rest",
        "a server between requests, and a client that asks every five minutes",
        "mkfifo req rep; (role server; exec 3<>req 4<>rep; while read -r x <&3; do echo ok >&4; done) &\n"
        "exec 3<>req 4<>rep; role client; while :; do echo x >&3; read -r y <&4; sleep 300; done",
        "server", "client",
    ),
    healthy(
        "request-reply-python",
        "requests and replies in Python, one end opened each way",
        """
os.mkfifo("req"); os.mkfifo("rep")
if os.fork() == 0:
    role("server")
    req, rep = open("req", "rb", 0), open("rep", "wb", 0)
    while line := req.readline():
        rep.write(line)
    os._exit(0)
role("client")
req, rep = open("req", "wb", 0), open("rep", "rb", 0)
while True:
    req.write(b"x\\n")
    rep.readline()
    time.sleep(0.02)
""",
        "server", "client", run="python",
    ),
    healthy(
        "reply-fifo-for-each",
        "a FIFO for each reply, made for it and removed",
        "mkfifo req; (role server; while read -r to <req; do echo ok >$to; done) &\n"
        "role client; n=0; while :; do n=$((n+1)); mkfifo r$n; echo r$n >req; read -r y <r$n; rm r$n; sleep .1; done",
        "server", "client",
    ),
    healthy(
        "command-server",
        "a daemon that waits for commands, one open for each",
        "mkfifo cmd; role server; while :; do while read -r x; do :; done <cmd; done",
        "server",
    ),
    healthy(
        "command-server-used",
        "a daemon that gets a command now and then",
        "mkfifo cmd; (role server; while :; do while read -r x; do :; done <cmd; done) &\n"
        "role client; while sleep .7; do echo go >cmd; done",
        "server", "client",
    ),
    healthy(
        "command-server-read-write",
        "a daemon that holds its FIFO read-write and waits for commands",
        "mkfifo cmd; exec 3<>cmd; role server; while read -r x <&3; do :; done",
        "server",
    ),
    healthy(
        "cat-of-read-write",
        "cat of a FIFO that its shell holds read-write",
        "mkfifo jobs; exec 3<>jobs; role shell; be reader cat <&3",
        "shell", "reader",
    ),
    healthy(
        "command-server-dummy-writer",
        "a daemon that opens its FIFO for writing too, so that it never sees the end (Stevens)",
        "os.mkfifo('cmd'); r = os.open('cmd', os.O_RDONLY | os.O_NONBLOCK); w = os.open('cmd', os.O_WRONLY)\n"
        "os.set_blocking(r, True); role('server')\nwhile os.read(r, 100): pass",
        "server", run="python",
    ),
    healthy(
        "command-server-polls",
        "a daemon that polls without a time limit a FIFO that it holds read-write",
        """
os.mkfifo("cmd")
fd = os.open("cmd", os.O_RDWR | os.O_NONBLOCK)
poll = select.poll()
poll.register(fd, select.POLLIN)
role("server")
while True:
    poll.poll()
    os.read(fd, 100)
""",
        "server", run="python",
    ),
    healthy(
        "command-server-in-perl",
        "a daemon in Perl that selects on a FIFO that it holds read-write",
        "use POSIX; mkfifo('cmd', 0600); open(my $f, '+<', 'cmd'); role('server');"
        "my $v = ''; vec($v, fileno($f), 1) = 1;"
        "while (1) { select(my $r = $v, undef, undef, undef); sysread($f, my $x, 100) }",
        "server", run="perl", needs=("perl",),
    ),
    healthy(
        "work-queue",
        "three workers that share a FIFO of jobs",
        "mkfifo jobs; exec 3<>jobs; for i in 1 2 3; do (role worker; while read -r x <&3; do sleep .5; done) & done\n"
        "role queue; while sleep .2; do echo x >&3; done",
        "worker", "queue",
    ),
    healthy(
        "work-queue-at-rest",
        "three workers that wait for jobs, and their shell waits for them",
        "mkfifo jobs; exec 3<>jobs; for i in 1 2 3; do (role worker; while read -r x <&3; do :; done) & done\n"
        "role queue; wait",
        "worker", "queue",
    ),
    healthy(
        "semaphore",
        "six workers that share three tokens in a FIFO",
        "mkfifo sem; exec 3<>sem; printf xxx >&3; role shell\n"
        "for i in 1 2 3 4 5 6; do (role worker; while read -r -n1 -u3; do sleep .3; printf x >&3; done) & done; wait",
        "shell", "worker",
    ),
    healthy(
        "semaphore-held",
        "workers that wait long for a token, as another has it",
        "mkfifo sem; exec 3<>sem; printf x >&3; role shell\n"
        "for i in 1 2 3; do (role worker; read -r -n1 -u3; sleep 1000; printf x >&3) & done; wait",
        "shell", "worker",
    ),
    healthy(
        "jobserver-fifo-clients",
        "four clients of a jobserver in a FIFO, opened as make 4.4 tells them to",
        "mkfifo js; exec 3<>js; printf ++ >&3; role server\n"
        "for i in 1 2 3 4; do (exec 3>&- 4<>js; role client\n"
        "while read -r -n1 -u4; do sleep .4; printf + >&4; done) &\n"
        "done; wait",
        "server", "client",
    ),
    healthy(
        "writer-with-transient-children",
        "a writer that sleeps a tenth of a second between lines, into a FIFO",
        "mkfifo f; be reader cat f >/dev/null & (role writer; while :; do echo x; sleep .1; done) >f",
        "reader", "writer",
    ),
    healthy(
        "quiet-writer",
        "a writer that holds a FIFO open and says something every five minutes",
        "mkfifo f; be reader cat f >/dev/null & role writer; exec 3>f; while :; do date >&3; sleep 300; done",
        "reader", "writer",
    ),
    healthy(
        "reader-comes-and-goes",
        "a log in a FIFO that is read in parts, while the writer goes on",
        "mkfifo log; exec 3<>log; (role writer; while sleep .1; do date; done) >&3 &\n"
        "role reader; while :; do head -n 3 <log >part; sleep .3; done",
        "writer", "reader",
    ),
    healthy(
        "fifo-to-tee",
        "a logger that gives what comes through a FIFO to a file",
        "mkfifo f; (while :; do tee -a log <f >/dev/null; done) & role writer; while sleep .3; do date >f; done",
        "writer",
    ),
    healthy(
        "many-writers",
        "three writers and one reader that keeps the FIFO open",
        "mkfifo f; (role reader; exec 3<>f; while read -r x <&3; do :; done) &\n"
        "for i in 1 2 3; do (role writer; while sleep .2; do echo $i >f; done) & done; wait",
        "reader", "writer",
    ),
    healthy(
        "liveness-fifo",
        "a watcher that reads a FIFO which a worker holds open as long as it lives",
        "mkfifo alive; (role worker; exec 3>alive; while :; do sleep 1; done) & role watcher; read -r x <alive; :",
        "worker", "watcher",
    ),
    healthy(
        "namespace-writer-inside",
        "a FIFO whose reader is outside of the pid namespace of its writer",
        "mkfifo f; be reader cat f >/dev/null &\n"
        "$UNSHARE bash -c 'echo $$ >>$ROLES/writer; while :; do echo x; sleep .2; done' >f",
        "reader", "writer", namespaces=True,
    ),
    healthy(
        "namespace-reader-inside",
        "a FIFO whose writer is outside of the pid namespace of its reader",
        "mkfifo f; $UNSHARE sh -c 'be reader cat f >/dev/null; true' &\n"
        "role writer; exec 3>f; while :; do echo x >&3; sleep .2; done",
        "reader", "writer", namespaces=True,
    ),
    healthy(
        "namespace-quiet-pipeline",
        "a quiet pipeline in a pid namespace, with an init that waits",
        "$UNSHARE bash -c '(while :; do sleep 300; date; done) | be log tee log; true'",
        "log", namespaces=True,
    ),
    healthy(
        "namespace-dialogue",
        "requests from outside, replies from inside of a pid namespace",
        "mkfifo req rep; $UNSHARE bash -c 'echo $$ >>$ROLES/server; while read -r x <req; do echo ok >rep; done' &\n"
        "role client; while :; do echo x >req; read -r y <rep; sleep .1; done",
        "server", "client", namespaces=True,
    ),
)  # fmt: skip
