"""Readers of `/proc`, with a root that can be set so that tests run on a made-up one (proc(5)).

A process that vanishes while it is read is an answer, not an error: its readers return nothing. A process that may
not be read (another user's: reading its descriptors needs PTRACE_MODE_READ) raises NotPermitted, to be counted.

The mode of a link in `/proc/PID/fd` tells the access: the owner's read bit for a read end, the write bit for a write
end, neither for an O_PATH handle, which is no end at all (seen on Linux 6.18). A link's text is the path, with
` (deleted)` after an unlink, or `pipe:[INODE]` for an anonymous pipe.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pipetui.kernel.errors import NotPermitted
from pipetui.kernel.mounts import Mount, parse_mount
from pipetui.kernel.schedclock import SchedulerClock
from pipetui.model import Access

_ACCESS: dict[int, Access] = {0o400: "r", 0o200: "w", 0o600: "rw"}

_PIECE = 1 << 14

#: The inode of the first pid namespace, which has no other around it (PROC_PID_INIT_INO of linux/proc_ns.h).
_FIRST_PID_NAMESPACE = 0xEFFF_FFFC

#: In the flags of a process's stat (linux/sched.h): forked, but not yet another program; a kernel thread.
_PF_FORKNOEXEC = 0x0000_0040
_PF_KTHREAD = 0x0020_0000



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


class Stat(NamedTuple):
    """What everybody may know of a process: parent, process group, session, whether it is a kernel thread or dead.

    A process whose main thread has ended while others go on is not dead. `forked`: it runs the program of its parent,
    so its command line is not its own.
    """

    parent: int
    group: int
    session: int
    kernel: bool
    dead: bool
    forked: bool = False


class TaskStatus(NamedTuple):
    """What `status` says of a task: its state's letter (empty when it is gone); the signals that have a handler and are
    not blocked, as a mask (bit 0 is signal 1); its number in each pid namespace from ours down to its own
    (pid_namespaces(7)).
    """

    state: str = ""
    caught: int = 0
    pids: tuple[int, ...] = ()

    @property
    def asleep(self) -> bool:
        """Whether it waits for something, interruptibly or not."""
        return self.state in ("S", "D")


class Proc:
    """A `/proc` to read. `attach` False refuses what needs PTRACE_MODE_ATTACH, as Yama does where it is strict."""

    def __init__(self, root: str = "/proc", *, attach: bool = True) -> None:
        self.root = root
        self.attach = attach
        self._clock = SchedulerClock(root)

    def blind(self) -> str:
        """Return why processes can't be seen at all; empty where those are there that this user may know of."""
        try:
            os.readlink(f"{self.root}/self")
        except OSError:
            return f"no process can be seen: {self.root} is not there"
        if not os.path.exists(f"{self.root}/1"):
            return f"other users' processes can't be seen: {self.root} is mounted with hidepid"
        return ""

    def contained(self) -> bool:
        """Whether there are processes outside of our pid namespace, which can't be seen from here."""
        try:
            return os.readlink(f"{self.root}/self/ns/pid") != f"pid:[{_FIRST_PID_NAMESPACE}]"
        except OSError:
            return False

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
        with self._folder(pid) as (folder, names):
            for name in names:
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
        with self._folder(pid) as (folder, names):
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
        for line in self.fdinfo(pid, fd).splitlines():
            if line.startswith(b"flags:"):
                return bool(int(line.split()[1], 8) & os.O_NONBLOCK)
        return None

    def fdinfo(self, pid: int, fd: int) -> bytes:
        """Return what the kernel says of a descriptor; empty when that can't be known."""
        return self._read(pid, f"fdinfo/{fd}") or self._of_survivor(pid, f"fdinfo/{fd}")

    def pid_of(self, pid: int, fd: int) -> int:
        """Return the process that a process's pidfd is for; -1 when it is gone, or the descriptor is no pidfd."""
        for line in self.fdinfo(pid, fd).splitlines():
            if line.startswith(b"Pid:"):
                return int(line.split()[1])
        return -1

    def command(self, pid: int) -> str:
        """Return the command line, its arguments joined by spaces; `[comm]` where there is none; empty when gone."""
        line = self._read(pid, "cmdline") or self._of_survivor(pid, "cmdline")
        if line.rstrip(b"\0"):
            return line.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "surrogateescape")
        comm = self.comm(pid)
        return f"[{comm}]" if comm else ""

    def arguments(self, pid: int) -> list[str]:
        """Return the words of the command line; empty when there is none."""
        line = self._read(pid, "cmdline") or self._of_survivor(pid, "cmdline")
        return os.fsdecode(line.rstrip(b"\0")).split("\0") if line else []

    def comm(self, pid: int) -> str:
        """Return the short name of a process; empty when it is gone."""
        return self._read(pid, "comm").removesuffix(b"\n").decode("utf-8", "surrogateescape")

    def stat(self, pid: int) -> Stat | None:
        """Return what everybody may know of a process; None when it is gone."""
        words = self._read(pid, "stat").rpartition(b") ")[2].split()
        if len(words) < 18:
            return None
        flags = int(words[6])
        dead = words[0] in (b"Z", b"X") and int(words[17]) <= 1
        kernel, forked = bool(flags & _PF_KTHREAD), bool(flags & _PF_FORKNOEXEC)
        return Stat(int(words[1]), int(words[2]), int(words[3]), kernel, dead, forked)

    def status(self, pid: int, tid: int) -> TaskStatus:
        """Return what `status` says of a task; one that is gone has no state."""
        state, caught, blocked, pids = "", 0, 0, b""
        for line in self._read(pid, f"task/{tid}/status").splitlines():
            if line.startswith(b"State:"):
                state = line[6:].split()[0].decode("ascii", "replace")
            elif line.startswith(b"SigCgt:"):
                caught = int(line.split()[1], 16)
            elif line.startswith(b"SigBlk:"):
                blocked = int(line.split()[1], 16)
            elif line.startswith(b"NSpid:"):
                pids = line[6:]
        return TaskStatus(state, caught & ~blocked, tuple(map(int, pids.split())))

    def runs(self, pid: int, tid: int) -> int:
        """Return how often a task was put on a processor; -1 when it is gone or the kernel does not count.

        The same number twice means that the task has not run in between (`schedstat`, proc(5)). Kernels without it
        count context switches in `status`, which is a longer text.
        """
        words = self._read(pid, f"task/{tid}/schedstat").split()
        if len(words) == 3 and words[2] != b"0":
            return int(words[2])
        return self._switches(pid, tid)

    def _switches(self, pid: int, tid: int) -> int:
        count = -1
        for line in self._read(pid, f"task/{tid}/status").splitlines():
            if line.startswith((b"voluntary_ctxt_switches:", b"nonvoluntary_ctxt_switches:")):
                count = max(count, 0) + int(line.split()[1])
        return count

    def switches(self, pid: int, tid: int) -> int:
        """Return `runs` of a task that sleeps now; -1 of any other."""
        return self.runs(pid, tid) if self.status(pid, tid).asleep else -1

    def last_ran(self, pid: int, tid: int) -> float | None:
        """Return the seconds since a sleeping task ran, right to some milliseconds; None where the kernel won't say."""
        return self._clock.since_it_ran(pid, tid)

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
        """Return up to `size` bytes of the memory of a process or task; empty when that is refused."""
        if not self.attach:
            return b""
        try:
            with open(f"{self.root}/{pid}/mem", "rb", buffering=0) as file:
                file.seek(address)
                return file.read(size)
        except (OSError, ValueError, OverflowError):
            return b""

    def cwd(self, pid: int) -> str | None:
        """Return the current folder of a process, or of a task; None when it may not be read or is gone."""
        try:
            return os.readlink(f"{self.root}/{pid}/cwd")
        except OSError:
            return None

    def link(self, pid: int, fd: int) -> str | None:
        """Return what a descriptor of a process, or of a task, is; None when it may not be read or is gone."""
        try:
            return os.readlink(f"{self.root}/{pid}/fd/{fd}")
        except OSError:
            return None

    def mounts(self) -> tuple[Mount, ...]:
        """Return the mounts that this process sees; empty where there is no `/proc`."""
        try:
            with open(f"{self.root}/self/mountinfo", "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            return ()
        return tuple(mount for mount in map(parse_mount, lines) if mount is not None)

    def _of_survivor(self, pid: int, name: str) -> bytes:
        """Read a file of some thread but the main one: for a process whose main thread has ended."""
        for tid in self.tasks(pid):
            if tid != pid and (data := self._read(pid, f"task/{tid}/{name}")):
                return data
        return b""

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
    def _folder(self, pid: int) -> Iterator[tuple[int, list[str]]]:
        """Open `/proc/PID/fd` and list it; (-1, nothing) stands for a process that is gone.

        A main thread that has called pthread_exit(3) is a zombie without descriptors, while the other threads have
        the process's: then theirs are read.
        """
        folder, names = self._open_folder(pid, f"{self.root}/{pid}/fd")
        if not names:
            for tid in self.tasks(pid):
                if tid == pid:
                    continue
                if folder >= 0:
                    os.close(folder)
                folder, names = self._open_folder(pid, f"{self.root}/{pid}/task/{tid}/fd")
                if names:
                    break
        try:
            yield folder, names
        finally:
            if folder >= 0:
                os.close(folder)

    def _open_folder(self, pid: int, path: str) -> tuple[int, list[str]]:
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:
            raise NotPermitted(f"process {pid} can't be read") from None
        except OSError:
            return -1, []
        try:
            return folder, os.listdir(folder)
        except PermissionError:
            # Since Linux 3.18 the folder of a process that changed its user opens but can't be listed.
            os.close(folder)
            raise NotPermitted(f"process {pid} can't be read") from None
        except OSError:
            return folder, []
