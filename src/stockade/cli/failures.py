"""Errors that are the user's to mend: which they are, and what is said of each."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer


def report(error: Exception) -> NoReturn:
    """Say what is wrong and leave with status 2; a bug of ours is raised again, traceback and all."""
    # Imported here: `stockade --help` must not wait for the rooms that can fail.
    from stockade.config import BadConfig
    from stockade.config.crs import BadCrs
    from stockade.gateway.envoy.module import Unfit
    from stockade.gateway.envoy.supervisor import StartFailed
    from stockade.gateway.recordings import BadRecording
    from stockade.identity import NoSuchKey
    from stockade.journal.usage import UnreadableLog
    from stockade.networks import BadNetwork
    from stockade.redaction import redact
    from stockade.vocabulary import StoreError
    from stockade.wire import BadTarget

    mendable = (Unfit, BadCrs, StartFailed, BadRecording, NoSuchKey, UnreadableLog, BadNetwork, StoreError, BadTarget)
    if isinstance(error, BadConfig):  # file and line come first, so that editors find them
        typer.echo(str(error), err=True)
    elif isinstance(error, mendable):
        # What was typed may be a whole key, mistyped: it is not repeated on the screen.
        lines = [redact(line) for line in str(error).splitlines()]
        typer.echo("stockade: " + "\n".join(lines), err=True)
    else:
        raise error
    sys.exit(2)
