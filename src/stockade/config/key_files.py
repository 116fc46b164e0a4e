"""New keys in files that only we may read."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def make_key_file(path: Path) -> None:
    """Thirty-two random bytes in hexadecimal, that only we may read.

    It appears whole, and once, however many processes come at the same time.
    """
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(file, "w") as stream:
            stream.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):
            Path(path).hardlink_to(name)
    finally:
        Path(name).unlink()
