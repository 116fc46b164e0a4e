"""Commands of `stockade`, run by the console script's own function in this process: one of its own costs a second."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from stockade.cli.main import run


class Done(NamedTuple):
    status: int
    out: str
    err: str


def command(words: list[str], folder: Path, typed: str = "") -> Done:
    """What `stockade WORDS` does in that folder; `typed` is its standard input."""
    with (
        (folder / "command.out").open("w+") as out,
        (folder / "command.err").open("w+") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["stockade", *words])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        try:
            run()
        except SystemExit as end:
            status = int(end.code or 0)
        else:
            status = 0
    return Done(status, (folder / "command.out").read_text(), (folder / "command.err").read_text())
