"""Work on many processes done in two halves at once: one here, one in a forked child, whose answer comes back by memfd.

Reading `/proc` is system calls and nothing else, so two processors do it in little more than half of the time. The
answer does not come through a pipe, because pipes are what is being looked at.
"""

from __future__ import annotations

import marshal
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pipetui.kernel.fd import Fd

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Fewer processes than this are sooner looked at than a child is forked.
WORTH_IT = 300


def in_halves(
    work: Callable[[Sequence[Item]], list[Answer]],
    items: Sequence[Item],
    worth_it: int = WORTH_IT,
) -> Iterator[list[Answer]]:
    """Yield `work(items)` in one list, or in two: the first from here, the second from a child meanwhile.

    Answers must be what marshal takes and follow from each item alone, in order. Fewer items than `worth_it` are done
    here, and so are all where there are other threads, which a fork would lose. Whoever takes the first list can make
    something of it while the child still works.
    """
    alone = len(items) < worth_it or (os.cpu_count() or 1) < 2 or threading.active_count() > 1
    if alone or not hasattr(os, "memfd_create"):
        yield work(items)
        return
    cut = len(items) // 2
    try:
        shared = Fd(os.memfd_create("pipetui-census"))
    except OSError:  # no memory for it
        yield work(items)
        return
    with shared:
        try:
            child = os.fork()
        except OSError:  # no child may be had here
            yield work(items)
            return
        if child == 0:
            _answer(work, items[cut:], shared.fileno())
        status = 1
        try:
            yield work(items[:cut])
        finally:
            _, status = os.waitpid(child, 0)
        yield _received(shared.fileno()) if status == 0 else work(items[cut:])


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
