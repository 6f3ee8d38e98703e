"""What a link's end is called, apart from `link.py` so that commands without an event loop need not load one."""

from __future__ import annotations


class LinkLost(Exception):
    """The hub is gone or can't be understood; the message is one sentence for a person."""
