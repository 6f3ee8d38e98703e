"""Healthy: build tools, pagers, ssh, terminal multiplexers, supervisors and other languages."""

from __future__ import annotations

from corpus.workload import healthy

_MAKEFILES = """
cat >Makefile <<'E'
all: sub1 sub2 sub3
sub%:
	+@$(MAKE) -s --no-print-directory -f Sub
E
cat >Sub <<'E'
all: a b c d
a b c d:
	@echo $@; sleep $(T)
E
"""
_SSHD = """
ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f user; cp user.pub known-keys
[ "$(id -u)" != 0 ] || mkdir -p -m 755 /run/sshd
port=$(python3 -S -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >sshd_config <<E
Port $port
ListenAddress 127.0.0.1
HostKey $PWD/host
PidFile none
AuthorizedKeysFile $PWD/known-keys
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
SetEnv PIPETUI_CORPUS=$PIPETUI_CORPUS ROLES=$ROLES PATH=$PATH
E
"$(command -v sshd)" -D -f "$PWD/sshd_config" -E "$PWD/log" &
until grep -q "port $port" log 2>/dev/null; do sleep .05; done
echo "[127.0.0.1]:$port $(cat host.pub)" >hosts
far() { be ssh ssh -F none -p $port -i user -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \\
  -o UserKnownHostsFile="$PWD/hosts" "$(id -un)@127.0.0.1" "$@"; }
"""
_GIT = """
git init -q .; git config user.name n; git config user.email e
for i in 1 2 3; do seq $i 40000 >file; git add file; git commit -q -m "commit $i"; done
"""
_SSH_NEEDS = ("sshd", "ssh", "ssh-keygen")
_RUNIT = """
mkdir -p s/log main
printf '#!/bin/sh\\nexec be service SERVICE\\n' >s/run
printf '#!/bin/sh\\nexec be logger svlogd ../../main\\n' >s/log/run
chmod +x s/run s/log/run; be runsv runsv s
"""

