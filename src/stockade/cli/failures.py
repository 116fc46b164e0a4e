"""Errors that are the user's to mend: which they are, and what is said of each."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer


def report(error: Exception) -> NoReturn:
    """Say what is wrong and leave with status 2; a bug of ours is raised again, traceback and all."""
    from stockade.config import BadConfig

    if isinstance(error, BadConfig):  # file and line come first, so that editors find them
        typer.echo(str(error), err=True)
    elif isinstance(error, _mendable()):
        from stockade.redaction import redact

        # What was typed may be a whole key, mistyped: it is not repeated on the screen.
        lines = [redact(line) for line in str(error).splitlines()]
        typer.echo("stockade: " + "\n".join(lines), err=True)
    else:
        raise error
    sys.exit(2)


def _mendable() -> tuple[type[Exception], ...]:
    """Imported here: neither `stockade --help` nor who mistyped a policy must wait for the rooms that can fail."""
    from stockade.config.crs import BadCrs
    from stockade.gateway.envoy.module import Unfit
    from stockade.gateway.envoy.supervisor import StartFailed
    from stockade.gateway.recordings import BadRecording
    from stockade.identity import NoSuchFactor, NoSuchKey, NoSuchUser
    from stockade.identity.mendable import CREDENTIAL_ERRORS
    from stockade.journal.usage import UnreadableLog
    from stockade.networks import BadNetwork
    from stockade.vocabulary import StoreError
    from stockade.wire import BadTarget

    return (
        Unfit,
        BadCrs,
        StartFailed,
        BadRecording,
        NoSuchFactor,
        NoSuchKey,
        NoSuchUser,
        UnreadableLog,
        BadNetwork,
        StoreError,
        BadTarget,
        *CREDENTIAL_ERRORS,
    )
