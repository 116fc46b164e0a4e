"""SQLite in WAL mode: one file that is ours alone, made once and never again."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.pool import NullPool

from stockade.stores.backend import unopened
from stockade.stores.migrations import migrate
from stockade.stores.revision import Revision
from stockade.stores.sqlite_files import check_is_file
from stockade.vocabulary import StoreError

_PATIENCE = 5.0  # seconds to wait for another writer


class SQLite:
    """A `Backend`. Beside the file stands the revision, by which every process of the machine learns of a change."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._one_at_a_time = threading.Lock()
        self._reader: sql.Connection | None = None
        self._mark: tuple[object, ...] = ()
        try:
            check_is_file(path)  # before its rights are changed, or anything is made beside it
            self.revision = Revision(path.with_name(path.name + ".revision"))
        except OSError as error:
            raise unopened(self.name, error) from error
        try:
            with self.revision.locked():  # of several workers that start at once, one makes the tables
                self.engine = _open(path)
                self._readers = _engine(path, "ro")
                with self.engine.execution_options(stockade_writes=True).begin() as connection:
                    migrate(connection)
        except (OSError, sql.exc.SQLAlchemyError, StoreError) as error:
            self.revision.close()
            raise unopened(self.name, error) from error

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """The connection of the last question, for as long as the file and its journal are those that it opened.

        To open one takes twenty times as long as to ask; one that outlives a replaced file would read the old one. It
        may only read: else it would, when it is closed, write into the new file what it finds in the old journal.
        """
        with self._one_at_a_time:
            mark = _mark(self._path)
            if self._reader is None or mark != self._mark:
                self._forget_reader()
                self._reader = self._readers.connect()
                self._reader.exec_driver_sql("SELECT 1 FROM sqlite_master")  # SQLite opens nothing before it must
                self._mark = _mark(self._path)
            try:
                yield self._reader
                self._reader.rollback()
            except BaseException:
                self._forget_reader()
                raise

    def _forget_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def lost(self) -> bool:
        return False

    def close(self) -> None:
        with self._one_at_a_time:
            self._forget_reader()
        with suppress(sql.exc.SQLAlchemyError), self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master")  # the last who may write clears the journal away
        self.engine.dispose()
        self._readers.dispose()
        self.revision.close()


def _mark(path: Path) -> tuple[object, ...]:
    """What changes when the file is replaced, emptied or written to by other means than its journal.

    The journal's size and time change with every write, which its readers see anyway; that it is gone does not.
    """
    try:
        file, journal = os.stat(path), os.stat(f"{path}-wal")  # noqa: PTH116 - half the time of Path.stat
    except OSError:
        return (object(),)  # like nothing else: open it anew, and let SQLite say what is wrong
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, journal.st_dev, journal.st_ino


def _open(path: Path) -> sql.Engine:
    # Ours alone before SQLite writes to it: its journals copy the mode. Made only here, never by a later connection,
    # so that its loss is noticed. One that exists is not even opened: closing it would end SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    engine = _engine(path, "rw")
    sql.event.listen(engine, "connect", _checkpoint_soon)
    sql.event.listen(engine, "begin", _begin)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    return engine


def _engine(path: Path, mode: str) -> sql.Engine:
    uri = f"file:{quote(str(path))}?mode={mode}"
    # A connection per use: one that outlives a replaced file would read the old one; for readers see `reading`.
    return sql.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        ),
        poolclass=NullPool,
    )


def _checkpoint_soon(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's
    """What is written goes from the journal into the file at once, for people copy the file alone."""
    connection.execute("PRAGMA wal_autocheckpoint=1")


def _begin(connection: sql.Connection) -> None:
    """The driver begins no transactions (isolation_level None): a writer's holds the lock from its first read on, so
    that nobody writes between what it reads and what it makes of it; a reader's one statement needs none."""
    if connection.get_execution_options().get("stockade_writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
