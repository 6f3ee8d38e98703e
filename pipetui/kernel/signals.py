"""Sends a signal to a process that was seen before, and to no other.

A pid is reused. So the process is held by a pidfd first (pidfd_open(2)), then compared with what was seen, and the
signal goes to what is held (pidfd_send_signal(2)): if the pid changed hands in between, nobody gets it.
"""

from __future__ import annotations

import os
import signal

from pipetui.kernel.errors import Failed, Gone, NotPermitted
from pipetui.kernel.lifetime import pidfd_open
from pipetui.kernel.procfs import Proc


def send(pid: int, command: str, number: int, proc: Proc | None = None) -> None:
    """Send signal `number` to process `pid` if its command line still is `command`.

    Raises Gone, NotPermitted, Failed (no such signal).
    """
    if number not in {int(one) for one in signal.Signals}:
        raise Failed(f"{number} is no signal")
    if pid <= 1:
        raise NotPermitted(f"process {pid} gets no signals from here")
    handle = pidfd_open(pid)
    try:
        if (proc or Proc()).command(pid) != command:
            raise Gone(f"process {pid} is no longer the one that was shown")
        if handle is not None and hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(handle.fileno(), number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        raise Gone(f"process {pid} has ended") from None
    except PermissionError:
        raise NotPermitted(f"you may not send signals to process {pid}") from None
    finally:
        if handle is not None:
            handle.close()
