"""Writes messages to a file as JSON lines, so that a full disk or a lost hub leaves an existing file intact.

Each line is one object: number, time, fifo, writer, reader, length, payload (bytes that are not UTF-8 as surrogate
escapes), for a part of a message piece, and where there are several hosts host. It is written to a temporary file
beside the target, and renamed when complete. Disks may be slow, so this is done in a thread.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pipetui.model import Line
from pipetui.text import decode


class ExportError(Exception):
    """The file could not be written; the message is one sentence."""


def as_json(line: Line, host: str = "") -> str:
    """Return a message (of some host) as one line of JSON."""
    record: dict[str, Any] = {
        "number": line.number,
        "time": line.time,
        "fifo": line.fifo,
        "writer": line.writer,
        "reader": line.reader,
        "length": line.length,
        "payload": decode(line.payload),
    }
    if line.piece:
        record["piece"] = line.piece
    if host:
        record["host"] = host
    return json.dumps(record) + "\n"


def explain(error: OSError, target: Path) -> str:
    """Return what went wrong, in a sentence."""
    if error.errno == errno.ENOSPC:
        return f"The disk is full; {target} was not written."
    if isinstance(error, FileExistsError):
        return f"{target} already exists; choose to replace it or another name."
    return f"{target} was not written: {(error.strerror or str(error)).lower()}."


class Exporter:
    """An async context in which pages are written; leaving it without an error puts the file in place."""

    def __init__(self, target: Path, *, replace: bool) -> None:
        self.count = 0
        self._target = target
        self._replace = replace
        self._file: IO[bytes] | None = None
        self._temporary = ""

    async def __aenter__(self) -> Exporter:
        await self._run(self._open)
        return self

    async def write(self, lines: tuple[tuple[str, Line], ...]) -> None:
        """Write a page of messages, each with the name of its host or an empty one."""
        await self._run(self._append, lines)
        self.count += len(lines)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._run(self._finish)
        finally:
            self._abandon()

    async def _run(self, work: Any, *arguments: Any) -> None:
        try:
            await asyncio.to_thread(work, *arguments)
        except OSError as error:
            raise ExportError(explain(error, self._target)) from None
        except ValueError:
            raise ExportError(f"{self._target} is not a valid file name.") from None

    def _open(self) -> None:
        if self._target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not self._replace and os.path.lexists(self._target):
            raise FileExistsError(errno.EEXIST, "it exists")
        handle, self._temporary = tempfile.mkstemp(prefix=".pipetui-", dir=self._target.parent)
        self._file = os.fdopen(handle, "wb")

    def _append(self, lines: tuple[tuple[str, Line], ...]) -> None:
        assert self._file
        self._file.write("".join(as_json(line, host) for host, line in lines).encode("ascii"))

    def _finish(self) -> None:
        assert self._file
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if self._replace:
            os.replace(self._temporary, self._target)
        else:
            self._link()
        self._temporary = ""

    def _link(self) -> None:
        """Give the file its name only if nobody else has taken it meanwhile, where the filesystem can do that."""
        try:
            os.link(self._temporary, self._target)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS) or os.path.lexists(self._target):
                raise
            os.rename(self._temporary, self._target)
        else:
            os.unlink(self._temporary)

    def _abandon(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                pass
        if self._temporary:
            try:
                os.unlink(self._temporary)
            except OSError:
                pass
            self._temporary = ""
