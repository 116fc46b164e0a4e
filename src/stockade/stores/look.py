"""SQLite for those who only look, as a dry run does: nothing is made, changed or left behind beside the file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.pool import StaticPool

from stockade.stores.backend import plain
from stockade.stores.migrations import is_current, migrate
from stockade.vocabulary import StoreError

_PATIENCE = 5.0  # seconds to wait for a writer


class SQLiteLook:
    """A `Backend`. A file that is not there is as an empty one, and one with older tables is read from a copy in
    memory, which alone is brought up to date. Other processes may go on writing to the file."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.revision = _Still()
        self._one_at_a_time = threading.Lock()
        try:
            self._connection = _connect(path)
            self.engine = _engine(self._connection)
            try:
                self._bring_up_to_date()
            except BaseException:
                self.close()
                raise
        except (OSError, sqlite3.Error, sql.exc.SQLAlchemyError, StoreError) as error:
            raise StoreError(f"{path}: the database cannot be opened: {plain(error)}") from error

    def _bring_up_to_date(self) -> None:
        with self.engine.connect() as connection:
            if is_current(connection):
                return
        copy = _in_memory()
        self._connection.backup(copy)
        self.close()
        self._connection, self.engine = copy, _engine(copy)
        with self.engine.begin() as connection:
            migrate(connection)

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        with self._one_at_a_time, self.engine.connect() as connection:
            yield connection

    def lost(self) -> bool:
        return False

    def close(self) -> None:
        self.engine.dispose()
        self._connection.close()


class _Still:
    """The revision of what nobody here changes."""

    def read(self) -> int:
        return 0

    def advance(self) -> None:
        pass

    def close(self) -> None:
        pass


def _connect(path: Path) -> sqlite3.Connection:
    """Read-only. With a journal beside the file that is in use, or was when its writer died, what stands in it counts.

    Without one nobody has the file open; SQLite would make a journal all the same, if it were not told so.
    """
    if not path.exists():
        return _in_memory()
    journal, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    unused = not journal.exists() or not journal.stat().st_size
    if not unused and not index.exists():
        raise StoreError(f"{journal} was never written into it; `stockade up` does that, a dry run changes nothing")
    mode = "ro&immutable=1" if unused else "ro"
    uri = f"file:{quote(str(path))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _in_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _engine(connection: sqlite3.Connection) -> sql.Engine:
    return sql.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
