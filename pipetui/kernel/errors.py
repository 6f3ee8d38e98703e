"""What can go wrong with a FIFO, in the domain's words. `OSError` is translated here, once, at the kernel's edge."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


class PipeError(Exception):
    """Base of all below: the message is one sentence that says what is wrong and, where there is one, what to do."""


class Missing(PipeError):
    """There is nothing at the path."""


class NotAFifo(PipeError):
    """What is there is no FIFO; it was neither opened nor touched."""


class NotPermitted(PipeError):
    """The kernel refuses this user."""


class Exists(PipeError):
    """Something is already there."""


class NoReader(PipeError):
    """A nonblocking open for writing found no reader (ENXIO, fifo(7))."""


class ReaderGone(PipeError):
    """The last reader left while we wrote (EPIPE)."""


class Stalled(PipeError):
    """The pipe is full and nobody read from it in time."""


class Gone(PipeError):
    """The FIFO that was meant is no longer there: removed or replaced since it was looked at."""


class WouldDisturb(PipeError):
    """It could be done only by opening an end that changes what others see; so it was not done."""


class WatchLimit(PipeError):
    """The kernel allows this user no more inotify watches (or instances); the message names the sysctl to raise."""


class Failed(PipeError):
    """Any other refusal of the kernel, in its own words."""


def explain(error: OSError, path: str) -> PipeError:
    """Return the domain's error for an `OSError` that a call about `path` raised."""
    match error.errno:
        case errno.ENOENT:
            return Missing(f"{path} does not exist")
        case errno.ENOTDIR:
            return Missing(f"{path} does not exist: part of its path is not a folder")
        case errno.ELOOP:
            return NotAFifo(f"{path} is a symbolic link, not a FIFO; name what it points to")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return NotPermitted(f"{path}: {_words(error)}")
        case errno.EEXIST:
            return Exists(f"{path} already exists")
        case errno.ENXIO:
            return NoReader(f"{path} has no reader")
        case errno.EPIPE:
            return ReaderGone(f"the last reader of {path} has gone")
        case _:
            return Failed(f"{path}: {_words(error)}")


def _words(error: OSError) -> str:
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Translate every `OSError` of the block into the domain's error about `path`."""
    try:
        yield
    except OSError as error:
        raise explain(error, path) from error
