"""What runs in the children of the inventory: finders of FIFOs, one for each root, and the watcher of processes.

What they are told and what they tell are dataclasses, which travel by the codec of the protocol.
"""

from __future__ import annotations

import select
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pipetui.backend.runtime.channel import Receiver, Sender, send_all
from pipetui.kernel.errors import PipeError
from pipetui.model import Pipe
from pipetui.protocol.codec import codec
from pipetui.watch import watcher
from pipetui.watch.report import WatchOrder, WatchReport
from pipetui.watch.tree import TreeWatch

#: How many FIFOs travel in one report.
BATCH = 500


@dataclass(frozen=True, slots=True)
class FinderOrder:
    """Leave a folder unwatched for the time being, or watch it again; a finder that has no such folder does nothing."""

    what: Literal["rest", "wake"]
    folder: str


@dataclass(frozen=True, slots=True)
class FinderReport:
    """FIFOs that were found and paths that are gone; whether the first search is `done`; what was left out (None: as
    before), one sentence each."""

    found: tuple[Pipe, ...] = ()
    gone: tuple[str, ...] = ()
    done: bool = False
    partial: tuple[str, ...] | None = None


FINDER_ORDER = codec(FinderOrder)
FINDER_REPORT = codec(FinderReport)
WATCH_ORDER = codec(WatchOrder)
WATCH_REPORT = codec(WatchReport)


def finder_main(roots: tuple[str, ...], control: int, report: int) -> None:
    """Find the FIFOs below `roots` and keep telling what changes, until the hub is gone."""
    sender, receiver = Sender(report), Receiver(control)
    tree = TreeWatch(*roots)
    reported: tuple[str, ...] = ()

    def tell(found: list[Pipe], gone: Iterable[str] = (), *, done: bool = False) -> None:
        nonlocal reported
        for start in range(0, len(found), BATCH):
            _send(FinderReport(tuple(found[start : start + BATCH])))
        partial = tuple(tree.partial)
        if gone or done or partial != reported:
            reported = partial
            _send(FinderReport(gone=tuple(gone), done=done, partial=partial))

    def _send(what: FinderReport) -> None:
        send_all(sender, report, FINDER_REPORT.encode(what))

    try:
        for found in tree.scan():
            tell(found)
        tell([], done=True)
    except PipeError as error:
        _send(FinderReport(done=True, partial=(str(error),)))
        return
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(tree.fileno(), select.POLLIN)
    while True:
        timeout = tree.timeout()
        if any(fd == control for fd, _ in poller.poll(None if timeout is None else timeout * 1000)):
            for order in map(FINDER_ORDER.decode, receiver.receive()):
                (tree.rest if order.what == "rest" else tree.wake)(order.folder)
            if receiver.ended:
                return
        changes = tree.read()
        tell(changes.found, changes.gone)


def watcher_main(control: int, report: int) -> None:
    """Watch ends and waits and tell what changes, until the hub is gone."""
    sender, receiver = Sender(report), Receiver(control)

    def orders() -> list[WatchOrder]:
        taken = [WATCH_ORDER.decode(order) for order in receiver.receive()]
        if receiver.ended:
            raise SystemExit
        return taken

    try:
        watcher.run(
            watcher.Watcher(),
            orders,
            control,
            lambda what: send_all(sender, report, WATCH_REPORT.encode(what)),
        )
    except SystemExit:
        return
