"""Work on many processes done in two halves at once: one here, one in a forked child, whose answer comes back by memfd.

Reading `/proc` is system calls and nothing else, so two processors do it in little more than half of the time. The
answer does not come through a pipe, because pipes are what is being looked at.
"""

from __future__ import annotations

import marshal
import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from pipetui.kernel.fd import Fd

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Fewer processes than this are sooner looked at than a child is forked.
WORTH_IT = 300


def in_halves(
    work: Callable[[Sequence[Item]], list[Answer]], items: Sequence[Item], worth_it: int = WORTH_IT
) -> list[Answer]:
    """Return `work(items)`, whose answers must be what marshal takes and follow from each item alone, in order.

    Fewer items than `worth_it` are done here, and so are all where there are other threads, which a fork would lose.
    """
    alone = len(items) < worth_it or (os.cpu_count() or 1) < 2 or threading.active_count() > 1
    if alone or not hasattr(os, "memfd_create"):
        return work(items)
    middle = len(items) // 2
    try:
        with Fd(os.memfd_create("pipetui-census")) as shared:
            child = os.fork()
            if child == 0:
                _answer(work, items[middle:], shared.fileno())
            try:
                first = work(items[:middle])
            finally:
                _, status = os.waitpid(child, 0)
            if status == 0:
                return first + _received(shared.fileno())
    except OSError:  # no memory for a child, or none may be forked here
        return work(items)
    return first + work(items[middle:])


def _answer(work: Callable[[Sequence[Item]], list[Answer]], items: Sequence[Item], shared: int) -> None:
    """In the child: do the work, leave the answer, and end without touching anything that is the parent's."""
    code = 1
    try:
        data = marshal.dumps(work(items))
        while data:
            data = data[os.write(shared, data) :]
        code = 0
    finally:
        os._exit(code)


def _received(shared: int) -> list[Answer]:
    size = os.fstat(shared).st_size
    answer: list[Answer] = marshal.loads(os.pread(shared, size, 0))
    return answer
