"""The owner of a descriptor: closes once, forgets first, complains when forgotten."""

from __future__ import annotations

import os

import pytest

from pipetui.kernel.fd import Fd


def pair() -> tuple[Fd, Fd]:
    reader, writer = os.pipe()
    return Fd(reader), Fd(writer)


def test_closing_twice_never_closes_somebody_elses_file() -> None:
    reader, writer = pair()
    number = reader.fileno()
    reader.close()
    with open(os.devnull) as other:
        assert other.fileno() == number  # the kernel has reused it
        reader.close()
        other.read()
    writer.close()
    assert writer.closed


def test_a_closed_owner_gives_no_number() -> None:
    reader, writer = pair()
    with reader, writer:
        pass
    with pytest.raises(ValueError, match="closed"):
        reader.fileno()
    with pytest.raises(ValueError):
        Fd(-1)


def test_a_detached_number_stays_open() -> None:
    reader, writer = pair()
    number = reader.detach()
    reader.close()
    os.close(number)  # would fail if it had been closed
    writer.close()


def test_one_that_nobody_closed_is_a_warning_and_is_closed() -> None:
    reader, writer = pair()
    number = reader.fileno()
    writer.close()
    with pytest.warns(ResourceWarning, match="unclosed"):
        del reader
    with pytest.raises(OSError):
        os.fstat(number)
