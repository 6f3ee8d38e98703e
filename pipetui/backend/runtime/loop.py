"""The hub's one event loop: selectors for descriptors, a heap for timers, nothing else.

Everything runs in one thread, so a callback sees a consistent state and the hub may fork at any point. No callback
may block. With no timer pending the loop sleeps in epoll_wait without a timeout: an idle hub costs nothing.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable
from typing import Any

Callback = Callable[[], None]


class Timer:
    """A callback that is due at a time; `cancel` makes it nothing."""

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Do not call it."""
        self.callback = None

    @property
    def pending(self) -> bool:
        """Whether it will still be called."""
        return self.callback is not None


class Loop:
    """Runs callbacks when descriptors are ready and when times have come, until `stop`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._running = False

    def on_readable(self, fd: int, callback: Callback) -> None:
        """Call `callback` whenever `fd` can be read, until `forget`."""
        self._watch(fd, selectors.EVENT_READ, callback)

    def on_writable(self, fd: int, callback: Callback | None) -> None:
        """Call `callback` whenever `fd` can be written; None ends that."""
        self._watch(fd, selectors.EVENT_WRITE, callback)

    def _watch(self, fd: int, event: int, callback: Callback | None) -> None:
        try:
            callbacks: dict[int, Any] = dict(self._selector.get_key(fd).data)
        except KeyError:
            if callback is not None:
                self._selector.register(fd, event, {event: callback})
            return
        callbacks.pop(event, None)
        if callback is not None:
            callbacks[event] = callback
        if callbacks:
            self._selector.modify(fd, sum(callbacks), callbacks)
        else:
            self._selector.unregister(fd)

    def forget(self, fd: int) -> None:
        """Stop watching `fd`; to be called before it is closed."""
        try:
            self._selector.unregister(fd)
        except KeyError:
            pass

    def later(self, seconds: float, callback: Callback) -> Timer:
        """Call `callback` once, after `seconds`."""
        timer = Timer(time.monotonic() + max(0.0, seconds), callback)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def stop(self) -> None:
        """Leave `run` after the callback that is running."""
        self._running = False

    def run(self) -> None:
        """Run until `stop`."""
        self._running = True
        while self._running:
            for key, events in self._selector.select(self._timeout()):
                for event, callback in list(key.data.items()):
                    if events & event and self._running and self._still_watched(key.fd, event, callback):
                        callback()
            self._run_timers()

    def _still_watched(self, fd: int, event: int, callback: Callback) -> bool:
        try:
            return self._selector.get_key(fd).data.get(event) is callback
        except KeyError:
            return False

    def _timeout(self) -> float | None:
        while self._timers and not self._timers[0][2].pending:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _run_timers(self) -> None:
        now = time.monotonic()
        while self._running and self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()

    def close(self) -> None:
        """Let go of the selector."""
        self._selector.close()
