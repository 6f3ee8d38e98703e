"""Readers of `/proc`, with a root that can be set so that tests run on a made-up one (proc(5)).

A process that vanishes while it is read is an answer, not an error: its readers return nothing. A process that may
not be read (another user's: reading its descriptors needs PTRACE_MODE_READ) raises NotPermitted, to be counted.

The mode of a link in `/proc/PID/fd` tells the access: the owner's read bit for a read end, the write bit for a write
end, neither for an O_PATH handle, which is no end at all (seen on Linux 6.18). A link's text is the path, with
` (deleted)` after an unlink, or `pipe:[INODE]` for an anonymous pipe.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pipetui.kernel.errors import NotPermitted
from pipetui.model import Access

_ACCESS: dict[int, Access] = {0o400: "r", 0o200: "w", 0o600: "rw"}

_PIECE = 1 << 14

#: In the flags of a process's stat: a kernel thread (linux/sched.h).
_PF_KTHREAD = 0x0020_0000

#: Types of filesystems whose server may be dead; a stat(2) on one can then block for ever.
_REMOTE = ("nfs", "cifs", "smb", "9p", "ceph", "fuse", "afs", "coda", "lustre", "gfs", "glusterfs", "ocfs2", "autofs")


class Descriptor(NamedTuple):
    """One entry of `/proc/PID/fd`: its number, the link's text, and the access (None for an O_PATH handle)."""

    fd: int
    text: str
    access: Access | None


class Held(NamedTuple):
    """An end of a FIFO: `text` is its link, `status` what stat(2) says through it."""

    fd: int
    text: str
    access: Access
    status: os.stat_result


class Holding(NamedTuple):
    """What a process holds: its ends of FIFOs; its ends of anonymous pipes (descriptor, inode, access); which far
    filesystems were left alone; and how many descriptors it has.
    """

    fifos: list[Held]
    pipes: list[tuple[int, int, Access]]
    far: set[str]
    descriptors: int


class Mount(NamedTuple):
    """One mount: where, its filesystem's type, and whether its server may be out of reach."""

    point: str
    type: str
    remote: bool


class Stat(NamedTuple):
    """What everybody may know of a process: parent, process group, session, whether it is a kernel thread or dead."""

    parent: int
    group: int
    session: int
    kernel: bool
    dead: bool


