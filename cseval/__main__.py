"""The command line: ``cseval`` and ``python -m cseval``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a user error becomes one message and its exit code."""
    from cseval.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
