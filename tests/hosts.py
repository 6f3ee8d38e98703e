"""Several far sides at once (see `sshd.py`), each with a name, a folder to be in, and an end that can be brought about.

with Hosts(tmp_path, "box1", "box2") as hosts:
    sandbox.terminal("--host", "box1", "--host", "box2", ".", env=hosts.env)
    hosts.cut("box2")
    hosts.mend("box2")
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil
from sshd import Far, Sshd, StandIn

#: The `ssh` that finds the one of the wanted host; what runs there begins in that host's folder.
_SSH = """\
#!{python} -IS
import os, sys
*options, host, command = sys.argv[1:]
hosts = {hosts!r}
ssh, folder = hosts[host]
if os.path.exists(folder + "/../cut"):
    sys.exit(print(f"ssh: connect to host {{host}} port 22: Connection refused", file=sys.stderr) or 255)
os.execv(ssh, [ssh, *options, host, f"cd '{{folder}}' && {{command}}"])
"""


class Hosts:
    """The far sides by name: real sshds, or stand-ins for them."""

    def __init__(self, folder: Path, *names: str, real: bool = False, env: Mapping[str, str] | None = None) -> None:
        self.boxes: dict[str, Far] = {}
        try:
            for name in names:
                kind: type[Far] = Sshd if real else StandIn
                self.boxes[name] = type(name, (kind,), {"host": name})(folder, env)
            near = folder / "near"
            near.mkdir()
            found = {name: (_ssh(box), str(box.home)) for name, box in self.boxes.items()}
            (near / "ssh").write_text(_SSH.format(python=sys.executable, hosts=found))
            (near / "ssh").chmod(0o755)
        except BaseException:
            self.close()
            raise
        before = dict(os.environ if env is None else env)
        self.env = {"PATH": f"{near}:{before.get('PATH', '/usr/bin:/bin')}"}

    def fifo(self, host: str, name: str) -> Path:
        """Make a FIFO in the folder of a host."""
        path = self.boxes[host].home / name
        os.mkfifo(path, 0o600)
        return path

    def cut(self, name: str) -> None:
        """End a host: what runs there, and whatever would let anybody in."""
        box = self.boxes[name]
        if isinstance(box, Sshd):
            assert box.process is not None
            for process in psutil.Process(box.process.pid).children(recursive=True):
                _kill(process)
            box.process.kill()
            box.process.wait()
            box.process = None
        else:
            (box.folder / "cut").touch()
        for process in box.processes():
            _kill(process)

    def mend(self, name: str) -> None:
        """Let a host be there again, at the same place."""
        box = self.boxes[name]
        if isinstance(box, Sshd):
            port = re.search(r"Port (\d+)", box.config.read_text())
            assert port
            assert box._start(int(port[1])), "the port was taken by somebody else"
        else:
            (box.folder / "cut").unlink()

    def assert_left_nothing(self) -> None:
        """Fail unless nothing runs and nothing lies on any host any more, but FIFOs."""
        for box in self.boxes.values():
            box.assert_left_nothing()

    def close(self) -> None:
        """End and remove all of them."""
        for box in self.boxes.values():
            box.close()

    def __enter__(self) -> Hosts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _ssh(box: Far) -> str:
    return f"{box.env['PATH'].split(':')[0]}/ssh"


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        pass
