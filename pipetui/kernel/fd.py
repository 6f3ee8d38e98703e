"""The owner of one file descriptor: every end that pipetui holds on a pipe has exactly one of these.

A descriptor's number is reused by the kernel as soon as it is closed, so a second `close` of a remembered number
would close somebody else's file. The owner therefore forgets the number before it closes it (close(2), NOTES).
"""

from __future__ import annotations

import os
import warnings
from types import TracebackType


class Fd:
    """Owns one file descriptor until `close` or `detach`; a context manager; accepted wherever `fileno()` is."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = -1
        if number < 0:
            raise ValueError(f"not a file descriptor: {number}")
        self._number = number

    def fileno(self) -> int:
        """Return the number; raises ValueError once closed or detached."""
        if self._number < 0:
            raise ValueError("the file descriptor is closed")
        return self._number

    @property
    def closed(self) -> bool:
        """Whether the descriptor was closed or given away."""
        return self._number < 0

    def close(self) -> None:
        """Close the descriptor; does nothing the second time. An error of close(2) is not for us to repair."""
        number, self._number = self._number, -1
        if number >= 0:
            try:
                os.close(number)
            except OSError:
                pass

    def detach(self) -> int:
        """Give the number away: the caller closes it from now on."""
        number = self.fileno()
        self._number = -1
        return number

    def __enter__(self) -> Fd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Fd closed>" if self.closed else f"<Fd {self._number}>"

    def __del__(self) -> None:
        if self._number >= 0:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            self.close()