TOOLS = (
    healthy(
        "make-jobserver-pipe",
        "recursive make -j3 with short jobs, again and again",
        _MAKEFILES + "role shell; while :; do be make make -j3 T=.5; done",
        "shell", "make", needs=("make",),
    ),
    healthy(
        "make-jobserver-pipe-waiting",
        "recursive make -j3 whose sub-makes wait for a token",
        _MAKEFILES + "be make make -j3 T=1000; :",
        "make", needs=("make",),
    ),
    healthy(
        "make-jobserver-fifo",
        "recursive make -j3 --jobserver-style=fifo",
        _MAKEFILES + "role shell; while :; do be make make -j3 --jobserver-style=fifo T=.5; done",
        "shell", "make", needs=("make-4.4",),
    ),
    healthy(
        "make-into-tee",
        "make -j4 -O into tee, with long jobs",
        _MAKEFILES + "be make make -j4 -O T=1000 2>&1 | be log tee log",
        "make", "log", needs=("make",),
    ),
    healthy(
        "gcc-pipe",
        "gcc -pipe, again and again",
        "echo 'int main(void) { return 0; }' >m.c; role shell; while :; do gcc -pipe m.c -o m; sleep 1; done",
        "shell", needs=("gcc",),
    ),
    healthy(
        "git-log-pager",
        "git log -p with its pager, in a terminal",
        _GIT + "export PAGER='be less less' LESS= TERM=xterm; be git in-pty git log -p",
        "git", "less", needs=("git", "less"),
    ),
    healthy(
        "flood-into-less",
        "a flood into less, in a terminal",
        "export TERM=xterm; in-pty bash -c 'be source yes | be less less'",
        "source", "less", needs=("less",),
    ),
    healthy(
        "ssh-lines",
        "ssh to a loop that prints a line twice a second",
        _SSHD + "far 'be remote sh -c \"while sleep .5; do date; done\"' | be reader cat >/dev/null",
        "ssh", "remote", "reader", needs=_SSH_NEEDS,
    ),
    healthy(
        "ssh-at-rest",
        "ssh to a command that waits for an input that is at rest",
        _SSHD + "sleep 1000 | far 'be remote cat' | be reader cat >/dev/null",
        "ssh", "remote", "reader", needs=_SSH_NEEDS,
    ),
    healthy(
        "ssh-held-up",
        "ssh to a flood that is taken slowly here",
        _SSHD + "far 'be remote yes' | (role reader; while head -c 9999 >/dev/null; do sleep .5; done)",
        "ssh", "remote", "reader", needs=_SSH_NEEDS,
    ),
    healthy(
        "tmux-pipe-pane",
        "a tmux pane that is also written to a command",
        "be server tmux -S $TMPDIR/s -f /dev/null new-session -d 'be pane sh -c \"while sleep .3; do date; done\"'\n"
        "tmux -S $TMPDIR/s pipe-pane 'be log cat >log'; role shell; sleep 1000",
        "pane", "log", needs=("tmux",),
    ),
    healthy(
        "script-of-a-shell",
        "script(1) of a quiet pipeline",
        "be script script -qc 'sleep 1000 | be reader cat' /dev/null",
        "script", "reader", needs=("script",),
    ),
    healthy(
        "runit-service",
        "runsv with a service and its log service",
        _RUNIT.replace("SERVICE", 'sh -c "while sleep 1; do date; done"'),
        "runsv", "service", "logger", needs=("runsv", "svlogd"),
    ),
    healthy(
        "runit-quiet-service",
        "runsv with a service that says nothing",
        _RUNIT.replace("SERVICE", "sleep 1000"),
        "runsv", "service", "logger", needs=("runsv", "svlogd"),
    ),
    healthy(
        "socat-pipe",
        "socat from a FIFO into a file, with a writer now and then",
        "mkfifo f; be socat socat -u OPEN:f,rdwr OPEN:log,creat,append & role writer; while sleep .5; do date >f; done",
        "socat", "writer", needs=("socat",),
    ),
    healthy(
        "socat-backpipe",
        "a server whose answers come back through a FIFO, at rest",
        "mkfifo back; be socat socat UNIX-LISTEN:$TMPDIR/s STDIO <>back | be filter cat >back",
        "socat", "filter", needs=("socat",),
    ),
    healthy(
        "zsh-coproc",
        "a coprocess of zsh beside a loop",
        "be zsh zsh -fc 'coproc be filter cat; while :; do print -p x; read -p y; sleep .1; done'",
        "zsh", "filter", needs=("zsh",),
    ),
    healthy(
        "zsh-multios",
        "zsh that writes into two files at once",
        "be zsh zsh -fc '(while :; do date; sleep 300; done) >a >b; :'",
        "zsh", needs=("zsh",),
    ),
    healthy(
        "gawk-coprocess",
        "gawk and its coprocess",
        """be awk gawk 'BEGIN { c = "be filter cat"
while (1) { print "x" |& c; c |& getline y; system("sleep .1") } }'""",
        "awk", "filter", needs=("gawk",),
    ),
    healthy(
        "tcl-event-loop",
        "Tcl with a command behind a pipe and an event loop",
        'echo \'set f [open "|be filter cat" r+]; fconfigure $f -buffering line; fileevent $f readable {gets $f}\n'
        "proc tick {} { global f; puts $f x; after 300 tick }; tick; vwait forever' >m.tcl; be tcl tclsh m.tcl",
        "tcl", "filter", needs=("tclsh",),
    ),
    healthy(
        "perl-reads-command",
        "Perl that reads lines of a slow command",
        "role('main'); open(my $f, '-|', 'while sleep .4; do echo x; done'); while (<$f>) { }",
        "main", run="perl",
    ),
    healthy(
        "perl-feeds-command",
        "Perl that feeds a command now and then",
        "use IO::Handle; role('main'); open(my $f, '|-', 'be filter cat'); $f->autoflush(1);\n"
        "while (1) { print $f 'x'; sleep 1 }",
        "main", "filter", run="perl",
    ),
    healthy(
        "perl-fork-and-pipe",
        "Perl with a child that answers through a pipe, and a handler for its end",
        "$SIG{CHLD} = sub { wait }; pipe(my $r, my $w); if (!fork) { close $r; role('child');"
        "while (1) { syswrite($w, \"x\\n\"); select(undef, undef, undef, .2) } }\n"
        "close $w; role('main'); while (<$r>) { }",
        "main", "child", run="perl",
    ),
    healthy(
        "perl-dialogue",
        "Perl in a dialogue with a command",
        "use IPC::Open2; open2(my $out, my $in, 'be', 'filter', 'cat'); role('main');"
        "while (1) { syswrite($in, \"x\\n\"); <$out>; select(undef, undef, undef, .1) }",
        "main", "filter", run="perl",
    ),
    healthy(
        "perl-alarm",
        "Perl whose alarm dies out of a read of its own pipe",
        "$SIG{ALRM} = sub { die }; pipe(my $r, my $w); role('main');\n"
        "while (1) { eval { alarm 2; sysread($r, my $x, 1) } }",
        "main", run="perl",
    ),
    healthy(
        "node-child-process",
        "Node that reads lines of a slow command",
        'role("main"); child.spawn("sh", ["-c", "while sleep .3; do echo x; done"]).stdout.on("data", () => {});',
        "main", run="node",
    ),
    healthy(
        "node-dialogue",
        "Node in a dialogue with cat",
        'role("main"); const c = child.spawn("be", ["filter", "cat"]); c.stdout.resume();\n'
        'setInterval(() => c.stdin.write("x\\n"), 200);',
        "main", "filter", run="node",
    ),
    healthy(
        "node-at-rest",
        "Node that waits for an input that is at rest, and for a long command",
        "sleep 1000 | be node node -e 'process.stdin.resume()\n"
        "require(\"child_process\").exec(\"be work sleep 1000\")'",
        "node", "work", needs=("node",),
    ),
    healthy(
        "node-exec-sync",
        "Node in execSync of a long command",
        'role("main"); child.execSync("be work sleep 1000");',
        "main", "work", run="node",
    ),
    healthy(
        "node-worker-streams",
        "a Node worker thread whose stdout is a stream in the main thread",
        'role("main"); const { Worker } = require("worker_threads");\n'
        'new Worker("setInterval(() => process.stdout.write(\'x\'), 300)", \n'
        '{ eval: true, stdout: true }).stdout.resume();',
        "main", run="node",
    ),
)  # fmt: skip
