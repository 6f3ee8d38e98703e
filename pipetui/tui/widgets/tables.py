"""The tables of the main screen: the FIFOs, and the processes at one side of the selected one."""

from __future__ import annotations

from pipetui.client.hosts import FifoKey, HostPipe
from pipetui.model import Role
from pipetui.tui.views.fifos import COLUMNS, HOST
from pipetui.tui.views.holders import Holder, PoolHolderKey, columns
from pipetui.tui.widgets.table import RowTable


class FifoTable(RowTable[FifoKey, HostPipe]):
    """The FIFOs, by path; where there are several hosts, by these first."""

    def __init__(self, *, several: bool = False) -> None:
        columns = (HOST, *COLUMNS) if several else COLUMNS
        super().__init__(columns, lambda key, listed: (key.host, listed.row.pipe.path or "\x7f", key), "fifos")

    def is_faded(self, row: HostPipe) -> bool:
        return bool(row.away)


class HolderTable(RowTable[PoolHolderKey, Holder]):
    """The processes at one side of the selected FIFO."""

    def __init__(self, role: Role) -> None:
        super().__init__(columns(role), lambda key, row: key, f"{role}s")
        self.role = role

    def is_faded(self, row: Holder) -> bool:
        return bool(row.away)
