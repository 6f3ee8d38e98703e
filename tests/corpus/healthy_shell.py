"""Healthy: what people type and what their scripts do with anonymous pipes."""

from __future__ import annotations

from corpus.workload import healthy

SHELL = (
    healthy(
        "coproc-loop",
        "a coprocess at rest beside a loop that forks ten times a second",
        "coproc be filter cat; role loop; while :; do sleep .1; done",
        "loop", "filter",
    ),
    healthy(
        "coproc-tight-loop",
        "a coprocess at rest beside a loop that forks thirty times a second",
        "coproc be filter cat; role loop; while :; do sleep .03; done",
        "loop", "filter",
    ),
    healthy(
        "coproc-dialogue",
        "a coprocess that answers ten requests a second",
        "coproc { while read -r x; do echo $((x + 1)); done; }; role client\n"
        "while :; do echo 1 >&${COPROC[1]}; read -r y <&${COPROC[0]}; sleep .1; done",
        "client",
    ),
    healthy(
        "coproc-slow-answer",
        "a shell that waits for a coprocess that takes long to answer",
        "coproc { read -r x; sleep 1000; echo done; }; role client\n"
        "echo 1 >&${COPROC[1]}; read -r y <&${COPROC[0]}",
        "client",
    ),
    healthy(
        "coproc-at-rest",
        "a coprocess at rest while its shell waits for a long child",
        "coproc be filter cat; role shell; be work sleep 1000; echo done",
        "shell", "filter", "work",
    ),
    healthy(
        "process-substitution",
        "a loop that reads from a process substitution",
        "role reader; while read -r x; do :; done < <(while sleep .2; do echo x; done)",
        "reader",
    ),
    healthy(
        "quiet-substitution",
        "a loop that reads from a process substitution that says something every five minutes",
        "role reader; while read -r x; do :; done < <(while sleep 300; do echo x; done)",
        "reader",
    ),
    healthy(
        "tee-into-substitutions",
        "tee into two process substitutions",
        "while sleep .2; do date; done | be tee tee >(be copy cat >/dev/null) >(grep -c x >/dev/null) >/dev/null",
        "tee", "copy",
    ),
    healthy(
        "paste-of-two",
        "paste of two slow process substitutions",
        "be reader paste <(while sleep 1; do echo a; done) <(sleep 1000) >/dev/null",
        "reader",
    ),
    healthy(
        "script-logs-itself",
        "a script that sends its own output through tee, and says little",
        "exec > >(be log tee log) 2>&1; role script; while :; do date; sleep 300; done",
        "script", "log",
    ),
    healthy(
        "date-every-five-minutes",
        "a loop that tells the time every five minutes, into tee",
        "(role loop; while :; do sleep 300; date; done) | be log tee log",
        "loop", "log",
    ),
    healthy("sleep-into-grep", "a long command into grep", "be work sleep 1000 | be filter grep x", "work", "filter"),
    healthy(
        "work-every-100-seconds",
        "yes into a loop that takes 100 seconds for each line",
        "be source yes | (role loop; while read -r x; do sleep 100; done)",
        "source", "loop",
    ),
    healthy(
        "slow-consumer",
        "a flood into a reader that takes 4 KiB twice a second",
        "be source cat /dev/zero | (role loop; while head -c 4096 >/dev/null; do sleep .5; done)",
        "source", "loop",
    ),
    healthy(
        "ten-lines-a-second",
        "a loop that writes ten times a second into cat",
        "(role loop; while :; do echo x; sleep .1; done) | be reader cat >/dev/null",
        "loop", "reader",
    ),
    healthy(
        "detached-log",
        "a loop under nohup into tee, whose shell has gone",
        "nohup bash -c 'echo $$ >$ROLES/loop; while :; do echo x; sleep .2; done' 2>/dev/null |\n"
        "be log tee log >/dev/null &",
        "loop", "log",
    ),
    healthy(
        "detached-quiet-log",
        "a quiet loop under nohup into tee, whose shell has gone",
        "nohup bash -c 'echo $$ >$ROLES/loop; while :; do date; sleep 300; done' 2>/dev/null |\n"
        "be log tee log >/dev/null &",
        "loop", "log",
    ),
    healthy(
        "detached-in-own-session",
        "a quiet loop in a session of its own into tee, whose shell has gone",
        "setsid bash -c '(while :; do date; sleep 300; done) | be log tee log >/dev/null' &",
        "log",
    ),
    healthy(
        "tail-follow",
        "tail -f of a file that grows, into grep",
        "echo x >file; (while sleep .3; do echo x >>file; done) &\n"
        "be tail tail -f file | be filter grep --line-buffered y",
        "tail", "filter",
    ),
    healthy(
        "tail-follow-quiet",
        "tail -f of a file that does not grow, into grep",
        "echo x >file; be tail tail -f file | be filter grep --line-buffered y",
        "tail", "filter",
    ),
    healthy(
        "log-rotation",
        "tail -F of a file that is rotated, into a loop",
        "echo x >log; (while sleep .5; do mv log log.1; echo x >log; done) &\n"
        "be tail tail -F log 2>/dev/null | (role loop; while read -r x; do :; done)",
        "tail", "loop",
    ),
    healthy(
        "filters-in-a-row",
        "a loop into sed, awk and wc, each line at once",
        "while sleep .3; do date; done | be sed sed -u s/1/2/ | be awk awk '{ print; fflush() }' | be count wc -l",
        "sed", "awk", "count",
    ),
    healthy(
        "command-substitution-slow",
        "a shell that waits for the output of a slow command",
        "role shell; x=$(sleep 1000; echo hi)",
        "shell",
    ),
    healthy(
        "substitution-with-job",
        "a command substitution that waits for a background job of its own",
        "role shell; x=$(sleep 1000 & wait; echo hi)",
        "shell",
    ),
    healthy(
        "daemon-from-substitution",
        "a daemon started in a command substitution, with its output elsewhere",
        "role shell; x=$(be daemon sleep 1000 >/dev/null 2>&1 & echo hi); sleep 1000; :",
        "shell", "daemon",
    ),
    healthy(
        "job-pool",
        "a shell that keeps four jobs going with wait -n, their output in one pipe",
        "(role shell; for i in 1 2 3 4; do sleep .$i & done; while wait -n; do (sleep 1; echo x) & done) |\n"
        "be reader cat >/dev/null",
        "shell", "reader",
    ),
    healthy(
        "xargs-parallel",
        "xargs -P4 with short jobs",
        "yes .5 | be xargs xargs -P4 -n1 sleep",
        "xargs",
    ),
    healthy(
        "xargs-waits-for-input",
        "xargs -P4 with a slow source",
        "while sleep 2; do echo .1; done | be xargs xargs -P4 -n1 sleep",
        "xargs",
    ),
    healthy(
        "xargs-long-jobs",
        "xargs -P4 whose jobs take long while its source is full",
        "yes 1000 | be xargs xargs -P4 -n1 sleep",
        "xargs",
    ),
    healthy(
        "inherited-log",
        "a launcher whose log pipe is inherited by everything it starts",
        "exec 5> >(be log cat >log); role launcher; for i in 1 2 3; do be work sleep 1000 & done; wait",
        "launcher", "log", "work",
    ),
    healthy(
        "dash-pipeline",
        "a pipeline of dash that says something ten times a second",
        "while :; do echo x; sleep .1; done | { role loop; while read -r x; do :; done; }",
        "loop",
    ),
    healthy(
        "timeout-reader",
        "a reader with a time limit, again and again",
        "role shell; while :; do sleep 1000 | timeout .5 cat; kill $(jobs -p) 2>/dev/null; sleep .1; done",
        "shell",
    ),
    healthy(
        "read-with-alarm",
        "a shell that is woken from reading by a signal three times a second",
        "mkfifo f; exec 3<>f; trap 'n=1' ALRM; role shell; (while sleep .3; do kill -ALRM $$; done) &\n"
        "while :; do read -r -u3 x; done",
        "shell",
    ),
    healthy(
        "awk-getline",
        "awk that reads lines of a slow command",
        """be awk awk 'BEGIN { while (("while sleep .5; do echo x; done" | getline x) > 0) n++ }'""",
        "awk",
    ),
    healthy(
        "awk-into-sort",
        "awk that feeds sort, and rests in between",
        """be awk awk 'BEGIN { print "x" | "be sort sort"; fflush("be sort sort"); system("sleep 1000") }'""",
        "awk", "sort",
    ),
)  # fmt: skip
