"""Sick: waits in poll, select and epoll without a time limit on nothing but pipes."""

from __future__ import annotations

from corpus.workload import Workload, sick

_PAIR = """
a_r, a_w = os.pipe(); b_r, b_w = os.pipe()
if os.fork() == 0:
    os.close(a_w); os.close(b_r); role("child"); fd = a_r
    CHILD
    os._exit(0)
os.close(a_r); os.close(b_w); role("parent"); fd = b_r
PARENT
"""
_POLL = "p = select.poll(); p.register(fd, select.POLLIN); p.poll()"
_EPOLL = "p = select.epoll(); p.register(fd, select.EPOLLIN); p.poll()"
_SELECT = "select.select([fd], [], [])"
_PPOLL = (
    "import ctypes, struct; libc = ctypes.CDLL(None); "
    "libc.ppoll(ctypes.create_string_buffer(struct.pack('ihh', fd, 1, 0)), 1, None, None)"
)
_READ = "os.read(fd, 1)"


def _pair(name: str, description: str, parent: str, child: str) -> Workload:
    code = _PAIR.replace("PARENT", parent).replace("CHILD", child)
    return sick(name, description, "deadlock", code, "parent", "child", run="python")


POLLS = (
    _pair("both-poll", "two that poll for the other to begin", _POLL, _POLL),
    _pair("both-ppoll", "the same with ppoll", _PPOLL, _PPOLL),
    _pair("both-select", "the same with select", _SELECT, _SELECT),
    _pair("both-epoll", "the same with epoll", _EPOLL, _EPOLL),
    _pair("select-and-read", "one in select, the other in read", _SELECT, _READ),
    _pair("epoll-and-poll", "one in epoll, the other in poll", _EPOLL, _POLL),
    sick("polls-for-writing", "a parent that polls to write to a child that writes to it", "deadlock",
         "job = subprocess.Popen(['be', 'child', 'cat'], stdin=-1, stdout=-1)\nrole('parent')\n"
         "fd = job.stdin.fileno(); os.set_blocking(fd, False)\np = select.poll(); p.register(fd, select.POLLOUT)\n"
         "while True:\n    try:\n        os.write(fd, FULL)\n    except BlockingIOError:\n        p.poll()\n",
         "parent", "child", run="python"),
    sick("polls-its-own-pipe", "a program without threads or handlers that polls a pipe only it can write to",
         "never-eof deadlock", f"fd, w = os.pipe()\nrole('main')\n{_POLL}", "main", run="python"),
    sick("perl-select", "Perl in select on a filter that waits for more", "deadlock",
         "use IPC::Open2; open2(my $out, my $in, 'be', 'filter', 'tr', 'a', 'b'); role('parent');"
         "syswrite($in, \"hi\\n\"); my $v = ''; vec($v, fileno($out), 1) = 1; select($v, undef, undef, undef);",
         "parent", "filter", run="perl"),
)  # fmt: skip
