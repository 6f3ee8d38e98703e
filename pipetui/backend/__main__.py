"""Runs a hub as `python …/pipetui/backend`: a command line that says in `ps` what the process is.

The folder on the import path is then this one; its parent's parent has to take its place before anything of ours or
of the standard library is imported that could be confused with a module here.
"""

import sys

sys.path[0] = __file__.rsplit("/", 3)[0]

from pipetui.backend.main import main  # noqa: E402

sys.exit(main())
