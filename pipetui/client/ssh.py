"""How a program of ours gets to another host: the `ssh` command, what runs there first, and its end in a sentence.

OpenSSH does the transport and the login, with the person's own configuration. On the far side a few lines of Python
(`_BOOTSTRAP`) come as an argument; they say which Python that is, take a zip of our packages from stdin, keep it in
memory (memfd_create(2)) and run it from there. Login shells, `.bashrc` and the like may print before: what they say is
skipped up to a random mark. The mark is spoken in reverse, so that a shell that echoes commands does not speak it.

The remote command is one line without inner single quotes, `!`, and backslashes before a backslash, so that every usual
login shell (sh, bash, zsh, fish, csh) hands it to Python as it is.
"""

from __future__ import annotations

import functools
import json
import os
import re
import select
import shlex
import subprocess
import time
from pathlib import Path

from pipetui.client.lost import LinkLost
from pipetui.text import safe

#: What the far side needs at least; the bootstrap, written for any Python from 2.7 on, looks for it there.
OLDEST = (3, 10)

#: The program that a link to a hub runs there, and the one for commands that look once or carry one stream.
HUB, OPERATION = "pipetui.backend.remote.hub", "pipetui.backend.remote.operation"

#: How long (seconds) the far side may take until it speaks: a person may have to type a password (sshd gives 120 s).
TIMEOUT_AT_A_TERMINAL, TIMEOUT = 150.0, 40.0

#: The slowest line on which our packages may take the time they need (bytes/s).
_SLOWEST = 1000

#: A line over which a login takes less (seconds) is no thin one: that has some ten round trips and 8 KB.
_FAST = 1.0

#: How much may be printed before the mark (bytes), and how much of stderr is kept for the sentence of the end.
_NOISE, _STDERR_KEPT = 1 << 16, 4000

#: How long (seconds) ssh may take to say how it ended, once its output has.
_EXIT_TIMEOUT = 3.0

_OPTIONS = (
    "-T",  # no terminal there: bytes go through as they are
    "-a",  # nothing there needs the person's keys
    "-x",
    "-oClearAllForwardings=yes",
    "-oRemoteCommand=none",
    "-oConnectTimeout=15",
    # a question whether the server lives waits behind our packages, on a thin line for minutes; a link that stands has
    # its heartbeat, which tells much sooner
    "-oServerAliveInterval=15",
    "-oServerAliveCountMax=16",
)

_PACKAGE = Path(__file__).resolve().parent.parent
_BOTH = ("__init__.py", "model", "text.py", "kernel", "watch")

_PROTOCOL = ("__init__", "codec", "frames", "effects", "operations", "exchange", "compression", "heartbeat")

#: What travels for each program: a command waits for its payload, so that holds no more than any operation needs.
_TRAVELS = {
    HUB: (*_BOTH, "labs", "protocol", "backend"),
    OPERATION: (
        *_BOTH,
        *(f"protocol/{name}.py" for name in _PROTOCOL),
        *(f"backend/{name}" for name in ("__init__.py", "messages/__init__.py", "messages/framing.py", "operations")),
        *(f"backend/remote/{name}.py" for name in ("__init__", "operation")),
    ),
}

#: A python3 that is too old looks for a newer one beside it. The folder it starts in is no place to import from.
_BOOTSTRAP = """\
import os,sys
sys.path[:]=[p for p in sys.path if p]
V=sys.version_info[:2]
if V<(3,10):
 for n in range(20,9,-1):
  p="python3.%d"%n
  try:os.execvp(p,[p,"-c","B=%r;exec(B)"%B])
  except OSError:pass
M=__import__("_frozen_importlib_external").MAGIC_NUMBER.hex() if V>(3,9) else "-"
os.write(1,("%s %d.%d %s %s"%("{mark}"[::-1],V[0],V[1],sys.platform,M)+chr(10)).encode("ascii"))
def read(n):
 b=b""
 while len(b)<n:
  c=os.read(0,n-len(b))
  if len(c)==0:os._exit(0)
  b+=c
 return b
Z=__import__("zlib").decompress(read(int(read(10))))
if hasattr(os,"memfd_create"):F=os.memfd_create("pipetui")
else:
 T=__import__("tempfile").TemporaryFile(buffering=0)
 F=T.fileno()
os.write(F,Z)
sys.path.insert(0,"/proc/%d/fd/%d"%(os.getpid(),F))
del Z
from {program} import main
sys.exit(main())
"""


class BadHost(ValueError):
    """This can't be the name of a host; the message is one sentence."""


def check_host(name: str) -> str:
    """Return `name` if ssh can be given it as a host: `box`, `user@box`, `ssh://user@box:2222`, an alias.

    Raises BadHost. What it may not be is an option (`-oProxyCommand=…`), empty, or more than one printable word.
    """
    if not name or name.startswith("-") or len(name) > 300 or not name.isprintable() or " " in name:
        raise BadHost(f"{name[:40]!r} is not the name of a host")
    return name


