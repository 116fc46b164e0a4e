"""SQLite in WAL mode: one file that is ours alone, made once and never again."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.pool import NullPool

from stockade.stores.backend import plain
from stockade.stores.migrations import migrate
from stockade.stores.revision import Revision
from stockade.vocabulary import StoreError

_PATIENCE = 5.0  # seconds to wait for another writer


class SQLite:
    """A `Backend`. Beside the file stands the revision, by which every process of the machine learns of a change."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            self.revision = Revision(path.with_name(path.name + ".revision"))
        except OSError as error:
            raise StoreError(f"{path}: the database cannot be opened: {error}") from error
        try:
            with self.revision.locked():  # of several workers that start at once, one makes the tables
                self.engine = _open(path)
                with self.engine.execution_options(stockade_writes=True).begin() as connection:
                    migrate(connection)
        except (OSError, sql.exc.SQLAlchemyError, StoreError) as error:
            self.revision.close()
            raise StoreError(f"{path}: the database cannot be opened: {plain(error)}") from error

    def lost(self) -> bool:
        return False

    def close(self) -> None:
        self.engine.dispose()
        self.revision.close()


def _open(path: Path) -> sql.Engine:
    # Ours alone before SQLite writes to it: its journals copy the mode. Made only here, never by a later connection,
    # so that its loss is noticed. One that exists is not even opened: closing it would end SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    uri = f"file:{quote(str(path))}?mode=rw"
    # A connection per use: SQLite's are cheap to open, and one that outlives a replaced file would read the old one.
    engine = sql.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None),
        poolclass=NullPool,
    )
    sql.event.listen(engine, "begin", _begin)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    return engine


def _begin(connection: sql.Connection) -> None:
    """The driver begins no transactions (isolation_level None): a writer's holds the lock from its first read on, so
    that nobody writes between what it reads and what it makes of it; a reader's one statement needs none."""
    if connection.get_execution_options().get("stockade_writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
