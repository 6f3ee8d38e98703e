"""Where workloads run: a folder with the helpers they call, and how each variant of a workload is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from functools import cache
from pathlib import Path

from corpus.workload import Interpreter, Variant, Workload

#: The name of the mark in the environment of all that a run starts.
MARK = "PIPETUI_CORPUS"
_SYSTEM = "/usr/bin:/bin:/usr/sbin:/sbin"

#: Puts the caller into a role, then becomes a command.
_BE = """#!/bin/sh
echo $$ >>"$ROLES/$1"
shift
exec "$@"
"""
#: Runs a command in a pseudo-terminal whose output is thrown away.
_IN_PTY = """#!/bin/sh
exec python3 -S -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$@" >/dev/null
"""
_RENAMED = (
    *("bash", "cat", "dd", "grep", "head", "make", "nohup", "node"),
    *("perl", "python3", "setsid", "sh", "sleep", "tee", "tr", "yes"),
)

_PRELUDE: dict[Interpreter, str] = {
    "bash": 'role() { echo "$BASHPID" >>"$ROLES/$1"; }\n',
    "sh": 'role() { echo $$ >>"$ROLES/$1"; }\n',
    "python": """\
import os, select, signal, subprocess, sys, threading, time
FULL = b"x" * 300_000
def role(name):
    with open(os.environ["ROLES"] + "/" + name, "a") as told:
        told.write(f"{os.getpid()}\\n")
""",
    "perl": 'sub role { open(my $t, ">>", "$ENV{ROLES}/$_[0]"); print $t "$$\\n"; close $t }\n',
    "node": """\
const fs = require("fs"), child = require("child_process");
const role = (name) => fs.appendFileSync(process.env.ROLES + "/" + name, process.pid + "\\n");
""",
}
_FILE: dict[Interpreter, tuple[str, ...]] = {
    "python": ("python3", "-S", "main.py"),
    "perl": ("perl", "main.pl"),
    "node": ("node", "main.js"),
}


def real_python() -> str:
    """Return this interpreter outside of its virtual environment."""
    return os.path.realpath(str(getattr(sys, "_base_executable", sys.executable)))


@cache
def namespace_flags() -> str | None:
    """Return what `unshare` needs to make pid and mount namespaces here; None if it isn't allowed to."""
    if shutil.which("unshare") is None:
        return None
    for flags in ("", "--user --map-root-user"):
        argv = ["unshare", *flags.split(), "--pid", "--fork", "--mount-proc", "true"]
        if subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
            return flags
    return None


def why_not(workload: Workload) -> str:
    """Return why a workload can't run here; empty if it can."""
    run = {"python": "python3"}.get(workload.run, workload.run)
    missing = [name for name in (run, *workload.needs) if name != "python3" and _which(name) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    if workload.namespaces and namespace_flags() is None:
        return "may not make namespaces here"
    return ""


@cache
def _which(name: str) -> str | None:
    if name == "make-4.4":  # the first with --jobserver-style=fifo
        told = subprocess.run(["make", "--version"], capture_output=True, text=True).stdout if _which("make") else ""
        version = told.split("\n")[0].rpartition(" ")[2].split(".")
        return "make" if version[0].isdigit() and [int(part) for part in version[:2]] >= [4, 4] else None
    return shutil.which(name, path=_SYSTEM)


class CorpusFolder:
    """A temporary folder for the runs of a corpus, removed by `close`."""

    def __init__(self) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="corpus-")
        self.folder = Path(self._own.name)
        self._bin, self._disguise, self._names = (self._made(name) for name in ("bin", "disguised", "names"))
        self._script(self._bin / "be", _BE)
        self._script(self._bin / "in-pty", _IN_PTY)
        (self._bin / "python3").symlink_to(real_python())
        for number, name in enumerate(_RENAMED):
            target = real_python() if name == "python3" else shutil.which(name, path=_SYSTEM)
            if target is not None:
                other = self._names / f"job{number}"
                other.symlink_to(target)
                self._script(self._disguise / name, f'#!/bin/sh\nexec {other} "$@"\n')

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir()
        return path

    @staticmethod
    def _script(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def prepare(self, workload: Workload, variant: Variant) -> Preparation:
        """Make the folder of one run, and say how it is started."""
        mark = uuid.uuid4().hex
        folder = self._made(f"{workload.name}-{variant}-{mark[:6]}")
        for name in ("roles", "tmp"):
            (folder / name).mkdir()
        argv = self._argv(workload, folder)
        path = f"{self._bin}:{_SYSTEM}"
        env = {
            "PATH": f"{self._disguise}:{path}" if variant == "renamed" else path,
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "LANG": "C.UTF-8",
            "ROLES": str(folder / "roles"),
            "UNSHARE": f"unshare {namespace_flags() or ''} --pid --fork --kill-child --mount-proc",
            "PYTHONDONTWRITEBYTECODE": "1",
            MARK: mark,
        }
        return Preparation(mark, folder, ["nice", "-n", "15", *_varied(argv, variant)], env)

    @staticmethod
    def _argv(workload: Workload, folder: Path) -> list[str]:
        code = _PRELUDE[workload.run] + workload.code
        if workload.run in ("bash", "sh"):
            return [workload.run, "-c", code]
        argv = _FILE[workload.run]
        (folder / argv[-1]).write_text(code)
        return list(argv)

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._own.cleanup()


class Preparation:
    """How a run is started: its mark, folder, command and environment."""

    def __init__(self, mark: str, folder: Path, argv: list[str], env: dict[str, str]) -> None:
        self.mark, self.folder, self.argv, self.env = mark, folder, argv, env


def _varied(argv: list[str], variant: Variant) -> list[str]:
    """Return the command that starts a variant."""
    bystander = "be bystander sleep 100000 </dev/null >/dev/null 2>&1 & "
    script = {"wrapped": '"$@"; true', "beside": bystander + '"$@"; true', "child": bystander + 'exec "$@"'}
    return argv if variant not in script else ["sh", "-c", script[variant], "sh", *argv]
