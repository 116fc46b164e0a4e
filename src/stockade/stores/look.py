"""SQLite for those who only look, as a dry run does: nothing is made, changed or left behind beside the file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.pool import StaticPool

from stockade.stores.backend import unopened
from stockade.stores.migrations import is_current, migrate
from stockade.stores.sqlite_files import in_memory, look_into
from stockade.vocabulary import StoreError


class SQLiteLook:
    """A `Backend`. A file that is not there is as an empty one, and one with older tables is read from a copy in
    memory, which alone is brought up to date. Other processes may go on writing to the file."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.revision = _Still()
        self._one_at_a_time = threading.Lock()
        try:
            self._connection = look_into(path)
            self.engine = _engine(self._connection)
            try:
                self._bring_up_to_date()
            except BaseException:
                self.close()
                raise
        except (OSError, sqlite3.Error, sql.exc.SQLAlchemyError, StoreError) as error:
            raise unopened(self.name, error) from error

    def _bring_up_to_date(self) -> None:
        with self.engine.connect() as connection:
            if is_current(connection):
                return
        copy = in_memory()
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


def _engine(connection: sqlite3.Connection) -> sql.Engine:
    return sql.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
