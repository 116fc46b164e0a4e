"""`Database`: where the tables live, a file of SQLite or a PostgreSQL server, and how all readers learn of a change.

A store declares its tables on METADATA, asks through `read` and `write`, and may remember what it read for as long as
`revision.read()` stays the same: every writer advances it, on this machine at once, elsewhere within a second.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql

from stockade.stores.backend import Backend, DatabasePlace, DatabaseTls, plain
from stockade.vocabulary import StoreError

METADATA = sql.MetaData()
"""Every table of Stockade; its columns are made and changed by `migrations`, and a test holds the two together."""

__all__ = ["METADATA", "Conflict", "Database", "DatabasePlace", "DatabaseTls"]
_AT_ONCE = 8  # questions to a server under way, per process
R = TypeVar("R")


class Conflict(StoreError):
    """What was to be written stands against a rule of the table: most often, that name or id is taken."""


class Database:
    """One database. Raises StoreError, in every method, when it cannot be used; nothing of a statement is in its text.

    Methods may be called by any thread.
    """

    def __init__(self, place: Path | DatabasePlace, *, passive: bool = False) -> None:
        """Opens it, and brings its tables up to date (see `migrations`). passive: makes and changes nothing."""
        self.place = place if isinstance(place, DatabasePlace) else DatabasePlace(place)
        self._backend = _open(self.place, passive)
        self.name = self._backend.name
        self.revision = self._backend.revision
        self.remote = self._backend.remote
        self._threads: ThreadPoolExecutor | None = None

    @property
    def path(self) -> Path:
        return self.place.path

    def read(self, statement: sql.Executable, parameters: Mapping[str, Any] | None = None) -> list[sql.RowMapping]:
        """The rows. A statement that is made once, its values given as parameters, is the fastest."""
        with self._telling(), self._backend.reading() as connection:
            try:
                return list(connection.execute(statement, parameters).mappings())
            except (ValueError, TypeError) as error:  # a column's text that is no JSON
                raise StoreError(f"{self.name}: {plain(error)}") from error

    def write(self, *statements: sql.Executable, announce: bool = True) -> int:
        """All of them or none; the number of rows that the last one changed. Raises Conflict.

        announce: False for what no reader need look at again, such as a time of last use.
        """
        rows = 0
        with self.transaction(announce=announce) as connection:
            for statement in statements:
                rows = connection.execute(statement).rowcount
        return rows

    def write_many(
        self, statement: sql.Executable, rows: Sequence[Mapping[str, Any]], *, announce: bool = True
    ) -> None:
        """One statement for each of the rows, all or none. Raises Conflict."""
        if rows:
            with self.transaction(announce=announce) as connection:
                connection.execute(statement, list(rows))

    @contextmanager
    def transaction(self, *, announce: bool = True) -> Iterator[sql.Connection]:
        """Read, then write by it, all or none: the block's exception undoes it.

        SQLite lets one writer in at a time. PostgreSQL does not: there lock what you read and then change, by
        `select(…).with_for_update()`, or let a unique column or `update(…).where(…)` decide. Raises Conflict.
        """
        with self._telling(), self._backend.engine.execution_options(stockade_writes=True).begin() as connection:
            yield connection
            if announce and self.remote:
                connection.execute(sql.text("UPDATE stockade_revision SET number = number + 1"))
        if announce:
            self.revision.advance()

    async def later(self, question: Callable[[], R]) -> R:
        """The answer of a function that asks this database, without holding up the event loop meanwhile."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stockade-database")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._unless_lost, question)

    def _unless_lost(self, question: Callable[[], R]) -> R:
        if self._backend.lost():
            raise StoreError(f"{self.name}: it does not answer")
        return question()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What the driver raises, as StoreError."""
        try:
            yield
        except sql.exc.IntegrityError as error:
            raise Conflict(f"{self.name}: {plain(error)}") from error
        except (sql.exc.SQLAlchemyError, sqlite3.Error, UnicodeError) as error:
            raise StoreError(f"{self.name}: {plain(error)}") from error

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        self._backend.close()


def _open(place: DatabasePlace, passive: bool) -> Backend:
    if place.url:
        from stockade.stores.postgresql import PostgreSQL

        return PostgreSQL(place, passive=passive)
    if passive:
        from stockade.stores.look import SQLiteLook

        return SQLiteLook(place.path)
    from stockade.stores.sqlite import SQLite

    return SQLite(place.path)