class Proc:
    """A `/proc` to read. `attach` False refuses what needs PTRACE_MODE_ATTACH, as Yama does where it is strict."""

    def __init__(self, root: str = "/proc", *, attach: bool = True) -> None:
        self.root = root
        self.attach = attach

    def pids(self) -> list[int]:
        """Return the processes that are there now, ascending."""
        return sorted(int(name) for name in os.listdir(self.root) if name.isdigit())

    def tasks(self, pid: int) -> list[int]:
        """Return the threads of a process, ascending; empty when it is gone."""
        try:
            return sorted(int(name) for name in os.listdir(f"{self.root}/{pid}/task"))
        except OSError:
            return []

    def fds(self, pid: int) -> Iterator[Descriptor]:
        """Yield every open descriptor of a process. Raises NotPermitted; a vanished process has none."""
        with self._folder(pid) as folder:
            for name in _names(folder):
                try:
                    text = os.readlink(name, dir_fd=folder)
                    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
                except OSError:
                    continue  # closed since it was listed
                yield Descriptor(int(name), text, _ACCESS.get(mode & 0o600))

    def held(
        self, pid: int, *, anonymous: bool = False, never: tuple[str, ...] = (), far: tuple[str, ...] = ()
    ) -> Holding:
        """Return the ends that a process holds, of FIFOs and (if asked for) of anonymous pipes, by few system calls.

        Links that start with one of `never` are no FIFOs, so they are left alone; those that start with one of `far`
        may hang whoever asks, so they are left alone too, and told.
        Raises NotPermitted; a vanished process holds none.
        """
        met: set[str] = set()
        fifos: list[Held] = []
        pipes: list[tuple[int, int, Access]] = []
        with self._folder(pid) as folder:
            names = _names(folder)
            readlink, stat, access_of = os.readlink, os.stat, _ACCESS.get  # this loop is most of the time of a census
            for name in names:
                try:
                    text = readlink(name, dir_fd=folder)
                    if text.startswith("pipe:["):
                        if anonymous:
                            access = access_of(stat(name, dir_fd=folder, follow_symlinks=False).st_mode & 0o600)
                            if access is not None:
                                pipes.append((int(name), int(text[6:-1]), access))
                        continue
                    if text[:1] != "/" or text.startswith(never):
                        continue
                    if far and text.startswith(far):
                        met.update(prefix for prefix in far if text.startswith(prefix))
                        continue
                    status = stat(name, dir_fd=folder)
                    if status.st_mode & 0o170000 != 0o010000:
                        continue
                    access = access_of(stat(name, dir_fd=folder, follow_symlinks=False).st_mode & 0o600)
                except OSError:
                    continue
                if access is not None:
                    fifos.append(Held(int(name), text, access, status))
        return Holding(fifos, pipes, met, len(names))

    def nonblocking(self, pid: int, fd: int) -> bool | None:
        """Return whether O_NONBLOCK is set on a descriptor; None when that can't be known."""
        for line in self._read(pid, f"fdinfo/{fd}").splitlines():
            if line.startswith(b"flags:"):
                return bool(int(line.split()[1], 8) & os.O_NONBLOCK)
        return None

    def pid_of(self, pid: int, fd: int) -> int:
        """Return the process that a process's pidfd is for; -1 when it is gone, or the descriptor is no pidfd."""
        for line in self._read(pid, f"fdinfo/{fd}").splitlines():
            if line.startswith(b"Pid:"):
                return int(line.split()[1])
        return -1

    def command(self, pid: int) -> str:
        """Return the command line, its arguments joined by spaces; `[comm]` where there is none; empty when gone."""
        line = self._read(pid, "cmdline").rstrip(b"\0")
        if line:
            return line.replace(b"\0", b" ").decode("utf-8", "surrogateescape")
        comm = self.comm(pid)
        return f"[{comm}]" if comm else ""

    def comm(self, pid: int) -> str:
        """Return the short name of a process; empty when it is gone."""
        return self._read(pid, "comm").removesuffix(b"\n").decode("utf-8", "surrogateescape")

    def stat(self, pid: int) -> Stat | None:
        """Return what everybody may know of a process; None when it is gone."""
        words = self._read(pid, "stat").rpartition(b") ")[2].split()
        if len(words) < 7:
            return None
        dead = words[0] in (b"Z", b"X")
        return Stat(int(words[1]), int(words[2]), int(words[3]), bool(int(words[6]) & _PF_KTHREAD), dead)

    def switches(self, pid: int, tid: int) -> int:
        """Return how often a task has given or lost the CPU; -1 when it does not sleep now, or is gone.

        The same number twice means that the task has slept from the first to the second look without a moment awake.
        """
        count, asleep = 0, False
        for line in self._read(pid, f"task/{tid}/status").splitlines():
            if line.startswith(b"State:"):
                asleep = line.split()[1:2] == [b"S"]
            elif line.startswith((b"voluntary_ctxt_switches:", b"nonvoluntary_ctxt_switches:")):
                count += int(line.split()[1])
        return count if asleep else -1

    def last_ran(self, pid: int, tid: int) -> float | None:
        """Return the seconds for which a sleeping task has not run, near enough; None where the kernel won't say.

        The scheduler notes when a task last ran, on a clock of its own, so our own task's note tells what is now.
        """
        then, now = self._ran(pid, tid), self._ran(os.getpid(), threading.get_native_id())
        return None if then is None or now is None else max(0.0, (now - then) / 1000)

    def _ran(self, pid: int, tid: int) -> float | None:
        for line in self._read(pid, f"task/{tid}/sched").splitlines()[:4]:
            if line.startswith(b"se.exec_start"):
                return float(line.rpartition(b":")[2])
        return None

    def shares_root(self, pid: int) -> bool:
        """Whether a process sees the same root folder as we do: no container, no chroot."""
        try:
            return os.path.samestat(os.stat(f"{self.root}/{pid}/root"), os.stat("/"))
        except OSError:
            return False

    def wchan(self, pid: int, tid: int) -> str:
        """Return the kernel function a task sleeps in; empty when it runs, is gone, or may not be read."""
        text = self._read(pid, f"task/{tid}/wchan").decode("ascii", "replace")
        return "" if text == "0" else text

    def syscall(self, pid: int, tid: int) -> tuple[int, tuple[int, ...]] | None:
        """Return the number and the arguments of the system call a task is in; None when that is refused."""
        words = self._read(pid, f"task/{tid}/syscall").split() if self.attach else []
        if len(words) < 7:
            return None  # `running`, `-1 SP PC`, refused, or gone
        return int(words[0]), tuple(int(word, 16) for word in words[1:7])

    def memory(self, pid: int, address: int, size: int) -> bytes:
        """Return up to `size` bytes of a process's memory; empty when that is refused."""
        if not self.attach:
            return b""
        try:
            with open(f"{self.root}/{pid}/mem", "rb", buffering=0) as file:
                file.seek(address)
                return file.read(size)
        except (OSError, ValueError, OverflowError):
            return b""

    def cwd(self, pid: int) -> str | None:
        """Return a process's current folder; None when it may not be read or is gone."""
        try:
            return os.readlink(f"{self.root}/{pid}/cwd")
        except OSError:
            return None

    def mounts(self) -> tuple[Mount, ...]:
        """Return the mounts that this process sees; empty where there is no `/proc`."""
        try:
            with open(f"{self.root}/self/mountinfo", "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            return ()
        return tuple(mount for mount in map(_mount, lines) if mount is not None)

    def _read(self, pid: int, name: str) -> bytes:
        try:
            number = os.open(f"{self.root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            data = piece = os.read(number, _PIECE)
            while len(piece) == _PIECE:
                piece = os.read(number, _PIECE)
                data += piece
            return data
        except OSError:
            return b""
        finally:
            os.close(number)

    @contextmanager
    def _folder(self, pid: int) -> Iterator[int]:
        """Open `/proc/PID/fd`; -1 stands for a process that is gone."""
        try:
            folder = os.open(f"{self.root}/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:
            raise NotPermitted(f"process {pid} can't be read") from None
        except OSError:
            folder = -1
        try:
            yield folder
        finally:
            if folder >= 0:
                os.close(folder)


def _names(folder: int) -> list[str]:
    try:
        return os.listdir(folder) if folder >= 0 else []
    except PermissionError:
        # Since Linux 3.18 the folder of a process that changed its user opens but can't be listed.
        raise NotPermitted("a process can't be read") from None
    except OSError:
        return []


def _mount(line: bytes) -> Mount | None:
    """Parse one line of mountinfo: `ID PARENT DEV ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE OPTIONS`."""
    front, _, back = line.partition(b" - ")
    words, more = front.split(b" "), back.split(b" ")
    if len(words) < 5 or not more[0]:
        return None
    kind = more[0].decode("ascii", "replace")
    return Mount(_unescape(words[4]).decode("utf-8", "surrogateescape"), kind, kind.startswith(_REMOTE))


def _unescape(word: bytes) -> bytes:
    """Undo the octal escapes of space, tab, newline and backslash."""
    first, *rest = word.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)
