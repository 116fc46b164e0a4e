"""Files of SQLite for those who only look: nothing is made, changed or left behind beside them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_PATIENCE = 5.0  # seconds to wait for a writer


def look_into(path: Path) -> sqlite3.Connection:
    """What is in the file, read-only; one that is not there is as an empty one. Raises OSError, sqlite3.Error.

    With a journal beside the file that is in use, or was when its writer died, what stands in it counts. Without one
    nobody has the file open; SQLite would make a journal all the same, if it were not told so.
    """
    check_is_file(path)
    if not path.exists():
        return in_memory()
    if not os.access(path, os.R_OK):
        raise PermissionError("you may not read it: run this as the user whom the gateway runs as")
    journal, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    unused = not journal.exists() or not journal.stat().st_size
    if not unused and not index.exists():
        return _of_a_copy(path, journal)
    return _connect(path, "ro&immutable=1" if unused else "ro")


def check_is_file(path: Path) -> None:
    """Raises OSError where something else has that name: SQLite would wait at a pipe for ever."""
    if path.is_dir():
        raise IsADirectoryError("it is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise OSError("it is no ordinary file; name another")


def in_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _of_a_copy(path: Path, journal: Path) -> sqlite3.Connection:
    """Where nobody has the file open and its journal was never written into it: SQLite would do that here and now."""
    with tempfile.TemporaryDirectory(prefix="stockade-look-") as folder:
        copied = Path(folder) / path.name
        shutil.copyfile(path, copied)
        shutil.copyfile(journal, copied.with_name(journal.name))
        whole = in_memory()
        with closing(_connect(copied, "rw")) as connection:
            connection.backup(whole)
    return whole


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
