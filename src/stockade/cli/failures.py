"""Errors that are the user's to mend: which they are, and what is said of each."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

import typer

_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def report(error: Exception) -> NoReturn:
    """Say what is wrong and leave with status 2; a bug of ours is raised again, traceback and all."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _report_no_room(error)
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


def _report_no_room(error: OSError) -> NoReturn:
    """Whichever file it was, standard output too: what is left in its buffer is not tried again at the end."""
    where = f"{error.filename} cannot be written" if error.filename else "what was asked for could not be written"
    typer.echo(f"stockade: {where}: {error.strerror}", err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(2)
