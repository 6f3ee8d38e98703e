"""The multiprocessing context of everything here."""

from __future__ import annotations

import multiprocessing

#: Forked children, whatever Python's default is: they need not import the program anew, and under "fork" alone a
#: semaphore's name is removed as it is made, so that nothing is left of it, not even after SIGKILL.
FORK = multiprocessing.get_context("fork")
