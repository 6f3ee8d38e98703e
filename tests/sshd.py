"""Another host for tests: a real sshd on loopback with keys and configuration of its own, or a stand-in without one.

    with Sshd(tmp_path) as far:
        subprocess.run(["pipetui", "ls", "--host", far.host], env=far.env)

The far side has a home, a PATH and a `python3` of its own, which sees no site-packages: neither pipetui nor psutil.
Whatever runs there bears a mark in its environment, so that `assert_left_nothing` finds it however it was forked.
`ssh` on the PATH of `env` is a wrapper that gives the real one its configuration; the stand-in's runs the remote
command by `sh -c` and knows no options. Everything is ended and removed with the block.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil
from waiting import wait_until

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
TOOLS = {name: shutil.which(name) for name in ("ssh", "ssh-keygen")}

#: Where sshd lets go of its privileges when root runs it. A service manager makes it, where there is one; one that we
#: made is left, since the sshd of another test run may live in it.
_PRIVSEP = Path("/run/sshd")

#: An sshd takes this long at most to see that its client has gone, and what it ran to end (seconds).
GONE_WITHIN = 15.0


def why_not() -> str:
    """Return why there can be no real sshd here; empty if there can."""
    missing = [name for name, path in {"sshd": SSHD, **TOOLS}.items() if path is None]
    return f"no {', '.join(missing)} on this machine (OpenSSH)" if missing else ""


def base_python() -> str:
    """Return this interpreter outside of its virtual environment."""
    return str(getattr(sys, "_base_executable", sys.executable))


class Far:
    """What both kinds of far side have in common. `env` is the environment in which its `host` can be reached."""

    host = "far-box"

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, path: str = "/usr/bin:/bin") -> None:
        self._own = tempfile.TemporaryDirectory(prefix="far-", dir=folder)
        self.folder = Path(self._own.name)
        self.home, self.bin, self.tmp, self._near = (self._folder(name) for name in ("home", "bin", "tmp", "near"))
        self.mark = f"PIPETUI_TEST_FAR={uuid.uuid4().hex}"
        self.script("python3", f'exec {base_python()} -I -S "$@"')
        self.there = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:{path}",
            "TMPDIR": str(self.tmp),
            **dict([self.mark.split("=")]),
        }
        before = dict(os.environ if env is None else env)
        self.env = {**before, "PATH": f"{self._near}:{before.get('PATH', '/usr/bin:/bin')}"}

    def _folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(mode=0o700)
        return path

    def script(self, name: str, body: str, *, near: bool = False) -> Path:
        """Put a shell script on the PATH there (or here)."""
        path = (self._near if near else self.bin) / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def login_prints(self, script: str) -> None:
        """Let a login there run some lines of shell first; for a real one, the login shell has to be bash."""
        (self.home / ".bashrc").write_text(script + "\n")

    def processes(self) -> list[psutil.Process]:
        """Return what runs there."""
        return [process for process in psutil.process_iter() if self._is_there(process)]

    def _is_there(self, process: psutil.Process) -> bool:
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            return self.mark.encode() in environment and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, psutil.NoSuchProcess):
            return False

    def files(self) -> list[Path]:
        """Return what lies there that pipetui could have left: everything but FIFOs and what tests put there."""
        return [
            path
            for root in (self.home, self.tmp)
            for path in root.rglob("*")
            if not stat.S_ISFIFO(path.lstat().st_mode) and path.name not in (".bashrc", "noise")
        ]

    def assert_left_nothing(self, within: float = GONE_WITHIN) -> None:
        """Fail unless, within some seconds, nothing runs and nothing lies there any more."""
        wait_until(
            lambda: not self.processes() and not self.files(),
            within,
            "nothing runs and nothing lies on the far side",
            lambda: [*(process.cmdline() for process in self.processes()), *self.files()],
        )

    def close(self) -> None:
        """End what is left, and remove everything."""
        for process in self.processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._own.cleanup()

    def __enter__(self) -> Far:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class StandIn(Far):
    """A far side without sshd: `ssh` is a script that runs the remote command here, in a session of its own, too."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, path: str = "/usr/bin:/bin") -> None:
        super().__init__(folder, env, path)
        there = " ".join(f"'{name}={value}'" for name, value in self.there.items())
        run = f'exec setsid /usr/bin/env -i {there} /bin/sh -c "test ! -e .bashrc || . ./.bashrc; $last"'
        self.script("ssh", f"for last; do :; done\ncd {self.home}\n{run}", near=True)


class Sshd(Far):
    """A real sshd on loopback. `extra` are lines for its configuration, `passphrase` protects the person's key."""

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        path: str = "/usr/bin:/bin",
        *,
        extra: str = "",
        passphrase: str = "",
    ) -> None:
        super().__init__(folder, env, path)
        if os.geteuid() == 0:
            _PRIVSEP.mkdir(mode=0o755, exist_ok=True)
        keys = self._folder("keys")
        for name, secret in (("host", ""), ("user", passphrase)):
            command = [str(TOOLS["ssh-keygen"]), "-q", "-t", "ed25519", "-N", secret, "-f", str(keys / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        shutil.copy(keys / "user.pub", keys / "authorized")
        self.config = keys / "ssh_config"
        self._extra = extra
        self._keys = keys
        self.process: subprocess.Popen[bytes] | None = None
        for _ in range(5):  # a free port may be taken by somebody else in between
            if self._start(_free_port()):
                break
        else:
            self.close()
            raise AssertionError(f"sshd does not start:\n{(keys / 'log').read_text()}")
        self.script("ssh", f'exec {TOOLS["ssh"]} -F {self.config} "$@"', near=True)

    def _start(self, port: int) -> bool:
        keys, user = self._keys, pwd.getpwuid(os.geteuid()).pw_name
        setting = " ".join(f'"{name}={value}"' for name, value in self.there.items())
        (keys / "sshd_config").write_text(
            f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {keys / "host"}
PidFile none
AuthorizedKeysFile {keys / "authorized"}
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
UseDNS no
SetEnv {setting}
{self._extra}
"""
        )
        (keys / "known").write_text(f"[127.0.0.1]:{port} {(keys / 'host.pub').read_text()}")
        self.config.write_text(
            f"""\
Host {self.host}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {keys / "user"}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {keys / "known"}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
"""
        )
        command = [str(SSHD), "-D", "-f", str(keys / "sshd_config"), "-E", str(keys / "log")]
        self.process = process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 15.0
        while process.poll() is None and time.monotonic() < deadline:
            if (keys / "log").exists() and f"port {port}" in (keys / "log").read_text():
                return True
            time.sleep(0.02)
        process.kill()
        process.wait()
        return False

    def close(self) -> None:
        """End sshd and what it has started."""
        if self.process is not None:
            for process in psutil.Process(self.process.pid).children(recursive=True):
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            self.process.kill()
            self.process.wait()
            self.process = None
        super().close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
