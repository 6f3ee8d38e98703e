"""What state a pipe is in, in a few words for a table: the most telling fact first. Pure.

Rates are the hub's business: it says "flowing" where it sees bytes move, and asks here for everything else.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipetui.model import Pipe, Severity, Waiter

#: From this share of its capacity on a pipe counts as full: a slow reader always makes a little room.
NEARLY = 0.9

#: States in which it is worth asking whether bytes have just moved.
_QUIET = ("idle", "open at both ends")

#: A pipe on which something happened within so many seconds is flowing.
RECENT = 2.0


def describe(pipe: Pipe, now: float | None = None, unseen: str = "") -> tuple[str, Severity]:
    """Return the state in words and how it is to be taken.

    `now` (epoch) lets its times and the age of its waits tell whether bytes move. `unseen` says who may hold an end
    without being seen (see `World.unseen`): then nobody can be said to have it open.
    """
    words, severity = _waiting(pipe) or _at_rest(pipe, unseen)
    if now is not None and words in _QUIET and _moves(pipe, now):
        words, severity = "flowing", "active"
    return (f"{words}, removed" if pipe.deleted else words), severity


def name_of(command: str) -> str:
    """Return the program's short name of a command line: `/usr/bin/cat f` is `cat`."""
    first = command.split(" ", 1)[0]
    return first if first.startswith("[") else first.rsplit("/", 1)[-1] or first


def _moves(pipe: Pipe, now: float) -> bool:
    """Whether bytes have just moved: a FIFO's times say so, and who waits to read anew has just read.

    Both times of a FIFO that has never been used are those of its making; they are also equal where each write is read
    at once, but there somebody waits to read: since when, or if the kernel does not tell that, the times count all the
    same.
    """
    if not pipe.holders("r") or not pipe.holders("w"):
        return False
    times = [when for when in (pipe.last_write, pipe.last_read) if when is not None]
    untold = any(waiter.kind == "read" and waiter.since is None for waiter in pipe.waiters)
    if pipe.kind == "anonymous" or (pipe.last_write == pipe.last_read and not untold):
        times = []
    times += [waiter.since for waiter in pipe.waiters if waiter.since is not None]
    return any(now - when < RECENT for when in times)


def _waiting(pipe: Pipe) -> tuple[str, Severity] | None:
    """The state if some task waits on the pipe, else None."""
    by_kind = {
        kind: [w for w in pipe.waiters if w.kind == kind] for kind in ("open-write", "open-read", "write", "read")
    }
    if by_kind["open-write"]:
        return f"{_who(by_kind['open-write'])} for a reader", "waiting"
    if by_kind["open-read"]:
        return f"{_who(by_kind['open-read'])} for a writer", "waiting"
    if by_kind["write"]:
        return _full(pipe) or f"full: {_who(by_kind['write'])} to write", "waiting"
    if by_kind["read"]:
        if pipe.kind == "fifo" and pipe.paths and not pipe.deleted and _by_readers(pipe):
            return f"{_who(by_kind['read'])} for a writer", "calm"
        waiting = {waiter.pid for waiter in by_kind["read"]}
        if set(pipe.holders("w")) <= waiting:
            return f"{_who(by_kind['read'])} for its own write end", "stuck"
        return "idle", "calm"
    return None


def _by_readers(pipe: Pipe) -> bool:
    """Whether its readers alone hold a FIFO open for writing."""
    writers = set(pipe.holders("w"))
    return bool(writers) and writers <= set(pipe.holders("r"))


def _full(pipe: Pipe) -> str:
    """Say who lets the pipe be full: its readers; empty if there are none."""
    readers = {end.pid: name_of(end.command) for end in pipe.ends if end.access == "r"}
    if len(readers) > 1:
        return f"full: its {len(readers)} readers lag"
    for pid, name in readers.items():
        return f"full: {name} ({pid}) lags" if name else f"full: process {pid} lags"
    return ""


def _who(waiters: Iterable[Waiter]) -> str:
    tasks = {waiter.pid: name_of(waiter.command) for waiter in waiters}
    if len(tasks) > 1:
        return f"{len(tasks)} processes wait"
    ((pid, name),) = tasks.items()
    return f"{name} ({pid}) waits" if name else f"process {pid} waits"


def _at_rest(pipe: Pipe, unseen: str) -> tuple[str, Severity]:
    """The state from the ends and the fill alone."""
    readers, writers = len(pipe.holders("r")), len(pipe.holders("w"))
    full = pipe.queued is not None and pipe.capacity is not None and pipe.queued >= NEARLY * pipe.capacity
    if not pipe.ends:
        return (f"unknown: {unseen}" if unseen else "nobody has it open"), "calm"
    left = ", bytes unread" if pipe.queued else ""
    if not readers and unseen:
        return f"{_count(writers, 'writer')}; readers unknown: {unseen}{left}", "calm"
    if not writers and unseen:
        return f"{_count(readers, 'reader')}; writers unknown: {unseen}{left}", "calm"
    if not readers:
        return f"no reader: {_count(writers, 'writer')}{left}", "stuck"
    if not writers:
        return f"no writer: {_count(readers, 'reader')}{left}", "waiting"
    if full:
        return _full(pipe) or "full", "waiting"
    if pipe.queued:
        return "bytes unread", "active"
    return ("idle" if pipe.queued == 0 else "open at both ends"), "calm"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
