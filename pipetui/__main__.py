"""The program's entry: answers `--version` before anything else is imported, and hands the rest to the command line."""

import sys

from pipetui import __version__, streams


def main() -> int:
    """Run the command that `sys.argv` names and return its exit code."""
    try:
        streams.hold()
        return streams.finish(_run(sys.argv[1:]))
    except KeyboardInterrupt:  # while the imports were still under way
        return 130


def _run(arguments: list[str]) -> int:
    if arguments in (["--version"], ["-V"]):
        print(f"pipetui {__version__}")
        return 0
    from pipetui.cli.app import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