def argv(host: str, program: str, mark: str, *, python: str = "python3", batch: bool = False) -> list[str]:
    """Return the command that runs `program` on a host. With `batch`, ssh never asks anybody anything."""
    code = json.dumps(_BOOTSTRAP.format(mark=mark, program=program))
    remote = f"exec {shlex.quote(python)} -c 'B={code};exec(B)'"
    return ["ssh", *_OPTIONS, f"-oBatchMode={'yes' if batch else 'no'}", "--", check_host(host), remote]


@functools.cache
def payload(program: str, compiled: frozenset[str] = frozenset()) -> bytes:
    """Return what the bootstrap reads: the length in ten digits, and the zip of all that travels, as a zlib stream.

    Of the modules named in `compiled` the bytecode of this very Python travels, which saves the far side a third of the
    time until it answers; of all others, the source. The same arguments give the same bytes.
    """
    import io
    import zipfile
    import zlib

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(_travelling(program)):
            name = path.relative_to(_PACKAGE.parent).as_posix()
            if name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") in compiled:
                archive.writestr(zipfile.ZipInfo(name + "c"), _bytecode(path))
            else:
                archive.writestr(zipfile.ZipInfo(name), path.read_bytes())
    body = zlib.compress(packed.getvalue(), 6)  # as a whole: a quarter shorter than file by file
    return b"%010d" % len(body) + body


def until_the_first_word(program: str) -> float:
    """Return how long (seconds) a program may take to say something, once it stands: its packages travel first."""
    return round(TIMEOUT + len(payload(program)) / _SLOWEST)


def _bytecode(path: Path) -> bytes:
    """Return the bytecode of a module, from its cache if that is current, as a file that is not compared with a source.

    The header is 16 bytes: a magic number, flags, and for flags of 0 the time and size of the source (PEP 552).
    """
    import importlib.util
    import marshal

    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
    told = path.stat()
    current = importlib.util.MAGIC_NUMBER + b"".join(
        (number & 0xFFFFFFFF).to_bytes(4, "little") for number in (0, int(told.st_mtime), told.st_size)
    )
    try:
        cached = Path(importlib.util.cache_from_source(str(path))).read_bytes()
    except (OSError, NotImplementedError):
        cached = b""
    if cached.startswith(current):
        return header + cached[16:]
    return header + marshal.dumps(compile(path.read_bytes(), path.name, "exec", dont_inherit=True))


def _travelling(program: str) -> list[Path]:
    places = [_PACKAGE / name for name in _TRAVELS[program]]
    return [path for place in places for path in ([place] if place.suffix else place.rglob("*.py"))]


