"""The console script, and `python -m stockade`."""

from __future__ import annotations

import sys


def run() -> None:
    """As `stockade.cli.main.run`; Ctrl-C while the commands are still being imported ends it without a traceback."""
    try:
        from stockade.cli.main import run as run_command
    except KeyboardInterrupt:
        sys.exit(130)
    run_command()


if __name__ == "__main__":
    run()
