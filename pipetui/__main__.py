"""The program's entry: answers `--version` before anything else is imported, and hands the rest to the command line."""

import sys

from pipetui import __version__


def main() -> int:
    """Run the command that `sys.argv` names and return its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        print(f"pipetui {__version__}")
        return 0
    try:
        from pipetui.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:  # while the imports were still under way
        return 130


if __name__ == "__main__":
    sys.exit(main())