class Remote:
    """An ssh process that brings a program of ours to a host, up to the moment when that program speaks.

    Both `greet` (which waits) and `take` (for an event loop) lead there; then `rest` are the bytes that came after.
    """

    def __init__(self, host: str, program: str, *, python: str = "python3", batch: bool = False) -> None:
        """Start ssh. Raises LinkLost where there is none to start, and BadHost."""
        self.host = host
        self.greeted = False
        self.rest = b""
        self.stderr = b""
        self._program = program
        self._python = python
        self._noise = b""
        self._magic = ""
        mark = os.urandom(8).hex()
        self._mark = mark[::-1].encode()
        command = argv(host, program, mark, python=python, batch=batch)
        try:
            # in our process group: ssh may only ask for a password on the terminal while it is in the foreground
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
            )
        except FileNotFoundError:
            raise LinkLost("there is no ssh on this machine: install the OpenSSH client") from None
        except OSError as error:
            raise LinkLost(f"ssh can't be started: {(error.strerror or str(error)).lower()}") from None

    # --- the way to the bootstrap ---------------------------------------------------------------------------------

    def reach(self, timeout: float | None = None) -> None:
        """Wait until the far side stands. Raises LinkLost; then ssh has been ended."""
        try:
            self._reach(timeout_at_hand() if timeout is None else timeout)
        except BaseException:
            self.kill()
            raise

    def greet(self, timeout: float | None = None, compiled: frozenset[str] = frozenset()) -> None:
        """Wait until the far side stands, and send it our packages. Raises LinkLost; then ssh has been ended.

        The modules named in `compiled` travel as bytecode if the Python there is as ours and the line seems fast:
        bytecode is run sooner, but twice as long.
        """
        began = time.monotonic()
        packed = payload(self._program, compiled)  # while ssh connects
        self.reach(timeout)
        fast = time.monotonic() - began < _FAST
        try:
            self._write_all(packed if fast and self._magic == _our_magic() else payload(self._program))
        except BaseException:
            self.kill()
            raise

    def _reach(self, timeout: float) -> None:
        assert self.process.stdout
        assert self.process.stderr
        out, err = self.process.stdout.fileno(), self.process.stderr.fileno()
        deadline = time.monotonic() + timeout
        while not self.greeted:
            ready = select.select([out, err], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                raise LinkLost(self.silent(timeout))
            if err in ready and not self.read_stderr():
                err = out
            if out in ready:
                data = os.read(out, 1 << 16)
                if not data:
                    raise LinkLost(self.await_exit_reason())
                self.take(data)

    def _write_all(self, data: bytes) -> None:
        assert self.process.stdin
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self.process.stdin.fileno(), view) :]
        except BrokenPipeError:
            raise LinkLost(self.await_exit_reason()) from None

    def take(self, data: bytes) -> None:
        """Take what came before the far side stood. Raises LinkLost for what pipetui can't run with."""
        self._noise += data
        at = self._noise.find(self._mark + b" ")
        end = -1 if at < 0 else self._noise.find(b"\n", at, at + 100)
        if end >= 0:
            self._check(self._noise[at + len(self._mark) : end].decode("ascii", "replace"))
            self.rest, self._noise = self._noise[end + 1 :], b""
            self.greeted = True
        elif len(self._noise) > _NOISE:
            raise LinkLost(
                f"{self.host} printed more than {_NOISE >> 10} KiB before pipetui could speak there: "
                "see what its login files print (.bashrc and the like)"
            )

    def _check(self, told: str) -> None:
        match = re.fullmatch(r" (\d{1,3})\.(\d{1,3}) (\w{1,20}) ([0-9a-f]{1,16}|-)\r?", told)
        if match is None:
            raise LinkLost(f"{self.host} sent something that is not understood ({safe(told[:40])})")
        version, system = (int(match.group(1)), int(match.group(2))), match.group(3)
        self._magic = match.group(4)
        if version < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise LinkLost(
                f"{self.host} runs Python {version[0]}.{version[1]}; pipetui needs {wanted} or newer there "
                "(if it has one by another name: --python NAME)"
            )
        if not system.startswith("linux"):
            raise LinkLost(f"{self.host} is no Linux ({system}): pipetui can't look at its pipes")

    # --- the end --------------------------------------------------------------------------------------------------

    def read_stderr(self) -> bool:
        """Keep the last of what has come on stderr; False at its end."""
        assert self.process.stderr
        data = os.read(self.process.stderr.fileno(), 4096)
        self.stderr = (self.stderr + data)[-_STDERR_KEPT:]
        return bool(data)

    def await_exit_reason(self) -> str:
        """Wait until ssh has ended, and return why. A connection that it shares may keep its stderr open for ever."""
        assert self.process.stderr
        try:
            self.process.wait(_EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            pass
        err = self.process.stderr.fileno()
        while select.select([err], [], [], 0)[0] and self.read_stderr():
            pass
        return self.exit_reason()

    def silent(self, seconds: float) -> str:
        """Return the sentence for a far side that says nothing for too long."""
        what = "has said nothing" if self.greeted else "did not answer"
        return f"{self.host} {what} for {seconds:g} s; the link was ended"

    def exit_reason(self) -> str:
        """Return the sentence for the end of ssh, or of what it ran."""
        code, last = self.process.poll(), self._last_line()
        why = f" ({last})" if last else ""
        if code is None:
            return f"the link to {self.host} was closed{why}"
        if code < 0:
            return f"ssh to {self.host} was killed by signal {-code}{why}"
        if code == 255:  # ssh's own (ssh(1), EXIT STATUS)
            how = f"the link to {self.host} has ended" if self.greeted else f"{self.host} can't be reached"
            return f"{how}: {last.removeprefix('ssh: ')}" if last else how
        if self.greeted:
            return f"what ran on {self.host} ended with exit code {code}{why}"
        if code in (126, 127):
            wanted = ".".join(map(str, OLDEST))
            return (
                f"{self.host} has no {self._python} to run; pipetui needs Python {wanted} or newer there "
                "(if it has one by another name: --python NAME)"
            )
        return f"{self.host} ended the link before Python spoke there, with exit code {code}{why}"

    def _last_line(self) -> str:
        """Return the last line that says something, of stderr or else of what was printed instead of the mark."""
        for output in (self.stderr, self._noise):
            lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                return safe(lines[-1])[:300]
        return ""

    def leave(self, timeout: float = 1.0) -> None:
        """Let ssh go when the far side has said its last; end it if it does not go."""
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """End ssh if it still runs, and let go of its pipes. The far side ends when sshd notices."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def _our_magic() -> str:
    import importlib.util

    return importlib.util.MAGIC_NUMBER.hex()


def timeout_at_hand() -> float:
    """Return how long to wait for the far side: longer where ssh may be asking a person for a password."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return TIMEOUT
    return TIMEOUT_AT_A_TERMINAL
