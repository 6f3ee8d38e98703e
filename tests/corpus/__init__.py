"""The corpus: healthy and sick workloads of public programs, and pairs that look alike from outside.

`WORKLOADS` is the registry: a new workload is a new entry in one of these files. `benchmarks/doctor.py` looks at all of
them for long, `tests/test_corpus.py` for a moment.
"""

from __future__ import annotations

from corpus.healthy_fifos import FIFOS
from corpus.healthy_pools import POOLS
from corpus.healthy_python import PYTHON
from corpus.healthy_servers import SERVERS
from corpus.healthy_shell import SHELL
from corpus.healthy_tools import TOOLS
from corpus.sick_ends import ENDS
from corpus.sick_polls import POLLS
from corpus.sick_waits import WAITS
from corpus.twins import TWINS
from corpus.workload import Workload

__all__ = ["WORKLOADS"]

WORKLOADS: tuple[Workload, ...] = (*SHELL, *FIFOS, *POOLS, *PYTHON, *SERVERS, *TOOLS, *WAITS, *POLLS, *ENDS, *TWINS)
